"""What is answered where nothing was scripted, and the rules that answer instead."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_emulator import Answer, Emulator, ReceivedRequest, ToolCall
from tests.emulator.support import POPULATION, WEATHER, answered, body, events, message, post, text_of, tool, user

QUESTION = "What is the weather in Paris?"
CALL = {"get_weather": {"city": "city"}}
FORCED = {"type": "function", "function": {"name": "get_weather"}}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 18}, "email": {"type": "string"}},
    "required": ["name", "age"],
}


def calls(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        call["function"]["name"]: json.loads(call["function"]["arguments"]) for call in answer.get("tool_calls", ())
    }


def test_it_echoes(server: Emulator) -> None:
    assert message(server, body(QUESTION)) == {"role": "assistant", "content": QUESTION}
    parts = [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]
    assert message(server, body([{"role": "user", "content": parts}]))["content"] == "One\nTwo"


def test_every_offered_tool_is_called_once_and_the_results_are_joined(server: Emulator) -> None:
    tools = [WEATHER, POPULATION]
    first = message(server, body(QUESTION, tools=tools))
    assert calls(first) == {**CALL, "get_population": {"city": "city"}}
    assert first["content"] is None
    turn = [user(QUESTION), *answered(first, "sunny", "two million")]
    assert message(server, body(turn, tools=tools))["content"] == "sunny\ntwo million"
    # The next question begins anew.
    assert calls(message(server, body([*turn, user("And now?")], tools=tools))) == calls(first)


def test_one_at_a_time_if_asked_so(server: Emulator) -> None:
    messages = [user(QUESTION)]
    for name in ("get_weather", "get_population"):
        answer = message(server, body(messages, tools=[WEATHER, POPULATION], parallel_tool_calls=False))
        assert list(calls(answer)) == [name]
        messages += answered(answer, name)
    answer = message(server, body(messages, tools=[WEATHER, POPULATION], parallel_tool_calls=False))
    assert answer["content"] == "get_weather\nget_population"


@pytest.mark.parametrize(
    ("choice", "before", "after"),
    [("none", {}, {}), ("auto", CALL, {}), ("required", CALL, CALL), (FORCED, CALL, CALL)],
)
def test_tool_choice(server: Emulator, choice: Any, before: object, after: object) -> None:
    assert calls(message(server, body(QUESTION, tools=[WEATHER], tool_choice=choice))) == before
    called = message(server, body(QUESTION, tools=[WEATHER]))
    turn = [user(QUESTION), *answered(called, "sunny")]
    assert calls(message(server, body(turn, tools=[WEATHER], tool_choice=choice))) == after


def test_a_format_is_filled_once_the_tools_were_called(server: Emulator) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
    assert json.loads(message(server, body(response_format=form))["content"]) == {"name": "name", "age": 18}
    first = message(server, body(QUESTION, tools=[WEATHER], response_format=form))
    assert calls(first) == CALL
    turn = [user(QUESTION), *answered(first, "sunny")]
    second = message(server, body(turn, tools=[WEATHER], response_format=form))
    assert json.loads(second["content"]) == {"name": "name", "age": 18}
    assert message(server, body(response_format={"type": "json_object"}))["content"] == "{}"


def test_a_tool_without_parameters(server: Emulator) -> None:
    bare = {"type": "function", "function": {"name": "now"}}
    assert calls(message(server, body(tools=[bare, tool("later")]))) == {"now": {}, "later": {}}


def test_equal_requests_get_equal_calls(server: Emulator) -> None:
    ids = {message(server, body(QUESTION, tools=[WEATHER]))["tool_calls"][0]["id"] for _ in range(2)}
    streamed = events(post(server, body(QUESTION, tools=[WEATHER], stream=True)))
    ids |= {
        call["id"]
        for chunk in streamed
        for c in chunk["choices"]
        for call in c["delta"].get("tool_calls", ())
        if "id" in call
    }
    assert len(ids) == 1


def test_parallel_calls_can_be_streamed_in_turns(server: Emulator) -> None:
    request = {**body(QUESTION, tools=[WEATHER, POPULATION], stream=True), "model": "emulator/interleaved-calls"}
    order = [
        call["index"]
        for chunk in events(post(server, request))
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", ())
    ]
    assert order[:4] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("model", "finish_reason", "content"),
    [("refusal", "stop", None), ("content-filter", "content_filter", "Hello"), ("echo", "stop", "Hello")],
)
def test_models_with_one_behaviour(server: Emulator, model: str, finish_reason: str, content: str | None) -> None:
    choice = post(server, {**body(), "model": f"emulator/{model}"}).json()["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == (finish_reason, content)
    assert ("refusal" in choice["message"]) == (model == "refusal")


def test_a_rule_answers_what_the_user_says(server: Emulator) -> None:
    server.reply("Ottawa.", to="capital of Canada")
    for _ in range(2):
        assert message(server, body("What is the capital of Canada?"))["content"] == "Ottawa."
    assert message(server, body("What is the capital of Peru?"))["content"] == "What is the capital of Peru?"
    assert text_of(events(post(server, body("The capital of Canada?", stream=True)))) == "Ottawa."


def test_rules_carry_an_agent_through_its_tools(server: Emulator) -> None:
    server.reply(Answer(tool_calls=[ToolCall("get_weather", {"city": "Paris"})]), to="weather")
    server.reply(lambda request: f"In Paris it is {request.tool_results[-1][1]}.", after="get_weather")
    first = message(server, body(QUESTION, tools=[WEATHER]))
    assert calls(first) == {"get_weather": {"city": "Paris"}}
    turn = [user(QUESTION), *answered(first, "sunny")]
    assert message(server, body(turn, tools=[WEATHER]))["content"] == "In Paris it is sunny."


def test_the_first_rule_that_holds_counts_and_the_queue_comes_before(server: Emulator) -> None:
    server.reply("both", to="Paris", after="get_weather")
    server.reply("one", after="get_weather")
    server.reply("any", when=lambda request: "tools" not in request.json)
    first = message(server, body(QUESTION, tools=[WEATHER]))
    turn = [user(QUESTION), *answered(first, "sunny")]
    server.queue("queued")
    answers = [message(server, body(turn, tools=[WEATHER]))["content"] for _ in range(2)]
    rome = json.loads(json.dumps(turn).replace("Paris", "Rome"))
    answers += [message(server, body(rome, tools=[WEATHER]))["content"], message(server, body())["content"]]
    assert answers == ["queued", "both", "one", "any"]
    server.clear()
    assert message(server, body())["content"] == "Hello"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_answers_everything_else(is_async: bool) -> None:
    def loud(request: ReceivedRequest) -> str | None:
        return request.user_text.upper() if "quiet" not in request.user_text else None

    async def loud_later(request: ReceivedRequest) -> str | None:
        return loud(request)

    with Emulator(answer_with=loud_later if is_async else loud) as server:
        server.queue("queued")
        texts = [message(server, body(text))["content"] for text in ("Hello", "Hello", "quiet")]
    assert texts == ["queued", "HELLO", "quiet"]


def test_without_strictness_what_breaks_the_contract_counts_as_not_sent() -> None:
    with Emulator(strict=False) as server:
        odd = body("Hello", temperature=99, tools=[WEATHER], tool_choice="any")
        assert calls(message(server, {**odd, "model": "a-new-one"})) == CALL
        assert post(server, b"no JSON").status_code == 200
        assert post(server, body(), headers={"Authorization": "Bearer wrong"}).status_code == 401
