"""Recorded exchanges: what is kept of them, and how a request finds its own among them.

A file has one JSON object a line:

- `request`: `method`, `path`, and the `body` as JSON (as text if it is none).
- `response`: `status`, some `headers`, `pieces` and `whole`. A piece is `[seconds, text]`: how long after the piece
  before (the first one: after the request) it came. What is no UTF-8 by itself is `[seconds, {"base64": "…"}]`.
  `whole` is false where the connection broke before the end.

Key or token, ids of user and team, and cookies are taken out wherever they occur: `[removed]` stands for them in
requests, stars in answers, as many as there were bytes, so that lengths and cuts stay.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import Refused
from gumloop_emulator.http11 import Response
from gumloop_emulator.script import Drop, Pause
from gumloop_emulator.traffic import ReceivedRequest

_REMOVED = "[removed]"
_KEPT_HEADERS = re.compile(r"content-type|retry-after|x-ratelimit-.*")
_ACCOUNT = r"(?:(?:user|team|account|organi[sz]ation|org|workspace)_?id|user|session_id|api_?key|access_?token)"
_ACCOUNT_FIELD = re.compile(_ACCOUNT, re.IGNORECASE)
_ACCOUNT_VALUE = re.compile(rf'("{_ACCOUNT}"\s*:\s*")((?:[^"\\]|\\.)*)'.encode(), re.IGNORECASE)
_ABSENT = object()
_SHOWN = 80  # characters of a value, and
_LISTED = 5  # differences, in a message


def exchange(
    request: ReceivedRequest,
    status: int,
    headers: Mapping[str, str],
    pieces: Sequence[tuple[float, bytes]],
    whole: bool,
) -> JSONObject:
    """Return the line for an exchange, without what tells of its account."""
    content = _blanked(b"".join(piece for _, piece in pieces), _secrets(request))
    written, place = [], 0
    for seconds, piece in pieces:
        written.append([round(seconds, 4), _readable(content[place : place + len(piece)])])
        place += len(piece)
    kept = {name: value for name, value in headers.items() if _KEPT_HEADERS.fullmatch(name)}
    response = {"status": status, "headers": kept, "pieces": written, "whole": whole}
    return {"request": _asked(request), "response": response}


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
        if not equal and self.refuse:
            raise Refused(404, _explained(differing), code="no_recorded_answer")
        if not equal:
            return None
        place = next((place for place in equal if place not in self._given), equal[-1])
        self._given.add(place)
        recorded = self.exchanges[place]["response"]
        headers = recorded["headers"]
        streamed = headers.get("content-type", "").startswith("text/event-stream") or not recorded["whole"]
        return Response(self._pieces(recorded), recorded["status"], headers, streamed=streamed)

    def _pieces(self, recorded: JSONObject) -> Iterator[bytes | Pause | Drop]:
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
