"""LlamaIndex tools to the wire's definitions, and the calls in a response to tool selections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import BaseTool, ToolMetadata
from pydantic_core import from_json

from gumloop_core.errors import InvalidRequestError, InvalidResponseError
from gumloop_core.json_text import decode
from gumloop_core.tool_forms import tool_of_dict
from gumloop_core.wire import JSONObject, ToolParam
from llama_index_gumloop.from_wire import is_last

# Making a schema takes about 0.1 ms, and an agent sends all its tools at every step. With each definition goes what it
# was made of, as a tool's metadata can be changed.
_definitions: WeakKeyDictionary[Any, tuple[tuple[Any, ...], ToolParam]] = WeakKeyDictionary()


def tool_params(tools: Sequence[Any]) -> list[Any]:
    """The definitions of tools. A dict may be one already, a tool of the server, or of another maker's form.

    Raises:
        InvalidRequestError: If a tool cannot be turned into one, naming the tool.
    """
    if isinstance(tools, (str, bytes, Mapping)) or not isinstance(tools, Iterable):
        raise InvalidRequestError(f"tools must be a list of tools, not {tools!r:.200}.")
    return [tool_of_dict(tool) if isinstance(tool, Mapping) else tool_param(tool) for tool in tools]


def tool_param(tool: BaseTool) -> ToolParam:
    """The definition of a tool.

    Raises:
        InvalidRequestError: If it has no name, or no JSON Schema.
    """
    metadata = getattr(tool, "metadata", None)
    if not isinstance(metadata, ToolMetadata):
        raise InvalidRequestError(f"{tool!r} is not a tool: it has no ToolMetadata. Wrap a function in FunctionTool.")
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


def tool_selections(response: ChatResponse) -> list[ToolSelection]:
    """The tool calls of a response.

    While an answer streams, arguments are as far as they have arrived.

    Raises:
        InvalidResponseError: If the answer is whole and a call's arguments are not a JSON object.
    """
    is_whole = is_last(response)
    selections: list[ToolSelection] = []
    for number, (identity, name, arguments) in enumerate(_calls(response)):
        if not isinstance(arguments, dict):
            arguments = _parsed(name, arguments, response) if is_whole else _parsed_so_far(arguments)
        selections.append(ToolSelection(tool_id=identity or f"call_{number}", tool_name=name, tool_kwargs=arguments))
    return selections


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
        return [(block.tool_call_id, block.tool_name, block.tool_kwargs) for block in blocks]
    calls = []
    for call in message.additional_kwargs.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            calls.append((call.get("id"), function.get("name") or "", function.get("arguments") or "{}"))
    return calls


def _parsed(name: str, arguments: Any, response: ChatResponse) -> JSONObject:
    text = str(arguments)
    try:
        value = decode(text.encode("utf-8", "surrogatepass")) if text.strip() else {}
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    shown = text if len(text) <= 200 else f"{text[:200]} …"
    if response.additional_kwargs.get("finish_reason") == "length":
        raise InvalidResponseError(
            f"The answer was cut off at its token limit within the arguments of the tool {name!r}: {shown!r}. "
            "Raise max_completion_tokens."
        )
    raise InvalidResponseError(
        f"The model called the tool {name!r} with arguments that are not a JSON object: {shown!r}. "
        "Nothing was run; ask again, or choose another model."
    )


def _parsed_so_far(arguments: Any) -> JSONObject:
    try:
        value = from_json(str(arguments).encode("utf-8", "surrogatepass"), allow_partial="trailing-strings")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
