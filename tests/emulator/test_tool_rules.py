"""Which tools are called, when, and when it is time to answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core.emulator import Emulator
from tests.emulator.support import (
    INTEGER,
    NUMBER,
    POPULATION,
    STRING,
    WEATHER,
    ask,
    assistant,
    body,
    calls_of,
    deltas,
    events,
    post,
    run_agent,
    tool,
    user,
)

ADD = tool("add", "Add two numbers.", a=NUMBER, b=NUMBER)
MULTIPLY = tool("multiply", "Multiply two numbers.", a=NUMBER, b=NUMBER)
DIVIDE = tool("divide", "Divide a by b.", a=NUMBER, b=NUMBER)
SEARCH = tool("docs_search", "Useful for searching the documentation.", input=STRING)
MATHS = {
    "add": lambda a, b: a + b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}
CITIES = {
    "get_weather": lambda city, unit=None: f"Sunny and 21 degrees in {city}",
    "get_population": lambda city: {"city": city, "population": 3_600_000},
}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the weather in San Francisco, CA?", [("get_weather", {"city": "San Francisco, CA"})]),
        ("Will it rain in Oslo tomorrow?", [("get_weather", {"city": "Oslo"})]),
        ("how many people live in paris", [("get_population", {"city": "paris"})]),
        ("Weather in Rome in Celsius, please", [("get_weather", {"city": "Rome", "unit": "celsius"})]),
        (
            "What is the weather in Paris and the population of Berlin?",
            [("get_weather", {"city": "Paris"}), ("get_population", {"city": "Berlin"})],
        ),
        (
            "Get the weather and the population for Madrid",
            [("get_weather", {"city": "Madrid"}), ("get_population", {"city": "Madrid"})],
        ),
        ("Weather in Paris, Berlin and Rome?", [("get_weather", {"city": c}) for c in ("Paris", "Berlin", "Rome")]),
        ("Hello!", []),
        ("Tell me a joke", []),
        ("Thanks, the weather report was great!", []),
    ],
)
def test_auto(question: str, expected: list[tuple[str, Any]]) -> None:
    reply = ask(question, tools=[WEATHER, POPULATION])
    assert calls_of(reply) == expected
    assert reply.finish_reason == ("tool_calls" if expected else "stop")
    assert bool(reply.text) != bool(expected)


def test_none() -> None:
    reply = ask("What is the weather in Paris?", tools=[WEATHER], tool_choice="none")
    assert reply.text
    assert not reply.tool_calls


@pytest.mark.parametrize("choice", ["required", named("get_weather")])
def test_forced(choice: object) -> None:
    reply = ask("Hello!", tools=[WEATHER, POPULATION], tool_choice=choice)
    assert [name for name, _ in calls_of(reply)] == ["get_weather"]
    assert set(calls_of(reply)[0][1]) == {"city"}


def test_named_wins_over_what_fits() -> None:
    reply = ask("What is the weather in Paris?", tools=[WEATHER, POPULATION], tool_choice=named("get_population"))
    assert calls_of(reply) == [("get_population", {"city": "Paris"})]


def test_one_call_when_parallel_calls_are_off() -> None:
    question = "What is the weather in Paris and the population of Berlin?"
    first = ask(question, tools=[WEATHER, POPULATION], parallel_tool_calls=False)
    assert calls_of(first) == [("get_weather", {"city": "Paris"})]
    made, answer = run_agent(question, [WEATHER, POPULATION], CITIES, parallel_tool_calls=False)
    assert made == [("get_weather", {"city": "Paris"}), ("get_population", {"city": "Berlin"})]
    assert "Sunny and 21 degrees in Paris" in answer
    assert "3600000" in answer


def test_the_answer_states_all_results() -> None:
    made, answer = run_agent("Weather in Paris and Rome, and the population of Berlin?", [WEATHER, POPULATION], CITIES)
    assert len(made) == 3
    for part in ("Sunny and 21 degrees in Paris", "Sunny and 21 degrees in Rome", "population: 3600000"):
        assert part in answer


def test_a_follow_up_uses_the_tool_of_the_message_before() -> None:
    messages = [
        user("What is the weather in Paris?"),
        {"role": "assistant", "content": "Sunny."},
        user("And in Berlin?"),
    ]
    assert calls_of(ask(messages, tools=[WEATHER])) == [("get_weather", {"city": "Berlin"})]


def test_a_new_question_calls_again() -> None:
    first = ask("What is the weather in Paris?", tools=[WEATHER])
    messages = [
        user("What is the weather in Paris?"),
        assistant(first),
        {"role": "tool", "tool_call_id": first.tool_calls[0]["id"], "content": "sunny"},
        {"role": "assistant", "content": "It is sunny."},
        user("What is the weather in Paris now?"),
    ]
    again = ask(messages, tools=[WEATHER])
    assert calls_of(again) == [("get_weather", {"city": "Paris"})]
    assert again.tool_calls[0]["id"] != first.tool_calls[0]["id"]


@pytest.mark.parametrize(
    ("question", "made", "answer"),
    [
        ("What is 23 * 7?", [("multiply", 23, 7)], "161"),
        ("What is 12 plus 30?", [("add", 12, 30)], "42"),
        ("What is (121 + 2) * 5?", [("add", 121, 2), ("multiply", 123, 5)], "(121 + 2) * 5 = 615."),
        ("What is 20+(2*4)? Calculate step by step.", [("multiply", 2, 4), ("add", 20, 8)], "20+(2*4) = 28."),
        (
            "Add 3 and 4. Multiply the output by 2. Divide the output by 5",
            [("add", 3, 4), ("multiply", 7, 2), ("divide", 14, 5)],
            "2.8",
        ),
    ],
)
def test_arithmetic_in_steps(question: str, made: list[tuple[str, int, int]], answer: str) -> None:
    calls, text = run_agent(question, [ADD, MULTIPLY, DIVIDE], MATHS)
    assert [(name, arguments["a"], arguments["b"]) for name, arguments in calls] == made
    assert answer in text


def test_the_next_step_uses_what_the_tool_really_returned() -> None:
    wrong = {**MATHS, "add": lambda a, b: 1000}
    calls, text = run_agent("What is (121 + 2) * 5?", [ADD, MULTIPLY], wrong)
    assert calls[1] == ("multiply", {"a": 1000, "b": 5})
    assert "5000" in text


def test_what_one_tool_needs_another_finds_out() -> None:
    find = tool("find_user", "Find a user by email.", email=STRING)
    orders = tool("get_orders", "List the orders of a user.", user_id=STRING)
    made, answer = run_agent(
        "Show me the orders of ada@example.com",
        [orders, find],
        {"find_user": lambda email: {"user_id": "u-77"}, "get_orders": lambda user_id: [{"id": 1, "total": 9.5}]},
    )
    assert made == [("find_user", {"email": "ada@example.com"}), ("get_orders", {"user_id": "u-77"})]
    assert "total: 9.5" in answer


def test_a_result_is_passed_on() -> None:
    mail = tool("send_email", "Send an email.", to=STRING, subject=STRING, body=STRING)
    made, answer = run_agent(
        "Get the weather in Paris and email it to bob@example.com",
        [WEATHER, mail],
        {**CITIES, "send_email": lambda **_: "Sent."},
    )
    assert [name for name, _ in made] == ["get_weather", "send_email"]
    assert made[1][1]["to"] == "bob@example.com"
    assert made[1][1]["body"] == "Sunny and 21 degrees in Paris"
    assert "Sent." in answer


def test_a_search_tool_fits_any_question() -> None:
    assert calls_of(ask("Who maintains the retry code?", tools=[SEARCH])) == [
        ("docs_search", {"input": "Who maintains the retry code?"})
    ]
    assert not ask("Nice to meet you.", tools=[SEARCH]).tool_calls


def test_an_error_is_told_and_not_tried_again() -> None:
    made, answer = run_agent("What is the weather in Paris?", [WEATHER], {"get_weather": lambda city: "Error: no data"})
    assert len(made) == 1
    assert "Error: no data" in answer


def test_output_tools_wait_until_the_others_are_done() -> None:
    report = tool("WeatherReport", "A weather report.", city=STRING, conditions=STRING)
    messages = [user("What is the weather in Paris?")]
    first = ask(messages, tools=[report, WEATHER], tool_choice="required")
    assert calls_of(first) == [("get_weather", {"city": "Paris"})]
    messages += [
        assistant(first),
        {"role": "tool", "tool_call_id": first.tool_calls[0]["id"], "content": "It is sunny."},
    ]
    second = ask(messages, tools=[report, WEATHER], tool_choice="required")
    assert calls_of(second) == [("WeatherReport", {"city": "Paris", "conditions": "It is sunny."})]


def test_handing_off() -> None:
    agents = {"WriteAgent": "Writes a report on a topic.", "SongAgent": "Sings songs."}
    description = f"Useful for handing off to another agent.\nCurrently available agents:\n{agents}"
    handoff = tool("handoff", description, to_agent=STRING, reason=STRING)
    search = tool("search_web", "Search the web for information.", query=STRING)
    messages = [user("Search for information on llamas and then write a report")]
    first = ask(messages, tools=[search, handoff])
    assert calls_of(first) == [("search_web", {"query": "information on llamas"})]
    messages += [assistant(first), {"role": "tool", "tool_call_id": first.tool_calls[0]["id"], "content": "Llamas."}]
    second = ask(messages, tools=[search, handoff])
    ((name, arguments),) = calls_of(second)
    assert (name, arguments["to_agent"]) == ("handoff", "WriteAgent")
    assert arguments["reason"]
    messages += [assistant(second), {"role": "tool", "tool_call_id": second.tool_calls[0]["id"], "content": "Agent."}]
    write = tool("write_report", "Write the report.", content=STRING)
    back = tool("handoff", f"Agents:\n{ {'SearchAgent': 'Searches the web.'} }", to_agent=STRING, reason=STRING)
    third = ask(messages, tools=[write, back])
    assert calls_of(third) == [("write_report", {"content": "Llamas."})]
    messages += [assistant(third), {"role": "tool", "tool_call_id": third.tool_calls[0]["id"], "content": "Written."}]
    assert ask(messages, tools=[write, back]).text == "Llamas. Written."


def test_langchain_s_tools() -> None:
    magic = tool("magic_function", "Apply a magic function to an input.", input=INTEGER)
    nothing = tool("magic_function_no_args", "Calculate a magic function.")
    greeting = tool("greeting_generator", "Generate a greeting in a particular style.", answer_style=STRING)
    customer = tool("unicode_customer", "Create a customer.", customer_name=STRING, description=STRING)
    assert calls_of(ask("What is the value of magic_function(3)? Use the tool.", tools=[magic])) == [
        ("magic_function", {"input": 3})
    ]
    assert calls_of(ask("What is the value of magic_function_no_args()? Use the tool.", tools=[nothing])) == [
        ("magic_function_no_args", {})
    ]
    assert calls_of(ask("Using the tool, generate a Pirate greeting.", tools=[greeting])) == [
        ("greeting_generator", {"answer_style": "Pirate"})
    ]
    reply = ask("Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company", tools=[customer])
    assert calls_of(reply)[0][1]["customer_name"] == "你好啊集团"
    assert "你好啊集团" in reply.tool_calls[0]["function"]["arguments"]


def test_equal_requests_get_equal_calls() -> None:
    first, second = (ask("What is the weather in Paris?", tools=[WEATHER]) for _ in range(2))
    assert first == second
    assert ask("What is the weather in Paris?", tools=[WEATHER], seed=2).tool_calls != first.tool_calls


@pytest.mark.parametrize(("model", "interleaved"), [("claude-sonnet-4-5", False), ("emulator/interleaved-calls", True)])
def test_streamed_calls(gumloop_emulator: Emulator, model: str, interleaved: bool) -> None:
    question = "What is the weather in San Francisco and the population of Rio de Janeiro?"
    chunks = events(
        post(gumloop_emulator, {**body(question, tools=[WEATHER, POPULATION], stream=True), "model": model})
    )
    pieces = [piece for calls in deltas(chunks, "tool_calls") for piece in calls]
    order = [piece["index"] for piece in pieces]
    assert (order != sorted(order)) == interleaved
    for index, expected in enumerate(("San Francisco", "Rio de Janeiro")):
        own = [piece for piece in pieces if piece["index"] == index]
        assert [("id" in piece, "name" in piece["function"]) for piece in own[:2]] == [(True, True), (False, False)]
        assert json.loads("".join(piece["function"]["arguments"] for piece in own)) == {"city": expected}
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
