"""Definitions of tools, kept for as long as the tools are there."""

from __future__ import annotations

import gc
from typing import Any

from gumloop_core.writing.definitions import Definitions


class Tool:
    """A tool that cannot be hashed."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


class Slotted:
    """A tool that cannot be referred to weakly."""

    __slots__ = ()


def _define(definitions: Definitions[object], tool: Any, name: str = "add") -> object:
    return definitions.of(tool, (name,), object)


def test_a_tool_is_defined_once() -> None:
    definitions: Definitions[object] = Definitions()
    tool = Tool()
    assert _define(definitions, tool) is _define(definitions, tool)


def test_a_tool_that_changed_and_one_that_only_equals_it_are_defined_anew() -> None:
    definitions: Definitions[object] = Definitions()
    tool, equal = Tool(), Tool()
    first = _define(definitions, tool)
    assert _define(definitions, equal) is not first
    assert _define(definitions, tool) is first
    assert _define(definitions, tool, "multiply") is not first


def test_definitions_go_with_their_tools() -> None:
    definitions: Definitions[object] = Definitions()
    for _ in range(10):
        _define(definitions, Tool())
    gc.collect()
    assert not definitions._known


def test_a_tool_without_weak_references_is_defined_each_time() -> None:
    definitions: Definitions[object] = Definitions()
    tool = Slotted()
    assert _define(definitions, tool) is not _define(definitions, tool)
