"""Which of our errors to raise for what goes wrong in an exchange. No I/O.

No error shows a secret: neither in its words nor, by a frame's variables, in its traceback.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

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
from gumloop_core.http.http_library import library_of
from gumloop_core.http.retry import is_unanswered, withhold
from gumloop_core.json_text import decode, encode
from gumloop_core.reading.fields import excerpt
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.retry_after import longest_retry_after
from gumloop_core.reading.status_errors import status_error
from gumloop_core.secrets.redaction import Redactor
from gumloop_core.secrets.tracebacks import forget_frames

_SYSTEMS_ERRORS = (ssl.SSLError, ConnectionError, TimeoutError)  # httpx lets some of TLS through as they are


def is_transports(error: Exception) -> bool:
    """Whether an error is one that a transport raises when it fails: of the system, of httpx or of httpx2."""
    library = library_of(error)
    return isinstance(error, _SYSTEMS_ERRORS) or (
        library is not None and isinstance(error, (library.HTTPError, library.StreamError, library.InvalidURL))
    )


def was_sent(error: Exception) -> bool:
    """Whether the request may have been sent when an error came up: all but those of opening a connection."""
    library: Any = library_of(error) or httpx
    return not isinstance(
        error, (library.ConnectError, library.ConnectTimeout, library.PoolTimeout, library.ProxyError)
    )


class Failures:
    """Makes the errors of one exchange.

    Args:
        method: The request's HTTP method.
        url: Where it goes.
        redactor: Takes the secrets out of all words.
        timeout: The request's time limits, by httpx's names.
        total_timeout: Seconds that a unary answer may take in all.
        idle_timeout: Seconds that a stream may be silent once it has begun.
        max_bytes: Bytes of an answer that are read at most.
        messages: The messages that were sent, for errors that name one.
        caller_indices: Where each came from among the caller's.
        retry_unanswered: Whether a request that may have run may be sent again.
    """

    def __init__(
        self,
        method: str,
        url: httpx.URL,
        redactor: Redactor,
        *,
        timeout: Mapping[str, float | None],
        total_timeout: float | None,
        idle_timeout: float | None,
        max_bytes: int,
        messages: Sequence[Mapping[str, Any]],
        caller_indices: Sequence[int] | None,
        retry_unanswered: bool = True,
    ) -> None:
        self.has_begun = False
        """Whether a stream has begun: from then on another time limit holds."""
        self._method = method
        self._url = url
        self._redactor = redactor
        self._timeout = timeout
        self._total_timeout = total_timeout
        self._idle_timeout = idle_timeout
        self._max_bytes = max_bytes
        self._messages = messages
        self._caller_indices = caller_indices
        self._retry_unanswered = retry_unanswered

    def failure(self, error: Exception, reader: AnswerReader | None = None) -> GumloopError:
        """The error to raise for one that came up during an exchange, with what had arrived.

        Args:
            error: What was raised; the cause of what is returned, unless it is ours already.
            reader: The stream's reader, ``None`` for a unary call.
        """
        return self.withheld(self._failure(error, reader), error)

    def withheld(self, failure: GumloopError, error: Exception) -> GumloopError:
        """A failure, which says so if the request is not to be sent again because it may have run.

        Args:
            failure: The error to raise.
            error: What it was made of.
        """
        if self._retry_unanswered or not is_unanswered(failure) or not was_sent(error):
            return failure
        return withhold(failure)

    def _failure(self, error: Exception, reader: AnswerReader | None) -> GumloopError:
        library: Any = library_of(error) or httpx
        if isinstance(error, library.HTTPStatusError):  # a hook of the caller's client has looked at the status first
            forget_frames(error, self._redactor)
            response = error.response
            error = self.of_status(response.status_code, response.headers, _content_if_read(response))
        if isinstance(error, GumloopError):
            forget_frames(error, self._redactor)
            return error
        if is_transports(error):
            is_clean = forget_frames(error, self._redactor)
            failure = self._of_transport(error, reader)
            failure.__cause__ = error if is_clean else None
        else:
            failure = unexpected(error, self._redactor)
        if failure.partial is None and reader is not None:
            failure.partial = reader.partial()
        return failure

    def of_token_source(self, error: Exception) -> ConfigurationError:
        """The error to raise where the caller's source of tokens fails. What it raised is the cause.

        Tokens of earlier attempts are known, and masked; one that was not handed out yet is not.
        """
        is_clean = forget_frames(error, self._redactor)
        words = self._redactor.text(words_of(error))
        reason = f"{type(error).__name__}: {words}" if words else type(error).__name__
        failure = ConfigurationError(f"The callable that gives the key or token failed: {reason:.500}")
        failure.__cause__ = error if is_clean else None
        return failure

    def of_closing(self, reader: AnswerReader | None = None) -> GumloopError:
        """The error to raise for a call that was ended by closing its transport."""
        if reader is not None and reader.started:
            return StreamError(
                "The stream was closed by close(). What had arrived is in .partial.", partial=reader.partial()
            )
        return APIConnectionError(
            f"The connection to {self._url.host} was closed by close() before the answer was there."
        )

    def of_status(self, status: int, headers: httpx.Headers, content: bytes) -> APIStatusError:
        """The error to raise for a response that is an error, with its body's reason."""
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
            target = self._redactor.text(headers.get("location", ""))
            body = f"the endpoint redirects to {target or 'nowhere'}; redirects are not followed. Check base_url"
        return status_error(
            status,
            body,
            messages=self._messages,
            caller_indices=self._caller_indices,
            response=self._public_response(status, headers, content),
            retry_after=longest_retry_after(headers.get_list("retry-after")),
        )

    def of_encoding(self, encoding: str) -> InvalidResponseError:
        """The error to raise for a body in an encoding that was not asked for."""
        shown = self._redactor.text(encoding[:100])
        return InvalidResponseError(
            f"The answer is encoded as {shown!r}, which was not asked for and is not read. "
            "A proxy in between may have changed it."
        )

    def of_document(self, content: bytes, headers: httpx.Headers) -> InvalidResponseError:
        """The error to raise for a body that is not JSON."""
        kind = self._redactor.text(headers.get("content-type", "no content type"))
        shown = f"It begins {excerpt(content, self._redactor)}." if content else "It is empty."
        hint = (
            " Perhaps a proxy or a sign-in page answered in its place; check base_url." if b"<" in content[:200] else ""
        )
        return InvalidResponseError(f"The answer made no sense: it is not JSON ({kind}). {shown}{hint}")

    def of_eventless_stream(self, content: bytes) -> StreamError:
        """The error to raise for a stream without any event, from its first bytes."""
        shown = excerpt(content, self._redactor)
        return StreamError(f"The stream made no sense: it holds no event. It begins {shown}.")

    def of_length(self) -> InvalidResponseError:
        """The error to raise for an answer of too many bytes."""
        return InvalidResponseError(
            f"The answer is longer than {self._max_bytes:,} bytes and was given up. "
            "Pass a larger max_response_bytes if that was expected."
        )

    def of_slowness(self) -> APITimeoutError:
        """The error to raise for a unary answer that takes too long."""
        return APITimeoutError(
            f"{self._url.host} did not finish its answer within {self._total_timeout} s. "
            "Raise timeout if the model needs longer, or stream."
        )

    def _of_transport(self, error: Exception, reader: AnswerReader | None) -> GumloopError:
        reason = self._redactor.text(words_of(error)) or type(error).__name__
        host = self._url.host
        library: Any = library_of(error) or httpx
        if isinstance(error, (library.TimeoutException, TimeoutError)):
            return APITimeoutError(self._timeout_message(error))
        if isinstance(error, library.DecodingError):
            kind = InvalidResponseError if reader is None else StreamError
            return kind(f"The answer could not be decompressed: {reason}.")
        if isinstance(error, (library.LocalProtocolError, library.UnsupportedProtocol, library.InvalidURL)):
            return ConfigurationError(f"The request cannot be sent: {reason}. Check base_url and default_headers.")
        if reader is not None and reader.started:
            return StreamError(f"The stream broke: {reason}. What had arrived is in .partial.{self._advice()}")
        if isinstance(error, library.ConnectError):
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                return APIConnectionError(
                    f"Could not connect to {host}, whose certificate is not trusted: {reason}. If the network has an "
                    "authority of its own, name the file of its certificate in SSL_CERT_FILE."
                )
            return APIConnectionError(
                f"Could not connect to {host}: {reason}. Check the network, proxies and base_url."
            )
        return APIConnectionError(f"The connection to {host} broke: {reason}.{self._advice()}")

    def _advice(self) -> str:
        return " The request can be sent again." if self._retry_unanswered else ""

    def _timeout_message(self, error: Exception) -> str:
        host = self._url.host
        library: Any = library_of(error) or httpx
        if isinstance(error, library.ConnectTimeout):
            return (
                f"Connecting to {host} took longer than {self._timeout['connect']} s. Check the network and base_url."
            )
        if isinstance(error, library.PoolTimeout):
            return "No connection became free in time. Raise the limits of the http_client that you passed."
        if isinstance(error, library.WriteTimeout):
            return f"{host} did not take the request within {self._timeout['write']} s. Check the network."
        if self.has_begun:
            return (
                f"The stream from {host} was silent for {self._idle_timeout} s. What had arrived is in .partial; "
                "raise stream_idle_timeout (or timeout, if that is shorter) if the model needs longer pauses."
            )
        return f"{host} did not answer within {self._timeout['read']} s. Raise timeout if the model needs longer."

    def _public_response(self, status: int, headers: httpx.Headers, content: bytes) -> httpx.Response:
        """The response as errors carry it: body read, no credentials in its request or echoed in its headers."""
        kept = [
            (name, self._redactor.data(value))
            for name, value in headers.raw
            if name.lower() not in (b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie")
        ]
        return httpx.Response(status, headers=kept, content=content, request=httpx.Request(self._method, self._url))


def _content_if_read(response: Any) -> bytes:
    try:
        content: bytes = response.content
        return content
    except library_of(response).ResponseNotRead:
        return b""
