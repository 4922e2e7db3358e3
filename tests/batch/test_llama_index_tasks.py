"""LlamaIndex's programs and LLMs as tasks, over the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.prompts import ChatMessage, ChatPromptTemplate, PromptTemplate

from gumloop_batch import BatchTaskError, OtherJobError, run
from gumloop_batch.tasks import find_task
from gumloop_emulator import Emulator
from llama_index_gumloop import Gumloop
from tests.batch.tickets import ROWS, Ticket, done


@pytest.fixture
def llm(server: Emulator) -> Gumloop:
    return Gumloop(model="claude-sonnet-4-5")


PROMPTS = ["{text}", PromptTemplate("{text}"), ChatPromptTemplate([ChatMessage(role="user", content="{text}")])]


@pytest.mark.parametrize("prompt", PROMPTS, ids=["text", "template", "chat"])
def test_an_llm(server: Emulator, llm: Gumloop, output: Path, prompt: Any) -> None:
    rows = done(llm, output, prompt=prompt)
    assert [row["answer"] for row in rows] == [row["text"] for row in ROWS]
    assert len(server.requests) == 6
    assert (rows[0]["attempts"], rows[0]["answer_id"][:4]) == (1, "chat")
    rows = done(llm.as_structured_llm(Ticket), output.with_name("objects"), prompt=prompt)
    assert (type(rows[0]["topic"]), rows[0]["urgent"]) == (str, False)


@pytest.mark.parametrize("kind", [LLMTextCompletionProgram, FunctionCallingProgram])
def test_a_program(server: Emulator, llm: Gumloop, output: Path, kind: Any) -> None:
    if kind is LLMTextCompletionProgram:
        server.reply('{"topic": "money", "urgent": true}')
    program = kind.from_defaults(output_cls=Ticket, prompt_template_str="Sort {text}", llm=llm)
    rows = done(program, output)
    assert isinstance(rows[0]["topic"], str)
    with pytest.raises(BatchTaskError, match="needs 'text'"):
        run([{"id": 1}], program, output=output.with_name("other"), progress=False)


def test_another_prompt_or_model_is_another_job(llm: Gumloop, output: Path) -> None:
    run(ROWS, llm, prompt="{text}", output=output, key="id", progress=False)
    with pytest.raises(OtherJobError, match="another prompt"):
        run(ROWS, llm, prompt="Sort {text}", output=output, key="id", progress=False)
    with pytest.raises(OtherJobError, match="another model"):
        run(ROWS, Gumloop(model="gpt-5"), prompt="{text}", output=output, key="id", progress=False)


def test_a_prompt_that_is_none(llm: Gumloop) -> None:
    with pytest.raises(BatchTaskError, match="a text, or a prompt of LlamaIndex"):
        find_task(llm, prompt=5)
    program = LLMTextCompletionProgram.from_defaults(output_cls=Ticket, prompt_template_str="Sort {text}", llm=llm)
    with pytest.raises(BatchTaskError, match="a program has a prompt of its own"):
        find_task(program, prompt="{text}")
