"""Record and replay: what passes to the real endpoint is kept, and answers equal requests later.

A file has one JSON object a line:

- `request`: `method`, `path`, and the `body` as JSON (as text if it is none).
- `response`: `status`, some `headers`, `pieces`, and `whole`, false where the connection broke. A piece is `[seconds,
  text]`, the seconds since the piece before or the request. What is no UTF-8 by itself is `{"base64": "…"}`.

Key or token, ids of user and team, and cookies are taken out wherever they occur: `[removed]` stands for them in
requests, stars in answers, as many as there were bytes, so that lengths and cuts stay.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from gumloop_core import Endpoint
from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import Refused
from gumloop_emulator.http11 import PREFIX, LocalServer, Response
from gumloop_emulator.script import Drop, Failure, Pause, Piece
from gumloop_emulator.traffic import ReceivedRequest
from gumloop_emulator.wire import failed

# What belongs to one connection, not to what passes through it.
_OF_THE_CONNECTION = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "te", "upgrade"})
_SILENT_SECONDS = 3600.0  # what the vendor's SDK waits
_REMOVED = "[removed]"
_KEPT_HEADERS = re.compile(r"content-type|retry-after|x-ratelimit-.*")
_ACCOUNT = r"(?:(?:user|team|account|organi[sz]ation|org|workspace)_?id|user|session_id|api_?key|access_?token)"
_ACCOUNT_FIELD = re.compile(_ACCOUNT, re.IGNORECASE)
_ACCOUNT_VALUE = re.compile(rf'("{_ACCOUNT}"\s*:\s*")((?:[^"\\]|\\.)*)'.encode(), re.IGNORECASE)
_ABSENT = object()
_Pieces = Sequence[tuple[float, bytes]]
_SHOWN = 80  # characters of a value, and
_LISTED = 5  # differences, in a message


def exchange(request: ReceivedRequest, status: int, headers: Mapping[str, str], pieces: _Pieces, whole: bool) -> str:
    """Return the line for an exchange, without what tells of its account."""
    content = b"".join(piece for _, piece in pieces)
    if "content-encoding" in headers:  # although it was not asked for; nothing could be taken out of it
        with contextlib.suppress(httpx.DecodingError):
            content = httpx.Response(status, headers=headers, content=content).content
        pieces = [(sum(seconds for seconds, _ in pieces), content)]
    content = _blanked(content, _secrets(request))
    written, place = [], 0
    for seconds, piece in pieces:
        written.append([round(seconds, 4), _readable(content[place : place + len(piece)])])
        place += len(piece)
    kept = {name: value for name, value in headers.items() if _KEPT_HEADERS.fullmatch(name)}
    response = {"status": status, "headers": kept, "pieces": written, "whole": whole}
    return json.dumps({"request": _asked(request), "response": response}, ensure_ascii=False) + "\n"


def _asked(request: ReceivedRequest) -> JSONObject:
    """Return what is kept of a request, and compared with what was."""
    body = request.body.decode(errors="replace") if request.json is None else request.json
    return {"method": request.method, "path": request.path, "body": _redacted(body, _secrets(request))}


def _secrets(request: ReceivedRequest) -> list[str]:
    """Return what a request tells of its account, the longest first."""
    values = [request.headers.get("authorization", "").partition(" ")[2], request.headers.get("x-auth-key", "")]
    values += [pair.partition("=")[2] for pair in request.headers.get("cookie", "").split(";")]
    body = request.json if isinstance(request.json, dict) else {}
    values += [request.query.get("team_id", ""), str(body.get("team_id") or "")]
    return sorted(filter(None, map(str.strip, values)), key=len, reverse=True)


def _redacted(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, dict):
        hidden = {key for key in value if isinstance(value[key], str) and _ACCOUNT_FIELD.fullmatch(key)}
        return {key: _REMOVED if key in hidden else _redacted(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item, secrets) for item in value]
    for secret in secrets if isinstance(value, str) else ():
        value = value.replace(secret, _REMOVED)
    return value


def _blanked(content: bytes, secrets: Sequence[str]) -> bytes:
    for secret in secrets:
        for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe="")):
            content = content.replace(form.encode(), b"*" * len(form.encode()))
    return _ACCOUNT_VALUE.sub(lambda found: found[1] + b"*" * len(found[2]), content)


def _readable(piece: bytes) -> str | JSONObject:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(piece).decode()}


@dataclass
class Recording:
    """What was recorded, as a source of answers.

    Equal requests that were recorded several times are answered in that order, and the last answer stays.

    Attributes:
        exchanges: The lines of the file.
        ignore: Fields of the body in which requests may differ, `metadata` or `messages[0].content` for example.
        pace: Whether to stream at the recorded pace instead of at once.
        refuse: Whether to refuse a request that matches none, with a 404 that says what differs.
    """

    exchanges: Sequence[JSONObject]
    ignore: Collection[str] = ()
    pace: bool = False
    refuse: bool = True
    _given: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> Recording:
        """Read a file of recorded exchanges."""
        lines = Path(path).read_text("utf-8").split("\n")
        return cls([json.loads(line) for line in lines if line.strip()], **options)

    def respond(self, request: ReceivedRequest) -> Response | None:
        """Return the recorded answer to a request, None to leave the request to others."""
        asked = _asked(request)
        differing = [list(self._differences(entry["request"], asked)) for entry in self.exchanges]
        equal = [place for place, differences in enumerate(differing) if not differences]
        if not equal:
            if self.refuse:
                raise Refused(404, _explained(differing), code="no_recorded_answer")
            return None
        place = next((place for place in equal if place not in self._given), equal[-1])
        self._given.add(place)
        recorded = self.exchanges[place]["response"]
        headers = recorded["headers"]
        streamed = headers.get("content-type", "").startswith("text/event-stream") or not recorded["whole"]
        return Response(list(self._pieces(recorded)), recorded["status"], headers, streamed=streamed)

    def _pieces(self, recorded: JSONObject) -> Iterator[Piece]:
        for seconds, piece in recorded["pieces"]:
            if self.pace:
                yield Pause(seconds)
            yield piece.encode() if isinstance(piece, str) else base64.b64decode(piece["base64"])
        if not recorded["whole"]:
            yield Drop()

    def _differences(self, recorded: Any, asked: Any, path: str = "") -> Iterator[str]:
        """Yield where a request differs from a recorded one, and how; the order of keys does not count."""
        if path.removeprefix("body").removeprefix(".") in self.ignore and path:
            return
        if isinstance(recorded, dict) and isinstance(asked, dict):
            for key in sorted(recorded.keys() | asked.keys()):
                where = f"{path}.{key}" if path else key
                yield from self._differences(recorded.get(key, _ABSENT), asked.get(key, _ABSENT), where)
        elif isinstance(recorded, list) and isinstance(asked, list):
            for index in range(max(len(recorded), len(asked))):
                one, other = (values[index] if index < len(values) else _ABSENT for values in (recorded, asked))
                yield from self._differences(one, other, f"{path}[{index}]")
        elif recorded != asked or type(recorded) is not type(asked):
            yield f"{path} (recorded {_shown(recorded)}, asked {_shown(asked)})"


def _shown(value: Any) -> str:
    text = "nothing" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _explained(differing: Sequence[Sequence[str]]) -> str:
    nearest = min(differing, key=len, default=["everything: nothing was recorded"])
    more = f", and {len(nearest) - _LISTED} more" if len(nearest) > _LISTED else ""
    return f"No recorded request equals this one. The nearest differs in {', '.join(nearest[:_LISTED])}{more}."


class Recorder(LocalServer):
    """A proxy that records, for `Emulator.replay` to play back.

        with Recorder("answers.jsonl") as proxy:
            client = ...  # with base_url=proxy.base_url, and the real endpoint's credentials

    Everything passes as it is, at its pace, but for `Accept-Encoding`, which asks for readable answers. What is kept
    is described in `gumloop_emulator.recording`.

    Args:
        path: The file that exchanges are appended to.
        base_url: The real API host; `GUMLOOP_BASE_URL` if None, else the vendor's.
        stream_base_url: The real chat host; it follows from `base_url` if None.
        listening: `host`, `port`, `keep_requests`.
    """

    def __init__(
        self, path: str | Path, *, base_url: str | None = None, stream_base_url: str | None = None, **listening: Any
    ) -> None:
        super().__init__(**listening)
        self.path = Path(path)
        self.endpoint = Endpoint.resolve(base_url, stream_base_url)
        self._client: httpx.AsyncClient | None = None

    async def _ended(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def respond(self, request: ReceivedRequest) -> Response:
        """Ask the real endpoint, and pass on what it says."""
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_SILENT_SECONDS, limits=httpx.Limits(max_connections=None))
        base = self.endpoint.stream_base_url if request.is_chat else self.endpoint.base_url
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        asked = self._client.build_request(
            request.method,
            base + request.path.removeprefix(PREFIX),
            params=request.query,
            headers={**headers, "accept-encoding": "identity"},
            content=request.body,
        )
        begun = time.monotonic()
        try:
            answer = await self._client.send(asked, stream=True)
        except httpx.HTTPError as error:
            return failed(Failure(502, f"The real endpoint could not be reached: {error!r}."))
        passed = {name: value for name, value in answer.headers.items() if name not in _OF_THE_CONNECTION}
        pieces = self._pass_on(request, answer, begun)
        return Response(pieces, answer.status_code, passed, streamed="content-length" not in passed)

    async def _pass_on(
        self, request: ReceivedRequest, answer: httpx.Response, before: float
    ) -> AsyncGenerator[Piece, None]:
        pieces: list[tuple[float, bytes]] = []
        whole = False
        try:
            async for piece in answer.aiter_raw():
                now = time.monotonic()
                pieces.append((now - before, piece))
                before = now
                yield piece
            whole = True
        except httpx.HTTPError:
            yield Drop()
        finally:
            await answer.aclose()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(exchange(request, answer.status_code, answer.headers, pieces, whole))
