"""Which exception a status, a body or a chunk means. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gumloop_core.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContextOverflowError,
    InsufficientCreditsError,
    NotFoundError,
    NotSupportedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
)
from gumloop_core.reading.error_bodies import error_in, is_context_overflow, read_error

if TYPE_CHECKING:
    import httpx

    from gumloop_core.answer import Completion

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


def refuse_error(document: Any) -> None:
    """Raise for a parsed body that is an error under a status that is none.

    Raises:
        APIStatusError: With the body's reason.
    """
    error = error_in(document) if isinstance(document, dict) else None
    if error is not None:
        raise status_error(200, error)
