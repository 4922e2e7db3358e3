"""The indices of a list's entries, as floats, which keeps them from LangChain's way of adding up.

Where messages are merged, LangChain makes one of two entries of a list that have the same integer as their ``index``,
and runs their texts and signatures together. Within one answer the core has put the pieces together already; entries
of two answers have nothing to do with each other. A float is the same number to everyone else, and is left alone.
"""

from __future__ import annotations

from typing import Any

from gumloop_core.wire import JSONObject


def with_float_indices(value: Any) -> Any:
    """A field of ``additional_kwargs`` with the indices of its entries as floats; also one level down, in an object."""
    if isinstance(value, dict):
        return {name: _with_float_indices(inner) for name, inner in value.items()}
    return _with_float_indices(value)


def _with_float_indices(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        {**entry, "index": float(entry["index"])} if isinstance(entry, dict) and _is_number(entry) else entry
        for entry in value
    ]


def _is_number(entry: JSONObject) -> bool:
    index = entry.get("index")
    return type(index) is int and abs(index) < 2**53


def with_integer_indices(entries: list[Any]) -> list[Any]:
    """Entries of an earlier answer with their indices as the server sent them."""
    return [
        {**entry, "index": int(entry["index"])} if isinstance(entry, dict) and _is_whole(entry.get("index")) else entry
        for entry in entries
    ]


def _is_whole(index: Any) -> bool:
    return isinstance(index, float) and index.is_integer()
