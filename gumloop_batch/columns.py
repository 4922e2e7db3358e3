"""The columns of the output: the input's, the answer's, and what there is to say of each row."""

from __future__ import annotations

from typing import TypedDict

import pyarrow as pa

from gumloop_batch.errors import BatchInputError, BatchTaskError

ROW_ID = "row_id"
ERROR_TYPE = "error_type"

_ABOUT = [
    pa.field(ERROR_TYPE, pa.string()),
    pa.field("error", pa.string()),
    pa.field("attempts", pa.int32()),
    pa.field("input_tokens", pa.int64()),
    pa.field("output_tokens", pa.int64()),
    pa.field("cost", pa.float64()),
    pa.field("latency_s", pa.float64()),
    pa.field("answer_id", pa.string()),
    pa.field(ROW_ID, pa.binary(16), nullable=False),
]


class About(TypedDict):
    """What there is to say of a row.

    Attributes:
        error_type: The class of the error; ``None`` for a row that was answered.
        error: What it says.
        attempts: Requests that were tried, of all calls of the row.
        input_tokens: Tokens read, as far as the server said.
        output_tokens: Tokens written, as far as the server said.
        cost: USD, as far as the server said.
        latency_s: Seconds from the row's turn to its answer, those included that it waited for room.
        answer_id: The server's id of the row's last answer.
        row_id: What tells the row apart; see :mod:`gumloop_batch.keys`.
    """

    error_type: str | None
    error: str | None
    attempts: int
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    latency_s: float
    answer_id: str | None
    row_id: bytes


def output_schema(rows: pa.Schema, answers: list[pa.Field]) -> pa.Schema:
    """The columns of the output.

    Raises:
        BatchInputError: If the input has columns of names that the output needs.
        BatchTaskError: If the answer has.
    """
    ours = {field.name for field in _ABOUT}
    theirs = {field.name for field in answers}
    if taken := sorted(theirs & ours):
        raise BatchTaskError(
            f"The answer has fields that bear the names of columns of the output: {', '.join(taken)}. "
            f'Give answer_prefix="answer_", for example.'
        )
    if taken := sorted(set(rows.names) & ours):
        raise BatchInputError(
            f"The rows have columns that bear the names of columns of the output: {', '.join(taken)}. "
            f"Rename them, or leave them out."
        )
    if taken := sorted(set(rows.names) & theirs):
        raise BatchInputError(
            f"The rows have columns that bear the names of the answer's: {', '.join(taken)}. "
            f'Rename them, or give answer_prefix="answer_", for example.'
        )
    if twice := sorted({name for name in rows.names if rows.names.count(name) > 1}):
        raise BatchInputError(f"The rows have several columns of one name: {', '.join(twice)}.")
    return pa.schema([*rows, *answers, *_ABOUT])
