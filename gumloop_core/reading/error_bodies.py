"""What an error says, in any of the shapes that the wire has, and whether an answer is one. No I/O.

The endpoint's own shapes are an object under ``error``, or a code there with ``message``, ``error_description`` or
other fields beside it. Gateways and providers between it and the model add their own: an object with ``message``,
``code`` or ``detail`` and nothing around it, a list of errors, an error within a choice, ``event: error`` with text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gumloop_core.json_text import is_finite_number
from gumloop_core.reading.retry_after import retry_after_in
from gumloop_core.wire import JSONObject

LONGEST_MESSAGE = 4000
"""Characters of a server's words that an error's message repeats; ``body`` has all."""

_DEEPEST = 5
"""Levels of errors within errors that are looked into."""

_MESSAGES = ("message", "error_description", "detail", "msg", "error_message", "error_msg", "status_msg", "title")
_CODES = ("code", "error_code")
_KINDS = ("type", "status", "error_type", "__type")
_STATUSES = ("code", "status", "status_code", "statusCode", "http_status", "error_code")
_INNER = ("error", "errors", "detail", "message", "data", "response", "base_resp")

_STATUS = re.compile(r"[45][0-9]{2}")

_SUCCESS = ("", "0", "200", "ok", "success")
"""What gateways that give every answer a ``code`` call an answer that is no error."""

# A code is looked up as it is first. The longer list tells families of codes: every provider has its own spelling.
_STATUS_OF_CODE: dict[str, int] = {
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
    "overloaded_error": 529,
}
_STATUS_OF_FAMILY: tuple[tuple[str, int], ...] = (
    ("overload", 529),
    ("credit|billing|payment|balance|budget|insufficient_?quota|insufficient_?funds", 402),
    ("rate_?limit|too_?many_?request|throttl|resource_?exhausted|quota|concurrency", 429),
    ("api_?key|unauthenticated|unauthori[sz]ed|authentication|invalid_?token|token_?expired", 401),
    ("permission|forbidden|access_?denied", 403),
    ("context_?(length|window)|too_?many_?(prompt|input)_?tokens", 400),
    ("too_?large", 413),
    ("not_?found", 404),
    ("timeout|timed_?out|deadline_?exceeded", 504),
    ("not_?implemented|unimplemented", 501),
    ("unavailable|no_?capacity", 503),
    ("bad_?gateway|provider|upstream", 502),
    ("invalid|unsupported|bad_?request|failed_?precondition|validation|content_?(filter|policy)|moderation", 400),
    ("internal|server_?error", 500),
)

# How the providers behind the endpoint say that a prompt is too long. The tests hold their sentences. Compiled when
# first needed, for compiling takes a millisecond.
_CONTEXT_OVERFLOW = (
    r"(?i)context_length_exceeded|max_prompt_tokens_exceeded|too_many_(input|prompt)_tokens"
    r"|maximum (context|prompt|model) length|maximum context (length|window|size)"
    r"|(exceeds?|exceeded|longer than|larger than|greater than|too (long|large|big) for)\b[^.]{0,60}"
    r"\bcontext[ _-]?(length|window|limit|size)"
    r"|context[ _-]?(length|window|limit|size)[^.]{0,60}\b(exceed|overflow|too small)"
    r"|\b(prompt|input) is too long|\btoo many (input|prompt) tokens|too many tokens: size limit"
    r"|\b(total )?length of (all |the |your )*(messages|prompt|input)\b[^.]{0,40}\b(too (long|large)|exceed)"
    r"|\b(input|prompt) tokens?\b( count)?[^.]{0,60}\b(exceeds?|only supports)\b"
    r"|exceeded? model token limit|reduce the length of (the|your|either) (messages|prompt|input|one)"
)

# The same words in limits on tokens per minute or day, which pass with time.
_RATE_OF_TOKENS = r"(?i)tokens? per (min|minute|hour|day)\b|\bTPM\b|rate limit|wait before trying|quota"


@dataclass(slots=True, frozen=True)
class ErrorFacts:
    """What an error body says.

    Attributes:
        code: The error's code in the server's word. A code that only repeats an HTTP status gives way to the type.
        message: The server's sentence; empty if there is none.
        param: The field of the request that is at fault.
        status: The HTTP status that the body itself names, as a number or by its code or type; ``None`` if none.
        words: All that it says, for a search.
        retry_after: Seconds that it asks to wait; ``None`` if it does not.
    """

    code: str | None
    message: str
    param: str | None
    status: int | None
    words: str
    retry_after: float | None = None


def read_error(body: Any) -> ErrorFacts:
    """Read an error body, any JSON value or text."""
    if isinstance(body, str):
        message = _plain_text(body)
        return ErrorFacts(None, message, None, None, message)
    layers = list(_layers(body))  # the outermost first
    inner_first = layers[::-1]
    message = next(filter(None, (_message_of(layer) for layer in inner_first)), "")
    sentence = next((layer["error"] for layer in inner_first if _text(layer.get("error")).strip()), "")
    codes = [code for layer in inner_first for code in _words(layer, _CODES)]
    if sentence and (message or not re.search(r"\s", sentence)):
        codes.append(_text(sentence[:200]))
    elif sentence:
        message = _text(sentence)
    kinds = [kind for layer in inner_first for kind in _words(layer, _KINDS) if kind != "error"]
    named = [code for code in codes if not _STATUS.fullmatch(code) and code not in ("200", "0")]
    code = next(iter([*named, *kinds, *codes]), None)
    raw = next(filter(None, (_raw_of(layer) for layer in inner_first)), "")
    if raw:
        message = f"{message} ({raw})" if message else raw
    if not message and layers:
        message = _other_fields(layers[0])
    param = next(filter(None, (_param_of(layer) for layer in inner_first)), None)
    status = next(filter(None, (_number_in(layer) for layer in inner_first)), None)
    if status is None:
        status = next(filter(None, map(_status_of_word, [*codes, *kinds])), None)
    return ErrorFacts(code, message, param, status, " ".join([*codes, *kinds, message]), retry_after_in(layers))


def is_context_overflow(words: str) -> bool:
    """Whether an error's words say that the prompt is too long for the model."""
    return re.search(_CONTEXT_OVERFLOW, words) is not None and re.search(_RATE_OF_TOKENS, words) is None


