"""Headers that callers set: which can be sent, and which may be seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from gumloop_core.errors import ConfigurationError, InvalidRequestError, UnpicklableSecretError
from gumloop_core.secrets.redaction import MASK, is_secret_header

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[\x20-\x7e\t]*")
_OF_THE_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that follow from the body and the connection (RFC 9110, 7.6.1 and 8.6); set by hand they break both."""


class HiddenHeaders(dict[str, str]):
    """Headers for every request, whose values do not show in a ``repr``: many a gateway's key is among them."""

    def __repr__(self) -> str:
        return repr(dict.fromkeys(self, MASK))


class CallHeaders(dict[str, str]):
    """Headers of a call as tracers and events may see them: with a mask for each value.

    A call's keywords are handed to callbacks as they are, which write them down. So they hold this in the headers'
    place, and the request takes :attr:`sent`.

    Args:
        headers: The headers.
    """

    __slots__ = ("sent",)

    def __init__(self, headers: Any) -> None:
        self.sent = checked_headers(headers, "extra_headers")
        super().__init__(dict.fromkeys(self.sent, MASK))

    @property
    def without_secrets(self) -> dict[str, str]:
        """The headers with a mask only for the value of each that sounds secret: what a cache may tell calls by."""
        return {name: MASK if is_secret_header(name) else value for name, value in self.sent.items()}

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if any(map(is_secret_header, self.sent)):
            raise UnpicklableSecretError(
                f"The headers {', '.join(self)} hold what sounds like a secret, and copies for other processes carry "
                "none. Pass extra_headers there."
            )
        return CallHeaders, (dict(self.sent),)


def call_headers(headers: Any) -> CallHeaders:
    """The headers of a call, hidden.

    Raises:
        InvalidRequestError: If one cannot be sent.
    """
    if isinstance(headers, CallHeaders):
        return headers
    try:
        return CallHeaders(headers)
    except ConfigurationError as error:
        problem = InvalidRequestError(error.message)
    del headers  # tracebacks show variables
    raise problem


def fits_a_header(value: str) -> bool:
    """Whether a text can be the value of a header."""
    return _VALUE.fullmatch(value) is not None


def checked_headers(headers: Any, argument: str = "default_headers") -> HiddenHeaders:
    """Headers that can be sent, without white space around their values.

    Args:
        headers: A mapping of names to texts, or ``None``.
        argument: What they were passed as, for the error.

    Raises:
        ConfigurationError: If they are something else, or one of them cannot be sent. No value shows.
    """
    if isinstance(headers, CallHeaders):
        return headers.sent
    checked = HiddenHeaders()
    problem = _add_checked(headers, checked)
    if problem:
        del headers  # tracebacks show variables
        raise ConfigurationError(f"{argument}{problem}")
    return checked


def _add_checked(headers: Any, checked: HiddenHeaders) -> str:
    """Add the headers that can be sent, up to one that cannot; what is wrong with that."""
    if headers is None:
        return ""
    if not isinstance(headers, Mapping):
        return f" must be a dict of header names and texts, not {type(headers).__name__}."
    for name, value in headers.items():
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            return f": {name!r} cannot be the name of a header."
        if not isinstance(value, str):
            return f": the header {name!r} must be a text, not {type(value).__name__}."
        if not fits_a_header(value.strip()):
            return f": the header {name!r} has a value that cannot be sent: headers are ASCII text."
        if name.lower() in _OF_THE_CONNECTION:
            return f": the header {name!r} follows from the request and its connection. Leave it out."
        checked[name] = value.strip()
    return ""
