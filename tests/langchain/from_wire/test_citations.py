"""Citations, as LangChain's standard blocks, and on their way back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from gumloop_emulator import Answer, Emulator
from tests.langchain.answers import (
    PIXEL_URL,
    acollected,
    added,
    call,
    call_piece,
    collected,
    face,
    gathered,
    streamed,
    unary,
)
from tests.langchain.conftest import MakeModel
from tests.langchain.from_wire.test_server_tools import RESULTS

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

CITED = {
    "type": "url_citation",
    "url_citation": {"url": "https://a.example", "title": "A", "content": "Said so.", "start_index": 0, "end_index": 5},
}
FLAT = {"type": "url_citation", "url": "https://b.example", "start_index": 2}
FILE = {"type": "file", "file": {"hash": "h1", "name": "a.pdf", "content": [{"type": "text", "text": "Page 1"}]}}
NEW = {"type": "brand_new", "index": 0, "x": [1]}
BROKEN: list[Any] = ["text", 5, None, {"type": "url_citation"}]
RECEIVED = [CITED, FLAT, FILE, NEW]
ANNOTATIONS = [
    {
        "type": "citation",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "Said so.",
        "start_index": 0,
        "end_index": 5,
    },
    {"type": "citation", "url": "https://b.example", "start_index": 2},
    {"type": "non_standard_annotation", "value": FILE},
    {"type": "non_standard_annotation", "value": NEW},
]
ANSWERS = {
    "with text": (
        unary(content="Fact.", annotations=RECEIVED),
        streamed({"content": "Fa"}, {"annotations": RECEIVED[:1]}, {"content": "ct."}, {"annotations": RECEIVED[1:]}),
    ),
    "before a call": (
        unary("tool_calls", content="Fact.", annotations=RECEIVED, tool_calls=[call("c1", "look", "{}")]),
        streamed(
            {"content": "Fact."},
            {"annotations": RECEIVED},
            call_piece(0, "{}", id="c1", name="look"),
            finish_reason="tool_calls",
        ),
    ),
    "without text": (
        unary(content="", annotations=RECEIVED),
        streamed({"annotations": RECEIVED}),
    ),
}


def text_blocks(message: AIMessage) -> list[Any]:
    return [block for block in message.content_blocks if block["type"] == "text"]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("answers", ANSWERS.values(), ids=list(ANSWERS))
def test_annotations_are_on_the_text(
    server: Emulator, chat: MakeModel, answers: tuple[Any, Any], output_version: str
) -> None:
    model = chat(output_version=output_version)
    server.queue(answers[0], *[answers[1]] * 4)
    whole = model.invoke("x")
    assert [block["annotations"] for block in text_blocks(whole)] == [ANNOTATIONS]
    assert whole.additional_kwargs["annotations"] == RECEIVED
    assert face(added(list(model.stream("x")))) == face(whole)
    assert face(added(gathered(model.astream("x")))) == face(whole)
    for message in (collected(model), asyncio.run(acollected(model))):
        assert [block["annotations"] for block in text_blocks(message)] == [ANNOTATIONS]
        assert message.additional_kwargs["annotations"] == RECEIVED


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_an_annotation_that_cannot_be_read_is_kept_raw(server: Emulator, chat: MakeModel, output_version: str) -> None:
    server.queue(unary(content="x", annotations=BROKEN), streamed({"content": "x"}, {"annotations": BROKEN}))
    model = chat(output_version=output_version)
    for message in (model.invoke("x"), added(list(model.stream("x")))):
        (block,) = text_blocks(message)
        assert [one["value"] for one in block["annotations"]] == BROKEN


def test_pictures_beside_annotated_text(server: Emulator, chat: MakeModel) -> None:
    image = {"image_url": {"url": PIXEL_URL}}
    model = chat("google/gemini-3.1-flash-image-preview", modalities=["text", "image"])
    server.queue(
        unary(content="Fact.", images=[image], annotations=RECEIVED),
        streamed({"content": "Fact."}, {"images": [image]}, {"annotations": RECEIVED}),
    )
    whole = model.invoke("x")
    assert [block["annotations"] for block in text_blocks(whole)] == [ANNOTATIONS]
    assert face(added(list(model.stream("x")))) == face(whole)


@pytest.mark.parametrize("way", ["v0", "v1", "v1 blocks alone"])
def test_files_that_the_endpoint_parsed_go_back_to_it(server: Emulator, chat: MakeModel, way: str) -> None:
    # https://openrouter.ai/docs/features/multimodal/pdfs: with them the file is not parsed, and paid for, again.
    model = chat(output_version=way[:2])
    numbered = {**FILE, "index": 0}
    server.queue(unary(content="Fact.", annotations=[CITED, numbered]), Answer(text="ok"))
    answer = model.invoke("x")
    if way == "v1 blocks alone":
        answer.additional_kwargs.clear()
    model.invoke([HumanMessage("x"), answer, HumanMessage("y")])
    sent = server.last_body["messages"][1]
    assert sent == {"role": "assistant", "content": "Fact.", "annotations": [numbered]}
    assert isinstance(sent["annotations"][0]["index"], int)


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_an_answer_with_all_of_these_goes_back(server: Emulator, chat: MakeModel, output_version: str) -> None:
    model = chat(output_version=output_version)
    stream = streamed(
        {"gumloop_extensions": {"tool_results": RESULTS}}, {"content": "Found."}, {"annotations": RECEIVED}
    )
    server.queue(stream, stream, *[Answer(text="ok")] * 2)
    for answer in (added(list(model.stream("x"))), collected(model)):
        model.invoke([HumanMessage("x"), answer, HumanMessage("y")])
        sent = server.last_body["messages"][1]
        assert sent == {"role": "assistant", "content": "Found.", "annotations": [FILE]}
