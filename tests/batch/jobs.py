"""Jobs in processes of their own, so that they can be killed; run as a script.

Usage: ``jobs.py <output> <rows> <rows in flight>``. The emulator is the one that the environment names.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from gumloop_batch import run
from gumloop_core import AsyncGumloopClient


def tickets(count: int) -> list[dict[str, Any]]:
    """Rows."""
    return [{"id": number, "text": f"ticket {number}"} for number in range(count)]


CLIENT = AsyncGumloopClient()


async def ask(row: dict[str, Any]) -> str:
    """Ask the core alone: a framework takes a second to import. The server is told which process asks."""
    messages = [{"role": "system", "content": str(os.getpid())}, {"role": "user", "content": str(row["text"])}]
    answer = await CLIENT.complete({"model": "claude-sonnet-4-5", "messages": messages})
    return answer.text


if __name__ == "__main__":
    folder, rows, in_flight = sys.argv[1:4]
    result = run(tickets(int(rows)), ask, output=folder, key="id", rows_in_flight=int(in_flight), progress=False)
    print(result.answered, result.failed, result.skipped)  # noqa: T201
