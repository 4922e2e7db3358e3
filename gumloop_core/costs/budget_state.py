"""How much of a budget is left: the rule, without locks, threads or I/O.

:class:`BudgetState` can be held wherever one place serves several workers: an actor of Ray's, for example. Whoever
holds it keeps its methods from running at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gumloop_core.errors import BudgetExceededError, ConfigurationError, GumloopError
from gumloop_core.json_text import is_finite_number

_ROUNDING = 1 + 1e-9  # sums of floats: ten calls of 0.1 USD are to fit into 1 USD


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """What a budget allows.

    Attributes:
        max_cost: USD, reported and estimated; ``None`` for no limit.
        max_tokens: Tokens, read and written; ``None`` for no limit.
        expected_cost: USD that a call is expected to cost until one has ended.
        expected_tokens: Tokens that a call is expected to take until one has ended.
    """

    max_cost: float | None = None
    max_tokens: int | None = None
    expected_cost: float = 0.0
    expected_tokens: float = 0.0

    def __post_init__(self) -> None:
        if self.max_cost is None and self.max_tokens is None:
            raise ConfigurationError("A budget needs a limit: max_cost= in USD, max_tokens=, or both.")
        for name in ("max_cost", "max_tokens", "expected_cost", "expected_tokens"):
            value = getattr(self, name)
            if value is None:
                continue
            if not is_finite_number(value) or value < 0 or (value == 0 and name.startswith("max_")):
                raise ConfigurationError(f"{name} must be a positive number, not {value!r}.")


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call took of a budget.

    Attributes:
        cost: USD; ``None`` where it is not known: the mean of the other calls is charged.
        tokens: Likewise; ``None`` where they are not known.
        is_free: Whether nothing was used: the call failed, or was never sent. It does not count into the mean, and its
            amounts are not looked at.
    """

    cost: float | None = None
    tokens: int | None = None
    is_free: bool = False


