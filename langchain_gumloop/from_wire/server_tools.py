"""What tools that ran at the server did (``gumloop_extensions.tool_results``), as LangChain's blocks.

The list is open: web search and grounding name a ``tool`` and list ``citations``, MCP servers name the call that a
result is of. Whatever an entry holds is in the result's ``output``.
"""

from __future__ import annotations

from typing import Any

from gumloop_core.json_text import decode_text
from gumloop_core.wire import JSONObject

SERVER_CALL_INDEX = "server_call_"
SERVER_RESULT_INDEX = "server_result_"

_IDS = ("tool_call_id", "tool_use_id", "call_id", "id")
_NAMES = ("name", "tool_name", "tool")
_ARGUMENTS = ("args", "arguments", "input")
_OUTPUTS = ("output", "result", "content")
_FAILED = frozenset({"error", "failed", "failure"})


def server_tool_blocks(extensions: Any, first: int = 0) -> list[JSONObject]:
    """The blocks of each result: the call that it answers, where the entry names the tool, and the result.

    Args:
        extensions: The answer's ``gumloop_extensions``, or those of one chunk.
        first: How many results of the answer came before these.
    """
    blocks: list[JSONObject] = []
    for place, entry in enumerate(_results(extensions), first):
        blocks += _blocks_of(entry if isinstance(entry, dict) else {"output": entry}, place)
    return blocks


def count_results(extensions: Any) -> int:
    """How many results there are."""
    return len(_results(extensions))


def _results(extensions: Any) -> list[Any]:
    results = extensions.get("tool_results") if isinstance(extensions, dict) else None
    return results if isinstance(results, list) else []


def _blocks_of(entry: JSONObject, place: int) -> list[JSONObject]:
    # A result must name its call. One that does not is given an id that says which one of the answer it is.
    identity = _first_text(entry, _IDS) or f"server_tool_{place}"
    name = _first_text(entry, _NAMES)
    output = next((entry[key] for key in _OUTPUTS if entry.get(key) is not None), entry)
    failed = bool(entry.get("is_error") or entry.get("error")) or str(entry.get("status")) in _FAILED
    result: JSONObject = {
        "type": "server_tool_result",
        "tool_call_id": identity,
        "status": "error" if failed else "success",
        "output": output,
        "index": f"{SERVER_RESULT_INDEX}{place}",
    }
    if name is None:
        return [result]
    call: JSONObject = {"type": "server_tool_call", "id": identity, "name": name, "args": _arguments(entry)}
    return [{**call, "index": f"{SERVER_CALL_INDEX}{place}"}, result]


def _first_text(entry: JSONObject, names: tuple[str, ...]) -> str | None:
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _arguments(entry: JSONObject) -> JSONObject:
    for name in _ARGUMENTS:
        value = entry.get(name)
        if isinstance(value, str):
            try:
                value = decode_text(value)
            except ValueError:
                value = None
        if isinstance(value, dict):
            return value
    return {}
