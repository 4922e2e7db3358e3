"""Tools as dicts, of every maker's form."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gumloop_core.errors import InvalidRequestError
from gumloop_core.writing.body import server_tool_names, tool_choice, tool_names
from gumloop_core.writing.tool_forms import tool_of_dict

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
FUNCTION = {"name": "add", "description": "Add.", "parameters": SCHEMA}

SERVERS_OWN: list[dict[str, Any]] = [
    {"type": "openrouter:web_search", "parameters": {"max_results": 3}},
    {"type": "openrouter:web_search"},
    {"type": "web_search_preview", "search_context_size": "low"},
    {"type": "web_search", "filters": {"allowed_domains": ["example.org"]}},
    {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
    {"type": "computer_20250124", "name": "computer", "display_width_px": 100, "title": "Screen"},
    {"type": "code_interpreter", "container": {"type": "auto"}},
    {"type": "mcp", "server_label": "x", "server_url": "https://example.org", "properties": {}},
    {"type": "custom", "custom": {"name": "write", "format": {"type": "text"}}},
    {"google_search": {}},
    {"google_search_retrieval": {"dynamic_retrieval_config": {"mode": "MODE_DYNAMIC"}}},
    {"code_execution": {}},
]


@pytest.mark.parametrize("tool", SERVERS_OWN, ids=str)
def test_tools_of_the_server_go_out_as_they_are(tool: dict[str, Any]) -> None:
    assert tool_of_dict(tool) == tool


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "function": FUNCTION},
        {"function": FUNCTION},
        {"type": "function", **FUNCTION},
        FUNCTION,
        {"name": "add", "description": "Add.", "input_schema": SCHEMA},
        {"name": "add", "description": "Add.", "inputSchema": SCHEMA},
        {"type": "custom", "name": "add", "description": "Add.", "input_schema": SCHEMA},
        {"toolSpec": {"name": "add", "description": "Add.", "inputSchema": {"json": SCHEMA}}},
        {"title": "add", "description": "Add.", **SCHEMA},
        {
            "title": "add",
            "description": "Add.",
            "$ref": "#/$defs/Add",
            "$defs": {"Add": SCHEMA},
        },
    ],
    ids=lambda tool: " ".join(tool),
)
def test_every_form_of_a_function(tool: dict[str, Any]) -> None:
    before = copy.deepcopy(tool)
    made = tool_of_dict(tool)
    assert tool == before
    parameters = made["function"]["parameters"]
    parameters = {key: value for key, value in parameters.items() if key != "$defs"}
    assert {**made, "function": {**made["function"], "parameters": parameters}} == {
        "type": "function",
        "function": FUNCTION,
    }


def test_what_stands_beside_a_function_is_kept() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    wire = {"type": "function", "function": {**FUNCTION, "strict": True}, **mark}
    assert tool_of_dict(wire) == wire
    assert tool_of_dict({"name": "add", "input_schema": SCHEMA, **mark})["cache_control"] == {"type": "ephemeral"}
    assert tool_of_dict({**FUNCTION, "strict": True})["function"]["strict"] is True


@pytest.mark.parametrize(
    "junk",
    [
        {},
        {"type": 5},
        {"type": ""},
        {"type": "object"},
        {"type": "function"},
        {"type": "function", "function": 5},
        {"properties": {}},
        {"name": 5},
        {"name": ""},
        {"title": 5},
        {"name": "x", "parameters": 5},
        {"name": "x", "input_schema": 5},
        {"name": "x", "inputSchema": 5},
        {"function_declarations": [{"name": "x"}]},
        {"toolSpec": 5},
        {"toolSpec": {"name": "x"}},
        {"city": "Paris"},
        {1: 2},
    ],
    ids=str,
)
def test_junk_is_refused_with_its_words(junk: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"The tool .* cannot be turned into a schema: "):
        tool_of_dict(junk)


def test_junk_that_cannot_be_written_down_is_refused_too() -> None:
    deep: Any = {}
    for _ in range(3000):
        deep = {"a": deep}
    for junk in ({"name": deep}, {"toolSpec": {"name": deep, "inputSchema": {}}}, {"city": 5, "a": deep}):
        with pytest.raises(InvalidRequestError, match=r"The tool .* cannot be turned into a schema: "):
            tool_of_dict(junk)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("web_search_preview", {"type": "web_search_preview"}),
        ({"type": "web_search_preview"}, {"type": "web_search_preview"}),
        ({"type": "tool", "name": "search"}, {"type": "tool", "name": "search"}),
        ("add", {"type": "function", "function": {"name": "add"}}),
        ("any", "required"),
    ],
)
def test_a_choice_may_name_a_tool_of_the_server(choice: Any, sent: Any) -> None:
    tools = [
        {"type": "function", "function": FUNCTION},
        {"type": "web_search_preview"},
        {"type": "x", "name": "search"},
        {"google_search": {}},
    ]
    assert server_tool_names(tools) == ["web_search_preview", "x", "search", "google_search"]
    assert tool_choice(choice, tool_names(tools), server_tool_names(tools)) == sent
