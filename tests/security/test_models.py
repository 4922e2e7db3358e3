"""No model shows its key or token, whatever is done with it."""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.load import dumpd, dumps
from langchain_core.runnables import ConfigurableField
from llama_index.core.llms import ChatMessage
from pydantic import SecretStr

from gumloop_core import AsyncGumloopClient, ClientSettings, Credentials, Endpoint, GumloopClient
from gumloop_core.errors import ConfigurationError
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop
from tests.fuzz.shown import assert_shows_no_key
from tests.security.shown import KEY, pickled, shown_by, shown_by_error
from tests.support.byte_server import ByteServer
from tests.support.http_bytes import completion, whole

ADAPTERS = {"langchain": ChatGumloop, "llamaindex": Gumloop}
SECRETS: dict[str, Callable[[], dict[str, Any]]] = {
    "key": lambda: {"api_key": KEY},
    "secret key": lambda: {"api_key": SecretStr(KEY)},
    "callable key": lambda: {"api_key": _read},
    "token": lambda: {"access_token": KEY},
    "secret token": lambda: {"access_token": SecretStr(KEY)},
    "header": lambda: {"api_key": "other", "default_headers": {"x-gateway-key": KEY}},
    "key by its other name": lambda: {"gumloop_api_key": KEY},
    "key among others": lambda: {"model_kwargs": {"api_key": KEY, "extra_headers": {"x-gateway-key": KEY}}},
    "header by its other name": lambda: {"api_key": "other", "extra_headers": {"x-gateway-key": KEY}},
}


def _read() -> str:
    return KEY


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_model(adapter: str, secret: str) -> None:
    model = ADAPTERS[adapter](model="m", base_url="http://127.0.0.1:1", **SECRETS[secret]())
    model._sync()
    model._async()
    for same in (model, copy.copy(model), copy.deepcopy(model), model.model_copy(update={"model": "n"})):
        shown = shown_by(same)
        pickle_bytes = pickled(same)
        assert KEY not in shown
        assert KEY not in pickle_bytes


CHANGES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "set": lambda model, values: _set(model, values),
    "copied": lambda model, values: model.model_copy(update=values),
    "copied deep": lambda model, values: model.model_copy(update=values, deep=True),
    "constructed": lambda model, values: type(model).model_construct(**{**vars(model), **values}),
}


