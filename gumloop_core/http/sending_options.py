"""How one call is sent: its time limit and its headers, told apart from the options of its body. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.argument_names import IN_CALLS
from gumloop_core.errors import ConfigurationError, InvalidRequestError
from gumloop_core.http.headers import call_headers
from gumloop_core.http.timeouts import checked_timeout


def settle_names(call: dict[str, Any]) -> None:
    """Have a call's keywords by our names, in place.

    Raises:
        InvalidRequestError: If two names of one option have different values.
    """
    if not IN_CALLS.isdisjoint(call):
        from gumloop_core.settled_arguments import settle_call

        settle_call(call)


def sending_options(call: dict[str, Any]) -> dict[str, Any]:
    """Take what says how to send out of a call's keywords: ``timeout`` and ``extra_headers``.

    What is left has our names.

    Returns:
        The client's arguments of these: ``timeout`` and ``headers``.

    Raises:
        InvalidRequestError: If one is not what it should be.
    """
    settle_names(call)
    sending: dict[str, Any] = {}
    if "timeout" in call:
        try:
            sending["timeout"] = checked_timeout(call.pop("timeout"))
        except ConfigurationError as error:
            raise InvalidRequestError(error.message) from None
    if "extra_headers" in call:
        headers = call_headers(call.pop("extra_headers"))
        if headers:
            sending["headers"] = headers
    return sending


def with_hidden_headers(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call's keywords, with headers that show to nobody who is told of them.

    Raises:
        InvalidRequestError: If they are no headers.
    """
    headers = call.get("extra_headers")
    return {**call} if headers is None else {**call, "extra_headers": call_headers(headers)}
