"""The tool calls of a whole answer, as LangChain's: those that can be run, and those that cannot."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.messages import InvalidToolCall, ToolCall

from gumloop_core.arguments import read_arguments


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
            calls.append(call)  # type: ignore[arg-type]
        else:
            invalid.append(call)  # type: ignore[arg-type]
    return calls, invalid