def _set(model: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(model, name, value)
    return model


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["api_key", "access_token"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_secret_that_is_set_later(adapter: str, name: str, change: str) -> None:
    with ByteServer(whole(completion()), whole(completion())) as server:
        model = ADAPTERS[adapter](model="m", base_url=server.base_url, api_key="other")
        _ask(model)
        changed = CHANGES[change](model, {name: KEY})
        _ask(changed)
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    shown = shown_by(changed) + pickled(changed)
    if isinstance(changed, ChatGumloop):
        shown += dumps(changed) + repr(dumpd(changed)) + repr(changed._get_invocation_params())
    assert KEY not in shown


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_headers_that_are_set_later(adapter: str, change: str) -> None:
    model = ADAPTERS[adapter](model="m", base_url="http://127.0.0.1:1", api_key="other")
    changed = CHANGES[change](model, {"default_headers": {"x-gateway-key": KEY}})
    shown = shown_by(changed) + pickled(changed) + repr(vars(changed))
    assert KEY not in shown


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "constructed"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_headers_that_are_refused_when_they_are_set(adapter: str, change: str) -> None:
    model = ADAPTERS[adapter](model="m", base_url="http://127.0.0.1:1", api_key="other")
    with pytest.raises(ConfigurationError, match="default_headers must be a dict") as caught:
        CHANGES[change](model, {"default_headers": KEY})
    assert_shows_no_key(caught.value)  # but in the variables of these tests


REFUSED: list[dict[str, Any]] = [
    {"openai_api_key": KEY},
    {"model_kwargs": {"openai_api_key": KEY}},
    {"api_key": "other", "gumloop_api_key": KEY},
    {"default_headers": {"a": "b"}, "extra_headers": {"x-gateway-key": KEY}},
]


@pytest.mark.parametrize("arguments", REFUSED)
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_keys_by_names_that_are_refused(adapter: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ADAPTERS[adapter](model="m", **arguments)
    assert_shows_no_key(caught.value)
    with pytest.raises(ConfigurationError) as caught:
        ADAPTERS[adapter](model="m").model_copy(update=arguments)
    assert_shows_no_key(caught.value)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_keys_that_are_set_by_their_other_names(adapter: str) -> None:
    model = ADAPTERS[adapter](model="m", api_key="other")
    model.gumloop_api_key, model.extra_headers = KEY, {"x-gateway-key": KEY}
    copied = model.model_copy(update={"gumloop_api_key": KEY, "extra_headers": {"x-gateway-key": KEY}})
    shown = shown_by(model) + shown_by(copied)
    assert KEY not in shown
    assert model.api_key.get_secret_value() == copied.api_key.get_secret_value() == KEY


def _ask(model: Any, **options: Any) -> None:
    model.invoke("Hi", **options) if isinstance(model, ChatGumloop) else model.complete("Hi", **options)


def test_a_configurable_key() -> None:
    with ByteServer(whole(completion())) as server:
        model = ChatGumloop(model="m", base_url=server.base_url, api_key="other")
        configurable = model.configurable_fields(api_key=ConfigurableField(id="api_key"))
        configurable.with_config(configurable={"api_key": KEY}).invoke("Hi")
        assert server.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        made = configurable._prepare({"configurable": {"api_key": KEY}})[0]
    shown = shown_by(made) + dumps(made)
    assert KEY not in shown


@pytest.mark.parametrize("secret", SECRETS)
def test_langchains_ways_to_write_a_model_down(secret: str) -> None:
    model = ChatGumloop(model="m", base_url="http://127.0.0.1:1", **SECRETS[secret]())
    bound = model.bind_tools([{"type": "function", "function": {"name": "f", "parameters": {}}}])
    chains = [model, bound, model.with_retry(), model.with_fallbacks([model]), model.with_config({"tags": ["x"]})]
    for chain in chains:
        written = dumps(chain) + repr(dumpd(chain)) + repr(chain)
        assert KEY not in written
    assert KEY not in model._get_llm_string()
    assert KEY not in repr(model._get_ls_params()) + repr(model._get_invocation_params())


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUMLOOP_API_KEY", KEY)
    monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", KEY)
    for adapter in ADAPTERS.values():
        model = adapter(model="m")
        shown = shown_by(model) + pickled(model)
        assert KEY not in shown


def test_the_cores_objects() -> None:
    credentials = Credentials(api_key=KEY, access_token=KEY)
    settings = ClientSettings(credentials=credentials, endpoint=Endpoint.resolve("http://127.0.0.1:1"))
    for thing in (credentials, settings, GumloopClient(settings), AsyncGumloopClient(settings)):
        shown = shown_by(thing) + pickled(thing)
        assert KEY not in shown


WRONG: dict[str, dict[str, Any]] = {
    "misspelled": {"temprature": 1},
    "insecure": {"base_url": "http://gw.example"},
    "no address": {"base_url": "nope"},
    "wrong type": {"temperature": "hot"},
    "wrong client": {"max_retries": -1},
    "no model": {"model": None},
    "another's name": {"openai_api_key": KEY},
    "odd headers": {"default_headers": {"x-gateway-key": KEY, "x-a": None}},
    "headers as a list": {"default_headers": [("x-gateway-key", KEY)]},
    "a key that is none": {"api_key": [KEY]},
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("secret", ["key", "token"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_model_that_cannot_be_made(adapter: str, secret: str, wrong: str) -> None:
    error = None
    try:
        ADAPTERS[adapter](**{"model": "m", **SECRETS[secret](), **WRONG[wrong]})
    except Exception as raised:
        error = raised
    assert error is not None
    shown = shown_by_error(error)
    details = repr(error.errors()) if hasattr(error, "errors") else ""
    assert KEY not in shown
    assert KEY not in details


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_key_that_cannot_be_sent(adapter: str) -> None:
    model = ADAPTERS[adapter](model="m", base_url="http://127.0.0.1:1", api_key=f"{KEY}\r\nx-evil: 1")
    error = None
    try:
        model.invoke("Hi") if isinstance(model, ChatGumloop) else model.complete("Hi")
    except Exception as raised:
        error = raised
    assert error is not None
    shown = shown_by_error(error)
    assert KEY not in shown


# -- what is reported to others --------------------------------------------------------------------------------------

ANSWERS = [whole(completion()), whole({"error": {"code": 401, "message": "no"}}, 401)]


MESSAGES = [ChatMessage("Hi")]


async def _drained(responses: Any) -> None:
    async for _ in await responses:
        pass


LLAMA_INDEX_ROADS: dict[str, Callable[..., Any]] = {
    "chat": lambda model, **options: model.chat(MESSAGES, **options),
    "stream_chat": lambda model, **options: list(model.stream_chat(MESSAGES, **options)),
    "achat": lambda model, **options: asyncio.run(model.achat(MESSAGES, **options)),
    "astream_chat": lambda model, **options: asyncio.run(_drained(model.astream_chat(MESSAGES, **options))),
    "complete": lambda model, **options: model.complete("Hi", **options),
    "stream_complete": lambda model, **options: list(model.stream_complete("Hi", **options)),
    "acomplete": lambda model, **options: asyncio.run(model.acomplete("Hi", **options)),
    "astream_complete": lambda model, **options: asyncio.run(_drained(model.astream_complete("Hi", **options))),
}


def test_langchains_callbacks_tracers_and_caches() -> None:
    from langchain_core.caches import InMemoryCache
    from langchain_core.callbacks import BaseCallbackHandler
    from langchain_core.tracers.base import BaseTracer

    reported: list[Any] = []

    class Handler(BaseCallbackHandler):
        def __getattribute__(self, name: str) -> Any:
            if name.startswith("on_"):
                return lambda *arguments, **named: reported.append((name, arguments, named))
            return super().__getattribute__(name)

    class Tracer(BaseTracer):
        def _persist_run(self, run: Any) -> None:
            reported.append(run.model_dump() if hasattr(run, "model_dump") else run.dict())

    cache = InMemoryCache()
    with ByteServer(*ANSWERS) as server:
        model = ChatGumloop(model="m", base_url=server.base_url, cache=cache, **SECRETS["key"]())
        config: Any = {"callbacks": [Handler(), Tracer()], "metadata": {"a": 1}}
        model.invoke("Hi", config)
        with contextlib.suppress(Exception):
            model.invoke("Hello", config)
        with contextlib.suppress(Exception):
            list(model.stream("Hello", config))
        assert len(server.requests) == 3
        headers = {"x-gateway-key": KEY, "x-tenant": "acme"}
        for asked in (model, model.bind(extra_headers=headers), model.bind_tools([], extra_headers=headers)):
            own = {"extra_headers": headers} if asked is model else {}
            assert KEY not in dumps(asked) + repr(asked)
            for prompt in ("A", "B"):
                cache.clear()
                with contextlib.suppress(Exception):
                    asked.invoke(prompt, config, **own) if prompt == "A" else list(asked.stream(prompt, config, **own))
                assert server.requests[-1].headers["x-gateway-key"] == KEY
        with contextlib.suppress(Exception):
            list(model.stream_events("C", config, version="v3", extra_headers=headers))
        assert server.requests[-1].headers["x-gateway-key"] == KEY
    assert "acme" not in repr(reported)
    assert "x-tenant" in repr(reported)
    assert len(reported) > 5
    shown = repr(reported) + repr(cache._cache)
    assert KEY not in shown


def test_llama_indexs_events_and_callbacks() -> None:
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.callbacks.base_handler import BaseCallbackHandler
    from llama_index.core.instrumentation import get_dispatcher
    from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler

    reported: list[Any] = []

    class Events(BaseEventHandler):
        def handle(self, event: Any, **_: Any) -> None:
            reported.append(event)
            reported.append(event.model_dump())

    class Callbacks(BaseCallbackHandler):
        def __init__(self) -> None:
            super().__init__([], [])

        def on_event_start(self, *arguments: Any, **named: Any) -> str:
            reported.append((arguments, named))
            return "x"

        def on_event_end(self, *arguments: Any, **named: Any) -> None:
            reported.append((arguments, named))

        def start_trace(self, trace_id: str | None = None) -> None: ...

        def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None: ...

    class Spans(SimpleSpanHandler):
        def new_span(self, *arguments: Any, **named: Any) -> Any:
            reported.append((arguments, named))
            return super().new_span(*arguments, **named)

    dispatcher = get_dispatcher()
    spans = Spans()
    before = list(dispatcher.event_handlers), list(dispatcher.span_handlers)
    dispatcher.add_event_handler(Events())
    dispatcher.add_span_handler(spans)
    try:
        with ByteServer(*ANSWERS) as server:
            model = Gumloop(
                model="m",
                base_url=server.base_url,
                callback_manager=CallbackManager([Callbacks()]),
                **SECRETS["key"](),
            )
            model.complete("Hi")
            for call in (model.complete, lambda prompt: list(model.stream_complete(prompt))):
                with contextlib.suppress(Exception):
                    call("Hi")
            headers = {"x-gateway-key": KEY, "x-tenant": "acme"}
            for road in LLAMA_INDEX_ROADS.values():
                with contextlib.suppress(Exception):
                    road(model, extra_headers=headers)
                assert server.requests[-1].headers["x-gateway-key"] == KEY
    finally:
        dispatcher.event_handlers, dispatcher.span_handlers = before
    assert "acme" not in repr(reported)
    assert "x-tenant" in repr(reported)
    assert len(reported) > 5
    shown = repr(reported) + repr(spans.completed_spans) + repr(spans.dropped_spans)
    assert KEY not in shown
