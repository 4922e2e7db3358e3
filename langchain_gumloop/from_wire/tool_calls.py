"""The tool calls of a whole answer, as LangChain's: those that can be run, and those that cannot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.messages import InvalidToolCall, ToolCall

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import encode_arguments
from gumloop_core.reading.arguments import read_arguments
from gumloop_core.wire import JSONObject

CALL_EXTRAS = "tool_call_extras"
"""Where ``additional_kwargs`` has further fields of calls by their ids, to be sent back with them: thought signatures,
for example. LangChain's own ``tool_calls`` have no place for them."""


def extras_of(kwargs: JSONObject, identity: Any) -> JSONObject:
    """The further fields of a call.

    Args:
        kwargs: The message's ``additional_kwargs``.
        identity: The call's id.
    """
    extras = kwargs.get(CALL_EXTRAS)
    own = extras.get(identity) if isinstance(extras, dict) and isinstance(identity, str) else None
    return own if isinstance(own, dict) else {}


def read_call(
    identity: str | None, name: str | None, arguments: str | None, finish_reason: str | None
) -> ToolCall | InvalidToolCall:
    """Read a finished call.

    Args:
        identity: The call's id.
        name: The tool's name.
        arguments: JSON text as the model wrote it, whole or not.
        finish_reason: Why the answer ended.

    Returns:
        The call, or an invalid one with the text of the arguments and what is wrong with it.
    """
    parsed, problem = read_arguments(arguments or "", finish_reason)
    if parsed is None:
        return InvalidToolCall(name=name, args=arguments or "", id=identity, error=problem, type="invalid_tool_call")
    return ToolCall(name=name or "", args=parsed, id=identity, type="tool_call")


def read_calls(
    written: Iterable[tuple[str | None, str | None, str | None]], finish_reason: str | None
) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """Read the calls of a finished answer, each its id, its tool's name and the text of its arguments.

    Returns:
        The calls whose arguments are a JSON object, and those whose are not.
    """
    calls: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for identity, name, arguments in written:
        call = read_call(identity, name, arguments, finish_reason)
        if call["type"] == "tool_call":
            calls.append(call)
        else:
            invalid.append(call)
    return calls, invalid


def not_run(call: InvalidToolCall) -> str:
    """What the model is told of a call that could not be read."""
    problem = call["error"] or "The arguments are not a JSON object."
    return f"The tool {call['name']!r} was not run. {problem} Call it again with its arguments as one JSON object."


def arguments_text(arguments: Any, name: Any) -> str:
    """The arguments of an earlier call as JSON text.

    A model may have written ``NaN`` or ``Infinity``, which JSON cannot say: they go back as ``null``.

    Args:
        arguments: The arguments.
        name: The tool's name, for the error.

    Raises:
        InvalidRequestError: If they cannot be JSON, or are nested too deep.
    """
    try:
        return encode_arguments(arguments)
    except ValueError as error:
        raise InvalidRequestError(f"the arguments of the call of {name!r} cannot be JSON: {error}") from None
