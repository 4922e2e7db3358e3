"""The table's rows: what is measured, how much of it, and what we aim for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.contenders import CONTENDERS, FLOOR, OURS, OVER_AIOHTTP


@dataclass(frozen=True)
class Row:
    """One kind of work.

    Attributes:
        title: What the table calls it.
        work: The function of :mod:`benchmarks.work` that does it.
        aims: For each framework the most that ours may cost, a ratio to the floor, or with a ``unit`` a number of it;
            none where the row only informs.
        full: The function's arguments.
        quick: Those of ``--quick``.
        unit: What a contender's number is in. ``None`` shows the contenders as ratios to the floor.
        scale: How many of the unit make one of what the function returns: a second, a number.
        rounds: Of how many rounds the median is taken; fewer with ``--quick``.
        only: The contenders to measure; all if empty.
        frameworks: Where there is such work.
    """

    title: str
    work: str
    aims: dict[str, float]
    full: dict[str, Any]
    quick: dict[str, Any] = field(default_factory=dict)
    unit: str | None = None
    scale: float = 1.0
    rounds: int = 21
    only: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ("langchain", "llama_index")

    def contenders(self, framework: str) -> list[str]:
        """The contenders that are measured."""
        names = [name for name in CONTENDERS[framework] if not self.only or name in self.only]
        if not self.work.startswith("async_"):
            names = [name for name in names if name not in OVER_AIOHTTP.values()]
        return names

    def arguments(self, *, quick: bool) -> dict[str, Any]:
        """The function's arguments."""
        return {**self.full, **(self.quick if quick else {})}


_FLOOR_AND_OURS = (FLOOR, *OURS.values())


def _both(aim: float) -> dict[str, float]:
    return {"langchain": aim, "llama_index": aim}


_CHUNK = {"langchain": 0.85, "llama_index": 0.95}

ROWS = [
    Row("unary call", "unary", _both(1.2), {"calls": 30}, {"calls": 8}),
    Row("unary call, async", "async_unary", _both(1.15), {"calls": 30}, {"calls": 8}),
    Row("streamed chunk, server flat out", "chunk", _CHUNK, {"chunks": 1000}, {"chunks": 300}),
    Row("streamed chunk, server flat out, async", "async_chunk", _CHUNK, {"chunks": 1000}, {"chunks": 300}),
    Row("streamed chunk, one per ms", "chunk", _both(1.1), {"chunks": 200, "pace": 1000}, {"chunks": 60, "pace": 1000}),
    Row(
        "streamed chunk, one per ms, async",
        "async_chunk",
        _both(1.1),
        {"chunks": 200, "pace": 1000},
        {"chunks": 60, "pace": 1000},
    ),
    Row(
        "chunk with OpenAI's padding, over one without",
        "padding",
        _both(1.1),
        {"chunks": 1000, "streams": 2},
        {"chunks": 300},
        unit="x",
        only=_FLOOR_AND_OURS,
    ),
    Row(
        "tool-argument delta",
        "tool_delta",
        {"langchain": 0.6, "llama_index": 1.1},
        {"chunks": 500},
        {"chunks": 150},
    ),
    Row("time to first chunk", "first_chunk", _both(1.1), {"calls": 15}, {"calls": 5}),
    Row(
        "message of a request with 1,000",
        "message",
        _both(5.0),
        {"messages": 1000, "calls": 5},
        {"calls": 2},
        unit="µs",
        scale=1e6,
    ),
    Row(
        "v3 event made natively, over the bridge's",
        "v3_event",
        {"langchain": 0.25},
        {"chunks": 1000},
        {"chunks": 300},
        unit="x",
        only=("ChatGumloop",),
        frameworks=("langchain",),
    ),
    Row(
        "v3 stream by the public call, over the bridged one",
        "v3_stream",
        {},
        {"chunks": 1000},
        {"chunks": 300},
        unit="x",
        only=("ChatGumloop",),
        frameworks=("langchain",),
    ),
    Row(
        "chunk in a stream of 5,000, over one in a stream of 100",
        "growth",
        _both(1.1),
        {"short": 100, "long": 5000},
        {"short": 50, "long": 500},
        unit="x",
        rounds=11,
        only=_FLOOR_AND_OURS,
    ),
    Row("second model object", "second_model", _both(0.5), {"models": 20}, {"models": 5}, unit="ms", scale=1e3),
    Row(
        "second model object and its first call, less a call",
        "second_model_called",
        {},
        {"models": 20},
        {"models": 5},
        unit="ms",
        scale=1e3,
    ),
    Row(
        "stream among 1,000 in one event loop, over one alone",
        "together",
        _both(1.3),
        {"streams": 1000, "chunks": 20, "pace": 5000},
        {"streams": 60, "pace": 1000},
        unit="x",
        rounds=5,
        only=_FLOOR_AND_OURS,
    ),
    Row(
        "connections that 10 streams open",
        "connections",
        _both(1),
        {"streams": 10},
        unit="",
        rounds=1,
    ),
]
