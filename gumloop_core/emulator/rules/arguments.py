"""The arguments of a tool call: from the request, from former results, and by the tool's schema."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gumloop_core.emulator.call import Tool
from gumloop_core.emulator.rules.source import TextSource
from gumloop_core.emulator.schema.filling import Filler
from gumloop_core.emulator.schema.merging import flatten
from gumloop_core.emulator.shapes import JsonObject

_MOST_CALLS = 5  # of one tool in one answer


@dataclass(frozen=True)
class Filled:
    """Arguments, and the names of those that had to be made up."""

    arguments: JsonObject
    guessed: tuple[str, ...] = ()


def fill_arguments(
    tool: Tool,
    text: str,
    results: Sequence[str] = (),
    *,
    answer: Callable[[], str] | None = None,
    several: bool = False,
) -> list[Filled]:
    """Return the arguments of each call that a request wants of a tool.

    Args:
        tool: The tool.
        text: The part of the request that is about the tool.
        results: The tool results so far.
        answer: Returns a text answer, for properties that want one.
        several: Whether the tool may be called more than once, for several cities for example.
    """
    schema = tool.parameters or {"type": "object", "properties": {}}
    written = written_calls(tool, text)
    if written:
        return [Filled(arguments) for arguments in (written if several else written[:1])]
    source = TextSource(text, results, answer=answer, schema=schema)
    filler = Filler(schema, source)
    value = filler.fill()
    arguments: JsonObject = value if isinstance(value, dict) else {}
    first = Filled(arguments, tuple(filler.guessed))
    return [first, *_more(schema, source, first)] if several else [first]


def written_calls(tool: Tool, text: str) -> list[JsonObject]:
    """Return the arguments of the calls that are written out in a text, `name(3)` or `name(x="y")`."""
    names = list(tool.parameters.get("properties", {}))
    found = []
    for match in re.finditer(rf"(?<![\w.]){re.escape(tool.name)}\s?\(([^()]*)\)", text):
        try:
            call = ast.parse(f"f({match[1]})", mode="eval").body
            if not isinstance(call, ast.Call):
                continue
            values = [_literal(node) for node in call.args]
            arguments: JsonObject = dict(zip(names, values, strict=False))
            arguments |= {key.arg: _literal(key.value) for key in call.keywords if key.arg and key.arg in names}
        except (SyntaxError, ValueError):
            continue
        if set(tool.parameters.get("required", ())) <= set(arguments):
            found.append(arguments)
    return found


def _literal(node: ast.expr) -> object:
    if isinstance(node, ast.Name):  # a word without quotes
        return {"true": True, "false": False, "null": None}.get(node.id.lower(), node.id)
    return ast.literal_eval(node)


def _more(schema: JsonObject, source: TextSource, first: Filled) -> list[Filled]:
    """Return further calls when the one string that is required could have had several values."""
    properties = schema.get("properties", {})
    wanted = [(name, flatten(properties.get(name), schema)) for name in schema.get("required", ())]
    texts = [(name, part) for name, part in wanted if part.get("type") == "string" and "enum" not in part]
    if len(texts) != 1 or len(wanted) != 1:
        return []
    name, part = texts[0]
    values = source.alternatives(name, part)
    if first.arguments.get(name) not in values:
        return []
    taken = {str(value).lower() for value in first.arguments.values()}
    others = [value for value in values if value.lower() not in taken]
    return [Filled({**first.arguments, name: value}) for value in others[: _MOST_CALLS - 1]]
