"""Chunks added up, in every way that users and frameworks add them: the message that the unary call returns.

LangChain reads half a call as a whole one where it adds up chunks (https://github.com/langchain-ai/langchain/issues/39275).
"""

from __future__ import annotations

import copy
import functools
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.load import dumpd, load
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    message_chunk_to_message,
    messages_from_dict,
    messages_to_dict,
)
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from gumloop_emulator import Emulator
from langchain_gumloop.from_wire.chunks import StreamedChunk
from tests.langchain.answers import PIXEL_URL, call, call_piece, face, streamed, unary
from tests.langchain.conftest import MakeModel

Chunks = list[AIMessageChunk]


def _pairwise(chunks: Chunks) -> AIMessage:
    return functools.reduce(operator.add, chunks)


def _from_an_empty_chunk(chunks: Chunks) -> AIMessage:
    return functools.reduce(operator.add, chunks, AIMessageChunk(content="", id=chunks[0].id))


def _as_a_list(chunks: Chunks) -> AIMessage:
    return chunks[0] + chunks[1:]


def _in_halves(chunks: Chunks) -> AIMessage:
    half = len(chunks) // 2
    return _pairwise(chunks[:half]) + _pairwise(chunks[half:])


def _as_generations(chunks: Chunks) -> AIMessage:
    return functools.reduce(operator.add, [ChatGenerationChunk(message=chunk) for chunk in chunks]).message


def _as_a_list_of_generations(chunks: Chunks) -> AIMessage:
    total = merge_chat_generation_chunks([ChatGenerationChunk(message=chunk) for chunk in chunks])
    assert total is not None
    return total.message  # type: ignore[return-value]


def _as_invoke_does_over_a_stream(chunks: Chunks) -> AIMessage:
    return generate_from_stream(ChatGenerationChunk(message=chunk) for chunk in chunks).generations[0].message  # type: ignore[return-value]


def _after_another_process(chunks: Chunks) -> AIMessage:
    return _pairwise(pickle.loads(pickle.dumps(chunks)))


WAYS = [
    _pairwise,
    _from_an_empty_chunk,
    _as_a_list,
    _in_halves,
    _as_generations,
    _as_a_list_of_generations,
    _as_invoke_does_over_a_stream,
    _after_another_process,
]


def _through_langchains_json(chunk: AIMessageChunk) -> Any:
    return load(dumpd(chunk), allowed_objects="messages")


def _through_a_checkpoint(chunk: AIMessageChunk) -> Any:
    serializer = JsonPlusSerializer()
    return serializer.loads_typed(serializer.dumps_typed(chunk))


def _through_pydantic(chunk: AIMessageChunk) -> Any:
    return AIMessageChunk.model_validate_json(chunk.model_dump_json())


def _through_dicts(chunk: AIMessageChunk) -> Any:
    return messages_from_dict(messages_to_dict([chunk]))[0]


WRITTEN_DOWN = [_through_langchains_json, _through_a_checkpoint, _through_pydantic, _through_dicts]

BROKEN = {
    "cut off within a string": ('{"path": "/home/me/old', "length"),
    "cut off behind a value": ('{"path": "/home"', "length"),
    "cut off before the arguments": ("", "length"),
    "stopped by a filter": ('{"path": "/', "content_filter"),
    "malformed": ("{nope", "tool_calls"),
    "malformed at the end": ('{"path": "/home"}}', "tool_calls"),
    "a list": ("[1]", "tool_calls"),
    "text": ('"/home"', "tool_calls"),
}
HALF_TEXTS = [
    ('{"a": [{"b": "x\\', "length"),
    ('{"a": [[1, 2', "length"),
    ('{"a": "x\\"', "length"),
    ('{"a": "new\nline', "length"),
    ('{"a": 1} and more', "tool_calls"),
    ('{"a": [', "length"),
    ("{", "length"),
]
WHOLE = {
    "no arguments": ("", "tool_calls", {}),
    "whole although the answer was cut off": ('{"path": "/home"}', "length", {"path": "/home"}),
}


def _calling(arguments: str, finish_reason: str) -> tuple[Any, Any]:
    """An answer with a call between text, the arguments in two pieces."""
    half = len(arguments) // 2
    return (
        unary(finish_reason, content="I look. Done.", tool_calls=[call("c1", "look", arguments)]),
        streamed(
            {"content": "I look."},
            call_piece(0, id="c1", name="look"),
            call_piece(0, arguments[:half]),
            call_piece(0, arguments[half:]),
            {"content": " Done."},
            finish_reason=finish_reason,
        ),
    )


