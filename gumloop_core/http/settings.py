"""How to reach the endpoint: what both clients are made from, and the requests that follow from it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gumloop_core.boundary import leaving
from gumloop_core.errors import ConfigurationError, InvalidRequestError
from gumloop_core.http.endpoint import Endpoint
from gumloop_core.http.headers import checked_headers, fits_a_header
from gumloop_core.http.timeouts import kept_seconds, phases_of
from gumloop_core.json_text import encode, what_json_cannot_say, with_null
from gumloop_core.secrets.credentials import Credentials
from gumloop_core.secrets.redaction import Redactor, as_secret, secrets_of_headers
from gumloop_core.version import __version__
from gumloop_core.wire import ChatBody, JSONObject

if TYPE_CHECKING:
    import httpx

    from gumloop_core.concurrency.limiter import Limiter
    from gumloop_core.concurrency.limits import Limits
    from gumloop_core.http.exchange import Exchange
    from gumloop_core.http.passed import PhasesTimeout

Road: TypeAlias = Literal["httpx", "httptools"]
"""Whose connections requests are sent over: httpx's, or our own, whose responses httptools takes apart."""

USER_AGENT = f"gumloop-llms/{__version__} Python/{platform.python_version()}"
"""How requests introduce themselves."""

DEFAULT_TIMEOUT = 600.0
"""Seconds that an answer may take to begin: thinking models can be silent for minutes."""

DEFAULT_STREAM_IDLE_TIMEOUT = 120.0
"""Seconds that a stream may be silent once it has begun, unless ``timeout`` is shorter; keep-alive comments count as a
sign of life."""

DEFAULT_MAX_RESPONSE_BYTES = 256 * 1024 * 1024
"""Bytes of one answer, streamed or not, decompressed: far above any real answer, images included."""


class _Unset:
    """Is one object, in copies and pickles too."""

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Any = _Unset()
"""Stands for an argument that was not given, where ``None`` means something."""


