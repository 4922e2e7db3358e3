"""What is answered where nothing was scripted: call the offered tools, fill the format, join the results, else echo."""

from __future__ import annotations

import json
from dataclasses import replace

from gumloop_core.wire import JSONObject
from gumloop_emulator.example import example
from gumloop_emulator.pictures import draw
from gumloop_emulator.reasoning import call_identifier, signed_details
from gumloop_emulator.request import ChatRequest
from gumloop_emulator.script import Answer, ToolCall
from gumloop_emulator.traffic import text_of
from gumloop_emulator.usage import count_tokens

_CHARACTERS = 4  # of a token


def stand_in(request: ChatRequest) -> Answer:
    """Return the answer to a checked request; the same request gets the same one."""
    if request.draws:
        frames, picture = draw(request.user_text, request.body.get("image_config", {}))
        talks = request.model.draws != "only" and request.body.get("modalities") != ["image"]
        answer = Answer("A picture." if talks else None, partial_images=frames, images=[picture])
    else:
        answer = _think(request, _decide(request))
    return replace(_cut(answer, request), **request.model.traits)


def _decide(request: ChatRequest) -> Answer:
    body, turn = request.body, [message for _, message in request.turn]
    called = {call["function"]["name"] for message in turn for call in message.get("tool_calls") or ()}
    if calls := _wanted(request, called):
        return Answer(
            tool_calls=[ToolCall(tool["name"], example(tool.get("parameters") or {"type": "object"})) for tool in calls]
        )
    form = body.get("response_format", {})
    if form.get("type", "text") != "text":
        schema = form.get("json_schema", {}).get("schema", {"type": "object"})
        return Answer(json.dumps(example(schema), ensure_ascii=False))
    results = [text_of(message["content"]) for message in turn if message["role"] == "tool"]
    text = "\n".join(results) if results else request.user_text
    stops = body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    return Answer(text)


def _wanted(request: ChatRequest, called: set[str]) -> list[JSONObject]:
    """Return the functions to call: each one once since the last user message, one at a time if so asked."""
    tools, choice = request.functions, request.body.get("tool_choice")
    if isinstance(choice, dict):
        return [tool for tool in tools if tool["name"] == choice["function"]["name"]]
    wanted = [tool for tool in tools if tool["name"] not in called and choice != "none"]
    wanted = wanted or (tools if choice == "required" else [])
    return wanted[:1] if request.body.get("parallel_tool_calls") is False else wanted


def _think(request: ChatRequest, answer: Answer) -> Answer:
    """Add signed reasoning where it is wanted; the ids of calls then say that it has to come back."""
    details: list[JSONObject] = []
    if request.thinks:
        plan = "I call " + ", ".join(call.name for call in answer.tool_calls) if answer.tool_calls else "I answer"
        details = signed_details(f"The user says: {request.user_text[:120]}. {plan}.", request.model)
    calls = [
        replace(call, id=call_identifier(request.fingerprint, position, call.name, details))
        for position, call in enumerate(answer.tool_calls)
    ]
    visible = "".join(detail.get("text") or detail.get("summary") or "" for detail in details)
    return replace(answer, tool_calls=calls, reasoning=visible, reasoning_details=details)


def _cut(answer: Answer, request: ChatRequest) -> Answer:
    """Return an answer within the cap on completion tokens; what meets the cap ends with `length`."""
    left = request.body.get("max_completion_tokens") or request.body.get("max_tokens")
    if left is None:
        return answer
    reasoning, text = answer.reasoning or "", answer.text or ""
    if count_tokens(reasoning) > left:  # a signature belongs to the whole text, so a cut one is not signed
        return Answer(reasoning=reasoning[: left * _CHARACTERS], reasoning_details=(), finish_reason="length")
    left -= count_tokens(reasoning)
    if count_tokens(text) > left:
        return replace(answer, text=text[: left * _CHARACTERS], finish_reason="length")
    calls = [replace(call, arguments=json.dumps(call.arguments)[: left * _CHARACTERS]) for call in answer.tool_calls]
    if sum(count_tokens(json.dumps(call.arguments)) for call in answer.tool_calls) > left:
        return replace(answer, tool_calls=calls, finish_reason="length")
    return answer
