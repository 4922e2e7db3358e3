"""Calls a server from a process of its own; run as a module.

Usage: ``python -m tests.core.concurrency.shared.worker <how> <base url> <calls> <cap>``, with a pickle of the limits on
standard input. Writes a line before the first call and one with the errors at the end. ``how`` is ``here``, or for a
process that this one starts ``spawn`` or ``fork``; this one makes the calls too then, before that.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import sys
from typing import Any

from gumloop_core import AsyncGumloopClient
from gumloop_core.concurrency.limits import Limits
from tests.support.core_driver import body, settings_for


def call(base_url: str, limits: Limits, calls: int, cap: int | None) -> list[str]:
    """Make calls at once; the errors."""

    async def go() -> list[Any]:
        client = AsyncGumloopClient(settings_for(base_url, limits=limits, max_concurrency=cap))
        return await asyncio.gather(*(client.complete(body()) for _ in range(calls)), return_exceptions=True)

    return [f"{type(each).__name__}: {each}" for each in asyncio.run(go()) if isinstance(each, Exception)]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    how, base_url, calls, cap = sys.argv[1:]
    limits = pickle.loads(sys.stdin.buffer.read())
    arguments = (base_url, limits, int(calls), int(cap) or None)
    say("begins")
    errors = call(*arguments)
    if how != "here":
        with multiprocessing.get_context(how).Pool(1) as pool:
            errors += pool.apply(call, arguments)
            pool.close()
            pool.join()
    say(str(errors))


if __name__ == "__main__":
    main()
