"""What is reported of a streamed call: the framework's own events and callbacks, in its order and with its contents.

Unary calls use the framework's decorators. For streams those have two faults. They raise an event for every chunk, and
making one validates all messages of the request again, whether anyone listens or not: with 1,000 messages that costs
several times what the chunk does. And closing such a stream leaves the one within it open until it is collected, and
with it the connection. Here the event is made where there is a handler to receive it, looked up at every chunk, and a
stream is closed with the one that was handed out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import Any, NamedTuple, TypeVar

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.callbacks import CallbackManager, CBEventType, EventPayload
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatInProgressEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionInProgressEvent,
    LLMCompletionStartEvent,
)
from llama_index.core.llms.callbacks import dispatcher
from llama_index_instrumentation.dispatcher import Dispatcher
from llama_index_instrumentation.event_handlers import NullEventHandler
from llama_index_instrumentation.span import active_span_id

from llama_index_gumloop.costs import CostEventHandler

StreamMethod = TypeVar("StreamMethod", bound=Callable[..., Any])


_DESCRIBES_BY_PAYLOAD = hasattr(BaseLLM, "to_payload")  # earlier versions of the framework did by `to_dict`


class _Kind(NamedTuple):
    """How a kind of call is reported."""

    trace: str
    start: Any
    in_progress: Any
    end: Any
    subject: str  # the events' field for what was asked
    asked: EventPayload
    answered: EventPayload


_CHAT = _Kind(
    "chat",
    LLMChatStartEvent,
    LLMChatInProgressEvent,
    LLMChatEndEvent,
    "messages",
    EventPayload.MESSAGES,
    EventPayload.RESPONSE,
)
_COMPLETION = _Kind(
    "completion",
    LLMCompletionStartEvent,
    LLMCompletionInProgressEvent,
    LLMCompletionEndEvent,
    "prompt",
    EventPayload.PROMPT,
    EventPayload.COMPLETION,
)


_DEAF = (NullEventHandler, CostEventHandler)
"""Handlers that make nothing of events."""


def has_listeners() -> bool:
    """Whether anyone makes something of events."""
    reached: Dispatcher | None = dispatcher
    while reached is not None:
        for handler in reached.event_handlers:
            if type(handler) not in _DEAF:
                return True
        reached = reached.parent if reached.propagate else None
    return False


class _Report:
    """The report of one call.

    Args:
        llm: Whose call it is.
        callbacks: Its callback manager.
        kind: The kind of call.
        subject: The messages, or the prompt.
        options: The call's keywords.
    """

    def __init__(
        self, llm: Any, callbacks: CallbackManager, kind: _Kind, subject: Any, options: dict[str, Any]
    ) -> None:
        self._callbacks = callbacks
        self._kind = kind
        self._subject = subject
        self._span_id = active_span_id.get()
        description = llm.to_payload() if _DESCRIBES_BY_PAYLOAD else llm.to_dict()
        dispatcher.event(
            kind.start(
                model_dict=description, additional_kwargs=options, span_id=self._span_id, **{kind.subject: subject}
            )
        )
        self._event_id = self._callbacks.on_event_start(
            CBEventType.LLM,
            payload={
                kind.asked: subject,
                EventPayload.ADDITIONAL_KWARGS: options,
                EventPayload.SERIALIZED: description,
            },
        )

    def progressed(self, response: Any) -> None:
        """Tell of a response."""
        kind = self._kind
        dispatcher.event(kind.in_progress(response=response, span_id=self._span_id, **{kind.subject: self._subject}))

    def not_begun(self, error: BaseException) -> None:
        """Tell of an error before there was a stream; the span tells of it too."""
        self._callbacks.on_event_end(CBEventType.LLM, payload={EventPayload.EXCEPTION: error}, event_id=self._event_id)

    def failed(self, error: BaseException) -> None:
        """Tell of an error in the stream, or of its early close."""
        self.not_begun(error)
        dispatcher.event(ExceptionEvent(exception=error, span_id=self._span_id))

    def ended(self, last: Any) -> None:
        """Tell of the end."""
        kind = self._kind
        self._callbacks.on_event_end(
            CBEventType.LLM,
            payload={kind.asked: self._subject, kind.answered: last},
            event_id=self._event_id,
        )
        dispatcher.event(kind.end(response=last, span_id=self._span_id, **{kind.subject: self._subject}))


def reported_stream_chat(method: StreamMethod) -> StreamMethod:
    """Report ``stream_chat``."""

    def reported(self: Any, messages: Any, **kwargs: Any) -> Any:
        return _open(method, _CHAT, self, messages, (messages,), kwargs)

    return _named_like(method, reported)


def reported_astream_chat(method: StreamMethod) -> StreamMethod:
    """Report ``astream_chat``."""

    async def reported(self: Any, messages: Any, **kwargs: Any) -> Any:
        return await _aopen(method, _CHAT, self, messages, (messages,), kwargs)

    return _named_like(method, reported)


def reported_stream_complete(method: StreamMethod) -> StreamMethod:
    """Report ``stream_complete``."""

    def reported(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _open(method, _COMPLETION, self, _prompt_of(args, kwargs), args, kwargs)

    return _named_like(method, reported)


def reported_astream_complete(method: StreamMethod) -> StreamMethod:
    """Report ``astream_complete``."""

    async def reported(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await _aopen(method, _COMPLETION, self, _prompt_of(args, kwargs), args, kwargs)

    return _named_like(method, reported)


def _open(
    method: Callable[..., Any], kind: _Kind, llm: Any, subject: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> Generator[Any, None, None]:
    callbacks = _callbacks_of(llm)
    with callbacks.as_trace(kind.trace):
        report = _Report(llm, callbacks, kind, subject, options)
        limiter = getattr(llm, "rate_limiter", None)  # not in all versions of the framework
        if limiter is not None:
            limiter.acquire()
        try:
            stream = method(llm, *args, **options)
        except BaseException as error:
            report.not_begun(error)
            raise
    return _reported(report, stream)


async def _aopen(
    method: Callable[..., Any], kind: _Kind, llm: Any, subject: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> AsyncGenerator[Any, None]:
    callbacks = _callbacks_of(llm)
    with callbacks.as_trace(kind.trace):
        report = _Report(llm, callbacks, kind, subject, options)
        limiter = getattr(llm, "rate_limiter", None)
        if limiter is not None:
            await limiter.async_acquire()
        try:
            stream = await method(llm, *args, **options)
        except BaseException as error:
            report.not_begun(error)
            raise
    return _areported(report, stream)


def _reported(report: _Report, stream: Generator[Any, None, None]) -> Generator[Any, None, None]:
    last = None
    with closing(stream):
        try:
            for response in stream:
                if has_listeners():
                    report.progressed(response)
                yield response
                last = response
        except BaseException as error:
            report.failed(error)
            raise
    report.ended(last)


async def _areported(report: _Report, stream: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    last = None
    async with aclosing(stream):
        try:
            async for response in stream:
                if has_listeners():
                    report.progressed(response)
                yield response
                last = response
        except BaseException as error:
            report.failed(error)
            raise
    report.ended(last)


def _callbacks_of(llm: Any) -> CallbackManager:
    callbacks = llm.callback_manager
    if not isinstance(callbacks, CallbackManager):
        callbacks = llm.callback_manager = CallbackManager()
    return callbacks


def _prompt_of(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if args:
        return str(args[0])
    if "prompt" in options:
        return options["prompt"]
    raise ValueError("There is no prompt: pass it as the first argument.")


def _named_like(method: StreamMethod, reported: Any) -> StreamMethod:
    # Not `functools.wraps`: handlers of spans get a call's arguments by the names that the framework gives them.
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(reported, name, getattr(method, name))
    named: StreamMethod = reported
    return named
