"""The exception tree.

Every error says what happened and what to do, keeps what had arrived in ``partial``, and holds no secret.
"""

from __future__ import annotations

from pickle import PicklingError
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from gumloop_core.answer import Completion


class GumloopError(Exception):
    """Anything that went wrong.

    Attributes:
        message: What happened and what to do.
        partial: What had arrived of the answer before it failed: text, reasoning, tool calls. ``None`` if nothing.
        withheld: Whether the request may have run and is for that reason not to be sent again, as the caller asked for
            by ``retry_unanswered=False``.
    """

    withheld = False

    def __init__(self, message: str, *, partial: Completion | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.partial = partial

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions with keyword-only arguments need this to cross a process pool.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[GumloopError], args: tuple[Any, ...], state: dict[str, Any]) -> GumloopError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(GumloopError, ValueError):
    """The client cannot work as it was set up: an insecure address or a malformed key, for example."""


class MissingCredentialsError(ConfigurationError):
    """There is neither a key nor a token. Raised at the first request, not when a model is made."""


class UnpicklableSecretError(ConfigurationError, PicklingError):
    """A secret, or where it comes from, cannot go to another process, and must not get lost on the way."""


class InvalidRequestError(GumloopError, ValueError):
    """The caller's input has no place on the wire. Nothing was sent."""


class BudgetExceededError(GumloopError):
    """The next call would pass the budget. Nothing was sent; what was answered before is not touched.

    Attributes:
        cost: USD that are spent.
        tokens: Tokens that are spent.
        max_cost: USD that are allowed; ``None`` for no limit.
        max_tokens: Tokens that are allowed; ``None`` for no limit.
    """

    def __init__(
        self,
        message: str,
        *,
        cost: float = 0.0,
        tokens: float = 0.0,
        max_cost: float | None = None,
        max_tokens: int | None = None,
        partial: Completion | None = None,
    ) -> None:
        super().__init__(message, partial=partial)
        self.cost = cost
        self.tokens = tokens
        self.max_cost = max_cost
        self.max_tokens = max_tokens


class UnexpectedError(GumloopError):
    """Something failed that nobody foresaw, in our own code or in a library. ``__cause__`` is what was raised."""


class APIConnectionError(GumloopError):
    """The endpoint could not be reached, or the connection broke before the answer began."""


class APITimeoutError(GumloopError):
    """The endpoint took too long: to connect, to begin, or between two pieces of a stream."""


class SlotTimeoutError(GumloopError):
    """The call waited longer than ``slot_timeout`` for its turn among the account's calls. Nothing was sent."""


class LimitsUnavailableError(GumloopError):
    """The place that keeps the slots for several processes (``limits=``) cannot be reached. Nothing was sent."""


class InvalidResponseError(GumloopError):
    """The unary answer made no sense: it is not JSON, or not a completion."""


class StreamError(GumloopError):
    """The stream broke, ended early or made no sense. ``partial`` holds what had arrived."""


class APIStatusError(GumloopError):
    """The endpoint answered with an error.

    Attributes:
        status_code: The HTTP status; for an error that came inside a 200 answer, the status that it names, if any.
        code: The error's code in the server's word (``invalid_request`` …).
        param: The field of the body that is at fault, ``messages[3].tool_call_id`` for example.
        body: The error body: parsed JSON where it is JSON, else text, cut at 64 KiB.
        response: The HTTP response, body read, its request's headers removed.
        retry_after: Seconds that the server asked to wait, ``None`` if it did not.
        message_index: Which of the caller's messages ``param`` points at, counted from 0.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        code: str | None = None,
        param: str | None = None,
        body: Any = None,
        response: httpx.Response | None = None,
        retry_after: float | None = None,
        message_index: int | None = None,
        partial: Completion | None = None,
    ) -> None:
        super().__init__(message, partial=partial)
        self.status_code = status_code
        self.code = code
        self.param = param
        self.body = body
        self.response = response
        self.retry_after = retry_after
        self.message_index = message_index


class BadRequestError(APIStatusError):
    """400, 422: the body is invalid, or the provider rejected it."""


class ContextOverflowError(BadRequestError):
    """The input is longer than the model's context window."""


class AuthenticationError(APIStatusError):
    """401: no key, or a wrong one."""


class InsufficientCreditsError(APIStatusError):
    """402: out of credits."""


class PermissionDeniedError(APIStatusError):
    """403: the key does not match the user, the plan is too low, or the team is out of reach."""


class NotFoundError(APIStatusError):
    """404: the user profile, the model or the address does not exist."""


class RequestTooLargeError(APIStatusError):
    """413: the request is too large."""


class RateLimitError(APIStatusError):
    """429: too many requests at once; the vendor limits concurrency by plan."""


class ServerError(APIStatusError):
    """5xx: the server failed."""


class NotSupportedError(ServerError):
    """501: the provider behind the model cannot do what was asked."""


class ProviderError(ServerError):
    """502, a finish reason of ``error``, or an error inside an answer that says no more: the provider failed.

    ``status_code`` is then 502 or 200. The same request may succeed if it is sent again.
    """
