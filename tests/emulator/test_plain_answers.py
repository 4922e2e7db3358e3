"""Plain chat, tool results, and the models of the emulator that show one behaviour each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core.emulator import Emulator
from gumloop_core.emulator.rules.arithmetic import evaluate, expressions, from_instructions
from tests.emulator.support import WEATHER, ask, body, events, post, refusal, run_agent, text_of, user


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Capital of Canada?", "Ottawa."),
        ("What's the capital city of the Netherlands?", "Amsterdam."),
        (
            "Capitals: capital of France and capital of Peru?",
            "The capital of France is Paris. The capital of Peru is Lima.",
        ),
        ("What is 12*12?", "12*12 = 144."),
        ("What is 15% of 80?", "15 / 100 * 80 = 12."),
        ("What is 7 divided by 2?", "7 / 2 = 3.5."),
        ("How much is 1,000 + 2?", "1,000 + 2 = 1002."),
        ("Say hello world", "hello world"),
        ("Reply with: 'pong'", "pong"),
        ("Hello!", "Hello! How can I help you?"),
        ("how are you", "I am well, thank you. How can I help you?"),
        ("Thank you!", "You are welcome."),
        ("Tell me about llamas", "You wrote: Tell me about llamas."),
    ],
)
def test_plain(question: str, answer: str) -> None:
    assert ask(question).text == answer


def test_what_was_said_before_is_remembered() -> None:
    messages = [user("Hi, my name is Bob and I love tea."), {"role": "assistant", "content": "Hello!"}]
    assert ask([*messages, user("What is my name?")]).text == "Your name is Bob and you love tea."
    assert ask([*messages, user("Capital of Peru?")]).text == "Lima."


def test_pictures_and_attachments_are_mentioned() -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
    ]
    text = ask([{"role": "user", "content": content}]).text
    assert text == "You wrote: What is this? You sent 1 image and 1 attachment."


def test_no_user_message() -> None:
    assert ask([{"role": "system", "content": "You are kind."}]).text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What is 23 * 7 and (3+4)*2?", ["23 * 7", "(3+4)*2"]),
        ("2^10 or 2**3", ["2^10", "2**3"]),
        ("-3 + 5", ["-3 + 5"]),
        ("(2 + 3) is nice (really)", ["(2 + 3)"]),
        ("3 times 4", ["3 * 4"]),
        ("on 2026-05-03 call (555) 123-4567 or +1 555-123-4567", []),
        ("version 1.2.3 of a/b and C++", []),
        ("5 apples", []),
    ],
)
def test_expressions(text: str, found: list[str]) -> None:
    assert expressions(text) == found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("2^10", 1024),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("0.1 + 0.2", 0.3),
        ("1/0", None),
        ("9**9**9", None),
        ("__import__('os')", None),
        ("2 +", None),
    ],
)
def test_evaluation(expression: str, value: float | None) -> None:
    assert evaluate(expression) == value


def test_instructions() -> None:
    assert from_instructions("Subtract 3 from 10, then multiply it by 2") == "((10 - 3) * 2)"
    assert from_instructions("Add sugar to the tea") is None


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        ("sunny", 'The result of get_weather(city="Paris") is sunny.'),
        ("It is sunny in Paris.", "It is sunny in Paris."),
        ("sunny with a light breeze from the west", "sunny with a light breeze from the west."),
        ({"sky": "clear", "wind_speed": 3}, 'get_weather(city="Paris") gave sky: clear, wind speed: 3.'),
        ([{"day": "Mon"}, {"day": "Tue"}], 'get_weather(city="Paris") gave day: Mon; day: Tue.'),
        ("", "get_weather returned nothing."),
    ],
)
def test_answers_from_results(result: Any, answer: str) -> None:
    _, text = run_agent("What is the weather in Paris?", [WEATHER], {"get_weather": lambda city: result})
    assert text == answer


def test_a_long_result_is_searched() -> None:
    filler = " ".join(f"The town number {n} has a market." for n in range(60))
    long = f"{filler} The weather in Paris is sunny with 21 degrees. {filler}"
    _, text = run_agent("What is the weather in Paris?", [WEATHER], {"get_weather": lambda city: long})
    assert text == "The weather in Paris is sunny with 21 degrees."


def model(slug: str, question: str = "Capital of Canada?", **fields: Any) -> dict[str, Any]:
    return {**body(question, **fields), "model": slug}


def test_echo(gumloop_emulator: Emulator) -> None:
    answer = post(gumloop_emulator, model("emulator/echo", "Łódź  \n two")).json()
    assert answer["choices"][0]["message"]["content"] == "Łódź  \n two"


def test_refusing_and_filtering(gumloop_emulator: Emulator) -> None:
    refused = post(gumloop_emulator, model("emulator/refusal")).json()["choices"][0]
    assert refused["message"] == {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    filtered = post(gumloop_emulator, model("emulator/content-filter", "Tell me about llamas")).json()["choices"][0]
    assert (filtered["finish_reason"], filtered["message"]["content"]) == ("content_filter", "You wrote:")


def test_failing_unary_where_a_stream_fails_later(gumloop_emulator: Emulator) -> None:
    response = post(gumloop_emulator, model("emulator/stream-error"))
    assert (response.status_code, response.json()["error"]["message"]) == (402, "budget exceeded")
    chunks = events(post(gumloop_emulator, model("emulator/stream-error", stream=True)))
    assert text_of(chunks) == "Ottawa."
    assert chunks[-1]["error"] == {"code": 402, "message": "budget exceeded"}


def test_tiny_context(gumloop_emulator: Emulator) -> None:
    assert post(gumloop_emulator, model("emulator/tiny-context")).status_code == 200
    param, message = refusal(gumloop_emulator, model("emulator/tiny-context", "word " * 100))
    assert param == "messages"
    assert message == "The provider rejected the request: prompt is too long: 128 tokens > 100 maximum"


def test_untidy_stream(gumloop_emulator: Emulator) -> None:
    text = post(gumloop_emulator, model("emulator/untidy-stream", stream=True)).text
    for part in (": keep-alive\r\n", "event: message\r\n", "id: 0\r\n", "retry: 3000\r\n", "\r\n\r\n\r\n"):
        assert part in text
    datas = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    assert text_of([json.loads(data) for data in datas[:-1]]) == "Ottawa."
