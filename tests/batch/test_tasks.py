"""Functions as tasks."""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import threading
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gumloop_batch import BatchTaskError, read_results, run
from gumloop_batch.tasks import find_task
from gumloop_core import GumloopClient
from gumloop_emulator import Emulator


class Size(BaseModel):
    letters: int


ROWS = [{"id": number, "text": "x" * number} for number in range(5)]


def blocking(row: dict[str, Any]) -> Size:
    return Size(letters=len(row["text"]))


async def waiting(row: dict[str, Any]) -> Size:
    await asyncio.sleep(0)
    return blocking(row)


def handing_on(row: dict[str, Any]) -> Awaitable[Size]:
    return waiting(row)


def with_model(row: dict[str, Any], model: int) -> Size:
    return Size(letters=len(row["text"]) * model)


async def waiting_with_model(row: dict[str, Any], model: int, extra: int = 1) -> Size:
    return Size(letters=len(row["text"]) * model * extra)


class Callable_:
    async def __call__(self, row: dict[str, Any]) -> Size:
        return blocking(row)


@pytest.mark.parametrize(
    ("task", "model", "times"),
    [
        (blocking, None, 1),
        (waiting, None, 1),
        (handing_on, None, 1),
        (with_model, 2, 2),
        (waiting_with_model, 2, 2),
        (functools.partial(waiting_with_model, model=3), None, 3),
        (Callable_(), None, 1),
    ],
)
def test_a_function_of_any_kind(output: Path, task: Any, model: Any, times: int) -> None:
    assert run(ROWS, task, model=model, output=output, key="id", progress=False).failed == 0
    rows = sorted(read_results(output).to_pylist(), key=lambda row: row["id"])
    assert [row["letters"] for row in rows] == [number * times for number in range(5)]


def test_functions_that_block_run_side_by_side(output: Path) -> None:
    together = threading.Barrier(5, timeout=20)

    def meet(row: dict[str, Any]) -> str:
        together.wait()
        return "met"

    assert run(ROWS, meet, output=output, key="id", progress=False).answered == 5


def test_what_blocking_calls_take_is_known(server: Emulator, output: Path) -> None:
    client = GumloopClient()

    def ask(row: dict[str, Any], model: GumloopClient) -> str:
        messages = [{"role": "user", "content": f"{row['id']}?"}]
        return model.complete({"model": "claude-sonnet-4-5", "messages": messages}).text

    result = run(ROWS, ask, model=client, output=output, key="id", progress=False)
    rows = read_results(output).to_pylist()
    assert all(row["attempts"] == 1 and row["input_tokens"] > 0 and row["answer_id"] for row in rows)
    assert result.input_tokens == sum(row["input_tokens"] for row in rows)


def test_a_function_of_too_many_arguments() -> None:
    with pytest.raises(BatchTaskError, match="takes a row, or a row and the model"):
        find_task(lambda a, b, c: None)


def test_a_function_without_annotations_answers_with_json(output: Path) -> None:
    run(ROWS[:1], lambda row: {"a": [row["id"]]}, output=output, progress=False)
    assert read_results(output)["answer"].to_pylist() == ['{"a":[0]}']


def test_a_job_of_functions_imports_no_framework(tmp_path: Path) -> None:
    program = f"""
import sys
from gumloop_batch import run
run([{{"a": 1}}], lambda row: "x", output={str(tmp_path / "out")!r}, progress=False)
print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{"langchain_core", "llama_index", "ray"}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
