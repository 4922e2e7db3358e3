"""What users of other integrations write: taken, as the wire shows, or refused with what to write instead."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.load import dumpd
from llama_index.core.llms import ChatMessage

from gumloop_core.argument_names import HOLDING_OTHERS, IMPLIED, PARTS, RENAMED
from gumloop_core.errors import ConfigurationError, InvalidRequestError
from gumloop_core.settled_arguments import settle_call
from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.support.peer_arguments import REFUSED, TAKEN, Framework, Refused, Taken

FRAMEWORKS: dict[Framework, Any] = {"langchain": ChatGumloop, "llama_index": Gumloop}
ASK: dict[type, Callable[..., Any]] = {
    ChatGumloop: lambda model, **call: model.invoke("Hi", **call),
    Gumloop: lambda model, **call: model.chat([ChatMessage("Hi")], **call),
}
STREAM: dict[type, Callable[..., Any]] = {
    ChatGumloop: lambda model, **call: list(model.stream("Hi", **call)),
    Gumloop: lambda model, **call: list(model.stream_chat([ChatMessage("Hi")], **call)),
}
both = pytest.mark.parametrize("kind", FRAMEWORKS.values(), ids=FRAMEWORKS)


def rows(cases: list[Any]) -> list[Any]:
    return [
        pytest.param(FRAMEWORKS[framework], case, id=f"{framework}-{case.name}-{number}")
        for number, case in enumerate(cases)
        for framework in FRAMEWORKS
        if case.only in (None, framework)
    ]


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as server:
        yield server


def made(kind: Any, server: Emulator, **arguments: Any) -> Any:
    """A model for the emulator, which the arguments may name as well as ours do."""
    connection = {"model": "claude-sonnet-4-5", "api_key": server.api_key, "base_url": server.base_url}
    for name in arguments:
        connection.pop(RENAMED.get(name, name), None)
    return kind(user_id=server.user_id, **connection, **arguments)


@pytest.mark.parametrize(("kind", "case"), rows(TAKEN))
def test_what_means_the_same_is_taken(server: Emulator, kind: Any, case: Taken) -> None:
    value = case.value.format(**vars_of(server)) if isinstance(case.value, str) else case.value
    model = made(kind, server, **{case.name: value}, **case.beside)
    if "http_async_client" not in case.kept:
        ASK[kind](model)
        request = server.chat_requests[-1]
        sent = {name: field for name, field in server.last_body.items() if name != "messages"}
        assert sent == {"model": "claude-sonnet-4-5", **case.body, **case.beside}
        assert {name: request.headers.get(name) for name in case.headers} == case.headers
    assert {name: getattr(model, name) for name in case.kept} == case.kept
    if case.name in RENAMED:
        assert case.name not in kind.model_fields
        assert case.name not in model.model_dump()
        assert getattr(model, case.name) == getattr(model, RENAMED[case.name])


def vars_of(server: Emulator) -> dict[str, str]:
    return {"api_key": server.api_key, "base_url": server.base_url}


@pytest.mark.parametrize(("kind", "case"), rows(REFUSED))
def test_what_cannot_is_refused_with_what_to_write(kind: Any, case: Refused) -> None:
    with pytest.raises(ConfigurationError) as raised:
        kind(model="m", **{case.name: case.value})
    assert str(raised.value) == f"{kind.__name__} has no argument {case.name!r}: {case.hint}"


@pytest.mark.parametrize(("kind", "case"), rows(REFUSED))
def test_what_was_left_open_is_none(kind: Any, case: Refused) -> None:
    assert kind(model="m", **{case.name: None}).extra_body is None


def test_every_name_has_its_row() -> None:
    names = {case.name for case in TAKEN}
    assert {*RENAMED, *PARTS, *HOLDING_OTHERS, *IMPLIED} - {"stream"} <= names
    assert names - {case.name for case in REFUSED if case.only is None} >= {*RENAMED, *PARTS}


@both
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"timeout": 5, "request_timeout": 9}, "timeout and request_timeout"),
        ({"max_tokens": 5, "max_completion_tokens": 9}, "max_completion_tokens and max_tokens"),
        ({"reasoning": {"effort": "high"}, "reasoning_effort": "low"}, r"reasoning\['effort'\] and reasoning_effort"),
        ({"provider": {"order": ["a"]}, "order": ["b"]}, r"provider\['order'\] and order"),
        ({"seed": 1, "model_kwargs": {"seed": 2}}, r"seed and model_kwargs\['seed'\]"),
        ({"extra_body": {"a": 1}, "model_kwargs": {"a": 2}}, r"extra_body\['a'\] and model_kwargs\['a'\]"),
        (
            {"model_kwargs": {"a": 1}, "additional_kwargs": {"a": 2}},
            r"model_kwargs\['a'\] and additional_kwargs\['a'\]",
        ),
        ({"api_key": "secret-1", "gumloop_api_key": "secret-2"}, "api_key and gumloop_api_key"),
        (
            {"default_headers": {"a": "secret-1"}, "extra_headers": {"a": "secret-2"}},
            "default_headers and extra_headers",
        ),
    ],
)
def test_two_names_with_different_values_are_refused(kind: Any, arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{named} mean the same and have different values") as raised:
        kind(model="m", **arguments)
    assert "secret" not in str(raised.value)
    with pytest.raises(ConfigurationError, match="mean the same"):
        kind(model="m").model_copy(update=arguments)


@both
def test_two_names_with_one_value_are_one(kind: Any) -> None:
    model = kind(
        model="m",
        model_name="m",
        timeout=5,
        request_timeout=5,
        reasoning={"effort": "low", "summary": "auto"},
        reasoning_effort="low",
        max_tokens=None,
        max_completion_tokens=7,
        stop=["a"],
        stop_sequences=None,
    )
    assert (model.timeout, model.max_completion_tokens, model.stop) == (5, 7, ["a"])
    assert model.reasoning == {"effort": "low", "summary": "auto"}
    routed = {"order": ["a"], "openrouter_provider": {"sort": "price"}}
    for arguments in (routed, {"model_kwargs": routed}):
        assert kind(model="m", **arguments).provider == {"order": ["a"], "sort": "price"}


@both
def test_what_else_a_dict_of_arguments_holds_goes_where_it_belongs(kind: Any) -> None:
    held = {
        "user": "ada",
        "timeout": 5,
        "extra_headers": {"X-Key": "secret"},
        "reasoning_effort": "low",
        "extra_body": {"a": 1},
        "metadata": {"team": "x"},
        "n": 1,
    }
    model = kind(model="m", model_kwargs=held, extra_body={"b": 2})
    assert (model.user, model.timeout, model.reasoning) == ("ada", 5, {"effort": "low"})
    assert model.extra_body == {"a": 1, "b": 2, "metadata": {"team": "x"}}
    assert model.default_headers == {"X-Key": "secret"}
    assert "secret" not in repr(model)
    assert held["extra_body"] == {"a": 1}


@both
@pytest.mark.parametrize(
    ("held", "problem"),
    [
        ({"proxy": "http://p"}, "has no argument 'proxy', which model_kwargs holds: set HTTPS_PROXY"),
        ({"n": 2}, "one answer is asked for"),
        ({"openai_api_key": "secret"}, "did you mean 'api_key'"),
        ({"max_retries": "many"}, "max_retries"),
        (5, "model_kwargs must be a dict of fields of the body, not int"),
    ],
)
def test_a_dict_of_arguments_holds_no_others(kind: Any, held: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        kind(model="m", model_kwargs=held)
    assert "secret" not in str(raised.value)


@both
def test_only_our_names_are_kept(kind: Any) -> None:
    model = kind(model_name="m", request_timeout=5, reasoning_effort="low", model_kwargs={"seed": 7, "store": True})
    ours = {"model": "m", "timeout": 5, "reasoning": {"effort": "low"}, "seed": 7, "extra_body": {"store": True}}
    theirs = ("model_name", "request_timeout", "reasoning_effort", "model_kwargs")
    for copied in (model, pickle.loads(pickle.dumps(model)), model.model_copy(), kind(**{**ours, "api_key": "k"})):
        dumped = copied.model_dump()
        assert {name: dumped[name] for name in ours} == ours
        assert not any(f"{name}=" in repr(copied) or name in dumped for name in theirs)
    assert not {*theirs} & model.__class__.model_fields.keys()


def test_what_langchain_writes_down_has_our_names() -> None:
    model = ChatGumloop(model_name="m", api_key="k", request_timeout=5, reasoning_effort="low")
    written = dumpd(model)["kwargs"]
    assert (written["model"], written["timeout"], written["reasoning"]) == ("m", 5, {"effort": "low"})
    assert not {"model_name", "request_timeout", "reasoning_effort"} & written.keys()
    assert model._identifying_params == {"model": "m", "reasoning": {"effort": "low"}}


@both
def test_fields_are_changed_by_their_other_names(kind: Any) -> None:
    model = kind(model="m", seed=1)
    model.model_name, model.request_timeout = "gpt-4o-mini", 5
    copied = model.model_copy(update={"reasoning_effort": "high", "max_tokens": 9, "stop_sequences": ["a"]})
    assert (copied.model, copied.timeout, copied.seed) == ("gpt-4o-mini", 5, 1)
    assert (copied.reasoning, copied.max_completion_tokens, copied.stop) == ({"effort": "high"}, 9, ["a"])
    assert (copied.reasoning_effort, model.reasoning_effort, model.stream_usage) == ("high", None, None)


@both
def test_calls_take_them_too(server: Emulator, kind: Any) -> None:
    model = made(kind, server, reasoning={"effort": "high"}, max_tokens=5)
    ASK[kind](
        model,
        model_name="gpt-4o-mini",
        reasoning_effort="low",
        max_tokens=9,
        stop_sequences=["END"],
        openrouter_provider={"sort": "price"},
        request_timeout=20,
        top_k=4,
        user="ada",
    )
    assert {name: field for name, field in server.last_body.items() if name != "messages"} == {
        "model": "gpt-4o-mini",
        "reasoning": {"effort": "low"},
        "max_completion_tokens": 9,
        "stop": ["END"],
        "provider": {"sort": "price"},
        "top_k": 4,
        "user": "ada",
    }
    ASK[kind](model, reasoning_effort=None)
    assert "reasoning" not in server.last_body


@both
def test_a_stream_tells_its_usage_unless_told_not_to(server: Emulator, kind: Any) -> None:
    model = made(kind, server, stream_usage=False)
    STREAM[kind](model)
    assert server.last_body["stream_options"] == {"include_usage": False}
    STREAM[kind](model, stream_usage=True)
    assert server.last_body["stream_options"] == {"include_usage": True}
    STREAM[kind](made(kind, server))
    assert server.last_body["stream_options"] == {"include_usage": True}


@both
def test_a_call_contradicts_itself(server: Emulator, kind: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"reasoning\['effort'\] and reasoning_effort mean the same"):
        ASK[kind](made(kind, server), reasoning={"effort": "high"}, reasoning_effort="low")
    with pytest.raises(InvalidRequestError, match="'model_kwargs' is for the model, not for a call"):
        ASK[kind](made(kind, server), model_kwargs={"a": 1})


def test_what_tracers_are_told_of_a_call_has_our_names() -> None:
    model = ChatGumloop(model="m", api_key="k")
    assert model._get_ls_params(model_name="other", max_tokens=3)["ls_model_name"] == "other"
    params = model._get_invocation_params(reasoning_effort="low", stop_sequences=["END"])
    assert (params["reasoning"], params["stop"]) == ({"effort": "low"}, ["END"])
    assert model._get_ls_params(stop_sequences=["END"])["ls_stop"] == ["END"]


def test_a_value_that_cannot_be_compared_is_another() -> None:
    class Odd(dict):  # type: ignore[type-arg]
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(InvalidRequestError, match="stop and stop_sequences"):
        settle_call({"stop": Odd(), "stop_sequences": ["a"]})
