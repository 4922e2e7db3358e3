"""Following `$ref` inside one schema."""

from __future__ import annotations

from urllib.parse import unquote

from gumloop_core.emulator.shapes import JsonObject


def resolve_pointer(root: JsonObject, reference: object) -> JsonObject | bool | None:
    """Return what a local reference (`#`, `#/$defs/Name`) points to, None when that is nothing."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    node: object = root
    for step in reference[1:].strip("/").split("/"):
        if not step:
            continue
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node if isinstance(node, (dict, bool)) else None
