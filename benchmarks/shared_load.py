"""A job of several processes that share their slots: ``python -m benchmarks.shared_load --place redis``.

Each line is one job: so many rows of so long each, by several processes at one limit, all of them calling at once. It
shows what :mod:`benchmarks.load` shows; ``--place memory`` is the same where each process learns the limit by itself.
The server of Redis is started here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeAlias

from benchmarks.load import LoadServer
from benchmarks.workers import served
from gumloop_core.concurrency.limits import Limits, RayLimits, RedisLimits

Work: TypeAlias = "tuple[str, Limits | None, int, int | None]"
"""The base URL, where the slots are, the rows, and the bound by the caller's word."""

Run: TypeAlias = Callable[[list[Work]], list[dict[str, Any]]]
"""Does each work in a process of its own."""


def work(base_url: str, limits: Limits | None, rows: int, cap: int | None) -> dict[str, Any]:
    """Do the rows of one process."""
    from langchain_gumloop import ChatGumloop

    given: dict[str, Any] = {"model": "m", "api_key": "benchmark", "user_id": "benchmark", "base_url": base_url}
    model = ChatGumloop(**given, limits=limits, max_concurrency=cap)

    async def go() -> list[Any]:
        return await asyncio.gather(*(model.ainvoke("Hello") for _ in range(rows)), return_exceptions=True)

    began, cpu = time.time(), time.process_time()
    outcomes = asyncio.run(go())
    lost = [f"{type(each).__name__}: {each}" for each in outcomes if isinstance(each, Exception)]
    return {"began": began, "ended": time.time(), "cpu": time.process_time() - cpu, "lost": lost}


def warmed(base_url: str) -> None:
    """Import all that a call needs, in this process."""
    work(base_url, None, 1, None)


@contextmanager
def processes(count: int, warm_url: str) -> Iterator[Run]:
    """Processes of this machine."""
    with get_context("spawn").Pool(count) as pool:
        pool.map(warmed, [warm_url] * count, chunksize=1)
        yield lambda works: pool.starmap(work, works, chunksize=1)


@contextmanager
def ray_workers(count: int, warm_url: str) -> Iterator[Run]:
    """Workers of a Ray cluster that is started here."""
    import ray

    class Worker:
        def warmed(self, base_url: str) -> None:
            warmed(base_url)

        def work(self, *arguments: Any) -> dict[str, Any]:
            return work(*arguments)

    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        workers: Any = [ray.remote(Worker).options(num_cpus=0).remote() for _ in range(count)]
        ray.get([worker.warmed.remote(warm_url) for worker in workers])
        yield lambda works: ray.get([worker.work.remote(*each) for worker, each in zip(workers, works, strict=True)])
    finally:
        ray.shutdown()


def main() -> None:
    """Print the table."""
    import httpx

    from tests.support.redis_server import RedisServer

    parser = argparse.ArgumentParser()
    parser.add_argument("--place", choices=["memory", "redis", "ray"], default="redis")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limits", default="5,25")
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--milliseconds", type=int, default=100)
    parser.add_argument("--retry-after", default="none")
    parser.add_argument("--cap", action="store_true")
    parser.add_argument("--again", type=int, default=1, help="jobs one after another, which know what was learned")
    options = parser.parse_args()
    run_in = ray_workers if options.place == "ray" else processes
    with RedisServer() as redis, served(LoadServer) as address:
        place: Limits | None = {"redis": RedisLimits(redis.url), "ray": RayLimits(), "memory": None}[options.place]
        with run_in(options.processes, f"{address}/load-0-1-none-warm") as run:
            for limit in map(int, options.limits.split(",")):
                mode = f"load-{limit}-{options.milliseconds}-{options.retry_after}-job"
                part = options.rows // options.processes
                for turn in range(options.again):
                    cap = limit if options.cap else None
                    results = run([(f"{address}/{mode}", place, part, cap)] * options.processes)
                    requests, refused = json.loads(httpx.get(f"{address}/stats/{mode}").content)
                    wall = max(each["ended"] for each in results) - min(each["began"] for each in results)
                    ideal = options.rows / limit * options.milliseconds / 1000
                    lost = [error for each in results for error in each["lost"]]
                    cpu = sum(each["cpu"] for each in results) / options.rows * 1000
                    print(
                        f"{options.place:6} {limit:4} job {turn + 1} requests {requests:4} "
                        f"({requests / options.rows:.2f} a row, {refused} refused) over ideal {wall / ideal:.2f} "
                        f"lost {len(lost)} cpu {cpu:.2f} ms a row {lost[:1]}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
