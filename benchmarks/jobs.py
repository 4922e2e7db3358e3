"""A job of many rows beside what one would write by hand: ``python -m benchmarks.jobs`` writes a page's table.

Each contender runs in a process of its own, at a server that answers after 100 ms and admits as many calls as the name
of its line says.
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.load import LoadServer, worked, write_into
from benchmarks.workers import served

PAGE = Path(__file__).parents[1] / "docs" / "batch.md"
ROWS = (1_000, 10_000)
IN_FLIGHT = 25
MILLISECONDS = 100


def work(who: str, rows: int, address: str) -> tuple[float, float, int]:
    """Do a job in this process; seconds, CPU seconds and bytes of memory at most."""
    from langchain_core.prompts import ChatPromptTemplate

    import gumloop_batch  # noqa: F401 - imports are in nobody's time
    from langchain_gumloop import ChatGumloop

    cap = None if "learned" in who else IN_FLIGHT
    os.environ["GUMLOOP_API_KEY"] = "k"  # in the environment of Ray's workers too: a key does not travel
    model = ChatGumloop(model="m", user_id="benchmark", base_url=address, max_concurrency=cap)
    task = ChatPromptTemplate.from_template("Sort this ticket: {text}") | model
    data = [{"id": number, "text": f"ticket {number}"} for number in range(rows)]
    asyncio.run(task.ainvoke(data[0]))  # what the first call imports is nobody's
    do = next(do for name, do in _WAYS.items() if who.startswith(name))
    began, cpu = time.perf_counter(), time.process_time()
    done = do(task, data)
    assert done == rows, f"{done} of {rows}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return time.perf_counter() - began, time.process_time() - cpu, memory


def _gathered(task: Any, rows: list[dict[str, Any]]) -> int:
    async def all_of() -> list[Any]:
        room = asyncio.Semaphore(IN_FLIGHT)

        async def one(row: dict[str, Any]) -> Any:
            async with room:
                return await task.ainvoke(row)

        return await asyncio.gather(*map(one, rows))

    return len(asyncio.run(all_of()))


def _job(task: Any, rows: list[dict[str, Any]], **options: Any) -> int:
    from gumloop_batch import run

    with tempfile.TemporaryDirectory() as folder:
        return run(rows, task, output=folder, key="id", progress=False, **options).answered


def _on_ray(task: Any, rows: list[dict[str, Any]]) -> int:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    return _job(task, rows, engine="ray", workers=2)


_WAYS: dict[str, Callable[[Any, list[dict[str, Any]]], int]] = {
    "asyncio.gather and a semaphore": _gathered,
    "abatch": lambda task, rows: len(asyncio.run(task.abatch(rows, {"max_concurrency": IN_FLIGHT}))),
    'run(…, engine="ray"': _on_ray,
    "run": _job,
}

LINES = [
    f"asyncio.gather and a semaphore of {IN_FLIGHT}",
    f"abatch(max_concurrency={IN_FLIGHT})",
    f"run, a model with max_concurrency={IN_FLIGHT}",
    f"run, a limit of {IN_FLIGHT} that is learned",
    'run(…, engine="ray", workers=2), a limit that is learned',
]


def main() -> None:
    """Write the table."""
    lines = ["| | rows | rows a second | CPU ms a row | memory |", "| --- | ---: | ---: | ---: | ---: |"]
    with served(LoadServer) as server:
        for who in LINES:
            for rows in ROWS:
                limit = IN_FLIGHT if "learned" in who else 0
                address = f"{server}/{time.monotonic_ns()}/{limit}/{MILLISECONDS}/none/0/-/v1"
                wall, cpu, memory = worked("benchmarks.jobs", who, rows, address, timeout=300)
                cells = f"{rows / wall:.0f}", f"{cpu / rows * 1000:.2f}", f"{memory >> 20} MB"
                lines.append(f"| {who} | {rows:,} | {' | '.join(cells)} |")
                print(lines[-1], flush=True)
    write_into(PAGE, "benchmarks.jobs", lines)


if __name__ == "__main__":
    main()
