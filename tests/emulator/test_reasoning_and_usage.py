"""Reasoning that is signed and has to come back, token counts, costs, and limits."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from gumloop.spec import ChatStreamChunk

from gumloop_emulator import Emulator
from tests.emulator.support import WEATHER, body, deltas, events, post, refusal, text_of, user

QUESTION = "What is the weather in Paris?"
THINKERS = [
    "claude-opus-4-5",
    "gemini-2.5-pro",
    "moonshotai/kimi-k2.6",
    "emulator/thinking",
    "emulator/encrypted-reasoning",
    "emulator/reasoning-summary",
]


def ask(server: Emulator, messages: Any = "Hi", **fields: Any) -> dict[str, Any]:
    """The answer, its choice beside its usage."""
    response = post(server, body(messages, **fields))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return {**answer["choices"][0]["message"], **answer["choices"][0], "usage": answer.get("usage")}


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return {**body(QUESTION, **fields), "model": model}


def tool_turn(server: Emulator, model: str, **fields: Any) -> dict[str, Any]:
    """Return the body of the turn after a tool call, with the assistant message as it came."""
    first = post(server, asked(model, tools=[WEATHER], **fields)).json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "sunny"}
    return {**asked(model, tools=[WEATHER], **fields), "messages": [user(QUESTION), first, result]}


@pytest.mark.parametrize("model", THINKERS)
def test_thinkers_sign(server: Emulator, model: str) -> None:
    message = post(server, asked(model)).json()["choices"][0]["message"]
    details = message["reasoning_details"]
    assert [detail["index"] for detail in details] == list(range(len(details)))
    assert any(detail.get("signature") or detail.get("data") for detail in details)
    visible = "".join(detail.get("text") or detail.get("summary") or "" for detail in details)
    assert message.get("reasoning", "") == visible
    assert ("data" in details[-1]) == (model in ("emulator/encrypted-reasoning", "emulator/reasoning-summary"))


@pytest.mark.parametrize(
    ("model", "reasoning", "thinks"),
    [
        ("claude-sonnet-4-5", None, False),
        ("claude-sonnet-4-5", {"effort": "low"}, True),
        ("claude-sonnet-4-5", {"max_tokens": 500}, True),
        ("claude-sonnet-4-5", {"enabled": True}, True),
        ("claude-sonnet-4-5", {}, False),
        ("claude-opus-4-5", None, True),
        ("claude-opus-4-5", {"effort": "none"}, False),
        ("claude-opus-4-5", {"enabled": False, "effort": "high"}, False),
    ],
)
def test_who_thinks(server: Emulator, model: str, reasoning: dict[str, Any] | None, thinks: bool) -> None:
    answer = ask(server, QUESTION, model=model, **({"reasoning": reasoning} if reasoning is not None else {}))
    assert ("reasoning" in answer) == ("reasoning_details" in answer) == thinks


def test_formats_name_the_provider(server: Emulator) -> None:
    formats = {model: ask(server, model=model)["reasoning_details"][0]["format"] for model in THINKERS[:3]}
    assert formats == {
        "claude-opus-4-5": "anthropic-claude-v1",
        "gemini-2.5-pro": "google-gemini-v1",
        "moonshotai/kimi-k2.6": "unknown",
    }


@pytest.mark.parametrize("model", THINKERS)
def test_streamed_details_add_up(server: Emulator, model: str) -> None:
    message = post(server, asked(model)).json()["choices"][0]["message"]
    chunks = events(post(server, asked(model, stream=True)))
    for chunk in chunks:
        ChatStreamChunk.model_validate(chunk)
    joined: dict[int, dict[str, Any]] = {}
    pieces = [piece for details in deltas(chunks, "reasoning_details") for piece in details]
    for piece in pieces:
        entry = joined.setdefault(piece["index"], {})
        for key, value in piece.items():
            entry[key] = entry.get(key, "") + value if key in ("text", "summary") else value
    assert list(joined.values()) == message["reasoning_details"]
    assert "".join(deltas(chunks, "reasoning")) == message.get("reasoning", "")
    sealed = [piece for piece in pieces if "signature" in piece]
    assert all("text" not in piece for piece in sealed)


@pytest.mark.parametrize("model", THINKERS)
@pytest.mark.parametrize("change", ["intact", "missing", "empty", "other text", "other proof", "swapped"])
def test_reasoning_has_to_come_back(server: Emulator, model: str, change: str) -> None:
    turn = tool_turn(server, model)
    message = turn["messages"][1]
    details = message["reasoning_details"]
    if change == "missing":
        del message["reasoning_details"]
    elif change == "empty":
        message["reasoning_details"] = []
    elif change == "other text":
        key = "text" if "text" in details[-1] else "data"
        details[-1][key] = "x" + details[-1][key]
    elif change == "other proof":
        key = "signature" if "signature" in details[-1] else "data"
        details[-1][key] = details[-1][key][:-2] + "AA"
    elif change == "swapped":
        message["reasoning_details"] = ask(server, "What is the weather in Rome?", model=model)["reasoning_details"]
    if change == "intact":
        answer = post(server, turn)
        assert answer.status_code == 200, answer.text
        assert "sunny" in answer.json()["choices"][0]["message"]["content"]
        return
    param, text = refusal(server, turn)
    assert param == "messages[1].reasoning_details"
    assert text.startswith("The provider rejected the request: messages[1].reasoning_details")


def test_reasoning_may_come_back_in_the_pieces_it_was_streamed_in(server: Emulator) -> None:
    turn = tool_turn(server, "claude-opus-4-5")
    (detail,) = turn["messages"][1]["reasoning_details"]
    text, signature = detail["text"], detail["signature"]
    kind = {"type": "reasoning.text", "index": 0}
    turn["messages"][1]["reasoning_details"] = [
        {**kind, "text": text[:9]},
        {**kind, "text": text[9:]},
        {**kind, "signature": signature},
    ]
    assert post(server, turn).status_code == 200


def test_reasoning_need_not_come_back(server: Emulator) -> None:
    turn = tool_turn(server, "claude-opus-4-5")
    bare = copy.deepcopy(turn)
    del bare["messages"][1]["reasoning_details"]
    later = {**bare, "messages": [*bare["messages"], {"role": "assistant", "content": "Sunny."}, user("Thanks")]}
    assert post(server, later).status_code == 200
    assert post(server, {**bare, "model": "claude-sonnet-4-5"}).status_code == 200
    assert post(server, {**bare, "reasoning": {"enabled": False}}).status_code == 200
    own = json.loads(json.dumps(bare).replace(bare["messages"][2]["tool_call_id"], "call_of_somebody_else"))
    assert post(server, own).status_code == 200


def usage_of(server: Emulator, messages: Any = "Hi", **fields: Any) -> dict[str, Any]:
    usage: dict[str, Any] = ask(server, messages, **fields)["usage"]
    return usage


def test_usage_counts(server: Emulator) -> None:
    short, long = usage_of(server, "Hi there"), usage_of(server, "Hi there " * 40)
    assert short["prompt_tokens"] < long["prompt_tokens"]
    assert short["total_tokens"] == short["prompt_tokens"] + short["completion_tokens"]
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    seen = usage_of(server, [{"role": "user", "content": [{"type": "text", "text": "Hi there"}, picture]}])
    assert seen["prompt_tokens"] > short["prompt_tokens"] + 500
    assert usage_of(server, tools=[WEATHER])["prompt_tokens"] > usage_of(server)["prompt_tokens"]
    assert usage_of(server, "A boat", model="gpt-image-1.5")["completion_tokens"] > 500


@pytest.mark.parametrize("model", ["claude-opus-4-5", "emulator/encrypted-reasoning"])
def test_reasoning_tokens(server: Emulator, model: str) -> None:
    usage = usage_of(server, "Capital of Canada?", model=model)
    assert 0 < usage["completion_tokens_details"]["reasoning_tokens"] < usage["completion_tokens"]


def test_cost_on_openrouter_routes_only(server: Emulator) -> None:
    routed = usage_of(server, model="moonshotai/kimi-k2.6")
    assert routed["cost"] > 0
    assert routed["is_byok"] is False
    for model in ("claude-sonnet-4-5", "emulator/echo"):
        assert "cost" not in usage_of(server, model=model)


def test_a_prompt_that_is_too_long_is_refused(server: Emulator) -> None:
    param, message = refusal(server, asked("emulator/tiny-context") | {"messages": [user("word " * 200)]})
    assert param == "messages"
    assert message.startswith("The provider rejected the request: prompt is too long: ")


def test_no_usage(server: Emulator) -> None:
    assert "usage" not in post(server, asked("emulator/no-usage")).json()
    assert all("usage" not in chunk for chunk in events(post(server, asked("emulator/no-usage", stream=True))))


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens"])
def test_the_cap_cuts_text(server: Emulator, name: str) -> None:
    answer = ask(server, "Tell me about llamas and alpacas", **{name: 3})
    assert (answer["content"], answer["finish_reason"]) == ("Tell me abou", "length")
    assert answer["usage"]["completion_tokens"] == 3
    assert ask(server, "Hi", **{name: 3})["finish_reason"] == "stop"


def test_the_cap_cuts_calls_and_reasoning(server: Emulator) -> None:
    answer = ask(server, QUESTION, tools=[WEATHER], max_tokens=2)
    assert answer["finish_reason"] == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer["tool_calls"][0]["function"]["arguments"])
    thought = ask(server, QUESTION, model="claude-opus-4-5", max_tokens=4)
    assert (thought["content"], thought["finish_reason"], len(thought["reasoning"])) == (None, "length", 16)
    assert "reasoning_details" not in thought


@pytest.mark.parametrize(
    ("stop", "text"),
    [("fox", "Say one "), (["dog", "fox"], "Say one "), (["cat"], "Say one fox two dog"), (["S"], "")],
)
def test_stop_sequences(server: Emulator, stop: str | list[str], text: str) -> None:
    answer = ask(server, "Say one fox two dog", stop=stop)
    assert (answer["content"], answer["finish_reason"]) == (text, "stop")


def test_streams_are_in_small_pieces(server: Emulator) -> None:
    chunks = events(post(server, body("Tell me about llamas", stream=True)))
    assert list(deltas(chunks, "content")) == ["", "Tell ", "me ", "about ", "llamas"]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert (chunks[-1]["choices"], chunks[-2]["choices"][0]["finish_reason"]) == ([], "stop")
    assert text_of(chunks) == "Tell me about llamas"


def test_ids_differ_by_answer(server: Emulator) -> None:
    ids = {post(server, body(service_tier="flex")).json()["id"] for _ in range(3)}
    assert len(ids) == 3
    assert post(server, body(service_tier="flex")).json()["service_tier"] == "flex"
