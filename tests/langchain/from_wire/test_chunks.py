"""The sum of a stream is what the unary call would have returned."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from gumloop_emulator import Answer, Chunks, Emulator, ToolCall
from tests.langchain.answers import (
    DETAILS,
    IMAGE,
    PIXEL,
    REASONING,
    SIGNED_CALL,
    TEXT_THEN_CALLS,
    added,
    face,
    gathered,
    streamed,
    unary,
)
from tests.langchain.conftest import MakeModel

ANSWERS = {
    "text": (unary(content="Ottawa is it."), streamed({"content": "Ottawa "}, {"content": "is it."})),
    "text and parallel calls": TEXT_THEN_CALLS,
    "reasoning": REASONING,
    "a refusal": (
        unary(refusal="I cannot help with that."),
        streamed({"refusal": "I cannot "}, {"refusal": "help with that."}),
    ),
    "extensions": (
        unary(content="x", gumloop_extensions={"tool_results": [{"url": "https://a", "score": 0.5}]}),
        streamed({"gumloop_extensions": {"tool_results": [{"url": "https://a", "score": 0.5}]}}, {"content": "x"}),
    ),
    "annotations": (
        unary(content="x", annotations=[{"type": "url_citation", "url_citation": {"url": "https://a"}}]),
        streamed({"content": "x"}, {"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a"}}]}),
    ),
    "no usage, no finish reason": (
        unary(None, None, content="x"),
        streamed({"content": "x"}, finish_reason=None, usage=None),
    ),
    "calls with fields of the provider's own": SIGNED_CALL,
    "nothing": (unary(content=""), streamed()),
}
ASKED = {"model": "google/gemini-3.1-flash-image-preview", "modalities": ["text", "image"]}
WITH_IMAGES = {
    "a picture": (unary(images=[IMAGE]), streamed({"images": [IMAGE]})),
    "text and pictures": (
        unary(content="Two pixels.", images=[IMAGE, IMAGE]),
        streamed({"content": "Two "}, {"images": [IMAGE]}, {"content": "pixels."}, {"images": [IMAGE]}),
    ),
    "a picture before its text": (
        unary(content="A pixel.", images=[IMAGE]),
        streamed({"images": [IMAGE]}, {"content": "A "}, {"content": "pixel."}),
    ),
    "text alone": (unary(content="No."), streamed({"content": "N"}, {"content": "o."})),
}


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.parametrize(
    ("answers", "options"),
    [
        *[pytest.param(answers, {}, id=name) for name, answers in ANSWERS.items()],
        *[pytest.param(answers, ASKED, id=name) for name, answers in WITH_IMAGES.items()],
    ],
)
def test_the_sum_of_a_stream_is_the_unary_answer(
    server: Emulator, chat: MakeModel, answers: tuple[Any, Any], options: dict[str, Any], output_version: str
) -> None:
    model = chat(output_version=output_version, **options)
    server.queue(answers[0], answers[1], answers[1])
    expected = face(model.invoke("x"))
    assert face(added(list(model.stream("x")))) == expected
    assert face(added(gathered(model.astream("x")))) == expected


def test_a_stream_without_v1_has_text_as_a_string(server: Emulator, chat: MakeModel) -> None:
    server.queue(TEXT_THEN_CALLS[1])
    chunks = list(chat().stream("x"))
    assert [chunk.content for chunk in chunks if chunk.content] == ["Let me ", "check."]
    assert added(chunks).content_blocks[0] == {"type": "text", "text": "Let me check."}


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_one_last_chunk_carries_what_belongs_to_the_whole(
    server: Emulator, chat: MakeModel, output_version: str
) -> None:
    server.queue(REASONING[1])
    chunks: list[AIMessageChunk] = list(chat(output_version=output_version).stream("x"))
    last = chunks[-1]
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    assert not last.content
    for name in ("finish_reason", "model_name", "cost", "is_byok", "cost_details", "id", "created", "provider"):
        assert [chunk for chunk in chunks if name in chunk.response_metadata] == [last], name
    assert [chunk for chunk in chunks if chunk.usage_metadata] == [last]
    assert [chunk for chunk in chunks if "reasoning_details" in chunk.additional_kwargs] == [last]
    assert last.response_metadata["finish_reason"] == "stop"
    assert last.response_metadata["cost"] == 0.00125
    assert last.response_metadata["is_byok"] is False
    assert last.additional_kwargs["reasoning_details"] == DETAILS


def test_a_last_chunk_that_is_repeated_doubles_nothing(server: Emulator, chat: MakeModel) -> None:
    whole = streamed({"content": "Hi"})
    server.queue(type(whole)([*whole.events, *whole.events[-2:]]))
    total = added(list(chat().stream("x")))
    assert total.response_metadata["finish_reason"] == "stop"
    assert total.response_metadata["model_name"] == "m-served"
    assert total.usage_metadata is not None
    assert total.usage_metadata["total_tokens"] == 32


def test_usage_is_asked_for_and_streamed_with_its_details(server: Emulator, chat: MakeModel) -> None:
    server.queue(streamed({"content": "Hi"}))
    total = added(list(chat().stream("x")))
    assert server.last_body["stream_options"] == {"include_usage": True}
    assert total.usage_metadata == {
        "input_tokens": 20,
        "output_tokens": 12,
        "total_tokens": 32,
        "input_token_details": {"cache_read": 8, "cache_creation": 4},
        "output_token_details": {"reasoning": 5},
    }


def test_each_piece_of_an_answer_is_a_chunk_of_its_own(server: Emulator, chat: MakeModel) -> None:
    pieces = [f"word{number} " for number in range(20)]
    server.queue(streamed(*[{"content": piece} for piece in pieces]))
    assert [chunk.content for chunk in chat().stream("x")] == [*pieces, ""]


def test_pieces_of_a_call_are_shown_as_pieces(server: Emulator, chat: MakeModel) -> None:
    server.queue(TEXT_THEN_CALLS[1])
    chunks = list(chat().stream("x"))
    first = next(chunk for chunk in chunks if chunk.tool_call_chunks)
    assert first.tool_calls == [{"name": "weather", "args": {}, "id": "c1", "type": "tool_call"}]
    assert not any(chunk.invalid_tool_calls for chunk in chunks)
    assert [piece for chunk in chunks for piece in chunk.tool_call_chunks if piece["name"]] == [
        {"type": "tool_call_chunk", "id": "c1", "name": "weather", "args": '{"city": ', "index": 0},
        {"type": "tool_call_chunk", "id": "c2", "name": "weather", "args": '{"city": "Rome"}', "index": 1},
    ]


def test_frames_of_a_picture_are_on_their_chunks_and_only_the_last_is_in_the_sum(
    server: Emulator, chat: MakeModel
) -> None:
    frames = [f"data:image/png;base64,{PIXEL[:-4]}{end}" for end in ("AAA=", "BBB=", "ggg=")]
    server.queue(streamed(*[{"images": [{"image_url": {"url": url}}]} for url in frames]))
    model = chat("gpt-image-1.5", modalities=["image"], image_config={"partial_images": 2})
    chunks = list(model.stream("A pixel"))
    shown = [frame["base64"][-4:] for chunk in chunks for frame in getattr(chunk, "partial_images", [])]
    assert shown == ["AAA=", "BBB=", "ggg="]
    total = added(chunks)
    assert [block["base64"][-4:] for block in total.content_blocks] == ["ggg="]
    assert not hasattr(total, "partial_images")
    assert "partial_images" not in total.additional_kwargs


def test_a_chunk_needs_no_more_than_its_delta(server: Emulator, chat: MakeModel) -> None:
    bare = [{"choices": [{"delta": {"content": "Ot"}}]}, {"choices": [{"delta": {"content": "tawa"}}]}]
    server.queue(Chunks([*bare, {"choices": [{"delta": {}, "finish_reason": "stop"}]}], done=False))
    total = added(list(chat().stream("x")))
    assert total.content == "Ottawa"
    assert total.response_metadata == {"model_provider": "gumloop", "finish_reason": "stop"}
    assert total.usage_metadata is None


def test_invoke_with_streaming_returns_the_same(server: Emulator, chat: MakeModel) -> None:
    server.queue(TEXT_THEN_CALLS[0], TEXT_THEN_CALLS[1])
    expected = face(chat().invoke("x"))
    message = chat(streaming=True).invoke("x")
    assert type(message) is AIMessage
    assert face(message) == expected
    assert server.last_body["stream"] is True


def test_callbacks_get_each_piece_once(server: Emulator, chat: MakeModel) -> None:
    from langchain_core.callbacks import BaseCallbackHandler

    class Tokens(BaseCallbackHandler):
        def __init__(self) -> None:
            self.tokens: list[str] = []

        def on_llm_new_token(self, token: str, *, chunk: Any = None, **kwargs: Any) -> None:
            assert isinstance(chunk, ChatGenerationChunk)
            self.tokens.append(token)

    handler = Tokens()
    server.queue(streamed({"content": "Ot"}, {"content": "tawa"}))
    list(chat().stream("x", config={"callbacks": [handler]}))
    assert handler.tokens == ["Ot", "tawa", ""]


def test_leaving_a_stream_closes_its_connection(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="word " * 500, chunk_delay=0.01))
    stream = chat().stream("x")
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert server.wait_for(lambda emulator: emulator.active_streams == 0)


def test_cancelling_a_stream_closes_its_connection(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="word " * 500, chunk_delay=0.01))

    async def leave() -> None:
        began = asyncio.Event()

        async def read() -> None:
            async for _ in chat().astream("x"):
                began.set()

        task = asyncio.create_task(read())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.wait_for, lambda emulator: emulator.active_streams == 0)

    asyncio.run(leave())


def test_emulated_calls_stream_like_they_are_answered(server: Emulator, chat: MakeModel) -> None:
    calls = [ToolCall("weather", {"city": "Köln", "days": 3}, "c1"), ToolCall("time", {}, "c2")]
    answer = Answer(text="Both.", reasoning="Two tools.", tool_calls=calls, usage={"prompt_tokens": 1})
    server.queue(answer, answer)
    whole, total = chat().invoke("x"), added(list(chat().stream("x")))
    assert whole.tool_calls == total.tool_calls
    assert whole.content_blocks == total.content_blocks
    assert whole.additional_kwargs == total.additional_kwargs
