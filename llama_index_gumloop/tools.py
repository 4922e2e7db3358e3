"""Tools of every form that LlamaIndex knows, on the wire's form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llama_index.core.program.function_program import get_function_tool
from llama_index.core.tools.types import BaseTool, ToolMetadata

from gumloop_core.errors import InvalidRequestError
from gumloop_core.shown import shown
from gumloop_core.wire import JSONObject, ToolParam
from gumloop_core.writing.definitions import Definitions

_definitions: Definitions[ToolParam] = Definitions()


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
    return _definitions.of(tool, made_of, lambda: _define(metadata))


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


def are_of_a_program(tools: Sequence[Any]) -> bool:
    """Whether tools are the framework's own, by which its programs have an object made of a call's arguments."""
    functions = [getattr(tool, "fn", None) for tool in tools or ()]
    return bool(functions) and all(
        getattr(function, "__module__", None) == get_function_tool.__module__ for function in functions
    )
