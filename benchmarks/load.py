"""Jobs of many calls at an endpoint that admits some at a time: ``python -m benchmarks.load`` writes a page's table.

Each job runs in a process of its own, so that it knows nothing of the limit, and the server in another.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from itertools import chain
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, NamedTuple, TypeVar
from urllib.request import urlopen

from benchmarks.server import UNARY, streamed
from benchmarks.work import set_garbage_aside
from benchmarks.workers import served
from gumloop_emulator.access import Limits, Refused
from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.traffic import ReceivedRequest

PAGE = Path(__file__).parents[1] / "docs" / "concurrency.md"
NO_BOUND = 10**6
ROUNDS = 3
_CALM = 1.25  # times the best pace that was seen
_paces: list[float] = []
_T = TypeVar("_T")
_LIMIT_KNOWN = "abatch, the limit known"


class LoadServer(LocalServer):
    """Answers after a time, and refuses what is beyond its limit; ``/stats/<name>`` tells how many requests came.

    The path says how: ``/<name>/5/100/none/2/200:3`` admits 5 calls of 100 ms and refuses without Retry-After; others
    hold two of its places; from 200 calls on it admits 3.
    """

    _jobs: ClassVar[dict[str, tuple[Limits, list[int]]]] = {}

    def __init__(self) -> None:
        super().__init__(keep_requests=0)

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        name, limit, milliseconds, retry_after, busy, moves, *_ = [*request.path.strip("/").split("/"), *"0000"]
        if name == "stats":
            return Response([str(self._jobs.pop(limit)[1][0]).encode()])
        limits, counts = self._jobs.setdefault(name, (Limits(int(limit) or None), [0, 0]))
        limits._in_flight += int(busy) * (counts[0] == 0)
        counts[0] += 1
        try:
            limits.enter()
        except Refused:
            return Response([b"{}"], 429, {} if retry_after == "none" else {"retry-after": retry_after})
        counts[1] += 1
        limits.concurrent = dict(_moves(moves)).get(counts[1], limits.concurrent)
        await asyncio.sleep(int(milliseconds) / 1000)
        # Rendered beforehand: at 1,000 calls a second the server's own time would be what is measured.
        answer = streamed("flat", 3) if b'"stream":true' in request.body else UNARY
        return Response(answer, raw=True, finished=limits.leave)


def _moves(text: str) -> list[tuple[int, int]]:
    return [(int(at), int(limit)) for at, limit in re.findall(r"(\d+):(\d+)", text)]


class Job(NamedTuple):
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
        """Run it, each time in a process of its own; its line, with the medians and all that was lost."""
        times = ROUNDS if self.who == "ours" else 1
        requests, over, lost, cpu = zip(*_calmest(lambda: self._run_once(address), times), strict=True)
        after = self.retry_after != "none" and f"Retry-After {self.retry_after}"
        shown = (
            after,
            self.cap and f"max_concurrency {self.cap}".replace(str(NO_BOUND), "without bound"),
            self.busy and "2 taken",
            self.moves.strip("-"),
        )
        cells = (
            self.limit or "none",
            self.who,
            self.road,
            ", ".join(str(part) for part in shown if part),
            f"{median(requests):.2f}",
        )
        return f"| {' | '.join(map(str, cells))} | {median(over):.2f} | {sum(lost)} | {median(cpu):.1f} |"

    def _run_once(self, address: str) -> tuple[float, float, int, float]:
        """Requests a row, wall time to the ideal, rows that were lost, CPU milliseconds a row."""
        name = f"{time.monotonic_ns()}"
        path = f"{name}/{self.limit}/{self.seconds * 1000:.0f}/{self.retry_after}/{self.busy}/{self.moves}"
        given = self._asdict(), f"{address}/warm-up/0/1/none/0/-/v1", f"{address}/{path}/v1"
        wall, cpu, lost = worked("benchmarks.load", *given, timeout=120)
        requests = int(urlopen(f"{address}/stats/{name}").read())
        ideal = self.rows / (self.places or self.limit or self.rows) * self.seconds
        return requests / self.rows, wall / ideal, lost, cpu / self.rows * 1000


def _calmest(run: Callable[[], _T], times: int) -> list[_T]:
    """What so many runs return, those in which the machine was at its best.

    It has others to serve: for minutes, all takes twice as long. Runs are made again then, three times as many at most.
    """
    paces: list[tuple[float, _T]] = []
    while len(paces) < 3 * times and sum(pace < _CALM * min(_paces) for pace, _ in paces) < times:
        before = _pace()
        made = run()
        paces.append((max(before, _pace()), made))
    return [made for _, made in sorted(paces, key=itemgetter(0))[:times]]


def _pace() -> float:
    """Seconds that a piece of work takes, always the same one."""
    began = time.process_time()
    sum(number & 3 for number in range(400_000))
    _paces.append(time.process_time() - began)
    return _paces[-1]


def worked(module: str, *given: Any, timeout: float) -> Any:
    """What ``work`` of a module returns, done in a process of its own."""
    code = f"import json, sys; from {module} import work; print(json.dumps(work(*json.loads(sys.argv[1]))))"
    output = subprocess.check_output([sys.executable, "-c", code, json.dumps(given)], timeout=timeout)
    return json.loads(output.splitlines()[-1])


def write_into(page: Path, module: str, lines: list[str]) -> None:
    """Put lines where a page has its mark of a module's."""
    head, mark, rest = page.read_text(encoding="utf-8").partition(f"<!-- {module} -->\n")
    page.write_text("\n".join([head + mark, *lines, "", "<!-- end -->" + rest.partition("<!-- end -->")[2]]))


