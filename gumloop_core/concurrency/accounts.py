"""The process's limiters: one for each account and address."""

from __future__ import annotations

import os
import threading

from gumloop_core.concurrency.memory_limiter import MemoryLimiter

MOST_ACCOUNTS = 1000
"""Accounts whose bounds are kept; beyond that, those go that came first and have no call in flight."""

_lock = threading.Lock()
_limiters: dict[str, MemoryLimiter] = {}


def memory_limiter(account: str) -> MemoryLimiter:
    """The limiter of an account in this process. What it has learned outlives the models.

    Args:
        account: Names the account and the address.
    """
    limiter = _limiters.get(account)
    if limiter is None:
        with _lock:
            if len(_limiters) >= MOST_ACCOUNTS:
                _drop_oldest()
            limiter = _limiters.setdefault(account, MemoryLimiter())
    return limiter


def _drop_oldest() -> None:
    for account, limiter in list(_limiters.items()):
        if limiter.bound.in_flight == 0 and not limiter.waiting:
            del _limiters[account]
            return


def _reset_in_child() -> None:
    global _lock
    _lock = threading.Lock()
    for limiter in list(_limiters.values()):
        limiter.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
