"""Each error is the core's and LangChain's, for those who catch it and for the middleware that decides by it."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from typing import Any

import httpx
import pytest
from langchain_core import exceptions as langchain
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langgraph.types import default_retry_on

from gumloop_core import errors as core
from gumloop_core.answer import Completion
from gumloop_core.http.retry import is_retryable
from gumloop_core.reading.status_errors import status_error
from gumloop_emulator import Chunks, Drop, Emulator, Failure, Json, RawStream
from langchain_gumloop import ChatGumloop, chat_models, events
from langchain_gumloop import errors as adapter
from langchain_gumloop.from_wire import streamed_answers
from tests.langchain.answers import gathered, streamed
from tests.langchain.conftest import MakeModel

STATUSES: list[Any] = [
    (400, core.BadRequestError, langchain.ModelInvalidRequestError, False),
    (401, core.AuthenticationError, langchain.ModelAuthenticationError, False),
    (402, core.InsufficientCreditsError, langchain.ModelError, False),
    (403, core.PermissionDeniedError, langchain.ModelPermissionDeniedError, False),
    (404, core.NotFoundError, langchain.ModelNotFoundError, False),
    (405, core.APIStatusError, langchain.ModelError, False),
    (409, core.APIStatusError, langchain.ModelError, True),
    (413, core.RequestTooLargeError, langchain.ModelInvalidRequestError, False),
    (422, core.BadRequestError, langchain.ModelInvalidRequestError, False),
    (429, core.RateLimitError, langchain.ModelRateLimitError, True),
    (500, core.ServerError, langchain.ModelAPIError, True),
    (501, core.NotSupportedError, langchain.ModelAPIError, False),
    (502, core.ProviderError, langchain.ModelAPIError, True),
    (503, core.ServerError, langchain.ModelAPIError, True),
]
WAYS: dict[str, Any] = {
    "invoke": lambda model: model.invoke("x"),
    "ainvoke": lambda model: asyncio.run(model.ainvoke("x")),
    "stream": lambda model: list(model.stream("x")),
    "astream": lambda model: gathered(model.astream("x")),
}


def raised(model: Any, way: str = "invoke") -> Any:
    with pytest.raises(core.GumloopError) as caught:
        WAYS[way](model)
    return caught.value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("status", "own", "langchains", "is_retryable"), STATUSES)
def test_a_status_is_an_error_of_both(
    server: Emulator,
    chat: MakeModel,
    way: str,
    status: int,
    own: type[Exception],
    langchains: type[Exception],
    is_retryable: bool,
) -> None:
    server.queue(Failure(status, message="No.", headers={"x-request-id": "req-1"}))
    error = raised(chat(max_retries=0), way)
    assert isinstance(error, own)
    assert isinstance(error, langchains)
    assert error.is_retryable is is_retryable
    assert default_retry_on(error) is is_retryable
    assert error.status_code == status
    assert "No." in str(error)
    assert error.request_id == "req-1"
    assert error.response.status_code == status


def test_no_error_of_the_core_is_without_a_kind() -> None:
    own = {
        kind
        for _, kind in inspect.getmembers(core, inspect.isclass)
        if issubclass(kind, core.GumloopError) and kind is not core.GumloopError
    }
    assert own == set(adapter._KINDS)
    for kind, converted in adapter._KINDS.items():
        assert converted.__name__ == kind.__name__
        assert issubclass(converted, kind)
        assert issubclass(converted, langchain.ModelError)
        assert converted.__doc__


@pytest.mark.parametrize(
    "kind",
    [kind for kind in adapter._KINDS if not issubclass(kind, core.APIStatusError)],
    ids=lambda kind: kind.__name__,
)
def test_langgraph_repeats_what_may_be_repeated(kind: type[core.GumloopError]) -> None:
    error: Any = adapter.as_langchain(kind("x"))
    assert default_retry_on(error) is error.is_retryable


@pytest.mark.parametrize("status", range(300, 600))
def test_langchain_repeats_what_our_own_retries_repeat(status: int) -> None:
    """By the HTTP status, and by that of an error inside a 200 answer."""
    body = {"error": {"code": status, "message": "x"}}
    for error in (status_error(status, body), status_error(200, body)):
        converted: Any = adapter.as_langchain(error)
        assert converted.is_retryable is is_retryable(error)
        assert default_retry_on(converted) is is_retryable(error)


@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_fails(chat: MakeModel, way: str) -> None:
    error = raised(chat(base_url="http://127.0.0.1:9", max_retries=0), way)
    assert isinstance(error, core.APIConnectionError)
    assert isinstance(error, langchain.ModelConnectionError)
    assert isinstance(error, ConnectionError)
    assert error.is_retryable is True
    assert default_retry_on(error) is True
    assert isinstance(error.__cause__, httpx.ConnectError)


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_that_takes_too_long(server: Emulator, chat: MakeModel, way: str) -> None:
    server.queue(Failure(500, delay=2))
    error = raised(chat(timeout=0.1, max_retries=0), way)
    assert isinstance(error, core.APITimeoutError)
    assert isinstance(error, langchain.ModelTimeoutError)
    assert default_retry_on(error) is True


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("script", "own", "langchains"),
    [
        pytest.param(Drop(), core.APIConnectionError, langchain.ModelConnectionError, id="no answer"),
        pytest.param(Failure(500, delay=2), core.APITimeoutError, langchain.ModelTimeoutError, id="too late"),
        pytest.param(Failure(504), core.ServerError, langchain.ModelAPIError, id="a gateway's timeout"),
    ],
)
def test_nobody_repeats_what_may_have_run(
    server: Emulator, chat: MakeModel, script: Any, own: type, langchains: type, way: str
) -> None:
    server.queue(script)
    error = raised(chat(retry_unanswered=False, timeout=0.2), way)
    assert len(server.chat_requests) == 1
    assert isinstance(error, own)
    assert isinstance(error, langchains)
    assert error.is_retryable is False
    assert default_retry_on(error) is False
    assert "retry_unanswered=False" in str(error)
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), copied.is_retryable, str(copied)) == (type(error), False, str(error))


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_nobody_repeats_a_stream_that_may_have_run(server: Emulator, chat: MakeModel, way: str) -> None:
    server.queue(Chunks([*streamed({"content": "Ot"}).events[:2], Drop()]))
    error = raised(chat(retry_unanswered=False), way)
    assert isinstance(error, adapter.StreamError)
    assert error.partial is not None
    assert error.is_retryable is False
    assert default_retry_on(error) is False


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param(Chunks(streamed({"content": "Ot"}).events[:2], done=False), "ended early", id="ended early"),
        pytest.param(Chunks([*streamed({"content": "Ot"}).events[:2], Drop()]), "stream broke", id="dropped"),
        pytest.param(Chunks([*streamed({"content": "Ot"}).events[:2], "{oops"]), "not JSON", id="not JSON"),
    ],
)
def test_a_stream_that_breaks_keeps_what_arrived(
    server: Emulator, chat: MakeModel, script: Chunks, said: str, way: str
) -> None:
    server.queue(script)
    error = raised(chat(), way)
    assert isinstance(error, core.StreamError)
    assert isinstance(error, langchain.ModelAPIError)
    assert said in str(error)
    assert isinstance(error.partial, Completion)
    assert error.partial.text == "Ot"
    assert error.is_retryable is True


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("has_choices", [True, False])
def test_an_error_inside_a_stream_is_raised(server: Emulator, chat: MakeModel, way: str, has_choices: bool) -> None:
    choices = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}] if has_choices else []
    failed = {"choices": choices, "error": {"code": 402, "message": "budget exceeded"}}
    server.queue(Chunks([*streamed({"content": "Ot"}).events[:2], failed]))
    error = raised(chat(), way)
    assert isinstance(error, adapter.InsufficientCreditsError)
    assert error.partial is not None
    assert error.partial.text == "Ot"


@pytest.mark.parametrize("way", WAYS)
def test_an_error_under_200_is_raised(server: Emulator, chat: MakeModel, way: str) -> None:
    server.queue(Json({"error": {"code": 429, "message": "slow down"}}))
    error = raised(chat(max_retries=0), way)
    assert isinstance(error, langchain.ModelRateLimitError)
    assert error.is_retryable is True


@pytest.mark.parametrize("way", WAYS)
def test_a_finish_reason_of_error_is_raised(server: Emulator, chat: MakeModel, way: str) -> None:
    choice = {"index": 0, "finish_reason": "error"}
    if way.endswith("stream"):
        server.queue(Chunks([{"choices": [{**choice, "delta": {"content": "Ot"}}]}]))
    else:
        server.queue(Json({"choices": [{**choice, "message": {"role": "assistant", "content": "Ot"}}]}))
    error = raised(chat(max_retries=0), way)
    assert isinstance(error, adapter.ProviderError)
    assert error.partial is not None
    assert error.partial.text == "Ot"


def test_a_page_from_a_proxy_is_not_retried(server: Emulator, chat: MakeModel) -> None:
    server.queue(RawStream([b"<html><title>Sign in</title></html>"], content_type="text/html"))
    error = raised(chat())
    assert isinstance(error, core.InvalidResponseError)
    assert isinstance(error, langchain.ModelAPIError)
    assert error.is_retryable is False
    assert default_retry_on(error) is False


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        "The provider rejected the request: prompt is too long: 210000 tokens > 200000 maximum",
        "The provider rejected the request: The input token count (1100000) exceeds the maximum number of tokens",
        "This endpoint's maximum context length is 131072 tokens.",
    ],
)
def test_a_prompt_that_is_too_long_is_recognised(server: Emulator, chat: MakeModel, message: str) -> None:
    server.queue(Failure(400, message=message))
    error = raised(chat())
    assert isinstance(error, langchain.ContextOverflowError)
    assert isinstance(error, langchain.ModelInvalidRequestError)
    assert isinstance(error, core.ContextOverflowError)
    assert error.is_retryable is False


def test_temporary_failures_are_retried_and_others_are_not(server: Emulator, chat: MakeModel) -> None:
    server.queue(Failure(429, headers={"Retry-After": "0"}), Failure(503))
    assert chat().invoke("Capital of Canada?").content
    assert len(server.chat_requests) == 3
    server.clear()
    server.queue(*[Failure(500)] * 2)
    raised(chat(max_retries=0))
    assert len(server.chat_requests) == 1
    server.clear()
    server.queue(Failure(402))
    raised(chat())
    assert len(server.chat_requests) == 1


@pytest.mark.parametrize("kind", adapter._KINDS, ids=lambda kind: kind.__name__)
def test_errors_cross_processes(kind: type[core.GumloopError]) -> None:
    options: dict[str, Any] = {"partial": Completion(text="Ot")}
    if issubclass(kind, core.APIStatusError):
        options.update(status_code=418, code="teapot", param="messages[0]", body={"error": "x"}, retry_after=1.0)
    error = adapter.as_langchain(kind("What happened.", **options))
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is type(error)
    assert isinstance(copied, adapter._KINDS[kind])
    assert str(copied) == "What happened."
    assert copied.__dict__ == error.__dict__
    assert copied.is_retryable == error.is_retryable  # type: ignore[attr-defined]


def test_an_error_that_is_langchains_already_stays_itself() -> None:
    error = adapter.RateLimitError("x", status_code=429)
    assert adapter.as_langchain(error) is error


def test_traces_get_the_answer_of_a_failed_call(server: Emulator, chat: MakeModel) -> None:
    class Failures(BaseCallbackHandler):
        seen: Any = None

        def on_llm_error(self, error: BaseException, *, response: Any = None, **kwargs: Any) -> None:
            self.seen = response

    handler = Failures()
    server.queue(Failure(402, message="No credits.", headers={"x-request-id": "req-1"}))
    with pytest.raises(core.InsufficientCreditsError):
        chat().invoke("x", config={"callbacks": [handler]})
    metadata = handler.seen.generations[0][0].message.response_metadata
    assert metadata["status_code"] == 402
    assert metadata["request_id"] == "req-1"
    assert metadata["body"]["error"]["message"] == "No credits."
    assert "authorization" not in {name.lower() for name in metadata["headers"]}


def test_no_error_shows_the_key(server: Emulator, chat: MakeModel) -> None:
    server.queue(Failure(401, message=f"bad key {server.api_key}"))
    error = raised(chat())
    shown = f"{error} {error!r} {error.__dict__} {error.response.text}"
    assert server.api_key not in shown


def test_a_model_that_cannot_be_made_says_why() -> None:
    with pytest.raises(ValueError, match=r"plain http to example\.com") as caught:
        ChatGumloop(model="m", api_key="very-secret", base_url="http://example.com/v1")
    assert "very-secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")
@pytest.mark.parametrize("road", ["invoke", "stream", "ainvoke", "astream", "v3", "av3"])
def test_what_nobody_foresaw_is_an_error_of_ours(chat: MakeModel, monkeypatch: pytest.MonkeyPatch, road: str) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        return {}["nothing"]

    monkeypatch.setattr(chat_models, "chat_result", fail)
    monkeypatch.setattr(streamed_answers, "ChunkMaker", fail)
    monkeypatch.setattr(events, "EventMaker", fail)
    model = chat()

    async def acall() -> None:
        if road == "ainvoke":
            await model.ainvoke("x")
        elif road == "astream":
            async for _ in model.astream("x"):
                pass
        else:
            async for _ in await model.astream_events("x", version="v3"):
                pass

    calls: dict[str, Any] = {
        "invoke": lambda: model.invoke("x"),
        "stream": lambda: list(model.stream("x")),
        "v3": lambda: list(model.stream_events("x", version="v3")),
    }
    with pytest.raises(adapter.UnexpectedError, match="KeyError: 'nothing'") as caught:
        calls.get(road, lambda: asyncio.run(acall()))()
    assert isinstance(caught.value, langchain.ModelError)
    assert caught.value.is_retryable is False
    assert isinstance(caught.value.__cause__, KeyError)


def test_blocks_that_cannot_be_made_are_an_error_of_ours() -> None:
    message = AIMessage("a", response_metadata={"model_provider": "gumloop"})
    message.tool_calls = [{"no": "name"}]  # type: ignore[typeddict-item]
    with pytest.raises(adapter.UnexpectedError, match="KeyError"):
        message.content_blocks  # noqa: B018


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"role": "developer", "content": object()}, "ValidationError: 2 validation errors for SystemMessage"),
        (("user", 5), "ValidationError"),
        (
            {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"arguments": "{"}}]},
            "JSONDecodeError",
        ),
    ],
)
def test_input_that_langchain_trips_over_is_refused(message: Any, reason: str) -> None:
    with pytest.raises(adapter.InvalidRequestError, match=f"cannot be read as messages: {reason}"):
        ChatGumloop(model="m", api_key="k", base_url="http://127.0.0.1:9/v1").invoke([message])


def test_what_is_no_message_is_said_by_langchain() -> None:
    with pytest.raises(ValueError, match="Unexpected message type: 'robot'") as raised:
        ChatGumloop(model="m", api_key="k", base_url="http://127.0.0.1:9/v1").invoke([{"role": "robot", "content": ""}])
    assert type(raised.value) is ValueError
