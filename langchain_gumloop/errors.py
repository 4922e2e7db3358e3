"""The core's errors, which are also LangChain's.

Every class here is the core's class of the same name and LangChain's ``ModelError`` of that kind, so that both
``except gumloop_core.errors.RateLimitError`` and ``except langchain_core.exceptions.ModelRateLimitError`` catch it,
and LangChain's retry and fallback middleware see ``is_retryable``.

LangGraph's default retry policy knows neither: it repeats unknown exceptions and ``ConnectionError``, and never a
``ValueError``. So what cannot be repaired by repeating is a ``ValueError`` too, and a failed connection is a
``ConnectionError``.
"""

from __future__ import annotations

from langchain_core import exceptions as langchain

from gumloop_core import errors as core
from gumloop_core.http.retry import is_retryable


class MissingCredentialsError(core.MissingCredentialsError, langchain.ModelAuthenticationError):
    """There is neither a key nor a token."""


class ConfigurationError(core.ConfigurationError, langchain.ModelInvalidRequestError):
    """The client cannot work as it was set up."""


class UnpicklableSecretError(core.UnpicklableSecretError, langchain.ModelInvalidRequestError):
    """A secret, or where it comes from, cannot go to another process, and must not get lost on the way."""


class InvalidRequestError(core.InvalidRequestError, langchain.ModelInvalidRequestError):
    """The caller's input has no place on the wire. Nothing was sent."""


class BudgetExceededError(core.BudgetExceededError, langchain.ModelError, ValueError):
    """The next call would pass the budget. Nothing was sent. LangChain has no kind of its own for this."""


class UnexpectedError(core.UnexpectedError, langchain.ModelAPIError, ValueError):
    """Something failed that nobody foresaw. ``__cause__`` is what was raised."""

    is_retryable = False


class APIConnectionError(core.APIConnectionError, langchain.ModelConnectionError, ConnectionError):
    """The endpoint could not be reached, or the connection broke before the answer began."""


class APITimeoutError(core.APITimeoutError, langchain.ModelTimeoutError, ConnectionError):
    """The endpoint took too long."""


class SlotTimeoutError(core.SlotTimeoutError, langchain.ModelTimeoutError):
    """The call waited for its turn longer than ``slot_timeout``. Nothing was sent."""


class LimitsUnavailableError(core.LimitsUnavailableError, langchain.ModelConnectionError, ConnectionError):
    """The place that keeps the slots for several processes cannot be reached. Nothing was sent."""


class InvalidResponseError(core.InvalidResponseError, langchain.ModelAPIError, ValueError):
    """The unary answer made no sense: it is not JSON, or not a completion."""

    is_retryable = False


class StreamError(core.StreamError, langchain.ModelAPIError):
    """The stream broke, ended early or made no sense. ``partial`` holds what had arrived."""


class WithheldConnectionError(core.APIConnectionError, langchain.ModelConnectionError, ValueError):
    """An ``APIConnectionError`` of a call that may have run and is not to be sent again: ``retry_unanswered=False``."""

    is_retryable = False


class WithheldTimeoutError(core.APITimeoutError, langchain.ModelTimeoutError, ValueError):
    """An ``APITimeoutError`` of such a call."""

    is_retryable = False


class WithheldStreamError(StreamError, ValueError):
    """A :class:`StreamError` of such a call."""

    is_retryable = False


class APIStatusError(core.APIStatusError, langchain.ModelError):
    """The endpoint answered with an error of a status that has no class of its own."""


class FinalStatusError(APIStatusError, ValueError):
    """An :class:`APIStatusError` that repeating the request will not change."""


class BadRequestError(core.BadRequestError, langchain.ModelInvalidRequestError, ValueError):
    """400, 422: the body is invalid, or the provider rejected it."""


class ContextOverflowError(
    core.ContextOverflowError, langchain.ContextOverflowError, langchain.ModelInvalidRequestError, ValueError
):
    """The input is longer than the model's context window."""


class AuthenticationError(core.AuthenticationError, langchain.ModelAuthenticationError, ValueError):
    """401: no key, or a wrong one."""


class InsufficientCreditsError(core.InsufficientCreditsError, langchain.ModelError, ValueError):
    """402: out of credits. LangChain has no kind of its own for this."""


class PermissionDeniedError(core.PermissionDeniedError, langchain.ModelPermissionDeniedError, ValueError):
    """403: the key does not match the user, the plan is too low, or the team is out of reach."""


class NotFoundError(core.NotFoundError, langchain.ModelNotFoundError, ValueError):
    """404: the user profile, the model or the address does not exist."""


class RequestTooLargeError(core.RequestTooLargeError, langchain.ModelInvalidRequestError, ValueError):
    """413: the request is too large."""


class RateLimitError(core.RateLimitError, langchain.ModelRateLimitError):
    """429: too many requests at once."""


class ServerError(core.ServerError, langchain.ModelAPIError):
    """5xx: the server failed."""


class WithheldServerError(ServerError, ValueError):
    """A :class:`ServerError` by which a gateway says that the call may have run: ``retry_unanswered=False``."""


class NotSupportedError(core.NotSupportedError, langchain.ModelAPIError, ValueError):
    """501: the provider behind the model cannot do what was asked."""

    is_retryable = False


class ProviderError(core.ProviderError, langchain.ModelAPIError):
    """502, or a finish reason of ``error``: the provider behind the model failed."""


_KINDS: dict[type[core.GumloopError], type[core.GumloopError]] = {
    kind.__mro__[1]: kind
    for kind in (
        MissingCredentialsError,
        ConfigurationError,
        UnpicklableSecretError,
        InvalidRequestError,
        BudgetExceededError,
        UnexpectedError,
        APIConnectionError,
        APITimeoutError,
        SlotTimeoutError,
        LimitsUnavailableError,
        InvalidResponseError,
        StreamError,
        APIStatusError,
        BadRequestError,
        ContextOverflowError,
        AuthenticationError,
        InsufficientCreditsError,
        PermissionDeniedError,
        NotFoundError,
        RequestTooLargeError,
        RateLimitError,
        ServerError,
        NotSupportedError,
        ProviderError,
        UnexpectedError,
    )
}


_WITHHELD: dict[type[core.GumloopError], type[core.GumloopError]] = {
    core.APIConnectionError: WithheldConnectionError,
    core.APITimeoutError: WithheldTimeoutError,
    core.StreamError: WithheldStreamError,
    core.ServerError: WithheldServerError,
}
"""The kinds of errors of calls that are not to be repeated by anybody but the caller."""


def as_langchain(error: core.GumloopError) -> core.GumloopError:
    """The same error, of LangChain's kind too. What is of it already, or unknown, is returned as it is."""
    kind = (_WITHHELD if error.withheld else _KINDS).get(type(error))
    if kind is None:
        return error
    if kind is APIStatusError and not is_retryable(error):
        kind = FinalStatusError
    converted = kind.__new__(kind, *error.args)
    converted.args = error.args
    converted.__dict__.update(error.__dict__)
    converted.__cause__ = error.__cause__
    if isinstance(error, core.APIStatusError):
        converted.__dict__["is_retryable"] = is_retryable(error)
        response = error.response
        converted.__dict__["request_id"] = None if response is None else response.headers.get("x-request-id")
    return converted


class RefusalError(langchain.OutputParserException):
    """A structured answer was asked for, and the model refused or a content filter stopped it."""


class LengthLimitError(langchain.OutputParserException):
    """A structured answer was asked for, and it was cut off at the token limit."""
