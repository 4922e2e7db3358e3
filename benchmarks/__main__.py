"""``python -m benchmarks langchain``: measure, print the table, write ``benchmarks/results.json``."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import certifi
import trustme

from benchmarks.contenders import CONTENDERS, QUICK
from benchmarks.report import RESULTS, table
from benchmarks.rounds import measure
from benchmarks.rows import ROWS
from benchmarks.server import BenchmarkServer
from benchmarks.workers import Worker, served

_COMMON = "gumloop-llms httpx httpcore h11 httptools pydantic litellm openai "
_PACKAGES = {
    "langchain": _COMMON + "langchain-core langchain-openai langchain-openrouter langchain-litellm openrouter",
    "llama_index": _COMMON + "llama-index-core llama-index-llms-openai-like llama-index-llms-litellm",
}


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ours beside the peers and the floors.")
    parser.add_argument("framework", choices=list(CONTENDERS), help="whose contenders to measure")
    parser.add_argument("--quick", action="store_true", help="less of all, without the slow peers; writes nothing")
    parser.add_argument("--only", metavar="WORD", nargs="+", help="only rows with one in their title")
    parser.add_argument("--contenders", metavar="NAME", nargs="+", help="only these contenders; writes nothing")
    parser.add_argument("--rounds", type=int, help="rounds of each row, in place of its own number; writes nothing")
    given = parser.parse_args()
    measured = _measure(given.framework, given)
    print(table(given.framework, measured), end="\n\n", flush=True)
    if not (given.quick or given.contenders or given.rounds):
        _write(given.framework, measured, keep=bool(given.only))


def _measure(framework: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    names = given.contenders or (QUICK if given.quick else CONTENDERS[framework])
    measured = []
    with ExitStack() as stack:
        certificate, authorities = stack.enter_context(_certificate())
        address = stack.enter_context(served(BenchmarkServer))
        over_tls = stack.enter_context(served(partial(BenchmarkServer, certificate)))
        workers = [Worker(framework, name, authorities) for name in CONTENDERS[framework] if name in names]
        for worker in workers:
            stack.enter_context(closing(worker))
            worker.do("verify", address, {})
        for row in ROWS:
            taking_part = [worker for worker in workers if worker.name in row.contenders(framework, quick=given.quick)]
            is_wanted = not given.only or any(word in row.title for word in given.only)
            if not is_wanted or not taking_part:
                continue
            if sys.stderr.isatty():
                print(f"\r\x1b[K{framework}: {row.title}", end="\r", file=sys.stderr, flush=True)
            rounds = given.rounds or (min(2, row.rounds) if given.quick else row.rounds)
            arguments = {**row.full, **(row.quick if given.quick else {})}
            # Nobody has a connection to a new server yet.
            new = row.work == "connections"
            at = stack.enter_context(served(BenchmarkServer)) if new else over_tls if row.tls else address
            found = measure(taking_part, row, at, arguments, rounds)
            described = {"title": row.title, "aim": row.aims.get(framework), "unit": row.unit, "scale": row.scale}
            measured.append({**described, "rounds": rounds, "contenders": found})
    return measured


@contextmanager
def _certificate() -> Iterator[tuple[str, str]]:
    """Files with a certificate for this machine, and with authorities of which one vouches for it."""
    authority = trustme.CA()
    with TemporaryDirectory() as folder:
        certificate, authorities = Path(folder, "certificate.pem"), Path(folder, "authorities.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        # As many as there are elsewhere: some contenders load them for every model.
        authorities.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
        yield str(certificate), str(authorities)


def _write(framework: str, rows: list[dict[str, Any]], *, keep: bool) -> None:
    """Write a framework's results; with ``keep``, what was not measured this time stays, and what was has its date."""
    today, order = date.today().isoformat(), [row.title for row in ROWS]
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    known = {row["title"]: row for row in results["frameworks"][framework] if keep and row["title"] in order}
    known.update({row["title"]: {**row, "date": today} if keep else row for row in rows})
    results["frameworks"][framework] = sorted(known.values(), key=lambda row: order.index(row["title"]))
    if not keep:
        packages = {name: version(name) for name in _PACKAGES[framework].split()}
        results |= {"date": today, "machine": _machine(), "packages": {**results["packages"], framework: packages}}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _machine() -> dict[str, Any]:
    """The machine, without its name or paths."""
    processors = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", processors.read_text(encoding="utf-8") if processors.exists() else "")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


if __name__ == "__main__":
    main()
