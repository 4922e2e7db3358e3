"""Answers on their way in: nothing is lost, and streamed and unary ones are the same."""

from __future__ import annotations

import base64

import pytest
from llama_index.core.base.llms.types import LogProb
from llama_index.core.llms import ChatMessage, ImageBlock

from gumloop_emulator import Answer, Chunks, Emulator, Json, ToolCall
from llama_index_gumloop.from_wire.unvalidated import is_same
from tests.support.http_bytes import chunk, completion
from tests.support.pictures import png

USER = [ChatMessage("Hi")]
RICH = Answer(
    text="Here you are.",
    reasoning="I should look, and draw.",
    tool_calls=[ToolCall("look", {"where": "here"}, id="call_1"), ToolCall("draw", {}, id="call_2")],
    images=[png()],
    extensions={"tool_results": [{"name": "search", "results": [1]}]},
    usage={"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11},
)


def test_the_last_of_a_stream_is_the_unary_answer(server: Emulator, llm):
    server.queue(RICH, RICH)
    unary, streamed = llm.chat(USER), list(llm.stream_chat(USER))[-1]
    assert is_same(unary.message, streamed.message)
    assert unary.additional_kwargs.keys() == streamed.additional_kwargs.keys()
    assert unary.raw["usage"] == streamed.raw["usage"]


def test_blocks_come_in_a_set_order(server: Emulator, llm):
    server.queue(RICH)
    assert [block.block_type for block in llm.chat(USER).message.blocks] == [
        "thinking",
        "text",
        "image",
        "tool_call",
        "tool_call",
    ]


def test_what_the_adapter_does_not_know_is_kept(server: Emulator, llm):
    annotations = [{"type": "url_citation", "url_citation": {"url": "https://a.example"}}]
    document = completion("Hi", annotations=annotations)
    document.update(provider="Anthropic", system_fingerprint="fp_1", brand_new={"x": 1})
    document["choices"][0]["native_finish_reason"] = "end_turn"
    server.queue(Json(document))
    response = llm.chat(USER)
    assert response.message.additional_kwargs["annotations"] == annotations
    assert response.raw["brand_new"] == {"x": 1}
    assert response.raw["choices"][0]["native_finish_reason"] == "end_turn"
    assert (response.additional_kwargs["provider"], response.additional_kwargs["system_fingerprint"]) == (
        "Anthropic",
        "fp_1",
    )


def test_what_the_adapter_does_not_know_is_kept_of_a_stream(server: Emulator, llm):
    server.queue(
        Chunks(
            [
                chunk({"content": "Hi", "annotations": [1]}, provider="Anthropic"),
                chunk({"annotations": [2]}, finish_reason="stop", brand_new={"x": 1}),
            ]
        )
    )
    last = list(llm.stream_chat(USER))[-1]
    assert last.message.additional_kwargs["annotations"] == [1, 2]
    assert last.raw["brand_new"] == {"x": 1}
    assert last.additional_kwargs["provider"] == "Anthropic"


def test_extensions_of_the_vendor_come_with_the_message(server: Emulator, llm):
    pieces = [{"tool_results": [1]}, {"tool_results": [2]}]
    server.queue(
        Chunks(
            [
                *(chunk({"gumloop_extensions": piece}) for piece in pieces),
                chunk({"content": "Hi"}, finish_reason="stop"),
            ]
        )
    )
    seen = [response.message.additional_kwargs.get("gumloop_extensions") for response in llm.stream_chat(USER)]
    assert seen == [{"tool_results": [1]}, *[{"tool_results": [1, 2]}] * 3]


def test_a_refusal_comes_with_the_message(server: Emulator, llm):
    server.queue(Answer(text=None, refusal="I would rather not."), Answer(text=None, refusal="I would rather not."))
    assert llm.chat(USER).message.additional_kwargs["refusal"] == "I would rather not."
    refusals = [response.message.additional_kwargs["refusal"] for response in llm.stream_chat(USER)]
    assert refusals[-1] == "I would rather not."
    assert all("I would rather not.".startswith(refusal) for refusal in refusals)


def test_partial_frames_come_beside_the_message(server: Emulator, make_llm):
    frames = [f"data:image/png;base64,{base64.b64encode(png(red)).decode()}" for red in (1, 2)]
    deltas = [{"images": [{"type": "image_url", "image_url": {"url": frame}}]} for frame in frames]
    server.queue(Chunks([*map(chunk, deltas), chunk({}, finish_reason="stop")]))
    llm = make_llm(model="gpt-image-1.5", image_config={"partial_images": 1})
    responses = list(llm.stream_chat(USER))
    assert [response.additional_kwargs.get("partial_images") for response in responses[:2]] == [
        [frames[0]],
        [frames[1]],
    ]
    assert not any(isinstance(block, ImageBlock) for response in responses[:-1] for block in response.message.blocks)
    (final,) = [block for block in responses[-1].message.blocks if isinstance(block, ImageBlock)]
    assert final.resolve_image().read() == png(2)


def test_an_image_that_is_a_url_stays_one(server: Emulator, llm):
    image = {"type": "image_url", "image_url": {"url": "https://pictures.invalid/one.png"}}
    server.queue(Json(completion(None, images=[image])))
    (block,) = llm.chat(USER).message.blocks
    assert str(block.url) == "https://pictures.invalid/one.png"


def test_an_image_that_is_damaged_stays_as_it_came(server: Emulator, llm):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}
    server.queue(Json(completion(None, images=[image])))
    (block,) = llm.chat(USER).message.blocks
    assert str(block.url) == "data:image/png;base64,A"


