"""One request and what came back, without the I/O: what the sync and the async client share.

Everything here is pure but for the objects of httpx that it makes and reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from gumloop_core.answer import Completion, Delta
from gumloop_core.errors import (
    APIConnectionError,
    APITimeoutError,
    GumloopError,
    InvalidResponseError,
    StreamError,
    status_error,
)
from gumloop_core.json_text import decode
from gumloop_core.reader import AnswerReader, excerpt
from gumloop_core.retry import read_retry_after
from gumloop_core.sse import SSEDecoder

LONGEST_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read and kept."""

FAILURES = (GumloopError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL)
"""What a failed exchange raises. All else is a bug, or a cancellation, and passes."""


class Exchange:
    """A request that can be sent any number of times, and the reading of its answers.

    Args:
        method: The HTTP method.
        url: Where to.
        content: The encoded body, ``None`` for a GET.
        headers: All headers but those that httpx adds.
        secrets: Values that no error may show.
        timeout: Seconds, by httpx's names: ``connect``, ``read``, ``write``, ``pool``.
        total_timeout: Seconds that a unary answer may take in all; ``None`` to let each read take its time.
        idle_timeout: Seconds that a stream may be silent once it has begun.
        max_bytes: Bytes of an answer that are read at most.
        messages: The messages that were sent, for errors that name one.
        origins: Where each came from among the caller's.
        partial_images: Whether partial frames of pictures were asked for.
    """

    def __init__(
        self,
        method: str,
        url: httpx.URL,
        *,
        content: bytes | None,
        headers: list[tuple[str, str]],
        secrets: Sequence[str],
        timeout: dict[str, float | None],
        total_timeout: float | None = None,
        idle_timeout: float | None,
        max_bytes: int,
        messages: Sequence[Mapping[str, Any]] = (),
        origins: Sequence[int] | None = None,
        partial_images: bool = False,
    ) -> None:
        self.method = method
        self.url = url
        self.idle_timeout = idle_timeout
        self.max_bytes = max_bytes
        self._content = content
        self._headers = httpx.Headers(headers)
        self._secrets = [secret for secret in secrets if secret]
        self._timeout = timeout
        self._total_timeout = total_timeout
        self._messages = messages
        self._origins = origins
        self._partial_images = partial_images

    def request(self, client: httpx.Client | httpx.AsyncClient, *, own_pool: bool) -> httpx.Request:
        """Make the request for one attempt.

        A client that the caller gave adds its own headers, cookies and parameters; our pools have none to add.
        """
        extensions = {"timeout": dict(self._timeout)}
        if own_pool:
            return httpx.Request(
                self.method, self.url, headers=self._headers, content=self._content, extensions=extensions
            )
        return client.build_request(
            self.method, self.url, headers=self._headers, content=self._content, extensions=extensions
        )

    def begin_stream(self, response: httpx.Response) -> None:
        """From the first byte on, the silence that is tolerated is the stream's."""
        timeout = response.request.extensions.get("timeout")
        if isinstance(timeout, dict):
            timeout["read"] = self.idle_timeout

    def reader(self) -> AnswerReader:
        """A reader for a fresh attempt."""
        return AnswerReader(partial_images=self._partial_images)

    def body(self, response: httpx.Response) -> UnaryBody:
        """What gathers a response's body."""
        if response.status_code >= 300:
            return UnaryBody(LONGEST_ERROR_BODY, None)
        return UnaryBody(self.max_bytes, self._total_timeout, self)

    def document(self, response: httpx.Response, content: bytes) -> Any:
        """The JSON document of a response.

        Raises:
            APIStatusError: If the response is an error.
            InvalidResponseError: If it is not JSON.
        """
        self.check_status(response, content)
        return _document(content, response)

    def completion(self, response: httpx.Response, content: bytes) -> Completion:
        """Read a unary answer, also where a stream came instead."""
        self.check_status(response, content)
        reader = self.reader()
        if _looks_like_sse(content):
            decoder = SSEDecoder()
            for payload in decoder.feed(content) + decoder.finish():
                reader.read_event(payload)
            completion = reader.last_delta().completion
            assert completion is not None
            return completion
        return reader.read_answer(_document(content, response))

    def is_answered(self, error: Exception, reader: AnswerReader) -> bool:
        """Whether a stream that broke had said all: it had given its finish reason."""
        return not isinstance(error, GumloopError) and reader.finish_reason is not None

    def check_status(self, response: httpx.Response, content: bytes) -> None:
        """Raise for a response that is an error.

        Raises:
            APIStatusError: With the body's reason.
        """
        status = response.status_code
        if 200 <= status < 300:
            return
        content = self._redacted(content)
        try:
            body = decode(content)
        except ValueError:
            body = content.decode("utf-8", "replace")
        if 300 <= status < 400:
            target = self._redacted(response.headers.get("location", "").encode()).decode("utf-8", "replace")
            body = f"the endpoint redirects to {target or 'nowhere'}; redirects are not followed. Check base_url"
        raise status_error(
            status,
            body,
            messages=self._messages,
            origins=self._origins,
            response=self._public_response(response, content),
            retry_after=read_retry_after(response.headers.get("retry-after")),
        )

    def translated(self, error: Exception, reader: AnswerReader | None = None) -> GumloopError:
        """The error to raise for one that came up during an exchange, with what had arrived.

        Args:
            error: What was raised; the cause of what is returned, unless it is ours already.
            reader: The stream's reader, ``None`` for a unary call.
        """
        if isinstance(error, GumloopError):
            return error
        forget_frames(error)
        translated = self._translated(error, reader)
        translated.partial = reader.partial() if reader is not None else None
        translated.__cause__ = error
        return translated

    def _translated(self, error: Exception, reader: AnswerReader | None) -> GumloopError:
        reason = self._redacted(str(error).encode("utf-8", "replace")).decode() or type(error).__name__
        host = self.url.host
        if isinstance(error, httpx.TimeoutException):
            return APITimeoutError(self._timeout_message(error, reader))
        if isinstance(error, httpx.DecodingError):
            kind = InvalidResponseError if reader is None else StreamError
            return kind(f"The answer could not be decompressed: {reason}.")
        if reader is not None and reader.started:
            return StreamError(
                f"The stream broke: {reason}. What had arrived is in .partial; the request can be sent again."
            )
        if isinstance(error, httpx.ConnectError):
            return APIConnectionError(
                f"Could not connect to {host}: {reason}. Check the network, proxies and base_url."
            )
        return APIConnectionError(f"The connection to {host} broke: {reason}. The request can be sent again.")

    def _timeout_message(self, error: Exception, reader: AnswerReader | None) -> str:
        host = self.url.host
        if isinstance(error, httpx.ConnectTimeout):
            return (
                f"Connecting to {host} took longer than {self._timeout['connect']} s. Check the network and base_url."
            )
        if isinstance(error, httpx.PoolTimeout):
            return "No connection became free in time. Raise the limits of the http_client that you passed."
        if reader is not None and reader.started:
            return (
                f"The stream from {host} was silent for {self.idle_timeout} s. What had arrived is in .partial; "
                "raise stream_idle_timeout if the model needs longer pauses."
            )
        return f"{host} did not answer within {self._timeout['read']} s. Raise timeout if the model needs longer."

    def too_long(self) -> InvalidResponseError:
        """The error for an answer that does not end."""
        return InvalidResponseError(
            f"The answer is longer than {self.max_bytes:,} bytes and was given up. "
            "Pass a larger max_response_bytes if that was expected."
        )

    def took_too_long(self) -> APITimeoutError:
        """The error for a unary answer that trickles in without an end in sight."""
        return APITimeoutError(
            f"{self.url.host} did not finish its answer within {self._total_timeout} s. "
            "Raise timeout if the model needs longer, or stream."
        )

    def _redacted(self, content: bytes) -> bytes:
        for secret in self._secrets:
            content = content.replace(secret.encode(), b"**********")
        return content

    def _public_response(self, response: httpx.Response, content: bytes) -> httpx.Response:
        """The response as errors carry it: body read, no credentials in its request or echoed in its headers."""
        headers = [
            (name, self._redacted(value.encode("utf-8", "replace")).decode())
            for name, value in response.headers.multi_items()
            if name not in ("content-encoding", "content-length", "transfer-encoding", "set-cookie")
        ]
        return httpx.Response(
            response.status_code,
            headers=headers,
            content=content,
            request=httpx.Request(self.method, self.url),
        )


