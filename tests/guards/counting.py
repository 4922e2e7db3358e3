"""Count how often something is called."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Watch = Callable[[Any, str], None]


def counter_of(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], Watch]:
    """A counter, and a function that has it count the calls of a function of an object, under its name."""
    counts: Counter[str] = Counter()

    def watch(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def counted(*args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    return counts, watch
