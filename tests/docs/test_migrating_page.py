"""docs/migrating.md says of each argument what becomes of it, and of each thing in answers where it is."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.llms import ChatMessage

from gumloop_core.argument_names import HOLDING_OTHERS, IMPLIED, PARTS, RENAMED
from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.docs.migrating_page import ANSWERS, NOWHERE, PEERS, arguments, places, problem_at, rows_under
from tests.langchain.answers import added
from tests.support.full_answers import streamed, unary
from tests.support.peer_arguments import REFUSED, TAKEN, Refused, Taken

ROWS = arguments()
FRAMEWORK = {"langchain": "LangChain: ", "llama_index": "LlamaIndex: ", None: ""}


def said_of(case: Taken | Refused) -> str:
    """What the page must say of a row of the table that is tried over the wire."""
    name = case.name
    if isinstance(case, Refused):
        return FRAMEWORK[case.only] + case.hint.rstrip(".")
    if name in RENAMED:
        return RENAMED[name]
    if name in PARTS:
        return '{}={{"{}": …}}'.format(*PARTS[name])
    if name in HOLDING_OTHERS:
        return "each entry is the argument of its name"
    if name in IMPLIED and case.only is None:
        return f"{IMPLIED[name]} is taken" if name != "streaming" else ""
    return FRAMEWORK[case.only] + "the same"


def unquoted(text: str) -> str:
    return text.replace("`", "").replace("'", "")


@pytest.mark.parametrize("name", sorted({case.name for case in [*TAKEN, *REFUSED]}))
def test_each_argument_has_a_row_that_says_what_becomes_of_it(name: str) -> None:
    for case in [case for case in [*TAKEN, *REFUSED] if case.name == name]:
        assert unquoted(said_of(case)) in unquoted(ROWS[name]["here"]), case


def test_the_page_names_no_argument_that_is_not_tried() -> None:
    assert ROWS.keys() <= {case.name for case in [*TAKEN, *REFUSED]}
    for row in ROWS.values():
        assert {row[peer] for peer in PEERS} <= {"●", ""}


@pytest.mark.parametrize("stream", [False, True])
def test_each_thing_in_an_answer_is_where_the_page_says(gumloop_emulator: Emulator, stream: bool) -> None:
    connection: dict[str, Any] = {
        "model": "claude-sonnet-4-5",
        "api_key": gumloop_emulator.api_key,
        "user_id": gumloop_emulator.user_id,
        "base_url": gumloop_emulator.base_url,
    }
    chat, llm = ChatGumloop(**connection), Gumloop(**connection)
    gumloop_emulator.queue(*[streamed() if stream else unary() for _ in ANSWERS])
    question = [ChatMessage("Hi")]
    answer = added(list(chat.stream("Hi"))) if stream else chat.invoke("Hi")
    response = list(llm.stream_chat(question))[-1] if stream else llm.chat(question)
    for framework, model, named in (("LangChain", chat, answer), ("LlamaIndex", llm, response)):
        ours = places(framework, type(model).__name__)
        assert len(ours) == len(rows_under(f"Answers of {framework}")) - 1
        names = {"llm": model, ANSWERS[framework]: named}
        problems = {what: problem_at(cell, what, stream=stream, **names) for what, cell in ours.items()}
        assert {what: problem for what, problem in problems.items() if problem} == {}
        assert NOWHERE not in ours.values()
