"""One request and what came back, without the I/O: what the sync and the async client share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from pydantic import SecretStr

from gumloop_core.answer import Completion, Delta, Usage
from gumloop_core.concurrency.limiter import MOST_REFUSALS, NO_TICKET, Limiter, Ticket
from gumloop_core.concurrency.waiting import noted
from gumloop_core.errors import APIStatusError, ConfigurationError, GumloopError
from gumloop_core.http.decoding import Unpack, layers_of, unpacker, was_asked_for
from gumloop_core.http.failures import Failures, is_transports
from gumloop_core.http.response_body import StreamBody, UnaryBody, looks_like_sse
from gumloop_core.http.retry import asked_pause, is_refusal, pause_before_retry
from gumloop_core.http.transport import Head, Request
from gumloop_core.json_text import decode
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.tool_calls import names_of_tools
from gumloop_core.secrets.redaction import Redactor
from gumloop_core.secrets.tracebacks import forget_frames

LONGEST_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read and kept."""

LONGEST_ERROR_SECONDS = 10.0
"""Seconds that an error's body is waited for: its status says the most of it."""


class _HeldSlot:
    """Gives the slot back of a call that nobody can end any more, since its event loop is closed.

    Apart from the exchange, and gone with the attempt: the exchange may lie in a failure's cycle for long, and would be
    finalized wherever the collector happens to run.
    """

    __slots__ = ("_limiter", "_ticket")

    def __init__(self, limiter: Limiter, ticket: Ticket) -> None:
        self._limiter = limiter
        self._ticket = ticket

    def __del__(self) -> None:
        if self._ticket.slot:
            self._limiter.release(self._ticket, is_admitted=False)


