"""The model list: which slugs there are, and what each of them does.

What a slug changes in an answer stands here as data; nothing else compares slugs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import SHAPES
from gumloop_emulator.script import ErrorShape, Failure


@dataclass(frozen=True)
class Model:
    """One entry of the model list.

    Attributes:
        slug: What is sent as `model`.
        label: What a person reads.
        group: The group under which it is listed.
        context: The context window in tokens.
        kind: Whether it chats or draws.
        thinks: Whether it reasons without being asked to.
        reasoning: In which form it gives its reasoning away.
        reasoning_format: What its provider calls that form.
        draws_only: Whether it cannot answer with text alone.
        traits: Fields of `Answer` that it changes in the stand-in's answers.
        failure: What it answers instead, always.
    """

    slug: str
    label: str = ""
    group: str = ""
    context: int = 128_000
    kind: Literal["chat", "image"] = "chat"
    thinks: bool = False
    reasoning: Literal["text", "encrypted", "summary"] = "text"
    reasoning_format: str = "unknown"
    draws_only: bool = False
    traits: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None

    @property
    def routed(self) -> bool:
        """Whether it is an OpenRouter route, whose answers carry a cost."""
        return "/" in self.slug and self.group != _OWN


_OWN = "Emulator"
_CLAUDE: dict[str, Any] = {"group": "Anthropic", "context": 200_000, "reasoning_format": "anthropic-claude-v1"}
_GEMINI: dict[str, Any] = {"group": "Google", "context": 1_048_576, "reasoning_format": "google-gemini-v1"}
_DRAWS: dict[str, Any] = {"group": "OpenAI", "kind": "image", "draws_only": True}
_REFUSES = {"text": None, "tool_calls": (), "refusal": "I cannot help with that.", "finish_reason": "stop"}

_LISTED = (
    Model("claude-sonnet-4-5", "Claude Sonnet 4.5", **_CLAUDE),
    Model("claude-haiku-4-5", "Claude Haiku 4.5", **_CLAUDE),
    Model("claude-opus-4-5", "Claude Opus 4.5", thinks=True, **_CLAUDE),
    Model("gpt-4o-mini", "GPT-4o mini", "OpenAI", reasoning_format="openai-responses-v1"),
    Model("gpt-image-1.5", "GPT Image 1.5", context=32_000, **_DRAWS),
    Model("dall-e-3", "DALL-E 3", context=4_000, **_DRAWS),
    Model("gemini-2.5-pro", "Gemini 2.5 Pro", thinks=True, **_GEMINI),
    Model("gemini-2.5-flash", "Gemini 2.5 Flash", **_GEMINI),
    Model("google/gemini-3.1-flash-image-preview", "Gemini 3.1 Flash Image (preview)", "OpenRouter", 65_536, "image"),
    Model("moonshotai/kimi-k2.6", "Kimi K2.6", "OpenRouter", 262_144, thinks=True),
    # Models that exist only here; each shows one behaviour that is hard to provoke elsewhere.
    Model("emulator/tiny-context", "Has a context window of 100 tokens", _OWN, 100),
    Model("emulator/echo", "Repeats the last user message", _OWN),
    Model("emulator/thinking", "Thinks before each answer", _OWN, thinks=True),
    Model("emulator/encrypted-reasoning", "Thinks, and encrypts it", _OWN, thinks=True, reasoning="encrypted"),
    Model("emulator/reasoning-summary", "Thinks, and shows a signed summary", _OWN, thinks=True, reasoning="summary"),
    Model("emulator/interleaved-calls", "Streams parallel calls in turns", _OWN, traits={"interleaved": True}),
    Model("emulator/refusal", "Refuses", _OWN, traits=_REFUSES),
    Model("emulator/content-filter", "Is stopped by a filter", _OWN, traits={"finish_reason": "content_filter"}),
    Model("emulator/untidy-stream", "Streams comments, blank events, CRLF", _OWN, traits={"untidy": True}),
    Model("emulator/no-usage", "Reports no usage", _OWN, traits={"usage": {}}),
    Model("emulator/stream-error", "Fails in the middle of a stream", _OWN, traits={"breaks": "error"}),
    Model("emulator/stream-truncated", "Ends a stream without a finish reason", _OWN, traits={"breaks": "end"}),
    Model("emulator/stream-drop", "Closes the connection in an answer", _OWN, traits={"breaks": "drop"}),
)

MODELS: dict[str, Model] = {model.slug: model for model in _LISTED}

_ERROR_SLUG = re.compile(rf"^emulator/error-(?P<status>[45]\d\d)(?:-(?P<shape>{'|'.join(SHAPES)}))?$")


def find(slug: str) -> Model | None:
    """Return the model of a slug, None when there is none.

    A slug such as `emulator/error-402-flat` is a model that fails so.
    """
    match = _ERROR_SLUG.match(slug)
    if match is None:
        return MODELS.get(slug)
    shape: ErrorShape = next((shape for shape in SHAPES if shape == match["shape"]), "nested")
    return Model(slug, "Fails", _OWN, failure=Failure(int(match["status"]), shape=shape))


def groups() -> list[JSONObject]:
    """Return the model list as `GET /models` answers it."""
    listed: dict[str, list[JSONObject]] = {}
    for model in MODELS.values():
        option = {"value": model.slug, "label": model.label, "status": "available"}
        listed.setdefault(model.group, []).append(option)
    return [{"groupLabel": label, "options": options} for label, options in listed.items()]
