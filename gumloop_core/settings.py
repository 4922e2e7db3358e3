"""How to reach the endpoint: what both clients are made from, and the requests that follow from it."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import SecretStr

from gumloop_core.credentials import Credentials
from gumloop_core.endpoint import Endpoint
from gumloop_core.errors import ConfigurationError, InvalidRequestError
from gumloop_core.json_text import encode
from gumloop_core.version import __version__
from gumloop_core.wire import ChatBody, JSONObject

if TYPE_CHECKING:
    import httpx

    from gumloop_core.exchange import Exchange

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*")

AsyncTransport: TypeAlias = Literal["httpx", "aiohttp"]
"""What sends asynchronous requests: httpx's own transport, or aiohttp under httpx."""

USER_AGENT = f"gumloop-llms/{__version__} Python/{platform.python_version()}"
"""How requests introduce themselves."""

DEFAULT_TIMEOUT = 600.0
"""Seconds that an answer may take to begin: thinking models can be silent for minutes."""

CONNECT_TIMEOUT = 10.0
"""Seconds that a connection may take, unless a shorter ``timeout`` or an ``httpx.Timeout`` says otherwise."""

DEFAULT_STREAM_IDLE_TIMEOUT = 120.0
"""Seconds that a stream may be silent once it has begun; keep-alive comments count as a sign of life."""

DEFAULT_MAX_RESPONSE_BYTES = 256 * 1024 * 1024
"""Bytes of one answer, streamed or not, decompressed: far above any real answer, images included."""

UNSET: Any = object()
"""Stands for an argument that was not given, where ``None`` means something."""