@pytest.mark.parametrize("add", WAYS)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize(("arguments", "finish_reason"), BROKEN.values(), ids=list(BROKEN))
def test_a_call_that_is_not_whole_is_none(
    server: Emulator,
    chat: MakeModel,
    arguments: str,
    finish_reason: str,
    output_version: str,
    add: Callable[[Chunks], AIMessage],
) -> None:
    model = chat(output_version=output_version)
    server.queue(*_calling(arguments, finish_reason))
    expected = model.invoke("x")
    assert expected.tool_calls == []
    assert (expected.invalid_tool_calls[0]["args"], expected.invalid_tool_calls[0]["id"]) == (arguments, "c1")
    assert expected.invalid_tool_calls[0]["error"]
    assert face(add(list(model.stream("x")))) == face(expected)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("written_down", WRITTEN_DOWN)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize(("arguments", "finish_reason"), [*BROKEN.values(), *HALF_TEXTS])
def test_a_call_that_is_not_whole_is_none_where_langchain_adds_up_by_itself(
    server: Emulator,
    chat: MakeModel,
    arguments: str,
    finish_reason: str,
    output_version: str,
    written_down: Callable[[Any], Any],
) -> None:
    server.queue(_calling(arguments, finish_reason)[1])
    chunks = list(chat(output_version=output_version).stream("x"))
    plain = [written_down(chunk) for chunk in chunks]
    total = _pairwise(chunks)
    for read in (_pairwise(plain), plain[0] + plain[1:], written_down(total), total + AIMessageChunk(content="")):
        assert type(read) is AIMessageChunk
        assert (read.tool_calls, [one["id"] for one in read.invalid_tool_calls]) == ([], ["c1"])
    assert total.invalid_tool_calls[0]["args"] == arguments


@pytest.mark.parametrize("add", WAYS)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize(("arguments", "finish_reason", "read"), WHOLE.values(), ids=list(WHOLE))
def test_a_call_that_is_whole_is_one(
    server: Emulator,
    chat: MakeModel,
    arguments: str,
    finish_reason: str,
    read: dict[str, Any],
    output_version: str,
    add: Callable[[Chunks], AIMessage],
) -> None:
    model = chat(output_version=output_version)
    server.queue(*_calling(arguments, finish_reason))
    expected = model.invoke("x")
    assert expected.tool_calls == [{"name": "look", "args": read, "id": "c1", "type": "tool_call"}]
    assert face(add(list(model.stream("x")))) == face(expected)


@pytest.mark.parametrize("add", WAYS)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_a_call_before_its_text_stands_behind_it(
    server: Emulator, chat: MakeModel, output_version: str, add: Callable[[Chunks], AIMessage]
) -> None:
    model = chat(output_version=output_version)
    piece = call_piece(0, '{"n": 1}', id="c1", name="look")
    server.queue(
        unary("tool_calls", content="Wait.", reasoning="Hm.", tool_calls=[call("c1", "look", '{"n": 1}')]),
        streamed(piece, {"content": "Wait."}, {"reasoning": "Hm."}, finish_reason="tool_calls"),
    )
    expected = model.invoke("x")
    assert [block["type"] for block in expected.content_blocks] == ["reasoning", "text", "tool_call"]
    assert face(add(list(model.stream("x")))) == face(expected)


@pytest.mark.parametrize("add", WAYS)
@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize("texts", [("Here", " it is."), (None, None), ("Here.", None), (None, "Here.")])
def test_pictures_that_nobody_asked_for_stand_behind_the_text(
    server: Emulator,
    chat: MakeModel,
    texts: tuple[str | None, str | None],
    output_version: str,
    add: Callable[[Chunks], AIMessage],
) -> None:
    image = {"type": "image_url", "image_url": {"url": PIXEL_URL}}
    model = chat(output_version=output_version)
    server.queue(
        unary(content="".join(filter(None, texts)) or None, images=[image]),
        streamed({"content": texts[0]}, {"images": [image]}, {"content": texts[1]}),
    )
    expected = model.invoke("x")
    assert face(add(list(model.stream("x")))) == face(expected)


def test_good_calls_beside_a_malformed_one_keep_their_order(server: Emulator, chat: MakeModel) -> None:
    arguments = ['{"n": 0}', "{nope", '{"n": 2}']
    calls = [call(f"c{place}", "look", text) for place, text in enumerate(arguments)]
    pieces = [call_piece(place, text, id=f"c{place}", name="look") for place, text in enumerate(arguments)]
    server.queue(unary("tool_calls", tool_calls=calls), streamed(*pieces, finish_reason="tool_calls"))
    model = chat(output_version="v1")
    expected, total = model.invoke("x"), _pairwise(list(model.stream("x")))
    assert [one["id"] for one in total.tool_calls] == ["c0", "c2"]
    assert face(total) == face(expected)


