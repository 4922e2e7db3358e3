"""Jobs of many calls at an endpoint that admits some at a time: ``python -m benchmarks.load`` writes the table of a page.

Each job runs in a process of its own, so that it knows nothing of the limit, and the server in another.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import answers
from benchmarks.workers import served
from gumloop_emulator.access import Limits, Refused
from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.traffic import ReceivedRequest

PAGE = Path(__file__).parents[1] / "docs" / "concurrency.md"
NO_BOUND = 10**6


class LoadServer(LocalServer):
    """Answers after a time, and refuses what is beyond its limit; ``/stats/<name>`` tells how many requests came.

    The path says how: ``/<name>/5/100/none/2/200:3`` admits 5 calls of 100 ms and refuses without Retry-After; others
    hold two of its places; from 200 calls on it admits 3.
    """

    def __init__(self) -> None:
        super().__init__(keep_requests=0)
        self._jobs: dict[str, tuple[Limits, list[int]]] = {}

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        name, limit, milliseconds, retry_after, busy, moves, *_ = [*request.path.strip("/").split("/"), *"0000"]
        if name == "stats":
            return Response([str(self._jobs.pop(limit)[1][0]).encode()])
        if name not in self._jobs:
            self._jobs[name] = Limits(int(limit) or None), [0, 0]
            self._jobs[name][0]._in_flight = int(busy)
        limits, counts = self._jobs[name]
        counts[0] += 1
        try:
            limits.enter()
        except Refused:
            headers = {} if retry_after == "none" else {"retry-after": retry_after}
            return Response([b'{"error": {"message": "Too many requests at once."}}'], 429, headers)
        counts[1] += 1
        limits.concurrent = dict(re.findall(r"(\d+):(\d+)", moves)).get(str(counts[1])) or limits.concurrent
        limits.concurrent = limits.concurrent and int(limits.concurrent)
        await asyncio.sleep(int(milliseconds) / 1000)
        if b'"stream":true' in request.body:
            stream = {"content-type": "text/event-stream"}
            return Response([*answers.text_events(3)], headers=stream, finished=limits.leave)
        return Response([answers.unary()], finished=limits.leave)


@dataclass(frozen=True)
class Job:
    """One line of the table. The ideal is reckoned with ``places`` where it is not the limit."""

    who: str
    road: str
    limit: int
    rows: int = 200
    seconds: float = 0.1
    retry_after: str = "none"
    cap: int | None = None
    busy: int = 0
    moves: str = "-"
    places: float = 0.0

    def run(self, address: str) -> str:
        """Run it in a process of its own; its line."""
        import httpx

        path = f"{id(self)}/{self.limit}/{self.seconds * 1000:.0f}/{self.retry_after}/{self.busy}/{self.moves}"
        code = "import json, sys; from benchmarks.load import work; print(json.dumps(work(*json.loads(sys.argv[1]))))"
        arguments = json.dumps([asdict(self), f"{address}/warm-up/0/1/none/0/-/v1", f"{address}/{path}/v1"])
        output = subprocess.check_output([sys.executable, "-c", code, arguments], timeout=120)
        wall, cpu, lost = json.loads(output.splitlines()[-1])
        requests = int(httpx.get(f"{address}/stats/{id(self)}").text)
        over = wall / (self.rows / (self.places or self.limit or self.rows) * self.seconds)
        cap = "no bound" if self.cap == NO_BOUND else self.cap and f"max_concurrency {self.cap}"
        shown = (self.retry_after != "none" and f"Retry-After {self.retry_after}", cap, self.busy and "2 taken")
        conditions = ", ".join(filter(None, (*shown, self.moves.strip("-"))))
        cells = (self.limit or "none", self.who, self.road, conditions, f"{requests / self.rows:.2f}", f"{over:.2f}")
        return f"| {' | '.join(map(str, cells))} | {lost} | {cpu / self.rows * 1000:.1f} |"


def jobs() -> Iterator[Job]:
    """The lines of the table."""
    for limit, rows in ((5, 200), (25, 200), (100, 400)):
        yield from (Job("ours", road, limit, rows) for road in _ROADS)
        yield from (Job("ours", "mixed", limit, rows, retry_after=seconds) for seconds in "01")
        yield Job("ours", "mixed", limit, rows, cap=limit)
        yield from (Job("ChatOpenAI", road, limit, rows) for road in ("batch", "abatch"))
        yield from (Job("OpenAILike", road, limit, rows) for road in ("achat", "threads"))
    yield Job("ours", "mixed", 5, busy=2, places=3)
    yield Job("ours", "mixed", 5, 1000, moves="200:3,400:25", places=1000 / (200 / 5 + 200 / 3 + 600 / 25))
    yield from (Job("ours", road, 0, seconds=2.0, cap=cap) for road in ("abatch", "achat") for cap in (None, NO_BOUND))


def work(job: dict[str, Any], *addresses: str) -> Any:
    """Do a job in this process, at the last address; what comes before is the imports, which are no limiter's."""
    for address in addresses:
        given = {
            "model": "m",
            "api_key": "benchmark",
            ("api_base" if job["who"] == "OpenAILike" else "base_url"): address,
        }
        if job["who"] == "ours":
            from langchain_gumloop import ChatGumloop
            from llama_index_gumloop import Gumloop

            given |= {"user_id": "benchmark", "max_concurrency": job["cap"]}
            models: Any = ChatGumloop(**given), Gumloop(**given)
        elif job["who"] == "ChatOpenAI":
            from langchain_openai import ChatOpenAI

            models = ChatOpenAI(**given), None
        else:
            from llama_index.llms.openai_like import OpenAILike

            models = None, OpenAILike(**given, is_chat_model=True)
        began, cpu = time.perf_counter(), time.process_time()
        outcomes = list(_ROADS[job["road"]](models, job["rows"] if address == addresses[-1] else 4))
    lost = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    return time.perf_counter() - began, time.process_time() - cpu, len(lost)


