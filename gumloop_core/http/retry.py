"""What may be tried again, and when. Decisions only; the clients do the waiting."""

from __future__ import annotations

import random

from gumloop_core.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    BadRequestError,
    GumloopError,
    StreamError,
)

RETRIED_STATUSES = frozenset({408, 409, 429, *range(500, 600)} - {501})
"""Statuses after which the same request may succeed. 520 to 530 are what content delivery networks say, 529 is an
overloaded provider."""

UNANSWERED_STATUSES = frozenset({504, 520, 524})
"""Statuses of a gateway that has passed the request on and got no answer to it, or none that makes sense. A 502 says so
at some, and at this endpoint that the provider failed; most between 521 and 530 say that the server was not reached."""

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "insufficient_credits",
        "credits_exhausted",
    }
)
"""Codes of a 429 that no wait mends. The first three are OpenAI's:
https://platform.openai.com/docs/guides/error-codes"""

FIRST_PAUSE = 0.5
"""Seconds before the first retry, before jitter; doubles each time."""

LONGEST_BACKOFF = 8.0
"""Seconds that a pause of our own choosing grows to."""

LONGEST_RETRY_AFTER = 60.0
"""Seconds of a server's ``Retry-After`` that are honoured; a longer wish is cut to this."""


def is_retryable(error: GumloopError) -> bool:
    """Whether the same request may succeed if it is sent again.

    An error inside a 200 answer is judged by the status that it names. One that names none is the provider's failure
    (a finish reason of ``error``, for example), unless its words say that the request is at fault.
    """
    if error.withheld:
        return False
    if isinstance(error, APIStatusError):
        if error.status_code == 200:
            return not isinstance(error, BadRequestError)
        return error.status_code in RETRIED_STATUSES and not is_quota_used_up(error)
    return isinstance(error, (APIConnectionError, APITimeoutError))


def is_unanswered(error: GumloopError) -> bool:
    """Whether a request that was sent may have run, and be billed, though no whole answer to it came.

    An error that the endpoint itself tells, by a status or inside an answer, is an answer.
    """
    if isinstance(error, APIStatusError):
        return error.status_code in UNANSWERED_STATUSES
    return isinstance(error, (APIConnectionError, APITimeoutError, StreamError))


def withhold(error: GumloopError) -> GumloopError:
    """The error, which says now that the request is not to be sent again, and why."""
    error.withheld = True
    error.message = (
        f"{error.message} The call may have run and been billed, so it was not sent again (retry_unanswered=False). "
        "See in the account's usage whether it was before you repeat it."
    )
    error.args = (error.message, *error.args[1:])
    return error


def is_refusal(error: GumloopError) -> bool:
    """Whether the endpoint had no room for the call: all of the account's calls have to take turns then.

    A quota or a credit that is used up is none: waiting for a turn does not help.
    """
    if not isinstance(error, APIStatusError):
        return False
    if error.status_code == 503:
        return error.retry_after is not None
    return error.status_code == 429 and not is_quota_used_up(error)


def is_quota_used_up(error: APIStatusError) -> bool:
    """Whether a 429 says that there is nothing left to wait for: OpenAI's ``insufficient_quota``, for example."""
    return error.code in QUOTA_CODES


def asked_pause(error: GumloopError) -> float | None:
    """Seconds that the endpoint asked to wait, cut to the longest that is honoured."""
    if not isinstance(error, APIStatusError) or error.retry_after is None:
        return None
    return min(error.retry_after, LONGEST_RETRY_AFTER)


def pause_before_retry(error: GumloopError, attempt: int, max_retries: int) -> float | None:
    """How long to wait before another attempt.

    Args:
        error: Why the attempt failed.
        attempt: How many attempts were made, the failed one included.
        max_retries: How many further attempts a call may make.

    Returns:
        Seconds, or ``None`` if the error is to be raised.
    """
    if attempt > max_retries or not is_retryable(error):
        return None
    longest = min(FIRST_PAUSE * 2.0 ** min(attempt - 1, 10), LONGEST_BACKOFF)
    # Jitter keeps many clients that failed together from coming back together.
    pause = longest * random.uniform(0.5, 1.0)  # noqa: S311
    asked = asked_pause(error)
    if asked is not None:
        # All that were turned away together were told the same time.
        return max(pause, asked) + longest * random.uniform(0.0, 1.0)  # noqa: S311
    return pause
