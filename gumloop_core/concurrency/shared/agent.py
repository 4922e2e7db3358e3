"""The thread that speaks for a process with the place that keeps the slots: one for each such place."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from hashlib import blake2b
from queue import Empty, SimpleQueue
from typing import TypeAlias

from gumloop_core.concurrency.shared.limiter import Note, SharedLimiter
from gumloop_core.concurrency.shared.messages import Store
from gumloop_core.errors import ConfigurationError, GumloopError, UnexpectedError

MOST_ACCOUNTS = 1000
"""Accounts whose limiters are kept; beyond that, the oldest goes."""

FAREWELL_SECONDS = 2.0
"""How long the end of the process waits for the last word to arrive."""

_Posted: TypeAlias = "tuple[SharedLimiter, Note] | None"


class Agent:
    """Asks for slots, gives them back and renews the leases, for all accounts of a process.

    Args:
        make_store: Makes what asks for slots at that place.
        lease: Seconds for which a slot is kept for a process that says nothing.
    """

    def __init__(self, make_store: Callable[[], Store], lease: float) -> None:
        self._make_store = make_store
        self._lease = lease
        self._store: Store | None = None
        self._was_reached = False
        # Its put() may be called while objects are collected, even in the middle of another put().
        self._inbox: SimpleQueue[_Posted] = SimpleQueue()
        self._limiters: dict[str, SharedLimiter] = {}
        self._in_use: dict[SharedLimiter, None] = {}  # in the thread's hands alone
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gumloop-slots", daemon=True)
        self._thread.start()

    def limiter(self, account: str) -> SharedLimiter:
        """The limiter of an account."""
        limiter = self._limiters.get(account)
        if limiter is None:
            if len(self._limiters) >= MOST_ACCOUNTS:
                self._limiters.pop(next(iter(list(self._limiters))), None)  # whoever has it still can use it
            made = SharedLimiter(account, self._post, self._lease)
            limiter = self._limiters.setdefault(account, made)
        return limiter

    def close(self) -> None:
        """Give back what is held, and end the thread; the process ends."""
        if self._thread.is_alive():
            self._inbox.put(None)
            self._has_ended.wait(FAREWELL_SECONDS)

    def _post(self, limiter: SharedLimiter, note: Note) -> None:
        self._inbox.put((limiter, note))

    def _run(self) -> None:
        while self._read_notes():
            for limiter in list(self._in_use):
                due_at = limiter.due_at
                if due_at is not None and due_at <= time.monotonic():
                    self._exchange(limiter)
                if not limiter.is_in_use:
                    del self._in_use[limiter]
        for limiter in self._in_use:
            try:
                self._made_store().exchange(limiter.account, limiter.farewell(time.monotonic()))
            except Exception:  # the lease ends by itself
                break
        self._has_ended.set()

    def _read_notes(self) -> bool:
        """Wait until there is something to do, and read the notes; whether to go on."""
        due_at = min((moment for limiter in self._in_use if (moment := limiter.due_at) is not None), default=None)
        timeout = None if due_at is None else max(due_at - time.monotonic(), 0.0)
        try:
            posted = self._inbox.get(timeout=timeout) if timeout != 0.0 else self._inbox.get_nowait()
            while posted is not None:
                limiter, note = posted
                note(time.monotonic())
                self._in_use[limiter] = None
                posted = self._inbox.get_nowait()
        except Empty:
            return True
        return False

    def _exchange(self, limiter: SharedLimiter) -> None:
        try:
            reply = self._made_store().exchange(limiter.account, limiter.message(time.monotonic()))
            self._was_reached = True
            limiter.hear(reply, time.monotonic())
        except GumloopError as error:
            is_final = isinstance(error, ConfigurationError) or not self._was_reached
            limiter.miss(error, time.monotonic(), is_final=is_final)
        except Exception as error:
            failure = UnexpectedError(f"Asking for a slot failed: {type(error).__name__}: {error}")
            limiter.miss(failure, time.monotonic(), is_final=True)

    def _made_store(self) -> Store:
        if self._store is None:
            self._store = self._make_store()
        return self._store


_lock = threading.Lock()
_agents: dict[Hashable, Agent] = {}


def shared_limiter(place: Hashable, make_store: Callable[[], Store], lease: float, account: str) -> SharedLimiter:
    """The limiter of an account in this process.

    Args:
        place: Names the place where the slots are kept.
        make_store: Makes what asks for slots there.
        lease: Seconds for which a slot is kept for a process that says nothing.
        account: Names the account and the address; a digest of it goes to that place.
    """
    agent = _agents.get(place)
    if agent is None:
        with _lock:
            agent = _agents.get(place)
            if agent is None:
                agent = _agents[place] = Agent(make_store, lease)
                _close_at_exit()
    return agent.limiter(blake2b(account.encode(), digest_size=16).hexdigest())


_will_close: list[bool] = []


def _close_at_exit() -> None:
    if _will_close:
        return
    _will_close.append(True)
    atexit.register(_close_all)
    util = sys.modules.get("multiprocessing.util")
    if util is not None:  # its worker processes do not end by way of atexit
        util.Finalize(None, _close_all, exitpriority=0)


def _close_all() -> None:
    for agent in list(_agents.values()):
        agent.close()


def _reset_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    _agents.clear()  # their threads are the parent's; what has one of their limiters posts where nobody reads
    _will_close.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
