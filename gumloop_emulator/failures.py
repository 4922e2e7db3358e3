"""Failed answers: from a status, or from what a check raised, to the bytes of a body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gumloop_core.json_text import encode
from gumloop_emulator.script import ErrorShape, Failure

SHAPES: tuple[ErrorShape, ...] = ("nested", "flat", "oauth", "tier", "text", "html", "empty")

_USUAL: Mapping[int, tuple[str, str, str]] = {
    # By status: the code, the type and the message.
    400: ("invalid_request", "invalid_request_error", "The request is invalid."),
    401: ("unauthorized", "authentication_error", "The credential is missing or wrong."),
    402: ("insufficient_credits", "billing_error", "You are out of credits."),
    403: ("forbidden", "permission_error", "The credential does not give access to this."),
    404: ("not_found", "not_found_error", "User profile not found."),
    405: ("method_not_allowed", "invalid_request_error", "The method is not allowed here."),
    408: ("request_timeout", "timeout_error", "The request took too long."),
    409: ("conflict", "conflict_error", "The request conflicts with another one."),
    413: ("request_too_large", "invalid_request_error", "The provider rejected the request: it is too large."),
    422: ("unprocessable", "invalid_request_error", "The provider rejected the request: it makes no sense."),
    429: ("rate_limit_exceeded", "rate_limit_error", "Too many requests at once."),
    500: ("internal_error", "server_error", "The server failed."),
    501: ("not_supported", "not_supported_error", "The resolved provider cannot do what was asked."),
    502: ("provider_error", "provider_error", "The provider failed."),
    503: ("unavailable", "server_error", "The service is not available at the moment."),
    504: ("gateway_timeout", "server_error", "The provider did not answer in time."),
}


class Refused(Exception):  # noqa: N818 - it is an answer, not an error of this program
    """Raised by a check to answer with a failure."""

    def __init__(self, status: int, message: str, **fields: Any) -> None:
        self.failure = Failure(status, message, **fields)
        super().__init__(message)


def invalid(message: str, param: str | None) -> Refused:
    """Return a 400 `invalid_request` that names the offending field in `param`."""
    return Refused(400, message, param=param)


def rejected_by_provider(message: str, param: str) -> Refused:
    """Return a refusal that is relayed from the provider: its message says so."""
    return Refused(400, f"The provider rejected the request: {message}", code="provider_rejected", param=param)


def failure_body(failure: Failure) -> tuple[bytes, str]:
    """Return a failure's body and its content type, with the usual words of its status where it has none."""
    status, body, shape = failure.status, failure.body, failure.shape
    usual = ("server_error",) * 2 if status >= 500 else ("error", "invalid_request_error")
    code, kind, message = _USUAL.get(status, (*usual, f"The request failed with status {status}."))
    code, kind, message = failure.code or code, failure.type or kind, failure.message or message
    if isinstance(body, (str, bytes)):
        return body.encode() if isinstance(body, str) else body, failure_body(replace(failure, body=None))[1]
    if body is not None:
        return encode(body), "application/json"
    if shape in ("text", "empty"):
        return f"{status} {message}".encode() if shape == "text" else b"", "text/plain; charset=utf-8"
    if shape == "html":
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><p>{message}</p></body></html>"
        return page.encode(), "text/html; charset=utf-8"
    documents: dict[str, Any] = {
        "nested": {"error": {"code": code, "message": message, "type": kind, "param": failure.param}},
        "flat": {"error": code, "message": message, "metadata": {"param": failure.param, "status": status}},
        "oauth": {"error": code, "error_description": message},
        "tier": {"error": "tier_required_pro", "minimum_tier": "pro", "current_tier": "free"},
    }
    return encode(documents[shape]), "application/json"
