"""Jobs of many calls at an endpoint that admits a number of calls at a time: ``python -m benchmarks.load``.

Each line of the table is one job: so many rows (calls) of so long each, by one way of calling, at one limit. It shows
the requests that were sent for each row, the wall time over the ideal (rows / limit * seconds of a call), and the rows
lost.
Each job runs in a process of its own, so that it knows nothing of the limit, and the server in another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks import answers
from benchmarks.workers import served
from gumloop_emulator.access import Limits, Refused
from gumloop_emulator.http11 import LocalServer, Response
from gumloop_emulator.traffic import ReceivedRequest

LONGEST_JOB = 120.0  # seconds after which a job is held to hang


class LoadServer(LocalServer):
    """Answers after a time, and refuses what is beyond its limit.

    The first part of the path says how: ``/load-5-100-none`` admits 5 calls of 100 ms and refuses without Retry-After;
    0 admits all; the last number is the Retry-After. ``/stats/<mode>`` tells what came, and begins anew.
    """

    def __init__(self) -> None:
        super().__init__(keep_requests=0)
        self._limits: dict[str, Limits] = {}
        self._counts: dict[str, list[int]] = {}

    async def respond(self, request: ReceivedRequest) -> Response:
        """Answer one request."""
        mode, *rest = request.path.strip("/").split("/")
        if mode == "stats":
            return Response([json.dumps(self._counts.pop(rest[0], [0, 0])).encode()])
        if mode == "limit":
            self._limits[rest[0]].concurrent = int(rest[1]) or None
            return Response([b"{}"])
        _, limit, milliseconds, retry_after, *_ = mode.split("-")
        limits = self._limits.setdefault(mode, Limits(int(limit) or None, retry_after=retry_after != "none"))
        counts = self._counts.setdefault(mode, [0, 0])
        counts[0] += 1
        try:
            limits.enter()
        except Refused as refused:
            counts[1] += 1
            headers = {"retry-after": retry_after} if limits.retry_after else {}
            return Response([b'{"error": {"message": "Too many requests at once."}}'], refused.failure.status, headers)
        try:
            await asyncio.sleep(int(milliseconds) / 1000)
        except BaseException:
            limits.leave()
            raise
        if b'"stream":true' in request.body:
            pieces = [*answers.text_events(3)]
            return Response(pieces, headers={"content-type": "text/event-stream"}, finished=limits.leave)
        return Response([answers.unary()], finished=limits.leave)


@dataclass(frozen=True)
class Job:
    """One line of the table."""

    contender: str
    road: str
    limit: int
    rows: int
    seconds: float
    retry_after: str = "none"
    cap: int | None = None
    moves: str = ""  # "at,limit at,limit": how the limit moves while the job runs
    busy: int = 0  # places that another process holds

    @property
    def mode(self) -> str:
        """The first part of the server's path."""
        return f"load-{self.limit}-{self.seconds * 1000:.0f}-{self.retry_after}-{id(self)}"


def work(arguments: dict[str, Any]) -> dict[str, Any]:
    """Do a job in this process."""
    rows, road, cap = arguments["rows"], arguments["road"], arguments["cap"]
    model = _model(arguments["contender"], arguments["base_url"], cap)
    calls = _ROADS[road]
    began, cpu = time.perf_counter(), time.process_time()
    failures = [outcome for outcome in calls(model, rows) if isinstance(outcome, Exception)]
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    first = f"{type(failures[0]).__name__}: {failures[0]}"[:200] if failures else ""
    return {"wall": seconds, "cpu": cpu, "lost": len(failures), "first": first}


def _model(contender: str, base_url: str, cap: int | None) -> Any:
    common: dict[str, Any] = {"model": "m", "api_key": "benchmark"}
    if contender == "ours":
        from langchain_gumloop import ChatGumloop
        from llama_index_gumloop import Gumloop

        given = {**common, "user_id": "benchmark", "base_url": base_url, "max_concurrency": cap}
        return ChatGumloop(**given), Gumloop(**given)
    if contender == "ChatOpenAI":
        from langchain_openai import ChatOpenAI

        return ChatOpenAI(**common, base_url=base_url), None
    from llama_index.llms.openai_like import OpenAILike

    return None, OpenAILike(**common, api_base=base_url, is_chat_model=True)


