"""The exception tree, and which exception a status, a body or a chunk means.

Every error says what happened and what to do, keeps what had arrived in ``partial``, and holds no secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    """

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


class UnexpectedError(GumloopError):
    """Something failed that nobody foresaw, in our own code or in a library. ``__cause__`` is what was raised."""


class APIConnectionError(GumloopError):
    """The endpoint could not be reached, or the connection broke before the answer began."""


class APITimeoutError(GumloopError):
    """The endpoint took too long: to connect, to begin, or between two pieces of a stream."""


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


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: RequestTooLargeError,
    422: BadRequestError,
    429: RateLimitError,
    501: NotSupportedError,
    502: ProviderError,
}

_ADVICE: dict[type[APIStatusError], str] = {
    AuthenticationError: "Check api_key (GUMLOOP_API_KEY) or access_token (GUMLOOP_ACCESS_TOKEN).",
    InsufficientCreditsError: "Add credits to the Gumloop account, or raise its budget.",
    PermissionDeniedError: (
        "A personal API key needs its user id (user_id or GUMLOOP_USER_ID); keys need a paid plan, "
        "and a team key needs access to its team."
    ),
    NotFoundError: "Check the model's id, base_url, and user_id.",
    RequestTooLargeError: "Send a shorter conversation or smaller images.",
    RateLimitError: "The plan limits how many requests run at once: lower the concurrency or raise max_retries.",
    NotSupportedError: "Choose another model, or leave out the option that its provider does not know.",
    ContextOverflowError: "Shorten the conversation, or choose a model with a larger context window.",
}

_OVERFLOW_STATUSES = (200, 400, 413, 422)  # 200: inside an answer, with a code that says nothing

_MESSAGE_PARAM = re.compile(r"\bmessages(?:\[([0-9]{1,9})\]|\.([0-9]{1,9})\b)")


def class_for_status(status_code: int) -> type[APIStatusError]:
    """The exception that a status means."""
    known = _BY_STATUS.get(status_code)
    if known is not None:
        return known
    return ServerError if status_code >= 500 else APIStatusError


def status_error(
    status_code: int,
    body: Any,
    *,
    messages: Sequence[Mapping[str, Any]] = (),
    caller_indices: Sequence[int] | None = None,
    response: httpx.Response | None = None,
    retry_after: float | None = None,
    partial: Completion | None = None,
) -> APIStatusError:
    """Make the exception for an error body, in any of the shapes that the wire has.

    Args:
        status_code: The HTTP status of the answer.
        body: The parsed JSON body, or text where it is not JSON.
        messages: The messages that were sent, to name the one at fault.
        caller_indices: For each sent message, the index of the caller's message that it came from; ``None`` for
            one to one.
        response: The HTTP response, without secrets.
        retry_after: Seconds that the server asked to wait in a header; ``None`` to look into the body.
        partial: What had arrived of the answer.
    """
    from gumloop_core.error_bodies import is_context_overflow, read_error

    facts = read_error(body)
    code, message, param = facts.code, facts.message, facts.param
    # An error inside an answer that is none by its status names its own, or says only that the provider failed.
    status = status_code if status_code >= 300 else facts.status or status_code
    kind = ProviderError if status < 300 else class_for_status(status)
    if status in _OVERFLOW_STATUSES and is_context_overflow(facts.words):
        kind = ContextOverflowError
    index = _message_index(param, message)
    head = f"{status}" if status >= 400 else "The answer is an error"
    if code and code != str(status):
        head += f" {code}" if message else ""
    if param and param not in message:
        head += f" ({param})"
    parts = [f"{head}: {message or code or 'no reason was given'}"]
    caller_index = None
    if index is not None and index < len(messages):
        caller_index = index if caller_indices is None else caller_indices[index]
        parts.append(_describe_message(index, caller_index, messages[index]))
    if kind in _ADVICE:
        parts.append(_ADVICE[kind])
    return kind(
        " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts),
        status_code=status,
        code=code,
        param=param,
        body=body,
        response=response,
        retry_after=facts.retry_after if retry_after is None else retry_after,
        message_index=caller_index if caller_index is None or caller_index >= 0 else None,
        partial=partial,
    )


def _message_index(param: str | None, message: str) -> int | None:
    for text in (param, message):
        found = _MESSAGE_PARAM.search(text) if text else None
        if found:
            return int(found.group(1) or found.group(2))
    return None


def _describe_message(index: int, caller_index: int, message: Mapping[str, Any]) -> str:
    facts = [str(message.get("role"))]
    if message.get("tool_call_id"):
        facts.append(f"answering {message['tool_call_id']!r}")
    calls = message.get("tool_calls")
    if calls:
        facts.append("calling " + ", ".join(repr(call.get("id")) for call in calls))
    if caller_index < 0:
        return f"messages[{index}] is the {' '.join(facts)} message that the adapter put in front of yours."
    return f"messages[{index}] is message {caller_index} of the ones you passed, counted from 0 ({' '.join(facts)})."
