"""Something that can be asked about a row, whatever framework it is of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gumloop_batch.keys import Row

Answering: TypeAlias = Callable[[Row], Awaitable[object]]


@dataclass(slots=True)
class Task:
    """Something that can be asked about a row.

    Attributes:
        answer: Asks.
        answer_type: The class of the answers, ``None`` if nothing says.
        needs: The columns that the rows must have, as far as they are known.
        facts: What makes the task the one it is, for the folder's manifest.
    """

    answer: Answering
    answer_type: object = None
    needs: Sequence[str] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def model_facts(model: object) -> dict[str, Any]:
    """What makes a model the one it is: its class, its name and what is asked of it."""
    facts: dict[str, Any] = {"class": type(model).__name__}
    for name in ("model", "model_name", "temperature", "max_completion_tokens", "top_p", "seed", "reasoning"):
        value = getattr(model, name, None)
        if value is not None and isinstance(value, (str, int, float, dict)):
            facts[name] = value
    return facts
