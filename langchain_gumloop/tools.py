"""Tools of every form that LangChain knows, on the wire's form."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from gumloop_core.errors import InvalidRequestError
from gumloop_core.schema import can_be_strict, strict_schema
from gumloop_core.wire import JSONObject

AnyTool: TypeAlias = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
"""What LangChain takes for a tool: a ``BaseTool``, a function, a Pydantic or TypedDict class, or a dict in the form of
OpenAI, Anthropic, Bedrock, or a JSON Schema with a title."""

_converted: dict[int, tuple[weakref.ref[Any], tuple[Any, ...], JSONObject]] = {}


def tool_params(tools: Sequence[AnyTool], *, strict: bool | None = None) -> list[JSONObject]:
    """Convert tools.

    Args:
        tools: The tools; a dict that the wire knows already stays as it is.
        strict: ``True`` makes the schemas strict-safe and asks the endpoint to keep to them, ``False`` asks it not to.

    Raises:
        InvalidRequestError: If something is not a tool, or its schema cannot be strict.
    """
    return [_tool_param(tool, strict) for tool in tools]


_OF_A_SCHEMA = frozenset({"parameters", "input_schema", "properties", "title"})


def _is_servers_own(tool: Mapping[str, Any]) -> bool:
    """Whether a dict names a tool that runs at the server. LangChain makes a function of some, or knows them not."""
    kind = tool.get("type")
    return isinstance(kind, str) and kind not in ("function", "custom", "object") and not tool.keys() & _OF_A_SCHEMA


def _tool_param(tool: AnyTool, strict: bool | None) -> JSONObject:
    if isinstance(tool, Mapping) and _is_servers_own(tool):
        return dict(tool)
    param = _convert(tool) if isinstance(tool, Mapping) else _copied(_convert_once(tool))
    if isinstance(tool, Mapping) and tool.get("cache_control") and "cache_control" not in param:
        param = {**param, "cache_control": tool["cache_control"]}  # Anthropic's mark, which LangChain leaves out
    function = param.get("function")
    if strict is None or not isinstance(function, dict):
        return param
    function = {**function, "strict": strict}
    if strict:
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        if not can_be_strict(parameters):
            raise InvalidRequestError(
                f"The tool {function.get('name')!r} cannot be strict: its schema has an object that is open to any key."
                " Name its properties, or leave strict out."
            )
        # LangChain's tools take no null for an argument that has a default, and nobody takes it back before them.
        function["parameters"] = strict_schema(parameters, optional_as_null=False)
    return {**param, "function": function}


def _convert_once(tool: Any) -> JSONObject:
    """Reading a signature or a Pydantic class takes a hundred times longer than the lookup."""
    face = (tool.name, tool.description, tool.args_schema) if isinstance(tool, BaseTool) else ()
    known = _converted.get(id(tool))
    if known is not None and known[0]() is tool and known[1] == face:
        return known[2]
    param = _convert(tool)
    key = id(tool)
    with suppress(TypeError):  # what cannot be referred to weakly is converted each time
        _converted[key] = (weakref.ref(tool, lambda _: _converted.pop(key, None)), face, param)
    return param


def _convert(tool: Any) -> JSONObject:
    try:
        return convert_to_openai_tool(tool)
    except Exception as error:
        name = getattr(tool, "name", None) or getattr(tool, "__name__", None) or repr(tool)[:200]
        reason = " ".join(str(error).split())[:500]
        raise InvalidRequestError(f"The tool {name!r} cannot be turned into a schema: {reason}") from error


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list) else value
