"""Take the credentials out of what errors show: servers and proxies do echo what they were sent."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "**********"

_SHORTEST_SECRET = 6
"""Characters of a header's value or a user id that is masked. What is shorter says little, and stands in any text."""

_SHORTEST_END = 6
"""Characters of a secret that are recognized where the text that holds it was cut; fewer say nothing."""

_SHORTEST_PART = 8
"""Characters of a key that are recognized wherever they are."""

_STEP = 3
"""Of a key's parts, every third is looked for: one of them lies in each part of the shortest length."""

_SECRET_NAME = re.compile(
    r"auth|key|token|secret|passw|pwd|cookie|credential|session|signature|bearer|jwt|private|x-amz-security",
    re.IGNORECASE,
)


class Redactor:
    """Masks secrets: whole, quoted for JSON, URLs, HTML or base64, and cut at either end.

    Args:
        keys: Keys and tokens; a part of one is masked too.
        others: Other values that must not show.
    """

    def __init__(self, keys: Iterable[str] = (), others: Iterable[str] = ()) -> None:
        self._keys = [key for key in keys if key]
        self._others = [value for value in others if value]
        self._forms: list[str] | None = None
        self._parts: list[tuple[str, int, str]] = []

    def add_key(self, key: str) -> None:
        """Mask another key too."""
        if key and key not in self._keys:
            self._keys.append(key)
            self._forms = None

    def _all_forms(self) -> list[str]:
        """All that is masked where it stands whole, the longest first. Made when the first error shows."""
        if self._forms is None:
            forms = {form for secret in (*self._keys, *self._others) for form in _forms_of(secret)}
            self._forms = sorted(forms, key=len, reverse=True)
            # Each key, and the parts of it that are looked for, with their places.
            size = _SHORTEST_PART - _STEP + 1
            self._parts = [
                (key, place, key[place : place + size])
                for key in self._keys
                if len(key) > _SHORTEST_PART
                for place in range(0, len(key) - size + 1, _STEP)
            ]
        return self._forms

    def text(self, text: str) -> str:
        """The text without the secrets, nor with a part of one at its ends, where it may have been cut."""
        forms = self._all_forms()
        for form in forms:
            text = text.replace(form, MASK)
        for key, place, part in self._parts:
            if part in text:
                text = _without_part(text, key, place, part)
        for form in forms:
            text = _without_ends(text, form)
        return text

    def data(self, data: bytes) -> bytes:
        """The same for bytes."""
        # Latin-1 maps bytes to characters one to one, and the secrets are ASCII.
        return self.text(data.decode("latin-1")).encode("latin-1")

    def document(self, value: Any) -> Any:
        """A parsed document, or anything else, without the secrets in its text; a copy."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (bytes, bytearray)):
            return self.data(bytes(value))
        if isinstance(value, list):
            return [self.document(item) for item in value]
        if isinstance(value, tuple) and type(value) is tuple:
            return tuple(map(self.document, value))
        if isinstance(value, dict):
            return {self.document(key): self.document(item) for key, item in value.items()}
        return value


NO_SECRETS = Redactor()
"""Masks nothing."""


def sounds_secret(name: str) -> bool:
    """Whether a header of this name is likely to hold a secret."""
    return _SECRET_NAME.search(name) is not None


def secrets_of_headers(headers: Iterable[tuple[Any, Any]]) -> list[str]:
    """The values of headers whose names say that they are secret, and what such a value is made of."""
    found: list[str] = []
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str) or not sounds_secret(name):
            continue
        found.append(value.strip())
        found += value.split()  # a scheme and its credentials
        found += [pair.partition("=")[2].strip() for pair in value.split(";")]  # the cookies of a cookie header
    return [value for value in found if len(value) >= _SHORTEST_SECRET and value.lower() not in ("bearer", "digest")]


def as_secret(value: str | None) -> list[str]:
    """A value that must not show, unless it is too short to say anything."""
    return [value] if value and len(value) >= _SHORTEST_SECRET else []


def _forms_of(secret: str) -> set[str]:
    """How a secret may be written: as it is, and as it is quoted."""
    if len(secret) < _SHORTEST_SECRET:
        return {secret}
    data = secret.encode("utf-8", "replace")
    escaped = json.dumps(secret)[1:-1]
    forms = {
        secret,
        escaped,
        escaped.replace("/", "\\/"),
        json.dumps(escaped)[1:-1],  # JSON within JSON, as gateways repeat a provider's error
        "".join(f"\\u{ord(letter):04x}" for letter in secret),
        repr(data)[2:-1],
        quote(secret, safe=""),
        quote(secret, safe="").lower(),
        quote_plus(secret),
        "".join(f"%{byte:02X}" for byte in data),
        "".join(f"%{byte:02x}" for byte in data),
        html.escape(secret),
        data.hex(),
        data.hex().upper(),
    }
    # Three places that it can have among the bytes that are encoded; what its neighbours decide is left out.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        inner = encoded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        forms |= {inner, inner.translate(_URL_SAFE)}
    return forms


_URL_SAFE = str.maketrans("+/", "-_")


def _without_part(text: str, key: str, place: int, part: str) -> str:
    """Mask a part of a key wherever the text has it and enough around it."""
    pieces: list[str] = []
    done = 0
    while True:
        found = text.find(part, done)
        if found < 0:
            return "".join([*pieces, text[done:]])
        start, first = found, place
        while start > done and first > 0 and text[start - 1] == key[first - 1]:
            start, first = start - 1, first - 1
        end, last = found + len(part), place + len(part)
        while end < len(text) and last < len(key) and text[end] == key[last]:
            end, last = end + 1, last + 1
        pieces += [text[done:start], MASK if last - first >= _SHORTEST_PART else text[start:end]]
        done = end


def _without_ends(text: str, secret: str) -> str:
    """Mask the beginning of a secret at the end of a text, and its end at the beginning."""
    if len(secret) <= _SHORTEST_END:
        return text
    tail = text[1 - len(secret) :]
    found = tail.find(secret[:_SHORTEST_END])
    while found >= 0:
        if secret.startswith(tail[found:]):
            text = text[: len(text) - len(tail) + found] + MASK
            break
        found = tail.find(secret[:_SHORTEST_END], found + 1)
    head = text[: len(secret) - 1]
    found = head.rfind(secret[-_SHORTEST_END:])
    while found >= 0:
        if secret.endswith(head[: found + _SHORTEST_END]):
            return MASK + text[found + _SHORTEST_END :]
        found = head.rfind(secret[-_SHORTEST_END:], 0, found + _SHORTEST_END - 1)
    return text
