"""The command `gumloop-batch`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gumloop_batch import read_results
from gumloop_batch.__main__ import main
from gumloop_emulator import Emulator, Failure

MODULE = """
from langchain_gumloop import ChatGumloop
from pydantic import BaseModel

class Ticket(BaseModel):
    topic: str

llm = ChatGumloop(model="claude-sonnet-4-5")
objects = llm.with_structured_output(Ticket)

def shout(row) -> str:
    return row["text"].upper()

def stop(row) -> str:
    raise KeyboardInterrupt
"""


@pytest.fixture
def at_work(server: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """A directory with rows and a module of tasks."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "batch_tickets", raising=False)
    Path("batch_tickets.py").write_text(MODULE)
    Path("rows.csv").write_text("id,text\n1,one\n2,two\n3,three\n")
    return server


def command(line: str) -> int:
    return main(line.split())


def test_a_job(at_work: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("rows.csv --task batch_tickets:shout --output out --key id") == 0
    assert sorted(read_results("out")["answer"].to_pylist()) == ["ONE", "THREE", "TWO"]
    assert capsys.readouterr().out.startswith("3 rows answered, 0 failed, 0 had an answer before; 0 tokens, $0.0000, ")
    assert command("rows.csv --task batch_tickets:shout --output out --key id --quiet") == 0
    assert "0 rows answered, 0 failed, 3 had an answer before" in capsys.readouterr().out


def test_a_prompt_with_braces(at_work: Emulator) -> None:
    options = ["rows.csv", "--task", "batch_tickets:objects", "--prompt", "Sort {text}", "--output", "out"]
    assert main([*options, "--answer-prefix", "answer_", "--rows-per-file", "2"]) == 0
    assert "answer_topic" in read_results("out").column_names
    assert sorted(request.user_text for request in at_work.requests) == ["Sort one", "Sort three", "Sort two"]


def test_failed_rows_and_limits_have_their_status(at_work: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    at_work.reply(Failure(400), to="two")
    options = ["rows.csv", "--task", "batch_tickets:llm", "--prompt", "{text}", "--output", "out", "--key", "id"]
    assert main(options) == 1
    assert main([*options, "--max-failures", "0"]) == 3
    assert "The job stopped at max_failures=0" in capsys.readouterr().err
    at_work.clear()
    assert main([*options, "--max-failures", "5%"]) == 0
    assert main(["rows.csv", *options, "--output", "other", "--max-tokens", "1"]) == 2  # each row twice
    assert "3 keys (id) come more than once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "what"),
    [
        ("batch_tickets", "must be written as module:object"),
        ("batch_tickets:nothing", "cannot be found"),
        ("nowhere:nothing", "No module named 'nowhere'"),
        ("batch_tickets:Ticket.model_fields", "must be a LangChain runnable"),
    ],
)
@pytest.mark.usefixtures("at_work")
def test_a_task_that_is_not_there(capsys: pytest.CaptureFixture[str], task: str, what: str) -> None:
    assert command(f"rows.csv --task {task} --output out") == 2
    assert what in capsys.readouterr().err
    assert not Path("out").exists()
