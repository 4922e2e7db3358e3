"""A JSON document read while it arrives, in time linear in its length.

Parsing all that has arrived again at every piece takes quadratic time, with a fast parser too: a document of 1 MB in
20,000 pieces would be read 10 GB long. This reader keeps its place instead, and gives at any time what is certain: a
text grows, a number or a word is shown once it is complete, and nothing shown is ever taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from gumloop_core.json_text import decode

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN_TEXT = re.compile(r'[^"\\]+')
_SCALAR = re.compile(r"[^ \t\n\r,\]}:\"\[{]+")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_NOTHING: Any = object()

DEEPEST = 200
"""Levels of nesting that are read; a document that is deeper is left at that."""


class Shape:
    """What is made of the arrays and objects at a place of the document. This one leaves them as they are."""

    def at(self, key: str) -> Shape:
        """The shape of an object's value."""
        return ANY

    def items(self) -> Shape:
        """The shape of an array's items."""
        return ANY

    def make(self, value: Any) -> Any:
        """Make something of an array or object, which may be unfinished. The value is the caller's to keep."""
        return value


ANY = Shape()


class _Open:
    """An array or object that has begun."""

    __slots__ = ("key", "shape", "value")

    def __init__(self, value: dict[str, Any] | list[Any], shape: Shape) -> None:
        self.value = value
        self.shape = shape
        self.key: str | None = None

    def put(self, value: Any, into: dict[str, Any] | list[Any]) -> None:
        if isinstance(into, list):
            into.append(value)
        elif self.key is not None:
            into[self.key] = value


class PartialJSON:
    """Reads a document in pieces.

    Args:
        shape: What to make of the document's arrays and objects.
    """

    def __init__(self, shape: Shape = ANY) -> None:
        self._shape = shape
        self._unread = ""
        self._open: list[_Open] = []
        self._root: Any = _NOTHING
        self._text: str | None = None  # of the string that has begun
        self._is_key = False
        self._expects_key = False
        self._stopped = False

    def feed(self, piece: str) -> bool:
        """Read the next piece.

        What comes after the document, and after something that is not JSON, is left unread.

        Returns:
            Whether there is more to show than before.
        """
        unread = self._unread + piece
        place, length = 0, len(unread)
        news = False
        while place < length and not self._stopped:
            if self._text is not None:
                stop, is_new = self._read_text(unread, place)
            else:
                stop, is_new = self._read_token(unread, place)
            news = news or is_new
            if stop == place:
                break  # the rest of this token has yet to come
            place = stop
        self._unread = "" if self._stopped else unread[place:]
        return news

    def snapshot(self) -> Any:
        """What is certain so far. Only what is unfinished is copied: finished parts are shared with later ones."""
        value: Any = self._root if self._text is None or self._is_key else self._text
        return self._made(self._open, value)

    def snapshots(self) -> Iterator[Any]:
        """What is certain so far, and then the same without the items of lists that are unfinished, inner ones first.

        Where an object is made of the document, one that lacks the last item may be had where the unfinished item
        makes no object yet.
        """
        yield self.snapshot()
        for depth in range(len(self._open) - 1, 0, -1):
            if isinstance(self._open[depth - 1].value, list):
                yield self._made(self._open[:depth], _NOTHING)

    @staticmethod
    def _made(levels: Sequence[_Open], value: Any) -> Any:
        for level in reversed(levels):
            copied = level.value.copy()
            if value is not _NOTHING:
                level.put(value, copied)
            value = level.shape.make(copied)
        return None if value is _NOTHING else value

    def _read_text(self, unread: str, place: int) -> tuple[int, bool]:
        """Read on in a string; at its end close it."""
        assert self._text is not None
        plain = _PLAIN_TEXT.match(unread, place)
        if plain is not None:
            self._text += plain.group()
            return plain.end(), not self._is_key
        if unread[place] == '"':
            text, self._text = self._text, None
            if not self._is_key:
                self._close(text)
                return place + 1, True
            self._is_key = self._expects_key = False
            self._open[-1].key = text
            return place + 1, False
        length = _escape_length(unread, place)
        if length == 0:
            return place, False
        escape = unread[place : place + length]
        if escape[1] == "u":
            try:
                self._text += decode(f'"{escape}"'.encode())
            except ValueError:
                self._stopped = True
        elif escape[1] in _ESCAPES:
            self._text += _ESCAPES[escape[1]]
        else:
            self._stopped = True
        return place + length, not self._is_key

    def _read_token(self, unread: str, place: int) -> tuple[int, bool]:
        space = _SPACE.match(unread, place)
        if space is not None and space.end() > place:
            return space.end(), False
        mark = unread[place]
        if mark in ",:":
            if mark == "," and self._open:
                self._expects_key = isinstance(self._open[-1].value, dict)
            return place + 1, False
        if mark in "]}":
            if not self._open:
                self._stopped = True
                return place, False
            level = self._open.pop()
            self._expects_key = False
            self._close(level.shape.make(level.value))
            return place + 1, True
        if self._root is not _NOTHING:
            self._stopped = True
            return place, False
        if mark == '"':
            self._text, self._is_key = "", self._expects_key
            return place + 1, not self._is_key
        if self._expects_key:
            self._stopped = True
            return place, False
        if mark in "[{":
            self._begin({} if mark == "{" else [])
            return place + 1, True
        return self._read_scalar(unread, place)

    def _read_scalar(self, unread: str, place: int) -> tuple[int, bool]:
        """Read a number or a word, once what follows shows that it is complete."""
        scalar = _SCALAR.match(unread, place)
        if scalar is None or scalar.end() == len(unread):
            return place, False
        try:
            self._close(decode(scalar.group().encode("utf-8", "surrogatepass")))
        except ValueError:
            self._stopped = True
        return scalar.end(), True

    def _begin(self, value: dict[str, Any] | list[Any]) -> None:
        if not self._open:
            shape = self._shape
        else:
            level = self._open[-1]
            shape = level.shape.items() if isinstance(level.value, list) else level.shape.at(level.key or "")
        self._open.append(_Open(value, shape))
        self._expects_key = isinstance(value, dict)
        if len(self._open) > DEEPEST:
            self._stopped = True

    def _close(self, value: Any) -> None:
        if self._open:
            level = self._open[-1]
            level.put(value, level.value)
        else:
            self._root = value


def grows(earlier: Any, later: Any) -> bool:
    """Whether all that a document showed is still there: texts, lists and objects may have grown."""
    if earlier is later:
        return True
    if isinstance(earlier, dict):
        return isinstance(later, dict) and all(name in later and grows(earlier[name], later[name]) for name in earlier)
    if isinstance(earlier, list):
        return isinstance(later, list) and len(earlier) <= len(later) and all(map(grows, earlier, later))
    if isinstance(earlier, str):
        return isinstance(later, str) and later.startswith(earlier)
    return bool(earlier == later)


def _escape_length(text: str, place: int) -> int:
    """How long the escape at a place is, 0 if it has not arrived whole. Two halves of a character belong together."""
    if place + 1 >= len(text):
        return 0
    if text[place + 1] != "u":
        return 2
    if place + 6 > len(text):
        return 0
    if text[place + 2] not in "dD" or text[place + 3] not in "89abAB":
        return 6
    following = text[place + 6 : place + 12]
    if len(following) == 6 and following.startswith("\\u"):
        return 12
    return 0 if "\\u".startswith(following[:2]) and len(following) < 6 else 6