def error_in(document: JSONObject) -> Any:
    """The error inside a 200 answer or an event, in the shape of an error body; ``None`` if there is none."""
    error = document.get("error")
    if error and _says_something(error):
        return document
    choices = document.get("choices")
    if choices:
        return _error_in_choices(choices)
    return document if _is_bare_error(document) else None


def _error_in_choices(choices: Any) -> Any:
    for choice in choices if choices.__class__ is list else [choices]:
        if choice.__class__ is dict:
            for holder in (choice, choice.get("delta"), choice.get("message")):
                if holder.__class__ is dict and "error" in holder and _says_something(holder["error"]):
                    return {"error": holder["error"]}
    return None


def _is_bare_error(document: JSONObject) -> bool:
    """Whether an object without choices is an error, with nothing around it that says so."""
    if document.get("type") == "error" or document.get("object") == "error" or document.get("success") is False:
        return True
    if any(_number_of(document.get(name)) for name in _STATUSES):
        return True
    for name in ("data", "response"):
        inner = document.get(name)
        if isinstance(inner, dict) and _says_something(inner.get("error")):
            return True
    base = document.get("base_resp")  # MiniMax gives every answer one
    if isinstance(base, dict) and base.get("status_code"):
        return True
    if document.get("errors"):
        return True
    is_chunk = isinstance(document.get("object"), str) and document["object"].startswith("chat.completion")
    code = document.get("code")
    is_success = code is not None and str(code)[:20].lower() in _SUCCESS
    if is_chunk or is_success or document.get("success") is True:
        return False
    if isinstance(code, (str, int)) and not isinstance(code, bool):
        return True
    return any(_is_words(document.get(name)) for name in _MESSAGES if name != "title")


def _is_words(value: Any) -> bool:
    if isinstance(value, dict):
        return any(value.get(name) for name in ("message", "code", "error", "msg"))
    return bool(value) and isinstance(value, (str, list))


def _says_something(error: Any) -> bool:
    """Whether an ``error`` field is an error: some gateways send one with every field null, zero or empty."""
    if isinstance(error, dict):
        return any(value not in (None, "", 0) for value in error.values())
    return bool(error)


def _layers(body: Any, level: int = 0) -> Iterator[JSONObject]:
    """An error object, and the error objects within it."""
    if level == _DEEPEST:
        return
    if isinstance(body, list):
        body = next((entry for entry in body if isinstance(entry, (dict, str)) and entry), None)
        if isinstance(body, str):
            body = {"message": body}
    if not isinstance(body, dict):
        return
    yield body
    for name in _INNER:
        inner = body.get(name)
        if inner and isinstance(inner, (dict, list)):
            yield from _layers(inner, level + 1)
            return


def _message_of(layer: JSONObject) -> str:
    return next(filter(None, (_text(layer.get(name)) for name in _MESSAGES)), "")


def _raw_of(layer: JSONObject) -> str:
    # OpenRouter puts the provider's own words here, often behind a message that says only "Provider returned error".
    metadata = layer.get("metadata")
    return _text(metadata.get("raw"))[:1000] if isinstance(metadata, dict) else ""


def _param_of(layer: JSONObject) -> str | None:
    place = layer.get("loc")  # FastAPI: ["body", "messages", 3]
    if isinstance(place, list) and place:
        return _optional(".".join(str(step)[:50] for step in place[:10] if step != "body"))
    return _optional(layer.get("param"))


def _other_fields(body: JSONObject) -> str:
    others = {key: value for key, value in body.items() if key != "error"}
    return _text(", ".join(f"{key} {value}" for key, value in others.items() if isinstance(value, (str, int, float))))


def _words(layer: JSONObject, names: tuple[str, ...]) -> list[str]:
    return [word for word in (_optional(layer.get(name)) for name in names) if word is not None]


def _number_in(layer: JSONObject) -> int | None:
    return next(filter(None, (_number_of(layer.get(name)) for name in _STATUSES)), None)


def _number_of(value: Any) -> int | None:
    """The HTTP status that a field names, if it is one of an error."""
    word = _optional(value)
    return int(word) if word is not None and _STATUS.fullmatch(word) else None


def _status_of_word(word: str) -> int | None:
    known = _STATUS_OF_CODE.get(word.lower())
    if known is not None or re.search(r"\s", word):
        return known
    # RateLimitExceeded and rate-limit-exceeded are rate_limit_exceeded.
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", word).lower()
    return next((status for family, status in _STATUS_OF_FAMILY if re.search(family, spelled)), None)


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
    return str(value) if is_finite_number(value) and abs(value) < 1e15 else None
