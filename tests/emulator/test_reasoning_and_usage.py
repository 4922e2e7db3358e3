"""Reasoning that is signed and has to come back, token counts, costs, and limits."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from gumloop.spec import ChatStreamChunk

from gumloop_core.emulator import Emulator
from tests.emulator.support import WEATHER, ask, body, deltas, events, post, refusal, text_of, user

QUESTION = "What is the weather in Paris?"
THINKERS = [
    "claude-opus-4-5",
    "gemini-2.5-pro",
    "moonshotai/kimi-k2.6",
    "emulator/thinking",
    "emulator/encrypted-reasoning",
    "emulator/reasoning-summary",
]


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return {**body(QUESTION, **fields), "model": model}


def tool_turn(server: Emulator, model: str, **fields: Any) -> dict[str, Any]:
    """Return the body of the turn after a tool call, with the assistant message as it came."""
    first = post(server, asked(model, tools=[WEATHER], **fields)).json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "sunny"}
    return {**asked(model, tools=[WEATHER], **fields), "messages": [user(QUESTION), first, result]}


@pytest.mark.parametrize("model", THINKERS)
def test_thinkers_sign(gumloop_emulator: Emulator, model: str) -> None:
    message = post(gumloop_emulator, asked(model)).json()["choices"][0]["message"]
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
def test_who_thinks(model: str, reasoning: dict[str, Any] | None, thinks: bool) -> None:
    reply = ask(QUESTION, model=model, **({"reasoning": reasoning} if reasoning is not None else {}))
    assert bool(reply.reasoning) == bool(reply.reasoning_details) == thinks


def test_formats_name_the_provider() -> None:
    formats = {model: ask("Hi", model=model).reasoning_details[0]["format"] for model in THINKERS[:3]}
    assert formats == {
        "claude-opus-4-5": "anthropic-claude-v1",
        "gemini-2.5-pro": "google-gemini-v1",
        "moonshotai/kimi-k2.6": "unknown",
    }


@pytest.mark.parametrize("model", THINKERS)
def test_streamed_details_add_up(gumloop_emulator: Emulator, model: str) -> None:
    message = post(gumloop_emulator, asked(model)).json()["choices"][0]["message"]
    chunks = events(post(gumloop_emulator, asked(model, stream=True)))
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
def test_reasoning_has_to_come_back(gumloop_emulator: Emulator, model: str, change: str) -> None:
    turn = tool_turn(gumloop_emulator, model)
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
        other = ask("What is the weather in Rome?", model=model, tools=[WEATHER])
        message["reasoning_details"] = [dict(detail) for detail in other.reasoning_details]
    if change == "intact":
        answer = post(gumloop_emulator, turn)
        assert answer.status_code == 200, answer.text
        assert "sunny" in answer.json()["choices"][0]["message"]["content"]
        return
    param, text = refusal(gumloop_emulator, turn)
    assert param == "messages[1].reasoning_details"
    assert text.startswith("The provider rejected the request: messages[1].reasoning_details")


def test_reasoning_may_come_back_in_the_pieces_it_was_streamed_in(gumloop_emulator: Emulator) -> None:
    turn = tool_turn(gumloop_emulator, "claude-opus-4-5")
    (detail,) = turn["messages"][1]["reasoning_details"]
    text, signature = detail["text"], detail["signature"]
    kind = {"type": "reasoning.text", "index": 0}
    turn["messages"][1]["reasoning_details"] = [
        {**kind, "text": text[:9]},
        {**kind, "text": text[9:]},
        {**kind, "signature": signature},
    ]
    assert post(gumloop_emulator, turn).status_code == 200


def test_reasoning_need_not_come_back(gumloop_emulator: Emulator) -> None:
    turn = tool_turn(gumloop_emulator, "claude-opus-4-5")
    bare = copy.deepcopy(turn)
    del bare["messages"][1]["reasoning_details"]
    later = {**bare, "messages": [*bare["messages"], {"role": "assistant", "content": "Sunny."}, user("Thanks")]}
    assert post(gumloop_emulator, later).status_code == 200
    assert post(gumloop_emulator, {**bare, "model": "claude-sonnet-4-5"}).status_code == 200
    assert post(gumloop_emulator, {**bare, "reasoning": {"enabled": False}}).status_code == 200
    own = json.loads(json.dumps(bare).replace(bare["messages"][2]["tool_call_id"], "call_of_somebody_else"))
    assert post(gumloop_emulator, own).status_code == 200


def usage_of(**fields: Any) -> dict[str, Any]:
    usage = ask(**fields).usage
    assert usage is not None
    return dict(usage)


def test_usage_counts() -> None:
    short, long = usage_of(messages="Hi there"), usage_of(messages="Hi there " * 40)
    assert short["prompt_tokens"] < long["prompt_tokens"]
    assert short["total_tokens"] == short["prompt_tokens"] + short["completion_tokens"]
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    seen = usage_of(messages=[{"role": "user", "content": [{"type": "text", "text": "Hi there"}, picture]}])
    assert seen["prompt_tokens"] == short["prompt_tokens"] + 1000
    assert usage_of(messages="Hi", tools=[WEATHER])["prompt_tokens"] > usage_of(messages="Hi")["prompt_tokens"]
    drawn = usage_of(messages="A boat", model="gpt-image-1.5")
    assert drawn["completion_tokens"] == 1290


def test_reasoning_tokens() -> None:
    usage = usage_of(messages="Capital of Canada?", model="claude-opus-4-5")
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert 0 < reasoning < usage["completion_tokens"]
    hidden = usage_of(messages="Capital of Canada?", model="emulator/encrypted-reasoning")
    assert hidden["completion_tokens_details"]["reasoning_tokens"] > 0


def test_cached_tokens() -> None:
    marked = {"type": "text", "text": "A long preface. " * 50, "cache_control": {"type": "ephemeral"}}
    first = [{"role": "system", "content": [marked]}, user("Hi")]
    written = usage_of(messages=first)["prompt_tokens_details"]
    read = usage_of(messages=[*first, {"role": "assistant", "content": "Hello"}, user("And?")])["prompt_tokens_details"]
    assert (written["cached_tokens"], written["cache_write_tokens"]) == (0, 200)
    assert (read["cached_tokens"], read["cache_write_tokens"]) == (200, 0)
    plain = usage_of(messages="Hi")["prompt_tokens_details"]
    assert (plain["cached_tokens"], plain["cache_write_tokens"]) == (0, 0)


def test_cost_on_openrouter_routes_only() -> None:
    routed = usage_of(messages="Hi", model="moonshotai/kimi-k2.6")
    assert routed["cost"] == pytest.approx(sum(routed["cost_details"].values()))
    assert routed["cost"] > 0
    assert routed["is_byok"] is False
    for model in ("claude-sonnet-4-5", "emulator/echo"):
        assert "cost" not in usage_of(messages="Hi", model=model)


def test_no_usage(gumloop_emulator: Emulator) -> None:
    assert "usage" not in post(gumloop_emulator, asked("emulator/no-usage")).json()
    assert all(
        "usage" not in chunk for chunk in events(post(gumloop_emulator, asked("emulator/no-usage", stream=True)))
    )


@pytest.mark.parametrize("name", ["max_completion_tokens", "max_tokens"])
def test_the_cap_cuts_text(name: str) -> None:
    reply = ask("Tell me about llamas and alpacas", **{name: 3})
    assert (reply.text, reply.finish_reason) == ("You wrote: T", "length")
    assert usage_of(messages="Tell me about llamas and alpacas", **{name: 3})["completion_tokens"] == 3
    assert ask("Capital of Canada?", **{name: 3}).finish_reason == "stop"


def test_the_cap_cuts_calls_and_reasoning() -> None:
    reply = ask("What is the weather in San Francisco, CA?", tools=[WEATHER], max_tokens=6)
    assert reply.finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.tool_calls[0]["function"]["arguments"])
    thought = ask("Capital of Canada?", model="claude-opus-4-5", max_tokens=4)
    assert (thought.text, thought.finish_reason, len(thought.reasoning)) == (None, "length", 16)
    assert "signature" not in thought.reasoning_details[0]


@pytest.mark.parametrize(
    ("stop", "text"), [("fox", "one "), (["dog", "fox"], "one "), (["cat"], "one fox two dog"), (["o"], "")]
)
def test_stop_sequences(stop: str | list[str], text: str) -> None:
    reply = ask("Say one fox two dog", stop=stop)
    assert (reply.text, reply.finish_reason) == (text, "stop")


def test_streams_are_in_small_pieces(gumloop_emulator: Emulator) -> None:
    chunks = events(post(gumloop_emulator, body("Tell me about llamas", stream=True)))
    pieces = [piece for piece in deltas(chunks, "content") if piece]
    assert pieces == ["You ", "wrote: ", "Tell ", "me ", "about ", "llamas."]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert {chunk["system_fingerprint"] for chunk in chunks} == {"fp_gumloop_emulator"}
    assert (chunks[-1]["choices"], chunks[-2]["choices"][0]["finish_reason"]) == ([], "stop")
    assert text_of(chunks) == "You wrote: Tell me about llamas."


def test_ids_differ_by_answer(gumloop_emulator: Emulator) -> None:
    ids = {post(gumloop_emulator, body(service_tier="flex")).json()["id"] for _ in range(3)}
    assert len(ids) == 3
    assert post(gumloop_emulator, body(service_tier="flex")).json()["service_tier"] == "flex"
