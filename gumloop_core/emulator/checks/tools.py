"""Tool definitions, and the choice among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gumloop_core.emulator.call import Tool, ToolChoice
from gumloop_core.emulator.checks import fields
from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.schema.strictness import check_schema, check_strict

_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")

# Tools that run at the provider; the vendor's SDK lets these types through.
_SERVER_TOOL = re.compile(r"^(?:openrouter:[a-z_]+|web_search(?:_[a-z0-9_]+)?)$")


def parse_tools(body: Mapping[str, Any]) -> tuple[list[Tool], list[str]]:
    """Check the tools; return the functions and the types of the server-side tools."""
    if "tools" not in body:
        return [], []
    raw = body["tools"]
    if not isinstance(raw, list):
        raise FieldError("tools must be a list.", "tools")
    if not raw:
        raise FieldError("tools must not be an empty list; leave it out instead.", "tools")
    tools: list[Tool] = []
    server_tools: list[str] = []
    for position, entry in enumerate(raw):
        where = f"tools[{position}]"
        if not isinstance(entry, dict):
            raise FieldError(f"{where} must be an object.", where)
        kind = entry.get("type")
        if isinstance(kind, str) and _SERVER_TOOL.match(kind):
            server_tools.append(kind)
            continue
        if kind is None and entry.keys() == {"google_search"}:
            server_tools.append("google_search")  # a provider's own has no type
            continue
        if kind != "function":
            raise FieldError(f"Unknown tool type {kind!r}.", f"{where}.type")
        tool = _parse_function(entry, where)
        if any(tool.name == other.name for other in tools):
            raise FieldError(f"Two tools are named {tool.name!r}.", f"{where}.function.name")
        tools.append(tool)
    return tools, server_tools


def _parse_function(entry: Mapping[str, Any], where: str) -> Tool:
    function = fields.mapping(entry, "function", param=f"{where}.function")
    if function is None:
        raise FieldError("A tool needs a function.", f"{where}.function")
    name = fields.string(function, "name", param=f"{where}.function.name", required=True) or ""
    if not _NAME.match(name):
        raise FieldError(
            f"The tool name {name!r} must have 1 to 64 letters, digits, underscores or dashes.",
            f"{where}.function.name",
        )
    description = fields.string(function, "description", param=f"{where}.function.description") or ""
    strict = fields.boolean(function, "strict", param=f"{where}.function.strict") or False
    place = f"{where}.function.parameters"
    parameters = fields.mapping(function, "parameters", param=place) or {}
    if parameters:
        if parameters.get("type") != "object":
            raise FieldError("A tool's parameters must be a schema of type object.", f"{place}.type")
        check_schema(parameters, place)
        if strict:
            check_strict(parameters, place)
    return Tool(name=name, description=description, parameters=parameters, strict=strict)


def parse_tool_choice(body: Mapping[str, Any], tools: Sequence[Tool], server_tools: Sequence[str]) -> ToolChoice:
    """Check the choice among the tools and return it."""
    raw = body.get("tool_choice")
    if raw is None:
        if "tool_choice" in body:
            raise FieldError("tool_choice must not be null.", "tool_choice")
        return ToolChoice()
    if not tools and not server_tools:
        raise FieldError("tool_choice needs tools.", "tool_choice")
    if raw == "auto":
        return ToolChoice("auto")
    if raw == "none":
        return ToolChoice("none")
    if raw == "required":
        return ToolChoice("required")
    if not isinstance(raw, dict) or raw.get("type") != "function":
        raise FieldError(
            'tool_choice must be "auto", "none", "required" or {"type": "function", "function": {"name": ...}}.',
            "tool_choice",
        )
    function = fields.mapping(raw, "function", param="tool_choice.function") or {}
    name = fields.string(function, "name", param="tool_choice.function.name", required=True)
    if all(tool.name != name for tool in tools):
        raise FieldError(f"tool_choice names {name!r}, which is not among the tools.", "tool_choice.function.name")
    return ToolChoice("named", name)
