"""Recorded exchanges: one JSON object a line, without credentials, and how a request finds its own among them.

A line has these fields:

- `request`: `method`, `path`, and the `body` as JSON (as text if it is none).
- `response`: `status`, a few `headers`, `pieces` and `whole`. A piece is `[seconds, text]`: how long after the piece
  before (the first: after the request) it came. What is not UTF-8 by itself is `[seconds, {"base64": "…"}]`.
  `whole` is false where the connection broke before the end.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import refused
from gumloop_emulator.http11 import Response
from gumloop_emulator.script import Drop, Pause, Step
from gumloop_emulator.traffic import ReceivedRequest

REMOVED = "[removed]"
"""What stands in a recorded request for what was removed."""

_KEPT_HEADERS = re.compile(r"content-type|retry-after|x-ratelimit-.*")
_ACCOUNT = r"(?:user|team|account|organi[sz]ation|org|workspace)_?id|user|session_id|api_?key|access_?token"
_ACCOUNT_FIELD = re.compile(rf"(?:{_ACCOUNT})", re.IGNORECASE)
_ACCOUNT_VALUE = re.compile(rf'"(?:{_ACCOUNT})"\s*:\s*"((?:[^"\\]|\\.)+)"'.encode(), re.IGNORECASE)
_MISSING = "nothing"
_SHOWN = 80  # characters of a value in a message


def secrets_of(request: ReceivedRequest) -> list[str]:
    """Return what a request tells of its account, the longest first: key or token, user, team, cookies."""
    values = [request.headers.get("authorization", "").partition(" ")[2], request.headers.get("x-auth-key", "")]
    values += [pair.partition("=")[2] for pair in request.headers.get("cookie", "").split(";")]
    body = request.json if isinstance(request.json, dict) else {}
    values += [request.query.get("team_id", ""), str(body.get("team_id") or "")]
    values = [value.strip() for value in values]
    return sorted({value for value in values if len(value) > 3}, key=len, reverse=True)


def exchange_of(
    request: ReceivedRequest,
    status: int,
    headers: Mapping[str, str],
    pieces: Sequence[tuple[float, bytes]],
    *,
    whole: bool,
) -> JSONObject:
    """Return the line for an exchange, without what tells of its account."""
    secrets = secrets_of(request)
    content = _blanked(b"".join(piece for _, piece in pieces), secrets)
    written: list[Any] = []
    for seconds, piece in pieces:
        written.append([round(seconds, 4), _text_of(content[: len(piece)])])
        content = content[len(piece) :]
    kept = {name: value for name, value in headers.items() if _KEPT_HEADERS.fullmatch(name)}
    response = {"status": status, "headers": kept, "pieces": written, "whole": whole}
    return {"request": request_of(request), "response": response}


def request_of(request: ReceivedRequest) -> JSONObject:
    """Return what is recorded of a request, and compared with what was."""
    body = request.json if request.json is not None else request.body.decode("utf-8", "replace")
    return {"method": request.method, "path": request.path, "body": _redacted(body, secrets_of(request))}


def _redacted(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {
            _redacted(key, secrets): REMOVED
            if isinstance(item, str) and _ACCOUNT_FIELD.fullmatch(key)
            else _redacted(item, secrets)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redacted(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, REMOVED)
    return value


def _blanked(content: bytes, secrets: Sequence[str]) -> bytes:
    """Return an answer in which as many stars stand for each secret, so that its pieces keep their cuts."""
    forms = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""))}
    for form in sorted(forms, key=len, reverse=True):
        content = content.replace(form.encode(), b"*" * len(form.encode()))
    return _ACCOUNT_VALUE.sub(lambda found: found[0].replace(found[1], b"*" * len(found[1])), content)


def _text_of(piece: bytes) -> str | JSONObject:
    try:
        return piece.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(piece).decode()}


def _bytes_of(piece: str | JSONObject) -> bytes:
    return piece.encode() if isinstance(piece, str) else base64.b64decode(piece["base64"])


@dataclass
class Recording:
    """What was recorded, as a source of answers.

    Equal requests that were recorded several times are answered in that order, and the last answer stays.

    Attributes:
        exchanges: The lines of the file.
        ignore: Fields of the body in which requests may differ.
        pace: Whether to stream at the recorded pace.
        refuse: Whether a request that matches none is refused.
    """

    exchanges: Sequence[JSONObject]
    ignore: Collection[str] = ()
    pace: bool = False
    refuse: bool = True
    _given: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> Recording:
        """Read a file of recorded exchanges."""
        with open(path, encoding="utf-8") as file:
            return cls([json.loads(line) for line in file if line.strip()], **options)

    def respond(self, request: ReceivedRequest) -> Response | None:
        """Return the recorded answer to a request, None to leave it to others; or raise the 404 that says what differs."""
        asked = request_of(request)
        different = [self._differences(exchange["request"], asked) for exchange in self.exchanges]
        equal = [place for place, differences in enumerate(different) if not differences]
        if not equal:
            if self.refuse:
                raise refused(404, _told(different), code="no_recorded_answer")
            return None
        with self._lock:
            place = next((place for place in equal if place not in self._given), equal[-1])
            self._given.add(place)
        return self._response(self.exchanges[place]["response"])

    def _differences(self, recorded: Any, asked: Any) -> list[str]:
        found = list(differences(recorded["body"], asked["body"], "", self.ignore))
        return [
            *differences([recorded["method"], recorded["path"]], [asked["method"], asked["path"]], "request"),
            *found,
        ]

    def _response(self, recorded: JSONObject) -> Response:
        headers = recorded["headers"]
        streamed = headers.get("content-type", "").startswith("text/event-stream") or not recorded["whole"]
        return Response(self._steps(recorded), recorded["status"], headers, streamed=streamed)

    def _steps(self, recorded: JSONObject) -> Iterator[Step]:
        for seconds, piece in recorded["pieces"]:
            if self.pace:
                yield Pause(seconds)
            yield _bytes_of(piece)
        if not recorded["whole"]:
            yield Drop()


def differences(recorded: Any, asked: Any, path: str, ignore: Collection[str] = ()) -> Iterator[str]:
    """Yield where a request differs from a recorded one, and how; the order of keys does not count."""
    if path in ignore:
        return
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in sorted(recorded.keys() | asked.keys()):
            where = f"{path}.{key}" if path else key
            yield from differences(recorded.get(key, _MISSING), asked.get(key, _MISSING), where, ignore)
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index in range(max(len(recorded), len(asked))):
            pair = [values[index] if index < len(values) else _MISSING for values in (recorded, asked)]
            yield from differences(*pair, f"{path}[{index}]", ignore)
    elif recorded != asked or type(recorded) is not type(asked):
        yield f"{path or 'body'}: recorded {_shown(recorded)}, asked {_shown(asked)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if value is not _MISSING else _MISSING
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _told(different: Sequence[Sequence[str]]) -> str:
    if not different:
        return "Nothing was recorded."
    nearest = min(different, key=len)
    more = f"; and {len(nearest) - 5} more" if len(nearest) > 5 else ""
    return f"No recorded request is equal to this one. The nearest differs in {'; '.join(nearest[:5])}{more}."
