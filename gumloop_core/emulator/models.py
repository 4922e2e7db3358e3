"""The model list: which slugs there are, and what each of them does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from gumloop_core.emulator.shapes import JsonObject

Kind = Literal["chat", "image"]


@dataclass(frozen=True)
class Model:
    """One entry of the model list.

    Attributes:
        slug: What is sent as `model`.
        label: What a person reads.
        group: The group under which it is listed.
        kind: Whether it chats or draws.
        context: The context window in tokens.
        thinks: Whether it reasons without being asked to.
        draws_only: Whether it cannot answer with text alone.
    """

    slug: str
    label: str
    group: str
    kind: Kind = "chat"
    context: int = 128_000
    thinks: bool = False
    draws_only: bool = False

    @property
    def routed(self) -> bool:
        """Whether it is an OpenRouter route, whose answers carry a cost."""
        return "/" in self.slug and not self.slug.startswith("emulator/")


_LISTED = (
    Model("claude-sonnet-4-5", "Claude Sonnet 4.5", "Anthropic", context=200_000),
    Model("claude-haiku-4-5", "Claude Haiku 4.5", "Anthropic", context=200_000),
    Model("claude-opus-4-5", "Claude Opus 4.5", "Anthropic", context=200_000, thinks=True),
    Model("gpt-4o-mini", "GPT-4o mini", "OpenAI"),
    Model("gpt-image-1.5", "GPT Image 1.5", "OpenAI", kind="image", context=32_000, draws_only=True),
    Model("dall-e-3", "DALL-E 3", "OpenAI", kind="image", context=4_000, draws_only=True),
    Model("gemini-2.5-pro", "Gemini 2.5 Pro", "Google", context=1_048_576, thinks=True),
    Model("gemini-2.5-flash", "Gemini 2.5 Flash", "Google", context=1_048_576),
    Model(
        "google/gemini-3.1-flash-image-preview",
        "Gemini 3.1 Flash Image (preview)",
        "OpenRouter",
        kind="image",
        context=65_536,
    ),
    Model("moonshotai/kimi-k2.6", "Kimi K2.6", "OpenRouter", context=262_144, thinks=True),
)

# Models that exist only here; each shows one behaviour that is hard to provoke elsewhere.
_SPECIAL = (
    Model("emulator/tiny-context", "A context window of 100 tokens", "Emulator", context=100),
    Model("emulator/thinking", "Thinks before each answer", "Emulator", thinks=True),
    Model("emulator/encrypted-reasoning", "Thinks, and encrypts what it thought", "Emulator", thinks=True),
    Model("emulator/reasoning-summary", "Thinks, and shows a signed summary", "Emulator", thinks=True),
    Model("emulator/interleaved-calls", "Streams parallel calls in turns", "Emulator"),
    Model("emulator/echo", "Repeats the last user message", "Emulator"),
    Model("emulator/refusal", "Refuses", "Emulator"),
    Model("emulator/content-filter", "Is stopped by a content filter", "Emulator"),
    Model("emulator/untidy-stream", "Streams with comments, blank events, CRLF and other fields", "Emulator"),
    Model("emulator/no-usage", "Reports no usage", "Emulator"),
    Model("emulator/stream-error", "Fails in the middle of a stream", "Emulator"),
    Model("emulator/stream-truncated", "Ends a stream without a finish reason", "Emulator"),
    Model("emulator/stream-drop", "Closes the connection in the middle of an answer", "Emulator"),
)

MODELS: dict[str, Model] = {model.slug: model for model in (*_LISTED, *_SPECIAL)}

_ERROR_SLUG = re.compile(r"^emulator/error-(?P<status>[45]\d\d)(?:-(?P<shape>[a-z]+))?$")


def find(slug: str) -> Model | None:
    """Return the model of a slug, None when there is none."""
    if slug in MODELS:
        return MODELS[slug]
    if error_slug(slug):
        return Model(slug, "Fails", "Emulator")
    return None


def error_slug(slug: str) -> tuple[int, str] | None:
    """Return the status and the shape that a slug such as `emulator/error-402-flat` asks for."""
    match = _ERROR_SLUG.match(slug)
    return (int(match["status"]), match["shape"] or "nested") if match else None


def groups() -> list[JsonObject]:
    """Return the model list as `GET /models` answers it."""
    listed: dict[str, list[JsonObject]] = {}
    for model in MODELS.values():
        option = {"value": model.slug, "label": model.label, "status": "available"}
        listed.setdefault(model.group, []).append(option)
    return [{"groupLabel": label, "options": options} for label, options in listed.items()]