def test_an_answer_of_thoughts_alone_has_an_empty_text(server: Emulator, llm):
    server.queue(Answer(text="", reasoning="hm"), Answer(text="", reasoning="hm"))
    unary, streamed = llm.chat(USER).message, list(llm.stream_chat(USER))[-1].message
    assert unary.content == streamed.content == ""
    assert [block.block_type for block in unary.blocks] == ["thinking", "text"]


def test_log_probabilities_are_read(server: Emulator, llm):
    document = completion("Hi")
    top = [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}, {"token": "Ho", "logprob": -2.0, "bytes": None}]
    document["choices"][0]["logprobs"] = {"content": [{**top[0], "top_logprobs": top}, {**top[1], "top_logprobs": []}]}
    server.queue(Json(document))
    assert llm.complete("Hi", logprobs=True, top_logprobs=2).logprobs == [
        [LogProb(token="Hi", logprob=-0.1, bytes=[72, 105]), LogProb(token="Ho", logprob=-2.0, bytes=[])],
        [LogProb(token="Ho", logprob=-2.0, bytes=[])],
    ]


def test_log_probabilities_of_a_stream_are_gathered(server: Emulator, llm):
    events = [chunk({"content": text}) for text in ("H", "i")]
    for event, text in zip(events, ("H", "i"), strict=True):
        event["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -1.0}]}
    server.queue(Chunks([*events, chunk({}, finish_reason="stop")]))
    last = list(llm.stream_complete("Hi", logprobs=True))[-1]
    assert [[candidate.token for candidate in token] for token in last.logprobs] == [["H"], ["i"]]


def test_a_completion_does_not_change_its_message(server: Emulator, llm):
    server.queue(RICH)
    response = llm.complete("Hi")
    assert response.additional_kwargs["gumloop_extensions"] == RICH.extensions
    assert response.additional_kwargs["prompt_tokens"] == 5


def test_a_unary_answer_to_a_streamed_request_is_read(server: Emulator, llm):
    server.queue(Json(completion("Hi")))
    responses = list(llm.stream_chat(USER))
    assert responses[-1].message.content == "Hi"
    assert "".join(response.delta for response in responses) == "Hi"


UNREADABLE = [5, {"image_url": 5}, {"image_url": {"url": {"url": "x"}}}, {"image_url": {"url": "no address"}}]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("entry", UNREADABLE, ids=repr)
def test_an_image_that_cannot_be_read_is_kept(server: Emulator, llm, entry, streamed: bool):
    if streamed:
        server.queue(Chunks([chunk({"content": "Here.", "images": [entry]}), chunk({}, finish_reason="stop")]))
        response = list(llm.stream_chat(USER))[-1]
    else:
        server.queue(Json(completion("Here.", images=[entry])))
        response = llm.chat(USER)
    assert response.message.content == "Here."
    (kept,) = response.message.additional_kwargs["unread_images"]
    assert kept in (entry, {"type": "image_url", **entry} if isinstance(entry, dict) else entry)
    assert not [block for block in response.message.blocks if isinstance(block, ImageBlock)]


@pytest.mark.parametrize(
    "content",
    [
        [{"token": 5, "logprob": "x", "bytes": "no", "top_logprobs": 5}],
        [{"token": "a", "logprob": 10**400, "bytes": [1.5], "top_logprobs": [5, {"token": [], "logprob": True}]}],
        [5, None, []],
        5,
        {},
    ],
    ids=repr,
)
def test_odd_logprobs_lose_no_answer(server: Emulator, llm, content):
    body = completion("Yes.")
    body["choices"][0]["logprobs"] = {"content": content}
    server.queue(Json(body))
    response = llm.chat(USER)
    assert response.message.content == "Yes."
    assert response.raw["choices"][0]["logprobs"]["content"] == content


def test_the_id_of_a_call_stays_what_it_was(server: Emulator, llm):
    call = {"index": 0, "type": "function", "function": {"name": "add", "arguments": '{"a": '}}
    rest = {"index": 0, "function": {"arguments": "1}"}}
    deltas = [{"tool_calls": [call]}, {"tool_calls": [rest]}]
    server.queue(Chunks([*map(chunk, deltas), chunk({}, finish_reason="tool_calls")]))
    responses = list(llm.stream_chat(USER))
    calls = [call for response in responses for call in response.message.additional_kwargs.get("tool_calls", ())]
    assert len(calls) > 1
    assert len({call["id"] for call in calls}) == 1
