"""What is wrong with a model's arguments, in our own words.

A validation error of pydantic holds what was passed, and so do the frames that it comes through: a key among it.
"""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr, ValidationError

from gumloop_core.argument_names import HOLDING_OTHERS, is_secret_argument
from gumloop_core.errors import ConfigurationError, GumloopError
from gumloop_core.http.headers import HiddenHeaders

_HEADERS = ("default_headers", "extra_headers")


def hide_secrets(values: dict[str, Any]) -> None:
    """Put arguments that are secrets, or whose names sound like one, out of sight, in place."""
    for name, value in values.items():
        if isinstance(value, str):
            if name != "model" and is_secret_argument(name):
                values[name] = SecretStr(value)
        elif isinstance(value, dict):
            if name in _HEADERS:
                values[name] = HiddenHeaders(value)
            elif name in HOLDING_OTHERS:
                values[name] = held = dict(value)
                hide_secrets(held)


def of_validation(model: str, error: ValidationError) -> GumloopError:
    """The error to raise for one of validation: our own that it is made of, else one that lists fields and reasons."""
    reasons: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        raised = detail.get("ctx", {}).get("error")
        if isinstance(raised, GumloopError):
            raised.__context__ = None
            return raised.with_traceback(None)
        place = detail["loc"]
        field = str(place[0]) if place else "the arguments"
        message = detail["msg"].removeprefix("Value error, ")
        found = reasons.setdefault(field, [])
        if message not in found:
            found.append(message)
    listed = "; ".join(f"{field}: {', or: '.join(messages)}" for field, messages in reasons.items())
    return ConfigurationError(f"{model} cannot be made. {listed}.")
