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
    from gumloop_core.wire import JSONObject


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
    """502, or a finish reason of ``error``: the provider behind the model failed."""


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

# How the providers behind the endpoint say that a prompt is too long. The tests hold their sentences. Compiled when
# first needed, for compiling takes a millisecond.
_CONTEXT_OVERFLOW = (
    r"(?i)context_length_exceeded|max_prompt_tokens_exceeded"
    r"|maximum (context|prompt|model) length|maximum context (length|window|size)"
    r"|(exceeds?|exceeded|longer than|larger than|greater than|too (long|large|big) for)\b[^.]{0,60}"
    r"\bcontext[ _-]?(length|window|limit|size)"
    r"|context[ _-]?(length|window|limit|size)[^.]{0,60}\b(exceed|overflow|too small)"
    r"|\b(prompt|input) is too long|\btoo many (input|prompt) tokens|too many tokens: size limit"
    r"|\b(input|prompt) tokens?\b( count)?[^.]{0,60}\b(exceeds?|only supports)\b"
    r"|exceeded? model token limit|reduce the length of (the|your|either) (messages|prompt|input|one)"
)

# The same words in limits on tokens per minute or day, which pass with time.
_RATE_OF_TOKENS = r"(?i)tokens? per (min|minute|hour|day)\b|\bTPM\b|rate limit|wait before trying|quota"

_OVERFLOW_STATUSES = (200, 400, 413, 422)  # 200: inside an answer, with a code that says nothing

_MESSAGE_PARAM = re.compile(r"\bmessages(?:\[([0-9]{1,9})\]|\.([0-9]{1,9})\b)")

_STATUS = re.compile(r"[45][0-9]{2}")

LONGEST_MESSAGE = 4000
"""Characters of a server's words that an error's message repeats; ``body`` has all."""

_CODES: dict[str, int] = {
    "invalid_request": 400,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "insufficient_credits": 402,
    "insufficient_quota": 402,
    "permission_denied": 403,
    "permission_error": 403,
    "not_found": 404,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "server_error": 500,
    "internal_error": 500,
    "api_error": 500,
    "internal_server_error": 500,
    "not_supported": 501,
    "provider_error": 502,
    "bad_gateway": 502,
    "service_unavailable": 503,
    "overloaded_error": 503,
}


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
    origins: Sequence[int] | None = None,
    response: httpx.Response | None = None,
    retry_after: float | None = None,
    partial: Completion | None = None,
) -> APIStatusError:
    """Make the exception for an error body, in any of the shapes that the wire has.

    Args:
        status_code: The HTTP status of the answer.
        body: The parsed JSON body, or text where it is not JSON.
        messages: The messages that were sent, to name the one at fault.
        origins: For each sent message, the index of the caller's message that it came from; ``None`` for one to one.
        response: The HTTP response, without secrets.
        retry_after: Seconds that the server asked to wait.
        partial: What had arrived of the answer.
    """
    code, message, param = _read_error_body(body)
    status = _status_of(status_code, body, code)
    kind = class_for_status(status)
    if status in _OVERFLOW_STATUSES and _is_context_overflow(f"{code} {message}"):
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
        caller_index = index if origins is None else origins[index]
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
        retry_after=retry_after,
        message_index=caller_index if caller_index is None or caller_index >= 0 else None,
        partial=partial,
    )


def _read_error_body(body: Any) -> tuple[str | None, str, str | None]:
    """Code, message and param from any of the error shapes."""
    if isinstance(body, str):
        return None, _plain_text(body), None
    if not isinstance(body, dict):
        return None, "", None
    error = body.get("error")
    if isinstance(error, dict):
        metadata = error.get("metadata")
        message = _text(error.get("message"))
        raw = _text(metadata.get("raw")) if isinstance(metadata, dict) else ""
        if raw:
            # OpenRouter puts the provider's own words here, often behind a message that says only "Provider returned
            # error".
            message = f"{message} ({raw[:1000]})" if message else raw[:1000]
        code = error.get("code")
        if code is None:
            code = error.get("type")
        return _optional(code), message, _optional(error.get("param"))
    message = _text(body.get("message")) or _text(body.get("error_description")) or _text(body.get("detail"))
    if not message:
        others = {key: value for key, value in body.items() if key != "error"}
        message = ", ".join(f"{key} {value}" for key, value in others.items() if isinstance(value, (str, int, float)))
        message = _text(message)
    return _optional(error), message, _optional(body.get("param"))


def _status_of(status_code: int, body: Any, code: str | None) -> int:
    """The status that an error means: its own, where it came inside an answer that is no error by its status."""
    if status_code >= 300 or code is None:
        return status_code
    if _STATUS.fullmatch(code):
        return int(code)
    return _CODES.get(code.lower(), status_code)


def _is_context_overflow(words: str) -> bool:
    return re.search(_CONTEXT_OVERFLOW, words) is not None and re.search(_RATE_OF_TOKENS, words) is None


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


def _plain_text(body: str) -> str:
    """What can be read of a text or HTML page, for a proxy's error."""
    title = re.search(r"<title[^<>]*>([^<]*)</title>", body[:20_000], re.IGNORECASE)
    text = title.group(1) if title else re.sub(r"<[^<>]*>", " ", body[:20_000])
    text = _text(" ".join(text.split())[:300])
    return f"{text} (a page from a proxy or gateway, not the API's JSON)" if "<" in body[:1000] else text


def _text(value: Any) -> str:
    # A lone surrogate, which models do write, would make the message unprintable.
    return value[:LONGEST_MESSAGE].encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _optional(value: Any) -> str | None:
    if isinstance(value, str):
        return _text(value[:200]) or None
    return str(value) if isinstance(value, (int, float)) and abs(value) < 1e15 else None


def error_payload(payload: JSONObject) -> Any:
    """The error inside a 200 answer or a chunk, in the shape of an error body; ``None`` if there is none."""
    error = payload.get("error")
    if not error:
        return None
    return payload if isinstance(error, (dict, str)) else {"error": {"message": str(error)}}
