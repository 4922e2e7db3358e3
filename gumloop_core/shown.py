"""A caller's value in an error's words: short, and never itself the cause of an error."""

from __future__ import annotations

import reprlib
from typing import Any

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200


def shown(value: Any) -> str:
    """The value as Python writes it, cut short; its class where it cannot be written.

    Values that are nested deeply, that hold themselves, or whose own ``__repr__`` raises can be refused too.
    """
    try:
        return _SHORT.repr(value)
    except Exception:  # whatever a foreign object raises
        return f"a {type(value).__name__}"


def named(value: Any) -> str:
    """A value's class with its article."""
    return with_article(type(value).__name__)


def with_article(noun: str) -> str:
    """A noun with its indefinite article."""
    return f"an {noun}" if noun[:1] in "aeioAEIO" else f"a {noun}"  # "a user"
