"""The table's rows: what is measured, how much of it, and what we aim for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.contenders import CONTENDERS, FLOOR, OURS, OVER_HTTPX


@dataclass(frozen=True)
class Row:
    """One kind of work."""

    title: str  # what the table calls it
    work: str  # the method of :class:`benchmarks.work.Work` that does it
    aims: dict[str, float]  # the most that ours may cost: a ratio to the floor or, with a unit, a number of it
    full: dict[str, Any] = field(default_factory=dict)  # the method's arguments
    quick: dict[str, Any] = field(default_factory=dict)  # those that are other with `--quick`
    unit: str | None = None  # what a contender's number is in; None shows ratios to the floor
    rounds: int = 9  # of how many the median is taken; fewer with `--quick`
    only: tuple[str, ...] = ()  # the contenders to measure; all if empty
    tls: bool = False  # whether the server is asked over TLS

    @property
    def is_first(self) -> bool:
        """Whether only the first time in a process tells."""
        return self.work in ("imported", "first_call")

    @property
    def scale(self) -> float:
        """How many of the unit make one of what the work's method returns: a second, a number."""
        return {"ms": 1e3, "µs": 1e6, "kB": 1e-3}.get(self.unit or "", 1.0)

    def contenders(self, framework: str, *, quick: bool = False) -> list[str]:
        """The contenders that are measured."""
        if quick and self.is_first:
            return [OURS[framework]]  # the peers take many seconds
        return [name for name in CONTENDERS[framework] if not self.only or name in self.only]


def _aims(langchain: float, llama_index: float | None = None) -> dict[str, float]:
    return {"langchain": langchain, "llama_index": llama_index or langchain}


def _holding(streams: int) -> tuple[str, ...]:
    """Who can hold so many streams at once: in one that lives with httpx's limit, from 100 on one waits for another."""
    names = (name for names in CONTENDERS.values() for name in names)
    return tuple(name for name in names if streams <= 100 or name != "ChatOpenRouter")


_MAIN = (FLOOR, *OURS.values())
_ROADS = (*_MAIN, *OVER_HTTPX.values())
_ADAPTERS = tuple(name for names in CONTENDERS.values() for name in names if name != FLOOR)
_CALLS = {"calls": 30}, {"calls": 8}
_FLAT = {"chunks": 1000}, {"chunks": 300}
_PACED = {"chunks": 200, "pace": 1000}, {"chunks": 60}
_MODELS = {"models": 20}, {"models": 5}
_CALLED = {"short": 100, "long": 1000, "kind": "calls"}, {"long": 300}
_LONG = {"short": 100, "long": 5000}, {"short": 50, "long": 500}
# Two chunks a millisecond in all, each stream's at a moment of its own.
_AMONG = {
    count: {"streams": count, "chunks": 400 // count + 6, "pace": max(1000, 500 * count)} for count in (1, 50, 500)
}
_HELD = {"streams": 1000, "chunks": 3, "pace": 500_000}, {"streams": 100, "pace": 50_000}

ROWS = [
    Row("unary call", "unary", _aims(0.8), *_CALLS),
    Row("unary call, async", "async_unary", _aims(0.75), *_CALLS),
    Row("unary call, over TLS", "unary", _aims(0.8), *_CALLS, only=_ROADS, tls=True),
    Row("streamed chunk, server flat out", "chunk", _aims(0.55), *_FLAT),
    Row("streamed chunk, server flat out, async", "async_chunk", _aims(0.55), *_FLAT),
    Row("streamed chunk, one per ms", "chunk", _aims(0.65), *_PACED),
    Row("streamed chunk, one per ms, async", "async_chunk", _aims(0.65), *_PACED),
    Row("streamed chunk, one per ms, async, over TLS", "async_chunk", _aims(0.65), *_PACED, only=_ROADS, tls=True),
    *(
        Row(
            f"streamed chunk of {count} at once, async",
            "among",
            _aims(0.65),
            _AMONG[count],
            rounds=5,
            only=_holding(count),
        )
        for count in _AMONG
    ),
    Row("memory of an open stream, of 100", "memory", _aims(24, 21), {"streams": 100}, {"streams": 30}, "kB", 1),
    Row("streams of 1,000 at once that wait or are lost", "lost", _aims(0), *_HELD, "", 1, _holding(1000)),
    Row(
        "chunk with OpenAI's padding, over one without",
        "padding",
        _aims(1.1),
        {"streams": 2, **_FLAT[0]},
        _FLAT[1],
        "x",
        only=_MAIN,
    ),
    Row("tool-argument delta", "chunk", _aims(0.6, 1.1), {"chunks": 500, "kind": "tools"}, {"chunks": 150}),
    Row("time to first chunk", "first_chunk", _aims(1.1), {"calls": 15}, {"calls": 5}),
    Row("message of a request with 1,000", "message", _aims(5.0), {"messages": 1000, "calls": 5}, {"calls": 2}, "µs"),
    Row(
        "v3 event made natively, over the bridge's", "v3_event", {"langchain": 0.25}, *_FLAT, "x", only=("ChatGumloop",)
    ),
    Row("v3 stream by the public call, over the bridged one", "v3_stream", {}, *_FLAT, "x", only=("ChatGumloop",)),
    Row("chunk in a stream of 5,000, over one in a stream of 100", "growth", _aims(1.1), *_LONG, "x", 11, _MAIN),
    Row(
        "tool call in a stream of 1,000, over one of 100",
        "growth",
        {"llama_index": 1.3},
        *_CALLED,
        "x",
        3,
        tuple(OURS.values()),
    ),
    Row("second model object", "second_model", _aims(0.5), *_MODELS, "ms"),
    Row("second model object and its first call, less a call", "second_model_called", {}, *_MODELS, "ms"),
    Row("connections that 10 streams open", "connections", _aims(1), {"streams": 10}, unit="", rounds=1),
    Row("first call of a process, beyond a later one", "first_call", _aims(25), *_CALLS, unit="ms", rounds=5),
    Row("certificates, once a process, for https", "certificates", {}, unit="ms", rounds=5, only=_MAIN),
    Row("import beyond the framework", "imported", _aims(30, 20), unit="ms", rounds=5, only=_ADAPTERS),
]
