"""Take the credentials out of what errors show: servers and proxies do echo what they were sent."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache
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
"""Of a text's places, every third is looked at: a sample that begins at one of them lies in each part of a key that has
the shortest length."""

_SAMPLE = _SHORTEST_PART - _STEP + 1
"""Characters that are looked at, at each of these places."""

_TRACE = _SHORTEST_SECRET - _STEP + 1
"""Characters of a secret, at every third of its places, one of which is in every text that has enough of it."""

_TELLING = "(?i)auth|key|token|secret|passw|pwd|cookie|credential|session|signature|bearer|jwt|private|x-amz-security"


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
        self._traces: frozenset[str] = frozenset()
        self._samples: frozenset[str] = frozenset()
        self._parts: frozenset[str] = frozenset()

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
            has_short = any(len(form) < _SHORTEST_SECRET for form in forms)
            self._traces = frozenset() if has_short else _windows(forms, _TRACE, _STEP)
            keys = [key for key in self._keys if len(key) > _SHORTEST_PART]
            self._samples = _windows(keys, _SAMPLE)
            self._parts = _windows(keys, _SHORTEST_PART)
        return self._forms

    def text(self, text: str) -> str:
        """The text without the secrets, nor with a part of one at its ends, where it may have been cut."""
        forms = self._all_forms()
        # An error's body can be thousands of small texts.
        if self._traces.isdisjoint(text[place : place + _TRACE] for place in range(len(text))) and self._traces:
            return text
        for form in forms:
            text = text.replace(form, MASK)
        if self._samples:
            text = self._without_parts(text)
        for form in forms:
            text = _without_ends(text, form)
        return text

    def _without_parts(self, text: str) -> str:
        """Mask what a key has too, wherever it is long enough. The time grows with the text alone."""
        samples, parts = self._samples, self._parts
        found = [place for place in range(0, len(text), _STEP) if text[place : place + _SAMPLE] in samples]
        if not found:
            return text
        pieces: list[str] = []
        done = begin = end = 0  # what is to be masked next, and up to where the text is done
        for place in found:
            for start in range(max(0, place - _STEP + 1), place + 1):
                if text[start : start + _SHORTEST_PART] in parts:
                    if start > end or end == 0:
                        pieces += [text[done:begin], MASK] if end else []
                        done, begin = end, start
                    end = start + _SHORTEST_PART
        if end:
            pieces += [text[done:begin], MASK]
        return "".join([*pieces, text[end:]])

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


@lru_cache(maxsize=256)  # asked of the same few names in every call with headers of its own
def is_secret_header(name: str) -> bool:
    """Whether a header of this name is likely to hold a secret."""
    return re.search(_TELLING, name) is not None


def secrets_of_headers(headers: Iterable[tuple[Any, Any]]) -> list[str]:
    """The values of headers whose names say that they are secret, and what such a value is made of."""
    found: list[str] = []
    for name, value in headers:
        if not isinstance(name, str) or not isinstance(value, str) or not is_secret_header(name):
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
    from html import escape  # milliseconds, which an import of an adapter need not pay

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
        escape(secret),
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


def _windows(texts: Iterable[str], size: int, step: int = 1) -> frozenset[str]:
    """All parts of some texts that have this size."""
    return frozenset(text[place : place + size] for text in texts for place in range(0, len(text) - size + 1, step))


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
