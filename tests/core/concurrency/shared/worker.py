"""Calls a server from a process of its own; run as a module.

Usage: ``python -m tests.core.concurrency.shared.worker <how> <base url> <calls> <cap>``, with a pickle of the limits on
standard input. Writes a line before the first call and one with the errors at the end. ``how`` is ``call``; or
``hold``, which takes slots and ends without giving them back; or ``hold spawn`` or ``hold fork``, which does so in a
process that this one starts when it has made the calls itself.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import sys
from typing import Any

from gumloop_core import AsyncGumloopClient
from gumloop_core.concurrency.limiter import Ticket
from gumloop_core.concurrency.limits import Limits
from tests.support.core_driver import body, settings_for


def call(base_url: str, limits: Limits, calls: int, cap: int | None) -> list[str]:
    """Make calls at once; the errors."""

    async def go() -> list[Any]:
        client = AsyncGumloopClient(settings_for(base_url, limits=limits, max_concurrency=cap))
        return await asyncio.gather(*(client.complete(body()) for _ in range(calls)), return_exceptions=True)

    return [f"{type(each).__name__}: {each}" for each in asyncio.run(go()) if isinstance(each, Exception)]


def hold(base_url: str, limits: Limits, calls: int, cap: int | None) -> list[str]:
    """Take slots, and never give them back."""
    for _ in range(calls):
        settings_for(base_url, limits=limits).limiter().acquire(Ticket(cap, None, is_stream=False))
    return []


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    how, base_url, calls, cap = sys.argv[1:]
    limits = pickle.loads(sys.stdin.buffer.read())
    arguments = (base_url, limits, int(calls), int(cap) or None)
    say("begins")
    kind, *started = how.split()
    if not started:
        errors = call(*arguments) if kind == "call" else hold(*arguments)
    else:
        errors = call(*arguments)
        with multiprocessing.get_context(*started).Pool(1) as pool:
            errors += pool.apply(hold, arguments)
            pool.close()
            pool.join()
    say(str(errors))


if __name__ == "__main__":
    main()
