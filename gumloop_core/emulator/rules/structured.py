"""Structured output: a schema that is given, a schema that the prompt describes, or keys that it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from gumloop_core.emulator.call import Call
from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.rules.request import Request
from gumloop_core.emulator.rules.source import TextSource
from gumloop_core.emulator.rules.tasks import selections
from gumloop_core.emulator.schema.filling import Filler
from gumloop_core.emulator.schema.strictness import check_schema
from gumloop_core.emulator.shapes import JsonObject

_MOST_BRACES = 200
_KEYS = re.compile(r"\b(?:keys?|fields?|properties|attributes)\b", re.I)
_QUOTED_KEY = re.compile(r"[\"'`]([A-Za-z_][\w-]{0,40})[\"'`]")
_LISTED_KEYS = re.compile(
    r"\b(?:keys?|fields?|properties|attributes)\b\s*(?::|named|called)?\s*([\w ,]+?)(?=[.\n]|$)", re.I
)
_LISTED_AFTER_JSON = re.compile(
    r"\bJSON\b[^.:\n]{0,40}?\bwith\s+((?:\w+, )*\w+(?:,? and \w+)?)(?=[.:\n]|\s+(?:for|of|from)\b|$)", re.I
)
_SCHEMA_PROMPT = re.compile(
    r"JSON schema to follow|conforms to the JSON schema|output schema|following (?:JSON )?schema|matches this schema",
    re.I,
)


def fill_schema(schema: JsonObject, request: Request, answer: Callable[[], str]) -> object:
    """Return a value for a schema, with what the conversation tells."""
    results = list(request.results)
    chosen = selections(request.text)
    if chosen:
        results.append(json.dumps(chosen if len(chosen) > 1 or _wants_list(schema) else chosen[0]))
    source = TextSource(request.full_text, results, answer=answer, free=True, schema=schema)
    return Filler(schema, source).fill()


def json_answer(call: Call, request: Request, answer: Callable[[], str]) -> str | None:
    """Return the JSON text that a request wants, None when it wants no JSON."""
    wanted = call.response_format
    if wanted.kind == "json_schema" and wanted.schema is not None:
        return _dump(fill_schema(wanted.schema, request, answer))
    prompt = f"{call.system_text()}\n{request.text}"
    if wanted.kind == "text":
        schema = described_schema(prompt) if _SCHEMA_PROMPT.search(prompt) else None
        return _dump(_fill_described(schema, request, answer)) if schema else None
    schema = described_schema(prompt) or _schema_of_keys(prompt)
    if schema is None:
        return _dump({"answer": answer()})
    return _dump(_fill_described(schema, request, answer))


def _fill_described(schema: JsonObject, request: Request, answer: Callable[[], str]) -> object:
    """Fill a schema that the prompt itself describes: the form must not be taken for what goes into it."""
    text = _single_braces(request.full_text) if "{{" in request.full_text else request.full_text
    plain = _without_form(text, list(schema.get("properties", {})))
    return fill_schema(schema, replace(request, full_text=plain), answer)


def described_schema(prompt: str) -> JsonObject | None:
    """Return the last JSON Schema that is written out in a prompt."""
    found = [value for value in _objects_in(prompt) if _looks_like_schema(value)]
    if not found and "{{" in prompt:  # braces that a template doubled and nobody put back
        found = [value for value in _objects_in(_single_braces(prompt)) if _looks_like_schema(value)]
    return found[-1] if found else None


def _single_braces(prompt: str) -> str:
    return prompt.replace("{{", "{").replace("}}", "}")


def _schema_of_keys(prompt: str) -> JsonObject | None:
    """Return a schema for an example object or for the keys that a prompt names."""
    examples = [value for value in _objects_in(prompt) if value]
    if examples:
        return _schema_of(examples[-1])
    if not _KEYS.search(prompt) and not _LISTED_AFTER_JSON.search(prompt):
        return None
    sentences = [part for part in re.split(r"(?<=[.!?])\s+|\n", prompt) if _KEYS.search(part)]
    names = [name for sentence in sentences for name in _QUOTED_KEY.findall(sentence)]
    if not names:
        listed = _LISTED_KEYS.search(" ".join(sentences)) or _LISTED_AFTER_JSON.search(prompt)
        names = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", listed[1].strip()) if listed else []
        names = [name for name in names if re.fullmatch(r"[A-Za-z_][\w-]*", name)]
    if not names:
        return None
    properties = {name: {"type": "string"} for name in dict.fromkeys(names)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _schema_of(example: object) -> JsonObject:
    if isinstance(example, dict):
        parts = {key: _schema_of(value) for key, value in example.items()}
        return {"type": "object", "properties": parts, "required": list(parts)}
    if isinstance(example, list):
        return {"type": "array", "items": _schema_of(example[0]) if example else {"type": "string"}}
    if isinstance(example, bool):
        return {"type": "boolean"}
    if isinstance(example, (int, float)):
        return {"type": "number"}
    return {"type": "string"}


def _without_form(text: str, names: list[str]) -> str:
    for value in _spans_in(text):
        text = text.replace(value, " ")
    for name in names:
        text = re.sub(rf"([\"'`]){re.escape(name)}\1", name, text)
    return text


def _spans_in(text: str) -> list[str]:
    """Return the outermost JSON objects in a text, as they are written there."""
    decoder = json.JSONDecoder()
    found: list[str] = []
    position = text.find("{")
    for _ in range(_MOST_BRACES):  # a text of braces alone must not take forever
        if position < 0:
            break
        try:
            _, end = decoder.raw_decode(text, position)
            found.append(text[position:end])
        except (ValueError, RecursionError):
            end = position + 1
        position = text.find("{", end)
    return found


def _objects_in(text: str) -> list[JsonObject]:
    return [value for span in _spans_in(text) if isinstance(value := json.loads(span), dict)]


def _looks_like_schema(value: JsonObject) -> bool:
    if not isinstance(value.get("properties"), dict) and "$ref" not in value:
        return False
    try:
        check_schema(value, "schema")
    except FieldError:
        return False
    return True


def _wants_list(schema: JsonObject) -> bool:
    return any(isinstance(part, dict) and part.get("type") == "array" for part in schema.get("properties", {}).values())


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