def _guarded(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def _batch(models: Any, rows: int) -> Any:
    return models[0].batch(["Hello"] * rows, config={"max_concurrency": 32}, return_exceptions=True)


def _abatch(models: Any, rows: int) -> Any:
    return asyncio.run(_gathered(models[0].ainvoke("Hello") for _ in range(rows)))


def _astream(models: Any, rows: int) -> Any:
    async def one() -> None:
        async for _ in models[0].astream("Hello"):
            pass

    return asyncio.run(_gathered(one() for _ in range(rows)))


def _achat(models: Any, rows: int) -> Any:
    from llama_index.core.llms import ChatMessage

    return asyncio.run(_gathered(models[1].achat([ChatMessage("Hello")]) for _ in range(rows)))


def _astream_chat(models: Any, rows: int) -> Any:
    from llama_index.core.llms import ChatMessage

    async def one() -> None:
        async for _ in await models[1].astream_chat([ChatMessage("Hello")]):
            pass

    return asyncio.run(_gathered(one() for _ in range(rows)))


def _threads(models: Any, rows: int) -> Any:
    from llama_index.core.llms import ChatMessage

    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda _: _guarded(lambda: models[1].chat([ChatMessage("Hello")])), range(rows)))


def _mixed(models: Any, rows: int) -> Any:
    roads = (_batch, _abatch, _astream_chat, _threads)
    with ThreadPoolExecutor(len(roads)) as pool:
        parts = pool.map(lambda road: list(road(models, rows // len(roads))), roads)
        return [outcome for part in parts for outcome in part]


async def _gathered(calls: Any) -> Any:
    return await asyncio.gather(*calls, return_exceptions=True)


_ROADS: dict[str, Callable[[Any, int], Any]] = {
    "batch": _batch,
    "abatch": _abatch,
    "astream": _astream,
    "achat": _achat,
    "astream_chat": _astream_chat,
    "threads": _threads,
    "mixed": _mixed,
}


def run(job: Job, address: str) -> dict[str, Any]:
    """Run a job in a process of its own; what came of it."""
    import httpx

    arguments = {
        "contender": job.contender,
        "road": job.road,
        "rows": job.rows,
        "cap": job.cap,
        "base_url": f"{address}/{job.mode}",
    }
    code = "import json, sys; from benchmarks.load import work; print(json.dumps(work(json.loads(sys.argv[1]))))"
    process = subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)], capture_output=True, text=True, timeout=LONGEST_JOB
    )
    if process.returncode:
        return {"failed": process.stderr.strip().splitlines()[-1:]}
    result: dict[str, Any] = json.loads(process.stdout.strip().splitlines()[-1])
    requests, refused = httpx.get(f"{address}/stats/{job.mode}").json()
    ideal = job.rows * job.seconds / job.limit if job.limit else job.seconds
    return {**result, "requests": requests, "refused": refused, "over_ideal": result["wall"] / ideal}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--limits", default="5,25,100")
    parser.add_argument("--roads", default="batch,abatch,astream,achat,astream_chat,threads,mixed")
    parser.add_argument("--retry-after", default="none")
    parser.add_argument("--contenders", default="ours")
    parser.add_argument("--cap", action="store_true")
    options = parser.parse_args()
    with served(LoadServer) as address:
        for limit in map(int, options.limits.split(",")):
            for contender in options.contenders.split(","):
                for road in options.roads.split(","):
                    rows = 400 if limit == 100 else 200
                    cap = limit if options.cap else None
                    job = Job(contender, road, limit, rows, 2.0 if limit == 0 else 0.1, options.retry_after, cap)
                    got = run(job, address)
                    if "failed" in got:
                        print(f"{limit:4} {contender:12} {road:13} {got['failed']}", flush=True)
                        continue
                    print(
                        f"{limit:4} {contender:12} {road:13} requests {got['requests']:4} "
                        f"({got['requests'] / rows:.2f} a row) over ideal {got['over_ideal']:.2f} "
                        f"lost {got['lost']:3} cpu {got['cpu'] / rows * 1000:.2f} ms a row {got['first']}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
