"""Failed answers: the four error shapes of the wire, and what proxies put in between."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ErrorShape = Literal["nested", "flat", "oauth", "tier", "text", "html", "empty"]

SHAPES: tuple[ErrorShape, ...] = ("nested", "flat", "oauth", "tier", "text", "html", "empty")

_CODES: Mapping[int, tuple[str, str, str]] = {
    # By status: the code, the type and the message.
    400: ("invalid_request", "invalid_request_error", "The request is invalid."),
    401: ("unauthorized", "authentication_error", "The credential is missing or wrong."),
    402: ("insufficient_credits", "billing_error", "You are out of credits."),
    403: ("forbidden", "permission_error", "The credential does not give access to this."),
    404: ("not_found", "not_found_error", "User profile not found."),
    408: ("request_timeout", "timeout_error", "The request took too long."),
    409: ("conflict", "conflict_error", "The request conflicts with another one."),
    413: (
        "request_too_large",
        "invalid_request_error",
        "The provider rejected the request: it is too large.",
    ),
    422: ("unprocessable", "invalid_request_error", "The provider rejected the request: it makes no sense."),
    429: ("rate_limit_exceeded", "rate_limit_error", "Too many requests at once."),
    500: ("internal_error", "server_error", "The server failed."),
    501: ("not_supported", "not_supported_error", "The resolved provider cannot do what was asked."),
    502: ("provider_error", "provider_error", "The provider failed."),
    503: ("unavailable", "server_error", "The service is not available at the moment."),
    504: ("gateway_timeout", "server_error", "The provider did not answer in time."),
}


class ApiError(Exception):
    """Raised by the emulator's own code to answer with a failure."""

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        code: str | None = None,
        kind: str | None = None,
        param: str | None = None,
    ) -> None:
        default_code, default_kind, default_message = defaults(status)
        self.status = status
        self.message = message or default_message
        self.code = code or default_code
        self.kind = kind or default_kind
        self.param = param
        super().__init__(self.message)


class FieldError(ApiError):
    """A 400 `invalid_request` that names the offending field in `param`."""

    def __init__(self, message: str, param: str | None) -> None:
        super().__init__(400, message, param=param)


class ProviderRejectedError(ApiError):
    """A refusal that is relayed from the provider: its message says so."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None) -> None:
        super().__init__(
            status,
            f"The provider rejected the request: {message}",
            code="provider_rejected",
            kind="invalid_request_error",
            param=param,
        )


@dataclass(frozen=True)
class RenderedFailure:
    """A failure as bytes, ready to be sent."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


def defaults(status: int) -> tuple[str, str, str]:
    """Return the usual code, type and message of a status."""
    if status in _CODES:
        return _CODES[status]
    if status >= 500:
        return "server_error", "server_error", f"The server failed with status {status}."
    return "error", "invalid_request_error", f"The request failed with status {status}."


def render(failure: ApiError, shape: ErrorShape = "nested") -> RenderedFailure:
    """Return a failure in one of the shapes that clients meet."""
    if shape == "text":
        text = f"{failure.status} {failure.message}"
        return RenderedFailure(failure.status, text.encode(), "text/plain; charset=utf-8")
    if shape == "html":
        page = (
            f"<html><head><title>{failure.status}</title></head>"
            f"<body><h1>{failure.status}</h1><p>{failure.message}</p></body></html>"
        )
        return RenderedFailure(failure.status, page.encode(), "text/html; charset=utf-8")
    if shape == "empty":
        return RenderedFailure(failure.status, b"", "text/plain; charset=utf-8")
    body = json.dumps(error_body(failure, shape), ensure_ascii=False).encode()
    return RenderedFailure(failure.status, body, "application/json")


def error_body(failure: ApiError, shape: ErrorShape) -> Mapping[str, object]:
    """Return the JSON body of a failure in one of the four JSON shapes."""
    if shape == "flat":
        return {
            "error": failure.code,
            "message": failure.message,
            "metadata": {"param": failure.param, "status": failure.status},
        }
    if shape == "oauth":
        return {"error": failure.code, "error_description": failure.message}
    if shape == "tier":
        return {"error": "tier_required_pro", "minimum_tier": "pro", "current_tier": "free"}
    return {
        "error": {
            "code": failure.code,
            "message": failure.message,
            "type": failure.kind,
            "param": failure.param,
        }
    }
