"""Fields that arrive in pieces over the chunks of a stream, merged without copying what is there already."""

from __future__ import annotations

from typing import Any

from gumloop_core.wire import JSONObject

_DEEPEST = 8
"""Levels down to which objects are merged; below, the latest stands. The depth of a hostile answer is not ours."""


class MergedFields:
    """An object whose fields arrive in pieces.

    Lists run on, objects are merged likewise, the text fields named are joined, and of anything else the latest
    value that is not null stands.

    Args:
        joined: Names of fields, at any depth, whose text comes in pieces.
    """

    def __init__(self, joined: frozenset[str] = frozenset(), _level: int = 1) -> None:
        self._joined = joined
        self._level = _level
        self._fields: dict[str, Any] = {}

    def merge(self, fields: JSONObject) -> None:
        """Take the next piece."""
        for name, value in fields.items():
            if value is not None:
                self.merge_field(name, value)

    def merge_field(self, name: str, value: Any) -> None:
        """Take the next piece of one field."""
        known = self._fields.get(name)
        if isinstance(value, str) and name in self._joined:
            if isinstance(known, _Text):
                known.append(value)
            else:
                self._fields[name] = _Text([value])
        elif isinstance(value, list):
            if type(known) is list:
                known.extend(value)
            else:
                self._fields[name] = list(value)
        elif isinstance(value, dict) and self._level < _DEEPEST:
            if not isinstance(known, MergedFields):
                known = self._fields[name] = MergedFields(self._joined, self._level + 1)
            known.merge(value)
        else:
            self._fields[name] = value

    def finished(self) -> JSONObject:
        """The object as it stands."""
        return {name: _finished(value) for name, value in self._fields.items()}


class _Text(list[str]):
    """The pieces of a text field."""


def _finished(value: Any) -> Any:
    if isinstance(value, MergedFields):
        return value.finished()
    if isinstance(value, _Text):
        return "".join(value)
    return list(value) if type(value) is list else value
