"""Definitions of tools, kept for as long as the tools are there. No I/O."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

Definition = TypeVar("Definition")


class Definitions(Generic[Definition]):
    """What has been made of tools: reading a signature or a class takes a hundred times longer than the lookup."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], tuple[Any, ...], Definition]] = {}

    def of(self, tool: Any, made_of: tuple[Any, ...], define: Callable[[], Definition]) -> Definition:
        """The definition of a tool.

        Args:
            tool: The tool, hashable or not.
            made_of: What of the tool the definition is made of, and can be changed.
            define: Makes it.
        """
        key = id(tool)
        known = self._known.get(key)
        if known is not None and known[0]() is tool and known[1] == made_of:
            return known[2]
        definition = define()
        with suppress(TypeError):  # what cannot be referred to weakly is defined each time
            self._known[key] = (weakref.ref(tool, lambda _: self._known.pop(key, None)), made_of, definition)
        return definition
