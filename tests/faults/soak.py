"""Hold a thousand streams for minutes, with faults, and count what came of every one.

    python -m tests.faults.soak --seconds 300 --streams 1000

The server is ``soak_server.py``, in a process of its own. Each prompt tells it what to do wrong, so that the one right
outcome of each call is known: the whole answer, a certain error with a certain beginning of the answer, or a stream
that the caller left or cancelled. Both adapters make the calls: on one event loop, and from a few threads. Whatever
else happens is counted as unexpected, and none may be. The run ends by itself; its exit status is 1 where something
was unexpected, lost or left open.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import random
import resource
import sys
import threading
import time
import urllib.request
import warnings
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.callers import Calls
from benchmarks.workers import served
from tests.faults.soak_server import OUTCOMES, PIECES, STRIKES, SoakServer, pieces_of


class Tally:
    """What came of the calls. Used from threads too."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._lock = threading.Lock()

    def begin(self, calls: Calls) -> tuple[int, str, list[Any]]:
        """A new call's number, fault (a third have one) and messages."""
        with self._lock:
            fault = "none" if random.random() < 0.66 else random.choice(list(OUTCOMES))
            self.faults[fault] += 1
            number = sum(self.faults.values())
        return number, fault, [calls.message(False, json.dumps([number, fault]))]

    def end(self, number: int, fault: str, text: str, error: BaseException | None, left: str | None) -> None:
        """Judge a call by what it had handed out when it ended, and how it ended."""
        pieces = pieces_of(number)
        if error is not None:
            outcome, kept = f"typed error {type(error).__name__}", getattr(error, "partial", None)
            begun = "".join(pieces[: PIECES // 2]) if fault in STRIKES else ""
            is_right = type(error).__name__ == OUTCOMES[fault] and text == begun == (kept.text if kept else "")
        elif left is not None:
            outcome, is_right = f"{left} by the caller", "".join(pieces).startswith(text)
        else:
            outcome, is_right = "answered right", OUTCOMES[fault] == "answer" and text == "".join(pieces)
        with self._lock:
            self.outcomes[outcome if is_right else "unexpected"] += 1
            if not is_right:
                self.unexpected.append(f"{number} {fault}: {outcome}: {error!r}: {text!r}"[:500])


def callers(server: str, idle: float) -> list[tuple[Calls, Any]]:
    """The ways to stream, by both adapters and by LangChain's v3 events, and the model of each."""
    from httpx import Timeout

    from benchmarks.callers import langchain, llama_index
    from gumloop_emulator import Credentials
    from langchain_gumloop import ChatGumloop
    from llama_index_gumloop import Gumloop

    warnings.filterwarnings("ignore", message=".*is in beta")  # LangChain says so of v3 events
    known = Credentials()
    options: dict[str, Any] = {"model": "m", "api_key": known.api_key, "user_id": known.user_id}
    # Long enough that a machine busy with other work does not add faults of its own.
    options |= {"base_url": f"{server}/api/v1", "timeout": Timeout(60.0), "stream_idle_timeout": idle}
    chat = ChatGumloop(**options)
    events = replace(
        langchain.CALLS,
        stream=lambda model, messages: model.stream_events(messages, version="v3"),
        astream=lambda model, messages: model.astream_events(messages, version="v3"),
        new_text=lambda event: event["delta"].get("text", "") if event["event"] == "content-block-delta" else "",
    )
    return [(langchain.CALLS, chat), (llama_index.CALLS, Gumloop(**options)), (events, chat)]


async def call(calls: Calls, model: Any, tally: Tally) -> None:
    """Make one call; now and then leave it half way, or have it cancelled."""
    number, fault, messages = tally.begin(calls)
    pieces: list[str] = []
    chance = random.random() if fault == "none" else 0.5
    leave_at = random.randint(1, PIECES - 2) if chance < 0.04 else None
    patience = random.uniform(0, 2) if chance > 0.98 else None

    async def consume() -> str | None:
        async with contextlib.aclosing(await calls.astream(model, messages)) as source:
            async for piece in source:
                pieces.append(calls.new_text(piece))
                if leave_at is not None and len(pieces) > leave_at:
                    return "left"
        return None

    error = left = None
    try:
        left = await asyncio.wait_for(consume(), patience)
    except Exception as raised:
        error = raised
    if type(error) is asyncio.TimeoutError and patience is not None:
        error, left = None, "cancelled"
    tally.end(number, fault, "".join(pieces), error, left)


def call_until(deadline: float, calls: Calls, model: Any, tally: Tally) -> None:
    """Make synchronous calls."""
    while time.monotonic() < deadline:
        number, fault, messages = tally.begin(calls)
        pieces: list[str] = []
        error = None
        try:
            pieces.extend(map(calls.new_text, calls.stream(model, messages)))
        except Exception as raised:
            error = raised
        tally.end(number, fault, "".join(pieces), error, None)


async def soak(server: str, given: argparse.Namespace, tally: Tally) -> dict[str, Any]:
    """Keep so many streams going for so long."""
    ways = callers(server, given.idle)
    began = time.monotonic()
    deadline = began + given.seconds

    async def keep_calling(place: int) -> None:
        await asyncio.sleep(place / given.streams * min(3.0, given.seconds / 4))
        while time.monotonic() < deadline:
            await call(*ways[place % 3], tally)

    threads = []
    for place in range(given.threads):
        threads.append(threading.Thread(target=call_until, args=(deadline, *ways[place % 3], tally), daemon=True))
        threads[-1].start()
    tasks = [asyncio.ensure_future(keep_calling(place)) for place in range(given.streams)]
    memory, in_use = [], []
    while time.monotonic() < deadline:
        await asyncio.sleep(given.seconds / 20)
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
        in_use.append(sys.getallocatedblocks())
    done, pending = await asyncio.wait(tasks, timeout=60.0 + given.idle)  # then the last streams must have ended
    for task in pending:
        task.cancel()
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
    for _, model in ways:
        await model.aclose()
        model.close()
    hung = len(pending) + sum(thread.is_alive() for thread in threads)
    failed = [repr(task.exception()) for task in done if task.exception()]
    measured = {"seconds": round(time.monotonic() - began, 1), "peak_mb": memory, "blocks_in_use": in_use}
    return {**measured, "hung": hung, "callers_failed": failed}


def open_sockets() -> int:
    """Sockets that this process has open, 0 where the system does not say."""
    return sum(file.is_socket() for file in Path("/proc/self/fd").glob("*"))


def statistics_of(server: str) -> dict[str, int]:
    """What the server has counted, once it has noticed who has gone."""
    for _ in range(50):
        with urllib.request.urlopen(f"{server}/stats") as response:
            counted: dict[str, int] = json.load(response)
        if not counted["open_connections"]:
            break
        time.sleep(0.1)
    return counted


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Run it all, and report."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)  # the server inherits it; -1 is no limit
    if 0 <= files < (wanted := 4 * given.streams + 500):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if most < 0 else min(wanted, most), most))
    tally = Tally()
    with served(partial(SoakServer, given.pause)) as server:
        sockets = open_sockets()
        report = asyncio.run(soak(server, given, tally))
        gc.collect()
        report |= {"sockets_left": open_sockets() - sockets, "server": statistics_of(server)}
    report |= {"streams": given.streams, "threads": given.threads, "unexpected_shown": tally.unexpected[:20]}
    report |= {"begun": sum(tally.faults.values()), "faults": dict(tally.faults.most_common())}
    report |= {"calls": sum(tally.outcomes.values()), "outcomes": dict(tally.outcomes.most_common())}
    return {**report, "unexpected": tally.outcomes["unexpected"]}


def is_clean(report: dict[str, Any]) -> bool:
    """Whether nothing was unexpected, lost or left open."""
    wrong = (report["unexpected"], report["hung"], report["callers_failed"], report["server"]["open_connections"])
    return report["calls"] == report["begun"] > 0 and report["sockets_left"] <= 0 and not any(wrong)


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description="Hold many streams, with faults, and count what came of every one.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long new calls are made")
    parser.add_argument("--streams", type=int, default=1000, help="streams at once on the event loop")
    parser.add_argument("--threads", type=int, default=8, help="threads that make synchronous calls beside them")
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two pieces of an answer")
    parser.add_argument("--idle", type=float, default=15.0, help="stream_idle_timeout of the models")
    parser.add_argument("--json", type=Path, help="where to write the report as JSON")
    given = parser.parse_args()
    report = run(given)
    print(text := json.dumps(report, indent=1, ensure_ascii=False))
    print(
        f"{report['calls']:,} calls, {report['begun'] - report['calls']:,} lost, {report['unexpected']:,}  unexpected"
    )
    if given.json:
        given.json.write_text(text + "\n", encoding="utf-8")
    return 0 if is_clean(report) else 1


if __name__ == "__main__":
    sys.exit(main())
