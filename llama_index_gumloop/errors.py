"""Errors of tool calls and structured prediction; all others are in :mod:`gumloop_core.errors`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gumloop_core.boundary import unexpected
from gumloop_core.errors import GumloopError, InvalidResponseError

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatResponse


class NoToolCallError(InvalidResponseError, ValueError):
    """The answer asks for no tool call, and should; the framework's word for it is ``ValueError``."""


class UnknownToolError(InvalidResponseError, KeyError):
    """The answer asks for a tool that it was not given; the framework's word for it is ``KeyError``."""


class StructuredOutputError(InvalidResponseError, ValueError):
    """The answer is not an object of the class that was asked for.

    Attributes:
        response: The answer, its usage included.
    """

    def __init__(self, message: str, *, response: ChatResponse | None = None, **kwargs: Any) -> None:
        super().__init__(message, **kwargs)
        self.response = response


class RefusalError(StructuredOutputError):
    """The model refused to answer, or a content filter stopped it."""


class LengthLimitError(StructuredOutputError):
    """The answer was cut off at its token limit before the object was complete."""


def prediction_error(error: Exception) -> Exception:
    """The error to raise for one of a prediction by tool: the framework raises ValueErrors of its own on purpose."""
    if isinstance(error, (GumloopError, ValueError)):
        return error
    if isinstance(error, KeyError):  # it looks the tool up by the name that the model wrote
        return UnknownToolError(f"The model called a tool that it was not given: {error.args[0]!r}. Nothing was run.")
    return unexpected(error)
