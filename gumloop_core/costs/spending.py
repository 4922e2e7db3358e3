"""What one call, or many, took: tokens and USD, and how much of it is known."""

from __future__ import annotations

from dataclasses import dataclass, fields

from gumloop_core.answer import Usage
from gumloop_core.costs.prices import estimated_cost, reported_cost
from gumloop_core.observation import CallRecord


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens and costs, added up; ``+`` adds two.

    Attributes:
        calls: Calls that were made, whatever came of them. One that is retried is one call.
        failures: Those of them without a whole answer: they raised, or were closed, abandoned or cancelled.
        retries: Further requests that they took.
        input_tokens: Tokens read, from the cache or not.
        output_tokens: Tokens written, reasoning included.
        total_tokens: Both, as reported.
        cached_tokens: Those of the tokens read that came from a cache.
        cache_write_tokens: Those of the tokens read that were written to one.
        reasoning_tokens: Those of the tokens written that were spent on reasoning.
        cost: USD that the server reported.
        estimated_cost: USD by the price list, for counts that came without a cost. Not in ``cost``.
        unpriced_calls: Calls with token counts for which neither a cost nor a price is known. Not in any cost.
        uncounted_calls: Calls that may have been paid for and told no token counts: mostly streams that were closed.
    """

    calls: int = 0
    failures: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost: float = 0.0
    estimated_cost: float = 0.0
    unpriced_calls: int = 0
    uncounted_calls: int = 0

    @property
    def total_cost(self) -> float:
        """USD that are known: reported and estimated."""
        return self.cost + self.estimated_cost

    @property
    def is_exact(self) -> bool:
        """Whether ``cost`` is all: nothing is estimated, unpriced or uncounted."""
        return not (self.estimated_cost or self.unpriced_calls or self.uncounted_calls)

    def __add__(self, other: Spending) -> Spending:
        return Spending(*[getattr(self, name) + getattr(other, name) for name in _NAMES])


_NAMES = tuple(field.name for field in fields(Spending))


def spending_of(record: CallRecord) -> Spending:
    """What one call took. Attempts that failed and told what they used are in it."""
    counted = [*record.usage_of_retried, *([record.usage] if record.usage is not None else [])]
    cost = estimated = 0.0
    is_unpriced = False
    for usage in counted:
        reported = reported_cost(usage)
        if reported is not None:
            cost += reported
            continue
        guessed = estimated_cost(usage, record.model, record.answered_by)
        if guessed is not None:
            estimated += guessed
        else:
            is_unpriced = True
    return Spending(
        calls=1,
        failures=0 if record.is_whole else 1,
        retries=max(record.attempts - 1, 0),
        input_tokens=sum(usage.prompt_tokens for usage in counted),
        output_tokens=sum(usage.completion_tokens for usage in counted),
        total_tokens=sum(usage.total_tokens for usage in counted),
        cached_tokens=_sum_of(counted, "cached_tokens"),
        cache_write_tokens=_sum_of(counted, "cache_write_tokens"),
        reasoning_tokens=_sum_of(counted, "reasoning_tokens"),
        cost=cost,
        estimated_cost=estimated,
        unpriced_calls=int(is_unpriced),
        uncounted_calls=int(_may_be_paid_for(record)),
    )


def _may_be_paid_for(record: CallRecord) -> bool:
    """Whether a call without counts may cost something: some of its answer came, or whoever ended it did not wait."""
    if record.usage is not None or not record.attempts:
        return False
    return record.error is None or record.answer_id is not None or record.error.partial is not None


def _sum_of(counted: list[Usage], name: str) -> int:
    return sum(getattr(usage, name) or 0 for usage in counted)
