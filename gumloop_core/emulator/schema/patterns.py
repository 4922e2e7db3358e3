"""A string for a regular expression: a simple attempt over Python's own parse of the pattern."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

if sys.version_info >= (3, 11):
    from re import _constants as constants  # type: ignore[attr-defined]
    from re import _parser as parser  # type: ignore[attr-defined]
else:
    import sre_constants as constants
    import sre_parse as parser

_CANDIDATES = "a1A0 -_.b2@z9Z/:,"
_CATEGORIES = {
    constants.CATEGORY_DIGIT: "1",
    constants.CATEGORY_WORD: "a",
    constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_NOT_DIGIT: "a",
    constants.CATEGORY_NOT_WORD: "-",
    constants.CATEGORY_NOT_SPACE: "a",
}
_MOST_REPEATS = 200


def string_for(pattern: str, extra: int = 0) -> str | None:
    """Return a string that matches a pattern, None when the attempt fails.

    Args:
        pattern: The pattern, searched for as JSON Schema does (not anchored).
        extra: How many more repetitions than needed, where the pattern allows them.
    """
    try:
        text = _build(parser.parse(pattern), {}, extra)
        return text if re.search(pattern, text) else None
    except (re.error, RecursionError, KeyError, IndexError, ValueError, OverflowError):
        return None


def _build(nodes: Iterable[Any], groups: dict[int, str], extra: int) -> str:
    return "".join(_node(kind, value, groups, extra) for kind, value in nodes)


def _node(kind: Any, value: Any, groups: dict[int, str], extra: int) -> str:
    if kind is constants.LITERAL:
        return chr(value)
    if kind is constants.NOT_LITERAL:
        return next(character for character in _CANDIDATES if ord(character) != value)
    if kind is constants.ANY:
        return "a"
    if kind is constants.IN:
        return _from_class(value)
    if kind is constants.BRANCH:
        return _build(value[1][0], groups, extra)
    if kind is constants.SUBPATTERN:
        text = _build(value[3], groups, extra)
        if value[0] is not None:
            groups[value[0]] = text
        return text
    if kind is constants.GROUPREF:
        return groups[value]
    if kind in (constants.MAX_REPEAT, constants.MIN_REPEAT) or kind == getattr(constants, "POSSESSIVE_REPEAT", None):
        low, high, body = value
        count = min(low + extra, high, _MOST_REPEATS)
        return "".join(_build(body, groups, 0) for _ in range(max(count, low)))
    if kind == getattr(constants, "ATOMIC_GROUP", None):
        return _build(value, groups, extra)
    return ""  # anchors and look-arounds take no room


def _from_class(items: list[Any]) -> str:
    negated = bool(items) and items[0][0] is constants.NEGATE
    if not negated:
        kind, value = items[0]
        if kind is constants.LITERAL:
            return chr(value)
        if kind is constants.RANGE:
            return chr(value[0])
        return _CATEGORIES[value]
    return next(character for character in _CANDIDATES if not any(_holds(item, character) for item in items[1:]))


def _holds(item: Any, character: str) -> bool:
    kind, value = item
    if kind is constants.LITERAL:
        return ord(character) == int(value)
    if kind is constants.RANGE:
        low, high = int(value[0]), int(value[1])
        return low <= ord(character) <= high
    checks = {
        constants.CATEGORY_DIGIT: character.isdigit(),
        constants.CATEGORY_NOT_DIGIT: not character.isdigit(),
        constants.CATEGORY_WORD: character.isalnum() or character == "_",
        constants.CATEGORY_NOT_WORD: not (character.isalnum() or character == "_"),
        constants.CATEGORY_SPACE: character.isspace(),
        constants.CATEGORY_NOT_SPACE: not character.isspace(),
    }
    return bool(checks[value])
