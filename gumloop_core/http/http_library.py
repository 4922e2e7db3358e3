"""Which HTTP library an object comes from: httpx, or httpx2, its successor.

What callers pass may come from either, and so may the errors and responses that come of it. Both have the same names,
but neither takes the other's objects. Nothing is imported here: whoever has an object of a library has imported it.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, TypeVar

_NAMES = ("httpx", "httpx2")

Kind = TypeVar("Kind")


def library_of(thing: Any) -> Any:
    """The library that has an object's class or one of its bases, or those of a class; ``None`` if neither has.

    A class is looked up by its name, for it may tell of another module: the openai SDK takes ``Timeout`` for its own.
    And by the module that it tells, for another may be there by its name: tools that trace put theirs there.
    """
    libraries = [library for name in _NAMES if (library := sys.modules.get(name)) is not None]
    for kind in (thing if isinstance(thing, type) else type(thing)).__mro__:
        for library in libraries:
            if vars(library).get(kind.__name__) is kind or str(kind.__module__).partition(".")[0] == library.__name__:
                return library
    return None


class StreamWrapper:
    """What stands around the stream of a response, and is asked in its place."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @property
    def elapsed(self) -> Any:
        """How long the response took: httpx2's look it up at their stream."""
        return getattr(self._stream, "elapsed", None)


@cache
def of_library(kind: type[Kind], base: type) -> type[Kind]:
    """A class that is one of a library's too, which its library asks for.

    Args:
        kind: The class.
        base: The library's, of which it overrides everything.
    """
    return type(kind.__name__, (kind, base), {})