async def _gather(one: Callable[[Any, str], Any], model: Any, rows: int) -> Any:
    async def read() -> Any:
        answer = one(model, "Hello") if one is _stream else await one(model, "Hello")
        return [piece async for piece in answer] if hasattr(answer, "__aiter__") else answer

    return await asyncio.gather(*(read() for _ in range(rows)), return_exceptions=True)


def _stream(model: Any, prompt: str) -> Any:
    return model.astream(prompt)


def _guarded(model: Any, prompt: str) -> Any:
    try:
        return model.complete(prompt)
    except Exception as error:
        return error


def _mixed(models: Any, rows: int) -> Any:
    roads = [_ROADS[name] for name in ("batch", "abatch", "astream_chat", "threads")]
    with ThreadPoolExecutor(len(roads)) as pool:
        return chain.from_iterable(list(pool.map(lambda road: list(road(models, rows // len(roads))), roads)))


_ROADS: dict[str, Callable[[Any, int], Any]] = {
    "batch": lambda models, rows: models[0].batch(["Hello"] * rows, {"max_concurrency": 32}, return_exceptions=True),
    "abatch": lambda models, rows: asyncio.run(models[0].abatch(["Hello"] * rows, return_exceptions=True)),
    "astream": lambda models, rows: asyncio.run(_gather(_stream, models[0], rows)),
    "achat": lambda models, rows: asyncio.run(_gather(lambda model, text: model.acomplete(text), models[1], rows)),
    "astream_chat": lambda models, rows: asyncio.run(
        _gather(lambda model, text: model.astream_complete(text), models[1], rows)
    ),
    "threads": lambda models, rows: ThreadPoolExecutor(32).map(partial(_guarded, models[1]), ["Hello"] * rows),
    "mixed": _mixed,
}


def own_cost() -> float:
    """Milliseconds of CPU that a limiter takes for a call that does not wait."""
    from gumloop_core.concurrency.memory_limiter import MemoryLimiter, Ticket

    limiter, began = MemoryLimiter(), time.process_time()
    for _ in range(20_000):
        limiter.acquire(ticket := Ticket(None, None, is_stream=False))
        limiter.release(ticket, is_admitted=True)
    return (time.process_time() - began) / 20


def main(only: str = "") -> None:
    """Write the table; of a pattern, show the lines of the jobs that match it."""
    lines = [f"The limiter itself takes {own_cost():.3f} ms of CPU for a call that does not wait.", ""]
    lines += ["| limit | who | road | with | requests a row | wall / ideal | lost | CPU ms a row |"]
    lines += ["| ---: | --- | --- | --- | ---: | ---: | ---: | ---: |"]
    with served(LoadServer) as address:
        for job in jobs():
            if re.search(only, str(job)):
                lines.append(job.run(address))
                print(lines[-1], flush=True)
    if not only:
        head, mark, rest = PAGE.read_text(encoding="utf-8").partition("<!-- benchmarks.load -->\n")
        PAGE.write_text("\n".join([head + mark, *lines, "", "<!-- end -->" + rest.partition("<!-- end -->")[2]]))


if __name__ == "__main__":
    main(*sys.argv[1:])
