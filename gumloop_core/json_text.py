"""JSON to and from bytes: pydantic's fast codec, and Python's where that one is stricter."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

_TOO_DEEP = "nested too deep"

DEEPEST = 200
"""How many levels a document may have: pydantic's limit, and far from where Python's recursion ends."""


def encode(value: Any) -> bytes:
    """Encode a body.

    Text with lone surrogates is not UTF-8; Python's encoder writes it with escapes.

    Raises:
        TypeError: If the value holds something that JSON cannot say.
        ValueError: If the value refers to itself.
    """
    try:
        return to_json(value)
    except PydanticSerializationError:
        return json.dumps(value).encode()


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
