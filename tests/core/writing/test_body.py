"""The body of a chat request."""

from __future__ import annotations

import math
from typing import Any

import pytest

from gumloop_core.chat_model import ChatModelFields
from gumloop_core.errors import InvalidRequestError
from gumloop_core.http.sending_options import sending_options
from gumloop_core.writing.body import (
    OPTIONS,
    build_body,
    json_schema_format,
    merge_options,
    tool_choice,
    tool_names,
)

HELLO: list[Any] = [{"role": "user", "content": "Hi"}]
TOOLS: list[Any] = [{"type": "function", "function": {"name": "add", "parameters": {}}}]


def test_later_layers_win_and_none_takes_away() -> None:
    assert merge_options({"temperature": 1, "seed": 2}, {"temperature": None}, {"top_p": 0.5}) == {
        "seed": 2,
        "top_p": 0.5,
    }
    assert merge_options({"temperature": 0, "stop": []}) == {"temperature": 0, "stop": []}


def test_both_spellings_of_the_token_cap() -> None:
    assert merge_options({"max_tokens": 5}) == {"max_completion_tokens": 5}
    assert merge_options({"max_completion_tokens": 5}, {"max_tokens": 6}) == {"max_completion_tokens": 6}
    assert merge_options({"max_tokens": 5}, {"max_completion_tokens": 6}) == {"max_completion_tokens": 6}
    assert merge_options({"max_completion_tokens": 5, "max_tokens": None}) == {"max_completion_tokens": 5}
    assert merge_options({"max_completion_tokens": 5}, {"max_tokens": None}) == {}


def test_extra_body_is_laid_over_extra_body() -> None:
    merged = merge_options({"extra_body": {"a": 1, "b": 1}}, {"extra_body": {"b": 2}}, {"extra_body": None})
    assert merged == {"extra_body": {"a": 1, "b": 2}}
    with pytest.raises(InvalidRequestError, match="extra_body"):
        merge_options({"extra_body": 5})


@pytest.mark.parametrize(
    ("name", "meant"), [("temprature", "temperature"), ("max_token", "max_tokens"), ("tool_choise", "tool_choice")]
)
def test_slips_are_named(name: str, meant: str) -> None:
    with pytest.raises(InvalidRequestError, match=name):
        merge_options({name: 1})


def test_new_fields_pass() -> None:
    assert merge_options({"top_a": 0.5}) == {"top_a": 0.5}


def test_what_a_call_names_wins_over_the_extra_body_of_the_model() -> None:
    layers = {"extra_body": {"response_format": {"type": "text"}, "a": 1}}, {"response_format": {"type": "json_object"}}
    assert merge_options(*layers) == {"response_format": {"type": "json_object"}, "extra_body": {"a": 1}}
    assert merge_options(layers[0], {"a": None}) == {"extra_body": {"response_format": {"type": "text"}}}
    assert merge_options({"a": 2, "extra_body": {"a": 1}}) == {"a": 2, "extra_body": {"a": 1}}
    assert merge_options({"extra_body": {"max_completion_tokens": 1}}, {"max_tokens": 2}) == {
        "max_completion_tokens": 2
    }


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("openai_api_key", "for the model, not for a call: did you mean 'api_key'"),
        ("gumloop_api_key", "did you mean 'api_key'"),
        ("api_base", "for the model, not for a call: did you mean 'base_url'"),
        ("proxies", "HTTPS_PROXY"),
        ("request_timeout", "Did you mean 'timeout'"),
        ("headers", "Did you mean 'extra_headers'"),
        ("model_kwargs", "pass its entries one by one, or as extra_body"),
    ],
)
def test_what_others_call_an_argument_of_the_model_is_not_sent(name: str, refusal: str) -> None:
    with pytest.raises(InvalidRequestError, match=refusal):
        merge_options({name: "x"})


@pytest.mark.parametrize(
    "name", ["user", "verbosity", "top_k", "min_p", "prompt_cache_key", "usage", "safety_identifier"]
)
def test_fields_of_the_body_pass(name: str) -> None:
    assert merge_options({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    ("name", "value", "refusal"),
    [
        ("model", 5, "model must be a text, not int"),
        ("model", " ", "model must be a text, not a blank text"),
        ("stop", 5, "stop must be a list of texts, not int"),
        ("stop", ["a", 5], "stop must be a list of texts, not list of int, str"),
        ("models", "a", "models must be a list of texts, not str"),
        ("modalities", "image", "modalities must be a list of texts"),
        ("reasoning", "high", "reasoning must be a dict such as"),
        ("provider", ["a"], "provider must be a dict"),
        ("stream_options", 5, "stream_options must be a dict"),
        ("tools", 5, "tools must be a list, not int"),
        ("tools", {"a": 1}, "tools must be a list, not dict"),
        ("plugins", "web", "plugins must be a list, not str"),
        ("extra_body", [("a", 1)], "extra_body is a dict of fields of the body, not list"),
    ],
)
def test_options_of_another_form_are_named(name: str, value: Any, refusal: str) -> None:
    with pytest.raises(InvalidRequestError, match=refusal):
        merge_options({"temperature": 1}, {name: value})


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"temperature": math.nan}, "temperature is nan"),
        ({"seed": object()}, "seed is an object"),
        ({"extra_body": {"a": [1, {2}]}}, r"extra_body\.a\[1\] is a set"),
        ({"metadata": {"at": math.inf}}, r"metadata\.at is inf"),
    ],
)
def test_what_json_cannot_say_names_the_option(options: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequestError, match=place):
        build_body("m", HELLO, options)


