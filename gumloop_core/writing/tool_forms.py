"""Tools that are given as dicts, of whichever maker's form, on the wire's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.errors import InvalidRequestError
from gumloop_core.shown import shown
from gumloop_core.wire import JSONObject
from gumloop_core.writing.schema import with_root
from gumloop_core.writing.strict_subset import TYPES

_OF_A_FUNCTION = ("name", "description", "parameters", "strict")


def tool_of_dict(tool: Mapping[str, Any]) -> JSONObject:
    """A tool on the wire's form.

    The form of OpenAI, nested or flat, of Anthropic (``input_schema``), of MCP servers (``inputSchema``) or Bedrock
    (``toolSpec``), and a JSON Schema with a title become functions. A tool that runs at the server is none, and goes
    out as it is: ``{"type": "openrouter:web_search", "parameters": {…}}``, ``{"google_search": {}}``. The caller's
    dict is not touched.

    Raises:
        InvalidRequestError: If it is none of these.
    """
    kind = tool.get("type")
    if isinstance(tool.get("function"), Mapping) and kind in (None, "function"):
        return {"type": "function", **tool}
    for schema in ("input_schema", "inputSchema"):
        if schema in tool:
            return _function(tool, {**tool, "parameters": tool[schema]})
    if "toolSpec" in tool:
        return _bedrock(tool)
    if isinstance(kind, str) and kind != "function" and kind not in TYPES and kind:
        return dict(tool)
    if "name" in tool and kind in (None, "function"):
        return _function(tool, tool)
    if "title" in tool and kind != "function":
        return _json_schema(tool)
    if (
        tool
        and "properties" not in tool
        and kind is None
        and all(isinstance(value, Mapping) for value in tool.values())
    ):
        return dict(tool)  # as Gemini names its own: {"google_search": {}}
    if "function_declarations" in tool or "functionDeclarations" in tool:
        raise _refusal(tool, "it holds several functions. Pass each of them as a tool of its own.")
    raise _refusal(tool, "it has neither a name nor a title, and is no tool of a server, which has a 'type'.")


def _function(tool: Mapping[str, Any], fields: Mapping[str, Any]) -> JSONObject:
    function = {key: fields[key] for key in _OF_A_FUNCTION if fields.get(key) is not None}
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not name:
        raise _refusal(tool, f"its name must be a text, not {shown(name)}.")
    if parameters is not None:
        if not isinstance(parameters, Mapping):
            raise _refusal(tool, f"its parameters must be a JSON Schema, not {shown(parameters)}.")
        function["parameters"] = with_root(dict(parameters))
    param: JSONObject = {"type": "function", "function": function}
    if tool.get("cache_control"):
        param["cache_control"] = tool["cache_control"]  # Anthropic's mark for caching
    return param


def _bedrock(tool: Mapping[str, Any]) -> JSONObject:
    described = tool["toolSpec"]
    schema = described.get("inputSchema") if isinstance(described, Mapping) else None
    if not isinstance(described, Mapping) or not isinstance(schema, Mapping):
        raise _refusal(tool, "its toolSpec must have a name and an inputSchema.")
    return _function(tool, {**described, "parameters": schema.get("json")})


def _json_schema(tool: Mapping[str, Any]) -> JSONObject:
    schema = with_root({key: value for key, value in tool.items() if key not in ("title", "description")})
    function = {"name": tool["title"], "description": tool.get("description")}
    return _function(tool, {**function, "parameters": schema if "properties" in schema else None})


def _refusal(tool: Mapping[str, Any], reason: str) -> InvalidRequestError:
    return InvalidRequestError(f"The tool {shown(dict(tool))} cannot be turned into a schema: {reason}")
