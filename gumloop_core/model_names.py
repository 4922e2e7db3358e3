"""A model's name in the spellings that people use for it. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator

ROUTE_VARIANTS = frozenset({"beta", "exacto", "floor", "nitro", "online", "thinking"})
"""Endings of OpenRouter's slugs (``:nitro``) that choose among a model's providers or switch something on."""

LIMITED_VARIANTS = frozenset({"batch", "extended", "free"})
"""Endings that stand for providers with limits of their own."""

_ROUTES = ("gumloop", "models")
"""What stands before a slash and is no vendor: LangChain's name for us, and Google's form of an id."""

_VENDORS = {
    "cohere_chat": "cohere",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistral": "mistralai",
    "moonshot": "moonshotai",
    "vertex_ai": "google",
    "xai": "x-ai",
    "zai": "z-ai",
}
"""What LangChain and litellm call vendors, and what OpenRouter's slugs call them."""

_DATE = re.compile(r"-(?:20\d\d-?[01]\d-?[0-3]\d|[01]\d-20\d\d)$")
# The order of words changed with Claude 4: claude-3-7-sonnet, claude-sonnet-4.
_CLAUDE_BY_NUMBER = re.compile(r"^claude-(\d(?:-\d)?)-([a-z]+)$")
_CLAUDE_BY_NAME = re.compile(r"^claude-([a-z]+)-(\d(?:-\d)?)$")


def spelled(name: str) -> str:
    """A name as names are compared: ``~Anthropic/Claude-Sonnet-4.5`` is ``anthropic/claude-sonnet-4-5``."""
    return name.lower().lstrip("~").replace(".", "-").replace("@", "-")


def spellings(name: str) -> Iterator[tuple[str, str]]:
    """The names, as :func:`spelled`, under which a model may be known, from the closest to the farthest.

    Four digits alone (``-0613``) are no date that is left out: such a version has limits of its own.

    Yields:
        The name, and the ending that was left out of it (``"free"``) or nothing.
    """
    vendor, slash, bare = spelled(name).rpartition("/")
    if vendor in _ROUTES:
        vendor = slash = ""
    vendor = vendor.removeprefix("openrouter/")
    vendor = _VENDORS.get(vendor, vendor)
    endings = [(bare, "")]
    model, _, ending = bare.rpartition(":")
    if ending in ROUTE_VARIANTS or ending in LIMITED_VARIANTS:
        endings.append((model, ending))
    for base, left_out in endings:
        for shorter in dict.fromkeys((base, _DATE.sub("", base), base.removesuffix("-latest"), f"{base}-latest")):
            yield f"{vendor}{slash}{shorter}", left_out
            turned = _turned(shorter)
            if turned:
                yield f"{vendor}{slash}{turned}", left_out


def _turned(name: str) -> str | None:
    found = _CLAUDE_BY_NUMBER.match(name)
    if found:
        return f"claude-{found[2]}-{found[1]}"
    found = _CLAUDE_BY_NAME.match(name)
    return f"claude-{found[2]}-{found[1]}" if found else None
