"""JSON Schemas: names that the endpoint takes, and where their references lead."""

from __future__ import annotations

import re
from typing import Any

from gumloop_core.wire import JSONObject

LONGEST_NAME = 64
"""Characters that the name of a schema or a tool may have (OpenAI's rule, which the endpoint follows)."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_STEPS = 10  # a reference may lead to a reference, and so on without end


def safe_name(name: Any, default: str = "response") -> str:
    """A name of at most 64 letters, digits, underscores and hyphens.

    Args:
        name: The wished name, a schema's title for example.
        default: What to use where it is no text, or nothing of it can be kept.
    """
    wished = name if isinstance(name, str) else ""
    return _UNSAFE.sub("_", wished).strip("_")[:LONGEST_NAME] or default


def with_root(schema: JSONObject) -> JSONObject:
    """A schema whose root says what it is.

    A class that refers to itself has nothing but a reference at the root, where providers want ``type: object``. The
    definition is put there beside the definitions; the caller's schema is not touched. A reference that leads nowhere
    is left as it is.
    """
    if "$ref" not in schema:
        return schema
    root = resolved(schema, schema)
    if not root:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**root, **beside}


def resolved(schema: Any, root: JSONObject) -> JSONObject:
    """The schema that a reference leads to, any other as it is; empty if it is no object or leads nowhere.

    Args:
        schema: What stands in the place of a schema.
        root: The document that references are looked up in.
    """
    for _ in range(_MOST_STEPS):
        if not isinstance(schema, dict) or "$ref" not in schema:
            break
        schema = pointed_at(schema["$ref"], root)
    else:
        return {}
    return schema if isinstance(schema, dict) else {}


def pointed_at(reference: Any, root: JSONObject) -> Any:
    """What a local reference (``#``, ``#/$defs/Name``) points at; ``None`` if that is nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = root
    path = reference.removeprefix("#").strip("/")
    for step in path.split("/") if path else []:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return found
