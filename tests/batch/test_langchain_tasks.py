"""LangChain's runnables as tasks, over the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

import pytest
from langchain_core.output_parsers import PydanticOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, PromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough

from gumloop_batch import BatchTaskError, OtherJobError, read_results, run
from gumloop_batch.tasks import find_task
from gumloop_emulator import Answer, Emulator
from langchain_gumloop import ChatGumloop
from tests.batch.tickets import ROWS, Ticket, done

PROMPT = ChatPromptTemplate.from_messages([("system", "Sort tickets."), ("human", "{text}")])


class TicketDict(TypedDict):
    topic: str
    urgent: bool


@pytest.fixture
def llm(server: Emulator) -> ChatGumloop:
    return ChatGumloop(model="claude-sonnet-4-5")


@pytest.mark.parametrize("schema", [Ticket, TicketDict])
@pytest.mark.parametrize(
    "options", [{}, {"include_raw": True}, {"method": "function_calling"}], ids=["object", "raw", "call"]
)
def test_structured_output_has_typed_columns(
    server: Emulator, llm: ChatGumloop, output: Path, schema: Any, options: Any
) -> None:
    rows = done(PROMPT | llm.with_structured_output(schema, **options), output)
    assert len(rows) == len(server.requests) == 6
    assert isinstance(rows[0]["topic"], str)
    assert rows[0]["urgent"] is False
    assert rows[0]["attempts"] == 1
    assert rows[0]["input_tokens"] > 0


def test_a_chain_that_retries_is_the_chain(llm: ChatGumloop, output: Path) -> None:
    assert "topic" in done((PROMPT | llm.with_structured_output(Ticket)).with_retry(), output)[0]


@pytest.mark.parametrize("end", [[], [StrOutputParser()]], ids=["message", "text"])
def test_a_message_is_its_text(llm: ChatGumloop, output: Path, end: list[Any]) -> None:
    task = PROMPT | llm
    for step in end:
        task = task | step
    assert [row["answer"] for row in done(task, output)] == [row["text"] for row in ROWS]


@pytest.mark.parametrize(
    "prompt", ["{text}", PROMPT, PromptTemplate.from_template("{text}")], ids=["text", "chat", "string"]
)
def test_a_model_by_itself_needs_a_prompt(llm: ChatGumloop, output: Path, prompt: Any) -> None:
    assert done(llm, output, prompt=prompt)[1]["answer"] == "ticket 1"
    assert "topic" in done(llm.with_structured_output(Ticket), output.with_name("objects"), prompt=prompt)[0]


def test_without_a_prompt_the_column_prompt_is_asked(llm: ChatGumloop, output: Path) -> None:
    run([{"prompt": "Hello"}], llm, output=output, progress=False)
    assert read_results(output)["answer"].to_pylist() == ["Hello"]
    with pytest.raises(BatchTaskError, match="needs 'prompt', and the rows have no such column"):
        run(ROWS, llm, output=output.with_name("other"), progress=False)


def test_a_column_that_the_prompt_needs_is_missed_before_the_first_call(
    server: Emulator, llm: ChatGumloop, output: Path
) -> None:
    prompt = ChatPromptTemplate.from_template("{text} {customer} {city}")
    with pytest.raises(BatchTaskError, match="needs 'city', 'customer'"):
        run(ROWS, prompt | llm, output=output, progress=False)
    assert len(server.requests) == 0


def test_a_column_that_another_step_misses_is_the_rows_error(llm: ChatGumloop, output: Path) -> None:
    task = RunnablePassthrough.assign(text=RunnableLambda(lambda row: row["nowhere"])) | PROMPT | llm
    result = run(ROWS, task, output=output, key="id", progress=False)
    assert result.failed == 6
    assert set(read_results(output)["error_type"].to_pylist()) == {"KeyError"}


def test_a_parser_of_the_framework_has_typed_columns(server: Emulator, llm: ChatGumloop, output: Path) -> None:
    server.reply('{"topic": "money", "urgent": true}')
    rows = done(PROMPT | llm | PydanticOutputParser(pydantic_object=Ticket), output)
    assert (rows[0]["topic"], rows[0]["urgent"]) == ("money", True)


def test_an_answer_that_cannot_be_read_is_the_rows_error(server: Emulator, llm: ChatGumloop, output: Path) -> None:
    server.reply(Answer("no JSON"), to="ticket 3")
    for include_raw in (False, True):
        folder = output.with_name(str(include_raw))
        task = PROMPT | llm.with_structured_output(Ticket, include_raw=include_raw)
        assert run(ROWS, task, output=folder, key="id", progress=False).failed == 1
        (failed,) = [row for row in read_results(folder).to_pylist() if row["error_type"]]
        assert failed["id"] == 3
        assert failed["input_tokens"] > 0  # it was paid for


def test_another_prompt_or_model_is_another_job(llm: ChatGumloop, output: Path) -> None:
    run(ROWS, PROMPT | llm, output=output, key="id", progress=False)
    with pytest.raises(OtherJobError, match="its task has another prompt\\."):
        run(ROWS, ChatPromptTemplate.from_template("{text}") | llm, output=output, key="id", progress=False)
    other = ChatGumloop(model="gpt-5")
    with pytest.raises(OtherJobError, match="its task has another model\\."):
        run(ROWS, PROMPT | other, output=output, key="id", progress=False)
    # A model that reaches the same endpoint in another way is the same.
    again = ChatGumloop(model="claude-sonnet-4-5", timeout=5, max_retries=9)
    assert run(ROWS, PROMPT | again, output=output, key="id", progress=False).skipped == 6


def test_no_key_stands_in_the_folder(server: Emulator, output: Path) -> None:
    llm = ChatGumloop(model="claude-sonnet-4-5", api_key=server.api_key, user_id=server.user_id)
    run(ROWS, PROMPT | llm, output=output, key="id", progress=False)
    assert all(server.api_key.encode() not in path.read_bytes() for path in output.iterdir())


def test_a_prompt_beside_a_prompt_is_refused(llm: ChatGumloop) -> None:
    with pytest.raises(BatchTaskError, match="a model that is given by itself"):
        find_task(PROMPT | llm, prompt="{text}")
    with pytest.raises(BatchTaskError, match="a text, or a prompt of LangChain"):
        find_task(llm, prompt=5)
