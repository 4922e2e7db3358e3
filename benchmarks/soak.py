"""Hold a thousand streams for minutes, with faults, and count what came of every one.

    python benchmarks/soak.py --seconds 300 --streams 1000

A plain asyncio server (``soak_server.py``) runs in a process of its own. Each prompt tells it what to do wrong, so
that the one right outcome of each call is known: the whole answer, a certain error with a certain beginning of the
answer, or a stream that the caller left or cancelled. Both adapters make the calls: on one event loop, and from a few
threads. Whatever else happens is counted as unexpected, and none may be. The run ends by itself; its exit status is 1
where something was unexpected, lost or left open.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import platform
import random
import resource
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

if __package__:
    from benchmarks.soak_server import AFTER, OUTCOMES, PIECES, pieces_of
else:  # started as a script
    from soak_server import AFTER, OUTCOMES, PIECES, pieces_of  # type: ignore[no-redef]

GRACE = 60.0
"""Seconds after the time is over in which the last streams must have ended."""


# -- the callers -----------------------------------------------------------------------------------------------------


class Tally:
    """What came of the calls. Used from threads too."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._lock = threading.Lock()
        self._number = 0

    def begin(self) -> tuple[int, str]:
        """A new call's number and fault: a third have one."""
        with self._lock:
            self._number += 1
            fault = "none" if random.random() < 0.66 else random.choice(list(OUTCOMES))
            self.faults[fault] += 1
            return self._number, fault

    def end(self, number: int, fault: str, text: str, error: BaseException | None, left: str | None) -> None:
        """Judge a call by what it had handed out when it ended, and how it ended."""
        expected = OUTCOMES[fault]
        whole = "".join(pieces_of(number))
        if left is not None and error is None:
            outcome, is_right = f"{left} by the caller", whole.startswith(text)
        elif error is None:
            outcome, is_right = "answered right", expected == "answer" and text == whole
        else:
            outcome = f"typed error {type(error).__name__}"
            begun = "".join(pieces_of(number)[: PIECES // 2]) if fault in AFTER else ""
            partial = getattr(error, "partial", None)
            kept = partial.text if partial is not None else ""
            is_right = type(error).__name__ == expected and text == begun == kept
        with self._lock:
            self.outcomes[outcome if is_right else "unexpected"] += 1
            if not is_right:
                self.unexpected.append(f"{number} {fault}: {outcome}: {error!r}: {text!r}"[:500])


def adapters(port: int, idle: float) -> list[Any]:
    """The ways to stream."""
    import httpx

    from langchain_gumloop import ChatGumloop
    from llama_index_gumloop import Gumloop

    warnings.filterwarnings("ignore", message=".*is in beta")  # LangChain says so of v3 events
    # Long enough that a machine busy with other work does not add faults of its own.
    options: dict[str, Any] = {
        "model": "m",
        "api_key": "gl-soak",
        "base_url": f"http://127.0.0.1:{port}",
        "timeout": httpx.Timeout(60.0),
        "stream_idle_timeout": idle,
    }
    chat = ChatGumloop(**options)
    return [LangChain(chat), LlamaIndex(Gumloop(**options)), LangChainEvents(chat)]


class LangChain:
    """The pieces of an answer by LangChain's chunks."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def stream(self, prompt: str) -> Any:
        """Call without an event loop."""
        for chunk in self.model.stream(prompt):
            yield chunk.content

    async def astream(self, prompt: str) -> Any:
        """Call on an event loop."""
        async with contextlib.aclosing(self.model.astream(prompt)) as chunks:
            async for chunk in chunks:
                yield chunk.content


class LangChainEvents(LangChain):
    """The same by LangChain's v3 events."""

    def stream(self, prompt: str) -> Any:
        """Call without an event loop."""
        for event in self.model.stream_events(prompt, version="v3"):
            yield self._text(event)

    async def astream(self, prompt: str) -> Any:
        """Call on an event loop."""
        async with contextlib.aclosing(await self.model.astream_events(prompt, version="v3")) as events:
            async for event in events:
                yield self._text(event)

    @staticmethod
    def _text(event: Any) -> str | None:
        return event["delta"].get("text") if event["event"] == "content-block-delta" else None


class LlamaIndex:
    """The same by LlamaIndex' responses."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def stream(self, prompt: str) -> Any:
        """Call without an event loop."""
        for response in self.model.stream_chat(self._messages(prompt)):
            yield response.delta

    async def astream(self, prompt: str) -> Any:
        """Call on an event loop."""
        async with contextlib.aclosing(await self.model.astream_chat(self._messages(prompt))) as responses:
            async for response in responses:
                yield response.delta

    @staticmethod
    def _messages(prompt: str) -> Any:
        from llama_index.core.llms import ChatMessage

        return [ChatMessage(role="user", content=prompt)]


async def call(adapter: Any, tally: Tally) -> None:
    """Make one call; now and then leave it half way, or have it cancelled."""
    number, fault = tally.begin()
    pieces: list[str] = []
    chance = random.random()
    leave_at = random.randint(1, PIECES - 2) if fault == "none" and chance < 0.04 else None
    cancel = fault == "none" and chance > 0.98

    async def consume() -> str | None:
        async with contextlib.aclosing(adapter.astream(json.dumps([number, fault]))) as source:
            async for piece in source:
                pieces.append(piece or "")
                if leave_at is not None and len(pieces) > leave_at:
                    return "left"
        return None

    error, left = None, None
    task = asyncio.ensure_future(consume())
    if cancel:
        asyncio.get_running_loop().call_later(random.uniform(0, 2), task.cancel)
    try:
        left = await task
    except asyncio.CancelledError:
        if not cancel:
            raise
        left = "cancelled"
    except Exception as raised:
        error = raised
    tally.end(number, fault, "".join(pieces), error, left)


def call_in_threads(callers: list[Any], tally: Tally, deadline: float) -> list[threading.Thread]:
    """Make synchronous calls from threads."""

    def work(adapter: Any) -> None:
        while time.monotonic() < deadline:
            number, fault = tally.begin()
            pieces: list[str] = []
            error = None
            try:
                pieces.extend(piece or "" for piece in adapter.stream(json.dumps([number, fault])))
            except Exception as raised:
                error = raised
            tally.end(number, fault, "".join(pieces), error, None)

    threads = [threading.Thread(target=work, args=(adapter,), daemon=True) for adapter in callers]
    for thread in threads:
        thread.start()
    return threads


async def soak(port: int, seconds: float, streams: int, threads: int, idle: float, tally: Tally) -> dict[str, Any]:
    """Keep so many streams going for so long."""
    ways = adapters(port, idle)
    began = time.monotonic()
    deadline = began + seconds

    async def keep_calling(place: int) -> None:
        await asyncio.sleep(place / streams * min(3.0, seconds / 4))
        while time.monotonic() < deadline:
            await call(ways[place % len(ways)], tally)

    running = call_in_threads([ways[place % len(ways)] for place in range(threads)], tally, deadline)
    tasks = [asyncio.ensure_future(keep_calling(place)) for place in range(streams)]
    memory, in_use = [], []
    while time.monotonic() < deadline:
        await asyncio.sleep(min(5.0, seconds / 5))
        memory.append(resident_megabytes())
        in_use.append(sys.getallocatedblocks())
    _, pending = await asyncio.wait(tasks, timeout=GRACE + idle)
    for task in pending:
        task.cancel()
    for thread in running:
        await asyncio.to_thread(thread.join, 10)
    failed = [repr(task.exception()) for task in tasks if task.done() and not task.cancelled() and task.exception()]
    for adapter in ways:
        await adapter.model.aclose()
        adapter.model.close()
    return {
        "seconds": round(time.monotonic() - began, 1),
        "hung": len(pending) + sum(thread.is_alive() for thread in running),
        "callers_failed": failed,
        "memory_mb": memory,
        "blocks_in_use": in_use,
    }


def resident_megabytes() -> float:
    """Memory of this process now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def open_sockets() -> int:
    """Sockets that this process has open, the event loops' own pairs excepted."""
    count = 0
    with contextlib.suppress(OSError):
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                count += os.readlink(entry).startswith("socket:")
    return count


def statistics_of(port: int) -> dict[str, int]:
    """What the server has counted."""
    import httpx

    with httpx.Client(trust_env=False) as client:
        counted: dict[str, int] = client.get(f"http://127.0.0.1:{port}/stats").json()
    return counted


def allow_files(count: int) -> None:
    """Raise this process's limit on open files; the server inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def run(seconds: float, streams: int, threads: int, pause: float, idle: float) -> dict[str, Any]:
    """Run it all, and report."""
    allow_files(4 * streams + 500)
    command = [sys.executable, str(Path(__file__).with_name("soak_server.py")), str(pause)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            tally = Tally()
            sockets = open_sockets()
            report = asyncio.run(soak(port, seconds, streams, threads, idle, tally))
            gc.collect()
            counted = statistics_of(port)
            for _ in range(50):  # the server notices a bit later who has gone
                if not counted["open_connections"]:
                    break
                time.sleep(0.1)
                counted = statistics_of(port)
        finally:
            assert server.stdin is not None
            server.stdin.close()
    return {
        "streams": streams,
        "threads": threads,
        "calls": sum(tally.outcomes.values()),
        "begun": sum(tally.faults.values()),
        "outcomes": dict(tally.outcomes.most_common()),
        "faults": dict(tally.faults.most_common()),
        "unexpected": tally.outcomes["unexpected"],
        "unexpected_shown": tally.unexpected[:20],
        **report,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "sockets_left": open_sockets() - sockets,
        "threads_left": threading.active_count() - 1,
        "server": counted,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def is_clean(report: dict[str, Any]) -> bool:
    """Whether nothing was unexpected, lost or left open."""
    return (
        report["calls"] == report["begun"] > 0
        and not report["unexpected"]
        and not report["hung"]
        and not report["callers_failed"]
        and report["sockets_left"] <= 0
        and report["server"]["open_connections"] == 0
    )


def show(report: dict[str, Any]) -> str:
    """The report for people."""
    memory, in_use = report["memory_mb"], report["blocks_in_use"]
    quarter = -(-len(in_use) // 4)
    lines = [
        f"{report['calls']:,} calls in {report['seconds']} s, {report['streams']:,} streams and {report['threads']} "
        f"threads at once (the server saw {report['server']['most_open_streams']:,} open at once)",
        *[f"{count:9,}  {outcome}" for outcome, count in report["outcomes"].items()],
        f"{report['unexpected']:9,}  unexpected",
        f"{report['begun'] - report['calls']:9,}  lost, {report['hung']} callers hung, "
        f"{len(report['callers_failed'])} failed",
        f"peak memory {report['peak_rss_mb']} MB; over time {memory[0] if memory else 0} to "
        f"{memory[-1] if memory else 0} MB",
        f"blocks of memory in use, median of the first and the last quarter: {median(in_use[:quarter] or [0]):,.0f}, "
        f"{median(in_use[-quarter:] or [0]):,.0f}",
        f"{report['sockets_left']} sockets left, {report['server']['open_connections']} connections left on the "
        f"server; {report['server']['requests']:,} requests over {report['server']['connections']:,} connections",
    ]
    return "\n".join([*lines, *report["unexpected_shown"], *report["callers_failed"][:5]])


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Hold many streams, with faults, and count what came of every one.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long new calls are made")
    parser.add_argument("--streams", type=int, default=1000, help="streams at once on the event loop")
    parser.add_argument("--threads", type=int, default=8, help="threads that make synchronous calls beside them")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two pieces of an answer")
    parser.add_argument("--idle", type=float, default=15.0, help="stream_idle_timeout of the models")
    parser.add_argument("--json", type=Path, help="where to write the report as JSON")
    arguments = parser.parse_args()
    report = run(arguments.seconds, arguments.streams, arguments.threads, arguments.pause, arguments.idle)
    print(show(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if is_clean(report) else 1


if __name__ == "__main__":
    sys.exit(main())