def jobs() -> Iterator[Job]:
    """The lines of the table."""
    for limit, rows in ((5, 200), (25, 200), (100, 400)):
        yield from (Job("ours", road, limit, rows) for road in _ROADS if road != _LIMIT_KNOWN)
        yield from (Job("ours", "mixed", limit, rows, retry_after=seconds) for seconds in "01")
        yield Job("ours", "mixed", limit, rows, cap=limit)
        yield Job("floor", _LIMIT_KNOWN, limit, rows)
        yield from (Job("ChatOpenAI", road, limit, rows) for road in ("batch", "abatch"))
        yield from (Job("OpenAILike", road, limit, rows) for road in ("achat", "threads"))
    yield Job("ours", "mixed", 5, busy=2, places=3)
    yield Job("ours", "mixed", 5, 1000, moves="200:3,400:25", places=1000 / (200 / 5 + 200 / 3 + 600 / 25))
    yield from (Job("ours", road, 0, seconds=2.0, cap=cap) for road in ("abatch", "achat") for cap in (None, NO_BOUND))


def work(job: dict[str, Any], *addresses: str) -> Any:
    """Do a job in this process, at the last address; what comes before is the imports, which are no limiter's."""
    for address in addresses:
        given = {"model": "m", "api_key": "k", ("api_base" if job["who"] == "OpenAILike" else "base_url"): address}
        models: list[Any] = [None, None]
        if job["who"] == "ours":
            for place, module, name in ((0, "langchain_gumloop", "ChatGumloop"), (1, "llama_index_gumloop", "Gumloop")):
                model = getattr(import_module(module), name)
                models[place] = model(**given, user_id="benchmark", max_concurrency=job["cap"])
        elif job["who"] == "floor":  # who knows the limit, and nothing else
            models = [import_module("benchmarks.contenders.langchain_floor").Floor(**given), job["limit"]]
        elif job["who"] == "ChatOpenAI":
            models[0] = import_module("langchain_openai").ChatOpenAI(**given)
        else:
            models[1] = import_module("llama_index.llms.openai_like").OpenAILike(**given, is_chat_model=True)
        rows = job["rows"] if address == addresses[-1] else 4
        threads = 100 if job["limit"] == 100 else 32
        set_garbage_aside()  # as before each measurement of the other tables
        began, cpu = time.perf_counter(), time.process_time()
        outcomes = list(_ROADS[job["road"]](models, rows, threads))
    lost = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    return time.perf_counter() - began, time.process_time() - cpu, len(lost)


def _gather(one: Callable[[Any], Any], models: Any, rows: int, _: int) -> Any:
    async def read() -> Any:
        answer = one(models)
        answer = answer if hasattr(answer, "__aiter__") else await answer
        return [piece async for piece in answer] if hasattr(answer, "__aiter__") else answer

    async def all_of() -> Any:
        return await asyncio.gather(*(read() for _ in range(rows)), return_exceptions=True)

    return _run(all_of())


def _run(work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    """What a coroutine returns, past ``asyncio.run``, which would make a text of it: 20 ms for 400 streams."""
    outcomes: list[Any] = []

    async def keep() -> None:
        outcomes.extend(await work)

    asyncio.run(keep())
    return outcomes


def _guarded(model: Any, prompt: str) -> Any:
    try:
        return model.complete(prompt)
    except Exception as error:
        return error


def _mixed(models: Any, rows: int, threads: int) -> Any:
    """Four roads at once; the threads of two of them can fill the limit, for theirs are the last rows."""
    roads = [_ROADS[name] for name in ("batch", "abatch", "astream_chat", "threads")]
    each = rows // len(roads), max(threads // 2, 32)
    with ThreadPoolExecutor(len(roads)) as pool:
        return chain.from_iterable(pool.map(lambda road: list(road(models, *each)), roads))


_ROADS: dict[str, Callable[[Any, int, int], Any]] = {
    "batch": lambda models, rows, threads: models[0].batch(
        ["Hi"] * rows, {"max_concurrency": threads}, return_exceptions=True
    ),
    "abatch": lambda models, rows, _: _run(models[0].abatch(["Hi"] * rows, return_exceptions=True)),
    _LIMIT_KNOWN: lambda models, rows, _: _run(
        models[0].abatch(["Hi"] * rows, {"max_concurrency": models[1]}, return_exceptions=True)
    ),
    "astream": partial(_gather, lambda models: models[0].astream("Hi")),
    "achat": partial(_gather, lambda models: models[1].acomplete("Hi")),
    "astream_chat": partial(_gather, lambda models: models[1].astream_complete("Hi")),
    "threads": lambda models, rows, threads: ThreadPoolExecutor(threads).map(
        partial(_guarded, models[1]), ["Hi"] * rows
    ),
    "mixed": lambda models, rows, threads: list(_mixed(models, rows, threads)),
}


def main(only: str = "") -> None:
    """Write the table; of a pattern, show the lines of the jobs that match it."""
    from gumloop_core.concurrency.limiter import Ticket
    from gumloop_core.concurrency.memory_limiter import MemoryLimiter

    limiter, began = MemoryLimiter(), time.process_time()
    for _ in range(20_000):
        limiter.acquire(ticket := Ticket(None, None, is_stream=False))
        limiter.release(ticket, is_admitted=True)
    lines = [f"The limiter takes {(time.process_time() - began) / 20:.3f} ms of CPU for a call that does not wait.", ""]
    lines += ["| limit | who | road | with | requests a row | wall / ideal | lost | CPU ms a row |"]
    lines += ["| ---: | --- | --- | --- | ---: | ---: | ---: | ---: |"]
    with served(LoadServer) as address:
        for job in jobs():
            if re.search(only, str(job)):
                lines.append(job.run(address))
                print(lines[-1], flush=True)
    if not only:
        write_into(PAGE, "benchmarks.load", lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