class UnaryBody:
    """The body of a response that is read whole, up to bounds.

    Args:
        max_bytes: Bytes to gather at most.
        max_seconds: Seconds to gather at most.
        exchange: Whose bounds these are. ``None`` if what lies beyond them is cut off instead of being an error.
    """

    def __init__(self, max_bytes: int, max_seconds: float | None, exchange: Exchange | None = None) -> None:
        self._max_bytes = max_bytes
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self._exchange = exchange
        self._pieces: list[bytes] = []
        self._length = 0

    def take(self, piece: bytes) -> bool:
        """Take the next bytes.

        Returns:
            Whether to go on reading.

        Raises:
            InvalidResponseError: If there are too many.
            APITimeoutError: If they have taken too long.
        """
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > self._max_bytes:
            if self._exchange is not None:
                raise self._exchange.too_long()
            return False
        if self._exchange is not None and self._deadline is not None and time.monotonic() > self._deadline:
            raise self._exchange.took_too_long()
        return True

    def content(self) -> bytes:
        """What was gathered."""
        return b"".join(self._pieces)[: self._max_bytes]


class StreamBody:
    """The body of a response to a streamed request: bytes in, deltas out.

    It is told from its first bytes whether it is a stream, a unary answer, or a page from somewhere else.
    """

    def __init__(self, exchange: Exchange, reader: AnswerReader, response: httpx.Response) -> None:
        self._exchange = exchange
        self._reader = reader
        self._response = response
        self._decoder = SSEDecoder()
        self._whole: list[bytes] | None = None
        self._first = b""
        self._length = 0

    def feed(self, piece: bytes) -> Iterator[Delta]:
        """Read the next bytes."""
        self._length += len(piece)
        if self._length > self._exchange.max_bytes:
            error = self._exchange.too_long()
            raise StreamError(error.message, partial=self._reader.partial())
        if len(self._first) < 200:
            if not self._first.strip() and not _looks_like_sse(piece):
                self._whole = []
            self._first += piece[:200]
        if self._whole is not None:
            self._whole.append(piece)
            return
        reader = self._reader
        for payload in self._decoder.feed(piece):
            delta = reader.read_event(payload)
            if delta is not None:
                yield delta
            if reader.done:
                return

    def finish(self) -> Iterator[Delta]:
        """Read the end: the last event if it was left open, then the last delta."""
        reader = self._reader
        if self._whole is not None:
            yield reader.read_whole(_document(b"".join(self._whole), self._response))
        elif not reader.done:
            for payload in self._decoder.finish():
                delta = reader.read_event(payload)
                if delta is not None:
                    yield delta
        if not reader.started and not reader.done and reader.finish_reason is None and self._first.strip():
            raise StreamError(f"The stream made no sense: it holds no event. It begins {excerpt(self._first)}.")
        yield reader.last_delta()


def _looks_like_sse(content: bytes) -> bool:
    """Whether a body is a stream: a JSON document or a page begins with another character."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (
        b"{",
        b"[",
        b"<",
        b'"',
    ) and not content.startswith(b"null")


def _document(content: bytes, response: httpx.Response) -> Any:
    try:
        return decode(content)
    except ValueError:
        kind = response.headers.get("content-type", "no content type")
        shown = f"It begins {excerpt(content)}." if content else "It is empty."
        hint = (
            " Perhaps a proxy or a sign-in page answered in its place; check base_url." if b"<" in content[:200] else ""
        )
    raise InvalidResponseError(f"The answer made no sense: it is not JSON ({kind}). {shown}{hint}")


def forget_frames(error: BaseException) -> None:
    """Drop the frames of an error and its causes: the variables of the HTTP library's frames hold the headers."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.__traceback__ = None
        pending += [current.__cause__, current.__context__]