FREE = Charge(is_free=True)
"""The charge of a call that used nothing."""


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Where a budget stands.

    Attributes:
        cost: USD that are spent, calls of unknown cost by the mean of the others.
        tokens: Tokens that are spent, likewise.
        calls: Calls that have ended and used something.
        in_flight: Calls that have begun and not ended.
        unpriced_calls: Calls whose cost is not known.
    """

    cost: float = 0.0
    tokens: float = 0.0
    calls: int = 0
    in_flight: int = 0
    unpriced_calls: int = 0


class BudgetCounter(Protocol):
    """Where a budget's sums are: in memory, or in one place for several workers. Calls come from many threads.

    ``call`` is an id that is unique among all that share the counter; each of them is reserved once and settled once.
    """

    def reserve(self, call: str) -> GumloopError | None:
        """Ask for a call.

        Args:
            call: Its id.

        Returns:
            ``None`` if it may begin: it counts as in flight until it is settled. Else the error to raise.
        """

    def settle(self, call: str, charge: Charge) -> None:
        """Tell what a call took, once it has ended.

        It is called when an abandoned stream is garbage collected, too, in the middle of any line, and must not wait
        for a lock that the same thread may hold.
        """

    def status(self) -> BudgetStatus:
        """Where the budget stands."""


class _Sum:
    """One amount: USD or tokens."""

    def __init__(self, limit: float | None, expected: float, before: float) -> None:
        self.limit = limit
        self._expected = expected
        self._before = before
        self._known = 0.0
        self._known_calls = 0
        self._unknown_calls = 0

    @property
    def mean(self) -> float:
        """What a call is expected to take."""
        return self._known / self._known_calls if self._known_calls else self._expected

    @property
    def spent(self) -> float:
        return self._before + self._known + self._unknown_calls * self.mean

    @property
    def unknown_calls(self) -> int:
        return self._unknown_calls

    @property
    def is_blind(self) -> bool:
        """Whether calls have ended, and what one takes is still not known at all."""
        return self.limit is not None and bool(self._unknown_calls) and not self._known_calls and not self._expected

    def add(self, amount: float | None) -> None:
        """Add what a call took, ``None`` where it is not known."""
        if amount is None:
            self._unknown_calls += 1
        else:
            self._known += max(amount, 0)  # odd counts of a server's do not fill a budget up again
            self._known_calls += 1

    def has_room_for(self, calls: int) -> bool:
        """Whether some more calls fit. One more than fits exactly is never let through."""
        if self.limit is None:
            return True
        return self.spent + calls * self.mean <= self.limit * _ROUNDING and self.spent < self.limit


class BudgetState:
    """The sums of a budget and the rule. It can be pickled.

    A call may begin if what has been spent, plus what the calls in flight and the call itself are expected to take,
    does not pass a limit. A call is expected to take the mean of those that have ended; before the first has, what the
    limits say, which is nothing unless it was set. So the sum can pass the limit by as much as calls take more than
    expected, and by the calls that begin before the first has ended.

    Args:
        limits: What is allowed.
        cost: USD that were spent before, by an earlier run for example.
        tokens: Tokens that were spent before.
    """

    def __init__(self, limits: BudgetLimits, *, cost: float = 0.0, tokens: int = 0) -> None:
        self.limits = limits
        self._cost = _Sum(limits.max_cost, limits.expected_cost, cost)
        self._tokens = _Sum(limits.max_tokens, limits.expected_tokens, tokens)
        self._calls = 0
        self._in_flight: set[str] = set()

    def reserve(self, call: str) -> GumloopError | None:
        """See :meth:`BudgetCounter.reserve`. Asking again for a call that is in flight changes nothing."""
        if call in self._in_flight:
            return None
        if self._cost.is_blind:
            return ConfigurationError(
                "max_cost cannot be kept: answers came without a cost, and the price of their model is not known. "
                "Install the price list (pip install 'gumloop-llms[costs]'), pass expected_cost=, or use max_tokens=."
            )
        if self._tokens.is_blind:
            return ConfigurationError(
                "max_tokens cannot be kept: answers came without token counts. Pass expected_tokens=, or use max_cost=."
            )
        calls = len(self._in_flight) + 1
        if not (self._cost.has_room_for(calls) and self._tokens.has_room_for(calls)):
            return self._refusal()
        self._in_flight.add(call)
        return None

    def settle(self, call: str, charge: Charge) -> None:
        """See :meth:`BudgetCounter.settle`. A call that is not in flight is settled already, and nothing changes."""
        if call not in self._in_flight:
            return
        self._in_flight.remove(call)
        if charge.is_free:
            return
        self._cost.add(charge.cost)
        self._tokens.add(charge.tokens)
        self._calls += 1

    def abandon(self, prefix: str) -> None:
        """Settle the calls of a worker that has died, whose ids begin with this, at the mean: they may be paid for."""
        for call in [call for call in self._in_flight if call.startswith(prefix)]:
            self.settle(call, Charge())

    def status(self) -> BudgetStatus:
        """Where the budget stands."""
        return BudgetStatus(
            cost=self._cost.spent,
            tokens=self._tokens.spent,
            calls=self._calls,
            in_flight=len(self._in_flight),
            unpriced_calls=self._cost.unknown_calls,
        )

    def _refusal(self) -> BudgetExceededError:
        calls = len(self._in_flight)
        parts = []
        if self._cost.limit is not None:
            parts.append(
                f"{self._cost.spent:.6g} of {self._cost.limit:.6g} USD are spent "
                f"(a call takes about {self._cost.mean:.3g})"
            )
        if self._tokens.limit is not None:
            parts.append(
                f"{self._tokens.spent:,.0f} of {self._tokens.limit:,.0f} tokens are spent "
                f"(a call takes about {self._tokens.mean:,.0f})"
            )
        return BudgetExceededError(
            f"The budget is used up: {', '.join(parts)}, and calls in flight: {calls}. The call was not sent. "
            "Raise the budget to go on.",
            cost=self._cost.spent,
            tokens=self._tokens.spent,
            max_cost=self.limits.max_cost,
            max_tokens=self.limits.max_tokens,
        )