def test_finished_and_unfinished_sums_become_messages(server: Emulator, chat: MakeModel) -> None:
    server.queue(_calling('{"path": "/', "length")[1])
    chunks = list(chat().stream("x"))
    for one in (chunks[0], chunks[0] + chunks[1], _pairwise(chunks), chunks[-1]):
        assert type(message_chunk_to_message(one)) is AIMessage
    assert type(_pairwise(chunks)) is AIMessageChunk


def _streamed_chunks(server: Emulator, chat: MakeModel) -> Chunks:
    server.queue(_calling('{"path": "/home"}', "tool_calls")[1])
    return list(chat().stream("x"))


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
def test_to_everyone_else_a_chunk_is_langchains_own(server: Emulator, chat: MakeModel) -> None:
    chunks = _streamed_chunks(server, chat)
    serializer = JsonPlusSerializer()
    for chunk in chunks:
        plain = AIMessageChunk(**{**chunk.__dict__, "tool_calls": [], "invalid_tool_calls": []})
        plain.tool_calls, plain.invalid_tool_calls = chunk.tool_calls, chunk.invalid_tool_calls
        assert chunk.__class__ is AIMessageChunk
        assert chunk == plain
        assert plain == chunk
        assert repr(chunk) == repr(plain)
        assert dumpd(chunk) == dumpd(plain)
        assert messages_to_dict([chunk]) == messages_to_dict([plain])
        assert type(load(dumpd(chunk), allowed_objects="core")) is AIMessageChunk
        kind, data = serializer.dumps_typed(chunk)
        assert type(serializer.loads_typed((kind, data))) is AIMessageChunk


def test_copies_of_chunks_add_up_as_the_chunks_do(server: Emulator, chat: MakeModel) -> None:
    chunks = _streamed_chunks(server, chat)
    expected = face(_pairwise(chunks))
    for copied in (
        [copy.copy(chunk) for chunk in chunks],
        copy.deepcopy(chunks),
        [chunk.model_copy(deep=True) for chunk in chunks],
    ):
        assert type(copied[0]) is StreamedChunk
        assert face(_pairwise(copied)) == expected


def _like_langchain(left: AIMessageChunk, right: AIMessageChunk) -> dict[str, Any]:
    total = add_ai_message_chunks(left, right)
    return {**total.__dict__, "set": total.__pydantic_fields_set__, "extra": total.__pydantic_extra__}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"content": "a"}, {"content": "b"}),
        ({"content": "a", "id": "run-1"}, {"content": "b", "id": "run-1"}),
        ({"content": "a", "id": "run-1"}, {"content": "b"}),
        ({"content": "", "additional_kwargs": {"reasoning_content": "hm"}}, {"content": "b"}),
        ({"content": "a"}, {"content": "", "additional_kwargs": {"reasoning_content": "hm"}}),
        ({"content": "a", "name": "ada"}, {"content": "b"}),
        ({"content": "a", "response_metadata": {"x": "1"}}, {"content": "b", "response_metadata": {"y": "2"}}),
        ({"content": "a"}, {"content": ["b"]}),
        ({"content": "a", "partial_images": [1]}, {"content": "b", "partial_images": [2]}),
        (
            {"content": "a", "usage_metadata": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}},
            {"content": "b"},
        ),
    ],
)
def test_a_sum_of_text_is_in_every_attribute_langchains_own(left: dict[str, Any], right: dict[str, Any]) -> None:
    first, second = StreamedChunk(**left), StreamedChunk(**right)
    before = copy.deepcopy((first.__dict__, second.__dict__))
    total = first + second
    assert type(total) is StreamedChunk
    mine = {**total.__dict__, "set": total.__pydantic_fields_set__, "extra": total.__pydantic_extra__}
    assert mine == _like_langchain(first, second)
    assert list(total.__dict__) == list(add_ai_message_chunks(first, second).__dict__)
    total.additional_kwargs["changed"] = total.response_metadata["changed"] = True
    total.tool_calls.append({"name": "x", "args": {}, "id": "x"})
    assert (first.__dict__, second.__dict__) == before


def test_what_is_no_chunk_is_added_as_langchain_does() -> None:
    with pytest.raises(TypeError):
        StreamedChunk(content="a") + 5
    with pytest.raises(TypeError):
        5 + StreamedChunk(content="a")
