"""LlamaIndex tools to the wire's definitions, and the calls in a response to tool selections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.program.function_program import get_function_tool
from llama_index.core.tools.types import BaseTool, ToolMetadata
from pydantic_core import from_json

from gumloop_core.errors import InvalidRequestError, InvalidResponseError
from gumloop_core.reading.arguments import read_arguments, was_cut_off
from gumloop_core.shown import shown
from gumloop_core.wire import JSONObject, ToolParam
from llama_index_gumloop.from_wire.answers import is_last

_LONGEST_SHOWN = 200
"""Characters of a call's arguments that an error repeats."""

# Making a schema takes about 0.1 ms, and an agent sends all its tools at every step. With each definition goes what it
# was made of, as a tool's metadata can be changed.
_definitions: WeakKeyDictionary[Any, tuple[tuple[Any, ...], ToolParam]] = WeakKeyDictionary()


def tool_params(tools: Sequence[Any]) -> list[Any]:
    """The definitions of tools. A dict may be one already, a tool of the server, or of another maker's form.

    Raises:
        InvalidRequestError: If a tool cannot be turned into one, naming the tool.
    """
    if isinstance(tools, (str, bytes, Mapping)) or not isinstance(tools, Iterable):
        raise InvalidRequestError(f"tools must be a list of tools, not {shown(tools)}.")
    return [_tool_of_dict(tool) if isinstance(tool, Mapping) else tool_param(tool) for tool in tools]


def _tool_of_dict(tool: Mapping[str, Any]) -> JSONObject:
    from gumloop_core.writing.tool_forms import tool_of_dict

    return tool_of_dict(tool)


def tool_param(tool: BaseTool) -> ToolParam:
    """The definition of a tool.

    Raises:
        InvalidRequestError: If it has no name, or no JSON Schema.
    """
    metadata = getattr(tool, "metadata", None)
    if not isinstance(metadata, ToolMetadata):
        raise InvalidRequestError(
            f"{shown(tool)} is not a tool: it has no ToolMetadata. Wrap a function in FunctionTool."
        )
    if type(metadata) is not ToolMetadata:
        return _define(metadata)  # a subclass may make its schema anew each time
    made_of = (metadata.name, metadata.description, metadata.fn_schema)
    try:
        known = _definitions.get(tool)
        if known is None or known[0] != made_of:
            known = _definitions[tool] = (made_of, _define(metadata))
    except TypeError:  # neither hashable nor weakly referenceable
        return _define(metadata)
    return known[1]


def _define(metadata: ToolMetadata) -> ToolParam:
    if not metadata.name:
        raise InvalidRequestError(f"A tool has no name; its description is {metadata.description!r}.")
    try:
        parameters = metadata.get_parameters_dict()
    except Exception as error:
        raise InvalidRequestError(
            f"The tool {metadata.name!r} cannot be described to the model: "
            f"its arguments ({metadata.fn_schema!r}) have no JSON Schema. {error}"
        ) from error
    return {
        "type": "function",
        "function": {"name": metadata.name, "description": metadata.description or "", "parameters": parameters},
    }


def tool_selections(response: ChatResponse, *, refuse: bool = False) -> list[ToolSelection]:
    """The tool calls of a response.

    While an answer streams, arguments are as far as they have arrived.

    Args:
        response: A response.
        refuse: Whether a call of a whole answer whose arguments are not a JSON object, or were cut off, becomes one
            that fails with the reason when it is run, as agents want it, rather than an error.

    Raises:
        InvalidResponseError: If there is such a call, and ``refuse`` is false.
        InvalidRequestError: If it is no response.
    """
    if not isinstance(response, ChatResponse) or not isinstance(response.message, ChatMessage):
        raise InvalidRequestError(f"{shown(response)} is not the response of a chat.")
    is_whole = is_last(response)
    selections: list[ToolSelection] = []
    for number, (identity, name, arguments) in enumerate(_calls(response)):
        identity = str(identity or f"call_{number}")
        if not isinstance(arguments, dict):
            text = arguments if isinstance(arguments, str) else str(arguments)
            if not is_whole:
                arguments = _parsed_so_far(text)
            else:
                finish_reason = response.additional_kwargs["finish_reason"]
                if not isinstance(finish_reason, str):  # of somebody else's response
                    finish_reason = None
                arguments, problem = read_arguments(text, finish_reason)
                if arguments is None:
                    reason = _reason(name, text, problem, finish_reason)
                    if not refuse:
                        raise InvalidResponseError(reason)
                    from llama_index_gumloop.refused_calls import refused_call

                    selections.append(refused_call(identity, name, text, reason))
                    continue
        selections.append(ToolSelection(tool_id=identity, tool_name=name, tool_kwargs=arguments))
    return selections


def are_of_a_program(tools: Sequence[Any]) -> bool:
    """Whether tools are the framework's own, by which its programs have an object made of a call's arguments."""
    functions = [getattr(tool, "fn", None) for tool in tools or ()]
    return bool(functions) and all(
        getattr(function, "__module__", None) == get_function_tool.__module__ for function in functions
    )


def keep_first_call(response: ChatResponse) -> None:
    """Leave the first tool call only; ``raw`` keeps them all."""
    message = response.message
    first = True
    kept: list[Any] = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            if not first:
                continue
            first = False
        kept.append(block)
    if len(kept) < len(message.blocks):
        message.blocks = kept
        calls = message.additional_kwargs.get("tool_calls")
        if isinstance(calls, list):
            message.additional_kwargs["tool_calls"] = calls[:1]


def _calls(response: ChatResponse) -> list[tuple[str | None, str, Any]]:
    message = response.message
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if blocks:
        return [(block.tool_call_id, str(block.tool_name), block.tool_kwargs) for block in blocks]
    given = message.additional_kwargs.get("tool_calls")
    calls = []
    for call in given if isinstance(given, (list, tuple)) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            calls.append((call.get("id"), str(function.get("name") or ""), function.get("arguments") or ""))
    return calls


def _reason(name: str, arguments: str, problem: str, finish_reason: Any) -> str:
    """What is wrong with a call, for the model that is to make it again, and for whoever reads the error."""
    shown = arguments if len(arguments) <= _LONGEST_SHOWN else f"{arguments[:_LONGEST_SHOWN]} …"
    if was_cut_off(finish_reason):
        is_limit = "length" in finish_reason or "token" in finish_reason
        advice = " Raise max_completion_tokens." if is_limit else ""
        return (
            f"The answer was cut off ({finish_reason}) before its call of the tool {name!r} was whole: {shown!r}. "
            f"Nothing was run.{advice}"
        )
    return (
        f"The tool {name!r} was called with arguments that are not a JSON object: {shown!r}. "
        f"{problem.rstrip('.')}. Nothing was run; make the call again with a JSON object."
    )


def _parsed_so_far(arguments: str) -> JSONObject:
    try:
        value = from_json(arguments.encode("utf-8", "surrogatepass"), allow_partial="trailing-strings")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
