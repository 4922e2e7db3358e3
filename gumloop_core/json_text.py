"""JSON to and from bytes: pydantic's fast codec, and Python's where that one is stricter."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from pydantic_core import PydanticSerializationError, from_json, to_json

_TOO_DEEP = "nested too deep"

DEEPEST = 200
"""How many levels a document may have: pydantic's limit, and far from where Python's recursion ends."""

_SCALARS = frozenset({str, int, float, bool, type(None)})
_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_-]{0,60}"


def encode(value: Any) -> bytes:
    """Encode a body.

    Text with lone surrogates is not UTF-8; Python's encoder writes it with escapes.

    Raises:
        TypeError: If the value holds something that JSON cannot say.
        ValueError: If the value refers to itself, or is nested deeper than Python's recursion goes.
    """
    try:
        return to_json(value)
    except PydanticSerializationError:
        pass
    try:
        text = json.dumps(value)
    except RecursionError:
        pass
    else:
        if not _is_deeper_than(value, sys.getrecursionlimit()):  # from Python 3.13 on, its encoder goes much deeper
            return text.encode()
    raise ValueError(_TOO_DEEP)


def _is_deeper_than(value: Any, levels: int) -> bool:
    """Whether a value that does not hold itself has more levels than that."""
    layer = [value]
    for _ in range(levels):
        nested = [item for item in layer if isinstance(item, (dict, list, tuple))]
        layer = [below for item in nested for below in (item.values() if isinstance(item, dict) else item)]
        if not layer:
            return False
    return True


def encode_arguments(arguments: Any) -> str:
    """Encode the arguments of a call that a model made earlier.

    A number that is none (``NaN``, ``Infinity``) was the model's own slip, and becomes ``null``.

    Raises:
        ValueError: If they hold something else that JSON cannot say; with the place.
    """
    content = _encoded_or_none(arguments)
    if content is not None and b"NaN" not in content and b"Infinity" not in content:
        return content.decode()
    problem = what_json_cannot_say(arguments, "arguments", finite=False)
    if problem is not None:
        raise ValueError(problem)
    return encode(with_null(arguments)).decode()


def _encoded_or_none(value: Any) -> bytes | None:
    try:
        return encode(value)
    except Exception:  # whatever a foreign object raises; what is wrong is looked up by the caller
        return None


def with_null(value: Any) -> Any:
    """A copy in which numbers that are none are ``None``."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: with_null(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [with_null(item) for item in value]
    return value


def is_finite_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is a number that JSON can say. Neither a truth value nor ``NaN`` is one, however great it is."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def positive_count(value: Any) -> int | None:
    """A number of things of which there is one at least; ``None`` for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def is_plain(value: Any, levels: int = DEEPEST) -> bool:
    """Whether a value says in JSON what it says in Python, and is nested no deeper than ``levels``."""
    kind = type(value)
    if kind in _SCALARS:
        return kind is not float or math.isfinite(value)
    if isinstance(value, dict):
        if levels == 0:
            return False
        return all(isinstance(key, (str, int)) and is_plain(item, levels - 1) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        if levels == 0:
            return False
        return all(is_plain(item, levels - 1) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, (str, int))


def what_json_cannot_say(value: Any, place: str, *, finite: bool = True) -> str | None:
    """Where a value holds what JSON has no word for, and what that is; ``None`` if it is all plain.

    Args:
        value: The value.
        place: Its name: ``extra_body`` makes ``extra_body.filters[2] is a set, which JSON cannot say``.
        finite: Whether ``NaN`` and infinities count.
    """
    pending: list[tuple[Any, str, int]] = [(value, place, DEEPEST)]
    while pending:
        current, name, levels = pending.pop()
        if isinstance(current, (str, int)) or current is None:
            continue
        if isinstance(current, float):
            if finite and not math.isfinite(current):
                return f"{name or 'It'} is {current}, which is no number in JSON"
            continue
        inner = _named_items(current, name)
        if inner is None:
            from gumloop_core.shown import named

            return f"{name or 'It'} is {named(current)}, which JSON cannot say"
        if levels == 0:
            return f"{place or 'It'} is nested deeper than {DEEPEST} levels, or holds itself"
        for item, called in inner:
            if called is None:
                return f"{name or 'It'} has the key {item!r}, and the keys of JSON are texts"
            pending.append((item, called, levels - 1))
    return None


def _named_items(value: Any, name: str) -> Iterable[tuple[Any, str | None]] | None:
    """What a container holds, the last first, with names; a key that is none goes without one."""
    if isinstance(value, dict):
        return [
            (item, _key_name(name, key)) if isinstance(key, (str, int)) else (key, None)
            for key, item in reversed(value.items())
        ]
    if isinstance(value, (list, tuple)):
        return [(value[index], f"{name}[{index}]") for index in range(len(value) - 1, -1, -1)]
    return None


def _key_name(name: str, key: Any) -> str:
    if not isinstance(key, str) or not re.fullmatch(_IDENTIFIER, key):
        return f"{name}[{str(key)[:60]!r}]"
    return f"{name}.{key}" if name else key


def decode(text: bytes) -> Any:
    """Decode a document.

    Raises:
        ValueError: If it is not JSON, or is nested deeper than :data:`DEEPEST`.
    """
    try:
        return from_json(text)
    except ValueError as error:
        reason = _TOO_DEEP if "recursion limit" in str(error) else ""
    if not reason:
        try:
            # Python's decoder takes lone surrogates, which models do write; strict=False takes raw control characters.
            value = json.loads(text, strict=False)
        except RecursionError:
            reason = _TOO_DEEP
        except ValueError as error:
            reason = str(error)
        else:
            if not _is_deep(value):
                return value
            reason = _TOO_DEEP
    # Raised here, apart from the decoder's own error: that one has the whole document among its attributes.
    raise ValueError(reason)


def decode_text(text: str) -> Any:
    """Decode a document that is a text, lone surrogates in it too; see :func:`decode`."""
    return decode(text.encode("utf-8", "surrogatepass"))


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True