class Exchange:
    """A request that can be sent any number of times, and the reading of its answers.

    Args:
        method: The HTTP method.
        url: Where to.
        content: The encoded body, ``None`` for a GET.
        headers: All headers but those of the credentials and those that httpx adds.
        credentials: Makes the headers that carry a key or token; ``None`` to send none.
        secrets: Values that no error may show, beside the key.
        timeout: Seconds, by httpx's names: ``connect``, ``read``, ``write``, ``pool``.
        total_timeout: Seconds that a unary answer may take in all; ``None`` to let each read take its time.
        idle_timeout: Seconds that a stream may be silent once it has begun.
        max_bytes: Bytes of an answer that are read at most.
        max_retries: Further attempts after one that failed in a way that may pass.
        retry_unanswered: Whether they may be made where the request may have run.
        messages: The messages that were sent, for errors that name one.
        caller_indices: Where each came from among the caller's.
        partial_images: Whether partial frames of pictures were asked for.
        tools: The tools that were sent.
    """

    _limiter: Limiter | None = None
    _ticket = NO_TICKET
    _held: _HeldSlot | None = None

    def __init__(
        self,
        method: str,
        url: httpx.URL,
        *,
        content: bytes | None,
        headers: list[tuple[str, str]],
        credentials: Callable[[SecretStr], list[tuple[str, str]]] | None = None,
        secrets: Sequence[str],
        timeout: dict[str, float | None],
        total_timeout: float | None = None,
        idle_timeout: float | None,
        max_bytes: int,
        max_retries: int = 0,
        retry_unanswered: bool = True,
        messages: Sequence[Mapping[str, Any]] = (),
        caller_indices: Sequence[int] | None = None,
        partial_images: bool = False,
        tools: Any = None,
    ) -> None:
        self.idle_timeout = idle_timeout
        self.max_bytes = max_bytes
        self.closed: Any = None  # an event of the transport's, set when it is closed; None before the first attempt
        self._method = method
        self._url = url
        self._content = content
        self._headers = headers
        self._credentials = credentials
        self._bearer: SecretStr | None = None
        self._redactor = Redactor(others=secrets)
        self._timeout = timeout
        self._total_timeout = total_timeout
        self._max_retries = max_retries
        self.attempts = 0
        self.usage_of_retried: list[Usage] = []  # of attempts that failed and were repeated, where they told any
        self._latest_reader: AnswerReader | None = None
        self._failed_attempts = 0  # that count as retries
        self._failed: GumloopError | None = None
        self._is_answered = False
        self._partial_images = partial_images
        self._tool_names = names_of_tools(tools)
        self._failures = Failures(
            method,
            url,
            self._redactor,
            timeout=timeout,
            total_timeout=total_timeout,
            idle_timeout=idle_timeout,
            max_bytes=max_bytes,
            messages=messages,
            caller_indices=caller_indices,
            retry_unanswered=retry_unanswered,
        )

    @property
    def is_closed(self) -> bool:
        """Whether the call was ended by closing its transport."""
        return self.closed is not None and bool(self.closed.is_set())

    def join(self, limiter: Limiter, cap: int | None, timeout: float | None, *, is_stream: bool) -> None:
        """Have a limiter let each attempt in.

        Args:
            limiter: The account's.
            cap: Calls in flight, by the caller's word.
            timeout: Seconds that may be waited for a slot.
            is_stream: Whether the answer is handed out piece by piece.
        """
        self._limiter = limiter
        self._ticket = Ticket(cap, timeout, is_stream=is_stream)

    def enter(self) -> None:
        """Wait until the attempt may be made.

        Raises:
            SlotTimeoutError: If that takes too long.
        """
        self._begin()
        if self._limiter is not None:
            with noted(self._ticket):
                self._limiter.acquire(self._ticket)
            self._held = _HeldSlot(self._limiter, self._ticket)

    async def aenter(self) -> None:
        """As :meth:`enter`, in the running event loop."""
        self._begin()
        if self._limiter is not None:
            with noted(self._ticket):
                await self._limiter.aacquire(self._ticket)
            self._held = _HeldSlot(self._limiter, self._ticket)

    def leave(self) -> None:
        """Say that the attempt is over, whatever came of it. Does nothing where it was said before."""
        limiter, failed = self._limiter, self._failed
        if limiter is None or not self._ticket.slot:
            return
        if failed is not None and is_refusal(failed):
            limiter.refused(self._ticket, asked_pause(failed))
        else:
            limiter.release(self._ticket, is_admitted=self._is_answered)
        self._held = None

    def _begin(self) -> None:
        self._failed, self._is_answered = None, False
        if self._limiter is not None:
            self._ticket.closed = self.closed

    def authorize(self, bearer: SecretStr) -> None:
        """Begin another attempt, with the key or token of this moment; those of earlier ones stay secret too."""
        self.attempts += 1
        self._bearer = bearer
        self._redactor.add_key(bearer.get_secret_value())

    def token_failure(self, error: Exception) -> ConfigurationError:
        """The error to raise where the caller's source of tokens fails."""
        return self._failures.of_token_source(error)

    def request(self) -> Request:
        """Make the request for one attempt."""
        headers = self._headers
        if self._credentials is not None and self._bearer is not None:
            credentials = self._credentials(self._bearer)
            taken = [name.lower() for name, _ in credentials]
            headers = [*(header for header in headers if header[0].lower() not in taken), *credentials]
        return Request(self._method, self._url, headers, self._content, dict(self._timeout))

    def unpacker(self, response: Head) -> Unpack | None:
        """What unpacks the pieces of a response's body; ``None`` where they are not packed.

        Raises:
            InvalidResponseError: If it comes in an encoding that was not asked for: httpx would unpack some of them
                without bound.
        """
        self._is_answered = True
        encoding = response.content_encoding
        if encoding is None:
            return None
        layers = layers_of(encoding)
        if not layers:
            return None
        accept = next((value for name, value in self._headers if name.lower() == "accept-encoding"), "")
        if not was_asked_for(layers, accept):
            raise self._failures.of_encoding(encoding)
        return None if response.is_unpacked else unpacker(layers)

    def begin_stream(self, response: Head, reader: AnswerReader) -> StreamBody:
        """What reads a stream's body. From here on, the silence that is tolerated is the stream's."""
        failures = self._failures
        failures.has_begun = True
        response.limit_reads(self.idle_timeout)
        return StreamBody(
            reader,
            max_bytes=self.max_bytes,
            too_long=failures.of_length,
            read_document=lambda content: self._document(content, response),
            nothing_read=failures.of_eventless_stream,
        )

    def reader(self) -> AnswerReader:
        """A reader for a fresh attempt."""
        self._failures.has_begun = False
        reader = self._latest_reader = AnswerReader(
            partial_images=self._partial_images, tool_names=self._tool_names, redactor=self._redactor
        )
        return reader

    def known(self) -> Completion | None:
        """What the latest attempt has told of the answer, ``None`` if there is nothing to read yet."""
        return None if self._latest_reader is None else self._latest_reader.known()

    def body(self, response: Head) -> UnaryBody:
        """What reads a response's body whole."""
        if not response.is_success:
            seconds = min(LONGEST_ERROR_SECONDS, self._total_timeout or LONGEST_ERROR_SECONDS)
            response.limit_reads(seconds)
            return UnaryBody(LONGEST_ERROR_BODY, seconds)
        return UnaryBody(self.max_bytes, self._total_timeout, self._failures.of_length, self._failures.of_slowness)

    def document(self, response: Head, content: bytes) -> Any:
        """The JSON document of a response.

        Raises:
            APIStatusError: If the response is an error.
            InvalidResponseError: If it is not JSON.
        """
        self.check_status(response, content)
        return self._document(content, response)

    def completion(self, response: Head, content: bytes) -> Completion:
        """Read a unary answer, also where a stream came instead."""
        self.check_status(response, content)
        if not looks_like_sse(content):
            return self.reader().read_answer(self._document(content, response))
        reader = self.reader()
        body = self.begin_stream(response, reader)
        completion = None
        for delta in [*body.feed(content), *body.finish()]:
            completion = delta.completion
        assert completion is not None
        return completion

    def check_status(self, response: Head, content: bytes) -> None:
        """Raise for a response that is an error.

        Raises:
            APIStatusError: With the body's reason.
        """
        if not response.is_success:
            raise self._failures.of_status(response.status_code, response.headers, content)

    def outcome(self, error: Exception, reader: AnswerReader) -> Delta | GumloopError:
        """What comes of a stream that raised an error: its last delta, if it had said all before, or a failure."""
        is_ours = isinstance(error, GumloopError)
        if not is_ours and is_transports(error) and reader.finish_reason is not None:
            forget_frames(error, self._redactor)
            try:
                return reader.last_delta()
            except GumloopError as incomplete:
                error = incomplete
        return self.failure(error, reader)

    def failure(self, error: Exception, reader: AnswerReader | None = None) -> GumloopError:
        """The error to raise for one that came up during an exchange, with what had arrived.

        Args:
            error: What was raised; the cause of what is returned, unless it is ours already.
            reader: The stream's reader, ``None`` for a unary call.
        """
        if self.is_closed and not isinstance(error, APIStatusError):
            forget_frames(error, self._redactor)
            self._failed = self._failures.withheld(self.closing_failure(reader), error)
        else:
            self._failed = self._failures.failure(error, reader)
        return self._failed

    def closing_failure(self, reader: AnswerReader | None = None) -> GumloopError:
        """The error to raise for a call that was ended by closing its transport."""
        return self._failures.of_closing(reader)

    def pause_after(self, failure: GumloopError, reader: AnswerReader | None = None) -> float | None:
        """Seconds to wait before another attempt; ``None`` if the failure is to be raised."""
        if reader is not None and reader.started:
            return None
        if self.is_closed:
            return None  # whoever closed the connections wants no new ones
        if self._keeps_its_place(failure):
            refusals = self._ticket.refusals
            # One that is let in though there may be no room would be refused again at once.
            return pause_before_retry(failure, refusals, MOST_REFUSALS) if self._ticket.is_urgent else 0.0
        self._failed_attempts += 1
        pause = pause_before_retry(failure, self._failed_attempts, self._max_retries)
        if pause is not None:
            self._note_usage()
            if self._limiter is not None and is_refusal(failure):
                self._limiter.told_to_wait(pause)  # with none in flight, another call would be refused like this one
        return pause

    def _keeps_its_place(self, failure: GumloopError) -> bool:
        """Whether a call that was refused waits for the others of its account, and uses up no retry."""
        ticket = self._ticket
        return 0 < ticket.refusals <= MOST_REFUSALS and not ticket.is_alone and is_refusal(failure)

    def _note_usage(self) -> None:
        """Keep what an attempt that is repeated had told of its usage."""
        if self._latest_reader is not None:
            usage = self._latest_reader.known().usage
            self._latest_reader = None
            if usage is not None:
                self.usage_of_retried.append(usage)

    def _document(self, content: bytes, response: Head) -> Any:
        try:
            return decode(content)
        except ValueError:
            failure = self._failures.of_document(content, response.headers)
        raise failure