def test_messages_are_no_option() -> None:
    with pytest.raises(InvalidRequestError, match="messages"):
        build_body("m", HELLO, {"messages": []})
    with pytest.raises(InvalidRequestError, match="messages must be a list"):
        build_body("m", HELLO, {"extra_body": {"messages": 5}})


def test_how_to_send_is_taken_out_of_a_calls_keywords() -> None:
    call = {"timeout": 5, "extra_headers": {"x-a": " b "}, "seed": 1}
    sending = sending_options(call)
    assert (sending["timeout"], sending["headers"].sent) == (5, {"x-a": "b"})
    assert call == {"seed": 1}
    assert sending_options({"timeout": None, "extra_headers": None}) == {"timeout": None}


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        ({"timeout": "x"}, "timeout must be"),
        ({"timeout": -1}, "timeout must be"),
        ({"timeout": True}, "timeout must be"),
        ({"extra_headers": 5}, "extra_headers must be a dict"),
        ({"extra_headers": {"Content-Length": "5"}}, "extra_headers: the header 'Content-Length'"),
        ({"extra_headers": {"x-a": None}}, "extra_headers: the header 'x-a' must be a text"),
    ],
)
def test_how_to_send_is_named_where_it_cannot_be(call: dict[str, Any], refusal: str) -> None:
    with pytest.raises(InvalidRequestError, match=refusal):
        sending_options(call)


def test_a_body() -> None:
    assert build_body("m", HELLO, {"seed": 1}) == {"model": "m", "messages": HELLO, "seed": 1}
    streamed = build_body("m", HELLO, {"stream_options": {"x": 1}}, stream=True)
    assert (streamed["stream"], streamed["stream_options"]) == (True, {"include_usage": True, "x": 1})
    assert "stream_options" not in build_body("m", HELLO, {"stream_options": {"x": 1}})
    assert build_body("m", HELLO, {"seed": 1, "extra_body": {"seed": 2, "new": 3}})["seed"] == 2
    body = build_body("m", HELLO, {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "stop": []})
    assert body == {"model": "m", "messages": HELLO}
    assert build_body("m", HELLO, {"tools": TOOLS, "tool_choice": "auto"})["tool_choice"] == "auto"


def test_what_was_passed_is_not_changed() -> None:
    options = {"tools": [], "extra_body": {"a": 1}}
    body = build_body("m", HELLO, options, stream=True)
    body["messages"].append("x")
    assert options == {"tools": [], "extra_body": {"a": 1}}
    assert len(HELLO) == 1


@pytest.mark.parametrize(
    "messages", [[], [{"role": "robot"}], [{"content": "x"}], [{"role": None}], [{"role": ["user"]}]]
)
def test_conversations_that_cannot_be_sent(messages: list[Any]) -> None:
    with pytest.raises(InvalidRequestError, match="message"):
        build_body("m", messages, {})


NAMED = {"type": "function", "function": {"name": "add"}}


@pytest.mark.parametrize(
    ("choice", "names", "wire"),
    [
        (None, ["add"], None),
        (False, ["add"], None),
        ("", ["add"], None),
        (True, ["add"], "required"),
        ("any", ["add"], "required"),
        ("required", ["add"], "required"),
        ("auto", [], "auto"),
        ("none", ["add"], "none"),
        ("add", ["add"], NAMED),
        ("auto", ["auto"], {"type": "function", "function": {"name": "auto"}}),
        (NAMED, ["add"], NAMED),
        ({"type": "tool", "name": "add"}, ["add"], NAMED),
        ({"type": "allowed_tools"}, ["add"], {"type": "allowed_tools"}),
    ],
)
def test_tool_choices(choice: Any, names: list[str], wire: Any) -> None:
    assert tool_choice(choice, names) == wire


@pytest.mark.parametrize("choice", ["sub", {"type": "function", "function": {"name": "sub"}}])
def test_a_tool_that_is_not_sent(choice: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"'sub'.*'add'"):
        tool_choice(choice, ["add"])


@pytest.mark.parametrize("n", [2, 0, "2", True, [1]])
@pytest.mark.parametrize("layer", ["option", "extra_body"])
def test_more_than_one_answer_is_refused(n: Any, layer: str) -> None:
    options = {"n": n} if layer == "option" else {"extra_body": {"n": n}}
    with pytest.raises(InvalidRequestError, match="n="):
        build_body("m", HELLO, merge_options(options))


def test_asking_for_one_answer_changes_nothing() -> None:
    assert "n" not in build_body("m", HELLO, {"extra_body": {"n": None}})
    assert build_body("m", HELLO, merge_options({"n": 1}))["n"] == 1


def test_tool_names() -> None:
    assert tool_names([*TOOLS, {"type": "web_search"}, {"function": None}, {"function": {}}]) == ["add"]


def test_json_schema_formats() -> None:
    assert json_schema_format("My Answer!", {}) == {
        "type": "json_schema",
        "json_schema": {"name": "My_Answer", "schema": {}},
    }
    full = json_schema_format("a", {}, strict=False, description="d")["json_schema"]
    assert (full["strict"], full["description"]) == (False, "d")


def test_no_argument_that_says_how_to_send_lands_in_the_body() -> None:
    for name in set(ChatModelFields.model_fields) - OPTIONS:
        with pytest.raises(InvalidRequestError, match="argument of the model"):
            merge_options({name: "x"})