class ClientSettings:
    """How to reach the endpoint: what both clients are made from.

    Args:
        credentials: Who is calling; ``None`` to ask the environment.
        endpoint: The two hosts; ``None`` for the environment's, or the vendor's.
        timeout: Seconds until an answer begins, and for each phase before; a ``Timeout`` of httpx or httpx2 sets
            the phases apart; ``None`` or infinity waits without end.
        stream_idle_timeout: Seconds that a stream may be silent; ``None`` or infinity waits without end. If it is not
            given, the smaller of ``timeout`` and two minutes.
        max_retries: Further attempts after one that failed in a way that may pass.
        retry_unanswered: Whether they may be made where the request was sent and no answer came, so that it may have
            run and be billed.
        max_concurrency: Calls of the account that may be in flight at once; ``None`` to learn it.
        slot_timeout: Seconds that a call may wait for its turn; ``None`` waits without end.
        limits: Where the slots are kept that several processes share; ``None`` for this process's memory.
        default_headers: Headers for every request; they win over ours, but for the credentials.
        max_response_bytes: Bytes of one answer that are read at most.
        transport: What sends requests where no client was passed: ``"httpx"``, or ``"httptools"``, which needs the
            extra ``fast``. ``None`` for the quicker of those that are installed.
    """

    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        endpoint: Endpoint | None = None,
        timeout: float | PhasesTimeout | None = DEFAULT_TIMEOUT,
        stream_idle_timeout: float | None = UNSET,
        max_retries: int = 2,
        retry_unanswered: bool = True,
        max_concurrency: int | None = None,
        slot_timeout: float | None = None,
        limits: Limits | None = None,
        default_headers: Mapping[str, str] | None = None,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        transport: Road | None = None,
    ) -> None:
        self.credentials = credentials or Credentials()
        self.endpoint = endpoint or Endpoint.resolve()
        self.timeout = timeout
        self.stream_idle_timeout = stream_idle_timeout
        if stream_idle_timeout is not UNSET:
            self.stream_idle_timeout = kept_seconds(stream_idle_timeout, "stream_idle_timeout")
        self.max_retries = max_retries
        self.retry_unanswered = retry_unanswered
        self.max_concurrency = max_concurrency
        self.slot_timeout = slot_timeout
        self.limits = limits
        self.default_headers = checked_headers(default_headers)
        self.max_response_bytes = max_response_bytes
        self.transport: Road | None = transport
        self._urls: dict[str, httpx.URL] = {}

    def chat_exchange(
        self,
        body: ChatBody,
        *,
        stream: bool,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        caller_indices: Sequence[int] | None = None,
    ) -> Exchange:
        """The exchange for a chat request."""
        return self._exchange(
            "POST",
            self.endpoint.chat_url,
            body=body,
            accept="text/event-stream" if stream else "application/json",
            timeout=timeout,
            headers=headers,
            is_chat=True,
            is_stream=stream,
            caller_indices=caller_indices,
        )

    def limiter(self) -> Limiter:
        """What lets the account's chat calls in."""
        account = f"{self.credentials.account} at {self.endpoint.chat_url}"
        if self.limits is not None:
            return self.limits.limiter(account)
        from gumloop_core.concurrency.accounts import memory_limiter  # imported no sooner than the first call

        return memory_limiter(account)

    def api_exchange(self, method: str, url: str, body: JSONObject | None = None) -> Exchange:
        """The exchange for a request to the API host, where the team is a query parameter."""
        team_id = self.credentials.team_id
        return self._exchange(
            method,
            url,
            body=body,
            accept="application/json",
            params={"team_id": team_id} if team_id else None,
        )

    def _exchange(self, method: str, url: str, **options: Any) -> Exchange:
        try:
            return self._made_exchange(method, url, **options)
        except Exception as error:
            failure = leaving(error, Redactor(others=secrets_of_headers(self.default_headers.items())))
        raise failure from failure.__cause__

    def _made_exchange(
        self,
        method: str,
        url: str,
        *,
        body: Any,
        accept: str,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        is_chat: bool = False,
        is_stream: bool = False,
        caller_indices: Sequence[int] | None = None,
    ) -> Exchange:
        import httpx

        from gumloop_core.http.exchange import Exchange

        parsed = self._urls.get(url)
        if parsed is None:
            try:
                parsed = self._urls[url] = httpx.URL(url)
            except httpx.InvalidURL as error:
                raise ConfigurationError(f"{url!r} is not an address: {error}") from None
        if params:
            parsed = parsed.copy_merge_params(params)
        phases, total_timeout = phases_of(self.timeout if timeout is UNSET else timeout)
        idle_timeout = self.stream_idle_timeout
        if idle_timeout is UNSET:
            read = phases["read"]
            idle_timeout = DEFAULT_STREAM_IDLE_TIMEOUT if read is None else min(read, DEFAULT_STREAM_IDLE_TIMEOUT)
        sent, secrets = self._headers(accept, body is not None, headers)
        image_config = body.get("image_config") if is_chat else None
        exchange = Exchange(
            method,
            parsed,
            content=None if body is None else _encoded(body),
            headers=sent,
            credentials=self.credentials.headers,
            secrets=secrets,
            timeout=phases,
            total_timeout=total_timeout,
            idle_timeout=idle_timeout,
            max_bytes=self.max_response_bytes,
            max_retries=self.max_retries,
            retry_unanswered=self.retry_unanswered or method == "GET",  # which nothing is billed for
            messages=body["messages"] if is_chat else (),
            caller_indices=caller_indices,
            partial_images=isinstance(image_config, Mapping) and bool(image_config.get("partial_images")),
            tools=body.get("tools") if is_chat else None,
        )
        if is_chat:  # limits of the vendor's plans are on these
            exchange.join(self.limiter(), self.max_concurrency, self.slot_timeout, is_stream=is_stream)
        return exchange

    def _headers(
        self, accept: str, has_body: bool, more: Mapping[str, str] | None
    ) -> tuple[list[tuple[str, str]], list[str]]:
        """All headers but those of the credentials, and the values that no error may show."""
        headers = {
            "Accept": accept,
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
            "User-Agent": USER_AGENT,
        }
        if has_body:
            headers["Content-Type"] = "application/json"
        for name in ("traceparent", "tracestate"):
            value = os.environ.get(name.upper(), "").strip()
            if value and fits_a_header(value):  # what cannot be sent is no trace context
                headers[name] = value
        secrets = as_secret(self.credentials.user_id) + as_secret(self.credentials.team_id)
        if not self.default_headers and not more:
            return list(headers.items()), secrets
        merged: dict[str, tuple[str, str]] = {}
        for layer in (headers, self.default_headers, checked_headers(more, "headers")):
            merged.update((name.lower(), (name, value)) for name, value in layer.items())
        sent = list(merged.values())
        return sent, secrets + secrets_of_headers(sent)


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        content = encode(body)
        if b"NaN" in content or b"Infinity" in content:  # in a text, or a number that is none
            content = encode({**body, "messages": [_without_slips(message) for message in body.get("messages", ())]})
            json.loads(content, parse_constant=_refuse_constant)
        return content
    except Exception as error:  # a foreign object may raise anything
        reason = what_json_cannot_say(body, "") or f"the request holds something that JSON cannot say: {error}"
    raise InvalidRequestError(f"Nothing was sent: {reason}.")


def _without_slips(message: Any) -> Any:
    """A message; a number that is none was the model's own slip in an answer, and is nobody's in what a caller says."""
    return with_null(message) if isinstance(message, Mapping) and message.get("role") == "assistant" else message


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")
