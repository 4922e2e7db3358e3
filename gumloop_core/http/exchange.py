"""One request and what came back, without the I/O: what the sync and the async client share.

Everything here is pure but for the objects of httpx that it makes and reads.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
from pydantic import SecretStr

from gumloop_core.answer import Completion, Delta
from gumloop_core.boundary import unexpected, words_of
from gumloop_core.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConfigurationError,
    GumloopError,
    InvalidResponseError,
    StreamError,
)
from gumloop_core.http.decoding import Unpack, layers_of, unpacker, was_asked_for
from gumloop_core.http.response_body import StreamBody, UnaryBody, looks_like_sse
from gumloop_core.http.retry import pause_before_retry
from gumloop_core.json_text import decode, encode
from gumloop_core.reading.fields import excerpt
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.retry_after import longest_retry_after
from gumloop_core.reading.status_errors import status_error
from gumloop_core.reading.tool_calls import names_of_tools
from gumloop_core.secrets.redaction import Redactor
from gumloop_core.secrets.tracebacks import forget_frames

LONGEST_ERROR_BODY = 64 * 1024
"""Bytes of an error's body that are read and kept."""

LONGEST_ERROR_SECONDS = 10.0
"""Seconds that an error's body is waited for: its status says the most of it."""

_TRANSPORT_ERRORS = (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ssl.SSLError, ConnectionError, TimeoutError)
"""What a transport raises when it fails. httpx lets some errors of TLS through as they are."""


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
        messages: The messages that were sent, for errors that name one.
        caller_indices: Where each came from among the caller's.
        partial_images: Whether partial frames of pictures were asked for.
        tools: The tools that were sent.
    """

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
        messages: Sequence[Mapping[str, Any]] = (),
        caller_indices: Sequence[int] | None = None,
        partial_images: bool = False,
        tools: Any = None,
    ) -> None:
        self.method = method
        self.url = url
        self.idle_timeout = idle_timeout
        self.max_bytes = max_bytes
        self.borrowed: Any = None  # the client of a pool that sends the attempt; whoever sends gives it back
        self.closing: Any = None  # an event, set when the pool's user is released; None with a client of the caller's
        self._content = content
        self._headers = headers
        self._credentials = credentials
        self._bearer: SecretStr | None = None
        self._redactor = Redactor(others=secrets)
        self._has_begun = False
        self._timeout = timeout
        self._total_timeout = total_timeout
        self._max_retries = max_retries
        self._attempts = 0
        self._messages = messages
        self._caller_indices = caller_indices
        self._partial_images = partial_images
        self._tool_names = names_of_tools(tools)

    @property
    def is_ended(self) -> bool:
        """Whether the call was ended by closing the pool's connections."""
        return self.closing is not None and bool(self.closing.is_set())

    def authorize(self, bearer: SecretStr) -> None:
        """Begin another attempt, with the key or token of this moment; those of earlier ones stay secret too."""
        self._attempts += 1
        self._bearer = bearer
        self._redactor.add_key(bearer.get_secret_value())

    def token_failure(self, error: Exception) -> ConfigurationError:
        """The error to raise where the caller's source of tokens fails. What it raised is the cause.

        Tokens of earlier attempts are known, and masked; one that was not handed out yet is not.
        """
        is_clean = forget_frames(error, self._redactor)
        words = self._redactor.text(words_of(error))
        reason = f"{type(error).__name__}: {words}" if words else type(error).__name__
        failure = ConfigurationError(f"The callable that gives the key or token failed: {reason:.500}")
        failure.__cause__ = error if is_clean else None
        return failure

    def request(self, client: httpx.Client | httpx.AsyncClient) -> httpx.Request:
        """Make the request for one attempt.

        A client that the caller gave adds its own headers, cookies and parameters; our pools have none to add.
        """
        headers = self._headers
        if self._credentials is not None and self._bearer is not None:
            credentials = self._credentials(self._bearer)
            taken = [name.lower() for name, _ in credentials]
            headers = [*(header for header in headers if header[0].lower() not in taken), *credentials]
        extensions = {"timeout": dict(self._timeout)}
        if self.borrowed is not None:
            return httpx.Request(self.method, self.url, headers=headers, content=self._content, extensions=extensions)
        return client.build_request(
            self.method, self.url, headers=headers, content=self._content, extensions=extensions
        )

    def unpacker(self, response: httpx.Response) -> Unpack | None:
        """What unpacks a response's body; ``None`` where it is not packed.

        Raises:
            InvalidResponseError: If it comes in an encoding that was not asked for: httpx would unpack some of them
                without bound.
        """
        encoding = response.headers.get("content-encoding")
        if encoding is None:
            return None
        layers = layers_of(encoding)
        if not layers:
            return None
        accept = next((value for name, value in self._headers if name.lower() == "accept-encoding"), "")
        if was_asked_for(layers, accept):
            return unpacker(layers)
        shown = self._redactor.text(encoding[:100])
        raise InvalidResponseError(
            f"The answer is encoded as {shown!r}, which was not asked for and is not read. "
            "A proxy in between may have changed it."
        )

    def begin_stream(self, response: httpx.Response, reader: AnswerReader) -> StreamBody:
        """What reads a stream's body. From here on, the silence that is tolerated is the stream's."""
        self._has_begun = True
        _set_read_timeout(response, self.idle_timeout)
        return StreamBody(
            reader,
            max_bytes=self.max_bytes,
            too_long=self._too_long,
            read_document=lambda content: self._document(content, response),
            nothing_read=self._nothing_read,
        )

    def reader(self) -> AnswerReader:
        """A reader for a fresh attempt."""
        self._has_begun = False
        return AnswerReader(partial_images=self._partial_images, tool_names=self._tool_names, redactor=self._redactor)

    def body(self, response: httpx.Response) -> UnaryBody:
        """What gathers a response's body."""
        if not response.is_success:
            seconds = min(LONGEST_ERROR_SECONDS, self._total_timeout or LONGEST_ERROR_SECONDS)
            _set_read_timeout(response, seconds)
            return UnaryBody(LONGEST_ERROR_BODY, seconds)
        return UnaryBody(self.max_bytes, self._total_timeout, self._too_long, self._too_slow)

    def document(self, response: httpx.Response, content: bytes) -> Any:
        """The JSON document of a response.

        Raises:
            APIStatusError: If the response is an error.
            InvalidResponseError: If it is not JSON.
        """
        self.check_status(response, content)
        return self._document(content, response)

    def completion(self, response: httpx.Response, content: bytes) -> Completion:
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

    def check_status(self, response: httpx.Response, content: bytes) -> None:
        """Raise for a response that is an error.

        Raises:
            APIStatusError: With the body's reason.
        """
        if not response.is_success:
            raise self._status_error(response, content)

    def _status_error(self, response: httpx.Response, content: bytes) -> APIStatusError:
        status = response.status_code
        content = self._redactor.data(content)
        try:
            parsed = decode(content)
        except ValueError:
            body = content.decode("utf-8", "replace")
        else:
            try:
                body = self._redactor.document(parsed)
                if body != parsed:  # JSON can spell the key in escapes
                    content = encode(body)
            except RecursionError:  # nobody reads an error that is nested like that
                body, content = "the body is nested too deep", b""
        if 300 <= status < 400:
            target = self._redactor.text(response.headers.get("location", ""))
            body = f"the endpoint redirects to {target or 'nowhere'}; redirects are not followed. Check base_url"
        return status_error(
            status,
            body,
            messages=self._messages,
            caller_indices=self._caller_indices,
            response=self._public_response(response, content),
            retry_after=longest_retry_after(response.headers.get_list("retry-after")),
        )

    def outcome(self, error: Exception, reader: AnswerReader) -> Delta | GumloopError:
        """What comes of a stream that raised an error: its last delta, if it had said all before, or a failure."""
        is_ours = isinstance(error, GumloopError)
        if not is_ours and isinstance(error, _TRANSPORT_ERRORS) and reader.finish_reason is not None:
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
        if self.is_ended and not isinstance(error, APIStatusError):
            forget_frames(error, self._redactor)
            return self.ended(reader)
        if isinstance(error, httpx.HTTPStatusError):  # a hook of the caller's client has looked at the status first
            forget_frames(error, self._redactor)
            error = self._status_error(error.response, _content_if_read(error.response))
        if isinstance(error, GumloopError):
            forget_frames(error, self._redactor)
            return error
        if isinstance(error, _TRANSPORT_ERRORS):
            is_clean = forget_frames(error, self._redactor)
            failure = self._translated(error, reader)
            failure.__cause__ = error if is_clean else None
        else:
            failure = unexpected(error, self._redactor)
        if failure.partial is None and reader is not None:
            failure.partial = reader.partial()
        return failure

    def pause_after(self, failure: GumloopError, reader: AnswerReader | None = None) -> float | None:
        """Seconds to wait before another attempt; ``None`` if the failure is to be raised."""
        if reader is not None and reader.started:
            return None
        if self.is_ended:
            return None  # whoever closed the connections wants no new ones
        return pause_before_retry(failure, self._attempts, self._max_retries)

    def ended(self, reader: AnswerReader | None = None) -> GumloopError:
        """The error to raise for a call that was ended by closing the pool's connections."""
        if reader is not None and reader.started:
            return StreamError(
                "The stream was closed by close(). What had arrived is in .partial.", partial=reader.partial()
            )
        return APIConnectionError(
            f"The connection to {self.url.host} was closed by close() before the answer was there."
        )

    def _translated(self, error: Exception, reader: AnswerReader | None) -> GumloopError:
        reason = self._redactor.text(words_of(error)) or type(error).__name__
        host = self.url.host
        if isinstance(error, (httpx.TimeoutException, TimeoutError)):
            return APITimeoutError(self._timeout_message(error))
        if isinstance(error, httpx.DecodingError):
            kind = InvalidResponseError if reader is None else StreamError
            return kind(f"The answer could not be decompressed: {reason}.")
        if isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)):
            return ConfigurationError(f"The request cannot be sent: {reason}. Check base_url and default_headers.")
        if reader is not None and reader.started:
            return StreamError(
                f"The stream broke: {reason}. What had arrived is in .partial; the request can be sent again."
            )
        if isinstance(error, httpx.ConnectError):
            return APIConnectionError(
                f"Could not connect to {host}: {reason}. Check the network, proxies and base_url."
            )
        return APIConnectionError(f"The connection to {host} broke: {reason}. The request can be sent again.")

    def _timeout_message(self, error: Exception) -> str:
        host = self.url.host
        if isinstance(error, httpx.ConnectTimeout):
            return (
                f"Connecting to {host} took longer than {self._timeout['connect']} s. Check the network and base_url."
            )
        if isinstance(error, httpx.PoolTimeout):
            return "No connection became free in time. Raise the limits of the http_client that you passed."
        if isinstance(error, httpx.WriteTimeout):
            return f"{host} did not take the request within {self._timeout['write']} s. Check the network."
        if self._has_begun:
            return (
                f"The stream from {host} was silent for {self.idle_timeout} s. What had arrived is in .partial; "
                "raise stream_idle_timeout (or timeout, if that is shorter) if the model needs longer pauses."
            )
        return f"{host} did not answer within {self._timeout['read']} s. Raise timeout if the model needs longer."

    def _too_long(self) -> InvalidResponseError:
        return InvalidResponseError(
            f"The answer is longer than {self.max_bytes:,} bytes and was given up. "
            "Pass a larger max_response_bytes if that was expected."
        )

    def _too_slow(self) -> APITimeoutError:
        return APITimeoutError(
            f"{self.url.host} did not finish its answer within {self._total_timeout} s. "
            "Raise timeout if the model needs longer, or stream."
        )

    def _nothing_read(self, content: bytes) -> StreamError:
        shown = excerpt(content, self._redactor)
        return StreamError(f"The stream made no sense: it holds no event. It begins {shown}.")

    def _document(self, content: bytes, response: httpx.Response) -> Any:
        try:
            return decode(content)
        except ValueError:
            kind = self._redactor.text(response.headers.get("content-type", "no content type"))
            shown = f"It begins {excerpt(content, self._redactor)}." if content else "It is empty."
            hint = (
                " Perhaps a proxy or a sign-in page answered in its place; check base_url."
                if b"<" in content[:200]
                else ""
            )
        raise InvalidResponseError(f"The answer made no sense: it is not JSON ({kind}). {shown}{hint}")

    def _public_response(self, response: httpx.Response, content: bytes) -> httpx.Response:
        """The response as errors carry it: body read, no credentials in its request or echoed in its headers."""
        headers = [
            (name, self._redactor.data(value))
            for name, value in response.headers.raw
            if name.lower() not in (b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie")
        ]
        return httpx.Response(
            response.status_code,
            headers=headers,
            content=content,
            request=httpx.Request(self.method, self.url),
        )


def _content_if_read(response: httpx.Response) -> bytes:
    try:
        return response.content
    except httpx.ResponseNotRead:
        return b""


def _set_read_timeout(response: httpx.Response, seconds: float | None) -> None:
    """Settle how long a read of the body may take: httpx looks it up when the body's first byte is asked for."""
    timeout = response.request.extensions.get("timeout")
    if isinstance(timeout, dict):
        timeout["read"] = seconds
