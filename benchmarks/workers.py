"""The processes: one for each contender, and one for a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.contenders import CONTENDERS
from benchmarks.work import Work

if TYPE_CHECKING:  # no contender finds some of itself imported
    from gumloop_emulator.http11 import LocalServer

# Seconds after which a contender is held to hang. One peer leaves responses unread, and its HTTP library can wait for
# itself when they are collected.
LONGEST_WORK = 90.0


class WorkError(Exception):
    """A contender could not do the work."""


class HungError(WorkError):
    """A contender did not come to an end."""


class Worker:
    """A process with one contender, so that no contender's threads and garbage are counted as another's.

    Args:
        framework: The contender's.
        name: Its name.
        authorities: A file with the authorities that it trusts over TLS; those of its libraries if empty.
    """

    def __init__(self, framework: str, name: str, authorities: str = "") -> None:
        self.name = name
        self._start = partial(_started, _work, framework, name, authorities)
        self._process, self._orders = self._start()

    def do(self, work: str, server: str, arguments: dict[str, Any]) -> Any:
        """Have some :class:`Work` done; raises `WorkError`, or `HungError` and has a new process then."""
        try:
            self._orders.send((work, server, arguments))
            if self._orders.poll(LONGEST_WORK):
                value, error = self._orders.recv()
            else:
                self.restart()
                raise HungError(f"{work} did not end within {LONGEST_WORK:.0f} s")
        except (EOFError, OSError):
            self._process.join()
            raise WorkError(f"the process ended with {self._process.exitcode}") from None
        if error:
            raise WorkError(error)
        return value

    def restart(self) -> None:
        """Have a new process."""
        self.close()
        self._process, self._orders = self._start()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()
        self._orders.close()


def _work(orders: Connection, framework: str, name: str, authorities: str) -> None:
    """Do work until nobody orders any."""
    for stream in (1, 2):  # what a contender prints must not get into the table
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    sys.dont_write_bytecode = False  # the first import of a contender writes it, the next ones are measured
    # A peer fetches a price list from the network when it is imported, unless told not to.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    if authorities:
        os.environ["SSL_CERT_FILE"] = authorities
    for variable in [variable for variable in os.environ if variable.lower().endswith("_proxy")]:
        del os.environ[variable]
    at_work: dict[str, Work] = {}
    while True:
        kind, server, arguments = orders.recv()
        try:
            if server not in at_work:
                contender, calls = CONTENDERS[framework][name], import_module(f"benchmarks.callers.{framework}").CALLS
                at_work[server] = Work(calls, contender, server)
            reply = getattr(at_work[server], kind)(**arguments), None
        except Exception as error:
            reply = None, f"{type(error).__name__}: {str(error)[:500]}"
        orders.send(reply)


@contextmanager
def served(make: Callable[[], LocalServer]) -> Iterator[str]:
    """Start a server; its address, without a path."""
    process, ours = _started(_serve, make)
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()
        ours.close()


def _serve(theirs: Connection, make: Callable[[], LocalServer]) -> None:
    with make() as server:
        theirs.send(server.base_url.removesuffix(urlsplit(server.base_url).path))
        theirs.poll(None)  # until the other end is closed


def _started(target: Callable[..., None], *arguments: Any) -> tuple[SpawnProcess, Connection]:
    fresh = get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return process, ours