class ClientSettings:
    """How to reach the endpoint: what both clients are made from.

    Args:
        credentials: Who is calling; ``None`` to ask the environment.
        endpoint: The two hosts; ``None`` for the environment's, or the vendor's.
        timeout: Seconds until an answer begins, and for each phase before; an ``httpx.Timeout`` sets the phases
            apart; ``None`` waits without end.
        stream_idle_timeout: Seconds that a stream may be silent; ``None`` waits without end.
        max_retries: Further attempts after one that failed in a way that may pass.
        default_headers: Headers for every request; they win over ours, but for the credentials.
        max_response_bytes: Bytes of one answer that are read at most.
        async_transport: What sends asynchronous requests; ``"aiohttp"`` needs the extra of that name.
    """

    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        endpoint: Endpoint | None = None,
        timeout: float | httpx.Timeout | None = DEFAULT_TIMEOUT,
        stream_idle_timeout: float | None = DEFAULT_STREAM_IDLE_TIMEOUT,
        max_retries: int = 2,
        default_headers: Mapping[str, str] | None = None,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        async_transport: AsyncTransport = "httpx",
    ) -> None:
        self.credentials = credentials or Credentials()
        self.endpoint = endpoint or Endpoint.resolve()
        self.timeout = timeout
        self.stream_idle_timeout = stream_idle_timeout
        _check_seconds(stream_idle_timeout)
        self.max_retries = max_retries
        self.default_headers = dict(default_headers or {})
        self.max_response_bytes = max_response_bytes
        self.async_transport: AsyncTransport = async_transport
        self._urls: dict[str, httpx.URL] = {}

    def chat_exchange(
        self,
        bearer: SecretStr,
        body: ChatBody,
        *,
        stream: bool,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        origins: Sequence[int] | None = None,
    ) -> Exchange:
        """The exchange for a chat request."""
        image_config = body.get("image_config")
        return self._exchange(
            bearer,
            "POST",
            self.endpoint.chat_url,
            content=_encoded(body),
            accept="text/event-stream" if stream else "application/json",
            timeout=timeout,
            headers=headers,
            messages=body["messages"],
            origins=origins,
            partial_images=isinstance(image_config, Mapping) and bool(image_config.get("partial_images")),
            tools=body.get("tools"),
        )

    def api_exchange(self, bearer: SecretStr, method: str, url: str, body: JSONObject | None = None) -> Exchange:
        """The exchange for a request to the API host, where the team is a query parameter."""
        team_id = self.credentials.team_id
        return self._exchange(
            bearer,
            method,
            url,
            content=None if body is None else _encoded(body),
            accept="application/json",
            params={"team_id": team_id} if team_id else None,
        )

    def _exchange(
        self,
        bearer: SecretStr,
        method: str,
        url: str,
        *,
        content: bytes | None,
        accept: str,
        timeout: Any = UNSET,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        **reading: Any,
    ) -> Exchange:
        import httpx

        from gumloop_core.exchange import Exchange

        parsed = self._urls.get(url)
        if parsed is None:
            try:
                parsed = self._urls[url] = httpx.URL(url)
            except httpx.InvalidURL as error:
                raise ConfigurationError(f"{url!r} is not an address: {error}") from None
        if params:
            parsed = parsed.copy_merge_params(params)
        timeout = self.timeout if timeout is UNSET else timeout
        return Exchange(
            method,
            parsed,
            content=content,
            headers=self._headers(bearer, accept, content is not None, headers),
            secrets=[bearer.get_secret_value()],
            timeout=_timeout_phases(timeout),
            total_timeout=timeout if isinstance(timeout, (int, float)) else None,
            idle_timeout=self.stream_idle_timeout,
            max_bytes=self.max_response_bytes,
            **reading,
        )

    def _headers(
        self, bearer: SecretStr, accept: str, has_body: bool, more: Mapping[str, str] | None
    ) -> list[tuple[str, str]]:
        headers = {
            "Accept": accept,
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
            "User-Agent": USER_AGENT,
        }
        if has_body:
            headers["Content-Type"] = "application/json"
        for name in ("traceparent", "tracestate"):
            value = os.environ.get(name.upper())
            if value and _HEADER_VALUE.fullmatch(value):  # what cannot be sent is no trace context
                headers[name] = value
        credentials = self.credentials.headers(bearer)
        if not self.default_headers and not more:
            return [*headers.items(), *credentials]
        merged: dict[str, tuple[str, str]] = {}
        for layer in (headers, self.default_headers, more or {}):
            _check_headers(layer)
            merged.update((name.lower(), (name, value)) for name, value in layer.items())
        for name, value in credentials:
            merged[name.lower()] = name, value
        return list(merged.values())


def _encoded(body: JSONObject) -> bytes:
    try:
        content = encode(body)
        if b"NaN" in content or b"Infinity" in content:  # in a text, or a number that is none
            json.loads(content, parse_constant=_refuse_constant)
        return content
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"The request holds something that JSON cannot say: {error}") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _check_headers(headers: Mapping[Any, Any]) -> None:
    for name, value in headers.items():
        if not (isinstance(name, str) and _HEADER_NAME.fullmatch(name)):
            raise ConfigurationError(f"{name!r} cannot be the name of a header.")
        if not (isinstance(value, str) and _HEADER_VALUE.fullmatch(value)):
            raise ConfigurationError(f"The header {name!r} has a value that cannot be sent: headers are ASCII text.")


def _check_seconds(seconds: Any) -> None:
    if seconds is None or (isinstance(seconds, (int, float)) and seconds >= 0):
        return
    raise ConfigurationError(f"A timeout is a number of seconds, an httpx.Timeout or None, not {seconds!r}.")


def _timeout_phases(timeout: float | httpx.Timeout | None) -> dict[str, float | None]:
    import httpx

    if isinstance(timeout, httpx.Timeout):
        phases = timeout.as_dict()
        for seconds in phases.values():
            _check_seconds(seconds)
        return phases
    _check_seconds(timeout)
    connect = CONNECT_TIMEOUT if timeout is None else min(timeout, CONNECT_TIMEOUT)
    return {"connect": connect, "read": timeout, "write": timeout, "pool": timeout}
