"""Tools of every form that LangChain knows, on the wire's form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from gumloop_core.errors import InvalidRequestError
from gumloop_core.wire import JSONObject
from gumloop_core.writing.definitions import Definitions

AnyTool: TypeAlias = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
"""What LangChain takes for a tool: a ``BaseTool``, a function, a Pydantic or TypedDict class, or a dict in the form of
OpenAI, Anthropic, Bedrock, or a JSON Schema with a title."""

_definitions: Definitions[JSONObject] = Definitions()


def tool_params(tools: Sequence[AnyTool], *, strict: bool | None = None) -> list[JSONObject]:
    """Convert tools.

    Args:
        tools: The tools; a dict that the wire knows already, or that names a tool of the server, stays as it is.
        strict: ``True`` makes the schemas strict-safe and asks the endpoint to keep to them, ``False`` asks it not to.

    Raises:
        InvalidRequestError: If something is not a tool, or its schema cannot be strict.
    """
    if isinstance(tools, (str, bytes, Mapping)) or not isinstance(tools, Iterable):
        raise InvalidRequestError(f"tools must be a list of tools, not {tools!r:.200}.")
    return [_tool_param(tool, strict) for tool in tools]


def _tool_param(tool: AnyTool, strict: bool | None) -> JSONObject:
    if isinstance(tool, Mapping):
        from gumloop_core.writing.tool_forms import tool_of_dict

        param = tool_of_dict(tool)
    else:
        param = _copied(_convert_once(tool))
        extras = getattr(tool, "extras", None) if isinstance(tool, BaseTool) else None
        if isinstance(extras, Mapping):
            param = {**extras, **param}  # a mark for caching, for example
    function = param.get("function")
    if strict is None or not isinstance(function, dict):
        return param
    function = {**function, "strict": strict}
    if strict:
        from gumloop_core.writing.strict_schema import strict_form

        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        # LangChain's tools take no null for an argument that has a default, and nobody takes it back before them. They
        # check their arguments themselves.
        schema, fault = strict_form(parameters, optional_as_null=False, is_checked=True)
        if schema is None:
            raise InvalidRequestError(
                f"The tool {function.get('name')!r} cannot be strict: {fault}. Change that part, or leave strict out."
            )
        function["parameters"] = schema
    return {**param, "function": function}


def _convert_once(tool: Any) -> JSONObject:
    made_of = (tool.name, tool.description, tool.args_schema) if isinstance(tool, BaseTool) else ()
    return _definitions.of(tool, made_of, lambda: _convert(tool))


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
