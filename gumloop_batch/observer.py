"""What the calls of one row took."""

from __future__ import annotations

from gumloop_batch.tally import Tally
from gumloop_core.observation import CallRecord


class RowObserver:
    """Adds up the calls of a row: a task may make several, an agent's for example.

    Attributes:
        attempts: Requests that were tried.
        input_tokens: Tokens read; ``None`` while no server has said.
        output_tokens: Tokens written; ``None`` while no server has said.
        cost: USD; ``None`` while no server has said.
        answer_id: The id of the last answer.
    """

    __slots__ = ("_tally", "answer_id", "attempts", "cost", "input_tokens", "output_tokens")

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.attempts = 0
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cost: float | None = None
        self.answer_id: str | None = None

    def before_call(self, model: str) -> None:
        """Count a call that begins."""
        self._tally.calls_in_flight += 1

    def after_call(self, record: CallRecord) -> None:
        """Add what a call took."""
        self._tally.calls_in_flight -= 1
        self.attempts += record.attempts
        self.answer_id = record.answer_id or self.answer_id
        usage = record.usage
        if usage is not None:
            self.input_tokens = (self.input_tokens or 0) + usage.prompt_tokens
            self.output_tokens = (self.output_tokens or 0) + usage.completion_tokens
            if usage.cost is not None:
                self.cost = (self.cost or 0.0) + usage.cost
