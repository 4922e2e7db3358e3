"""One call that somebody observes: what is told of it, and when. No I/O."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gumloop_core.answer import Completion, Delta
from gumloop_core.boundary import leaving, unexpected
from gumloop_core.errors import GumloopError
from gumloop_core.observation import CallObserver, CallRecord, of_call, tell
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    from gumloop_core.http.exchange import Exchange


class ObservedCall:
    """A context around one call, which tells the observers of its beginning and its end.

    Args:
        observers: Whom to tell.
        exchange: What sends and reads.
        body: What is asked.
    """

    __slots__ = ("_began", "_exchange", "_first_piece", "_model", "_observers", "_options", "_told")

    def __init__(self, observers: tuple[CallObserver, ...], exchange: Exchange, body: ChatBody) -> None:
        self._observers = of_call(observers)
        self._exchange = exchange
        self._model: str = body["model"]
        self._options = {name: value for name, value in body.items() if name != "messages"}
        self._began = 0.0
        self._first_piece: float | None = None
        self._told: tuple[CallObserver, ...] = ()  # who knows of the beginning, and not yet of the end

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        refusal: GumloopError | None = None
        for observer in self._observers:
            try:
                observer.before_call(self._model)
            except BaseException as error:
                if not isinstance(error, Exception):
                    self._end(None, None)
                    raise
                refusal = leaving(error)
                break
            self._told = (*self._told, observer)
        if refusal is not None:
            self._end(None, refusal)
            raise refusal from refusal.__cause__
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(None, error)

    def whole(self, completion: Completion) -> Completion:
        """Tell of the whole answer, and give it back."""
        self._end(completion, None)
        return completion

    def stream(self, deltas: Generator[Delta, None, None]) -> Generator[Delta, None, None]:
        """Hand out deltas. The end is told before the last is handed out, as nobody needs to come for more."""
        with self, closing(deltas):
            for delta in deltas:
                self._note_first_piece()
                if delta.completion is not None:
                    self.whole(delta.completion)
                yield delta

    async def astream(self, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
        """The same for asynchronous calls."""
        with self:
            async with aclosing(deltas):
                async for delta in deltas:
                    self._note_first_piece()
                    if delta.completion is not None:
                        self.whole(delta.completion)
                    yield delta

    def _note_first_piece(self) -> None:
        if self._first_piece is None:
            self._first_piece = time.perf_counter()

    def _end(self, completion: Completion | None, error: BaseException | None) -> None:
        told, self._told = self._told, ()
        if not told:
            return
        seconds = time.perf_counter() - self._began
        failure = error if error is None or isinstance(error, GumloopError) else _as_failure(error)
        exchange = self._exchange
        known = completion or exchange.known() or Completion()
        record = CallRecord(
            model=self._model,
            answered_by=known.model,
            answer_id=known.id,
            usage=known.usage,
            usage_of_retried=tuple(exchange.usage_of_retried),
            attempts=exchange.attempts,
            seconds=seconds,
            error=failure,
            is_whole=completion is not None,
            finish_reason=known.finish_reason,
            seconds_to_first_piece=None if self._first_piece is None else self._first_piece - self._began,
            options=self._options,
        )
        tell(told, record)


def _as_failure(error: BaseException) -> GumloopError | None:
    """The error of a record; ``None`` for what ends a call from outside."""
    return unexpected(error) if isinstance(error, Exception) else None
