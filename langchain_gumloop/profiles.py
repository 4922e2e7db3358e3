"""LangChain's model profiles, from what the core knows of each model."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.language_models.model_profile import ModelProfile

from gumloop_core.model_facts import ModelFacts, model_facts

_FIELDS = {
    "context_window": "max_input_tokens",
    "max_output_tokens": "max_output_tokens",
    "image_input": "image_inputs",
    "pdf_input": "pdf_inputs",
    "audio_input": "audio_inputs",
    "image_output": "image_outputs",
    "reasoning": "reasoning_output",
    "tool_calling": "tool_calling",
    "structured_output": "structured_output",
}


class KnownProfile(dict[str, Any]):
    """A profile that was looked up, so that it can be looked up again when the model changes.

    Attributes:
        model: The model that it is of.
    """

    model: str = ""

    @property
    def is_untouched(self) -> bool:
        """Whether it still says what is known of its model."""
        return self == profile_of(self.model)


def known_profile(model: str) -> ModelProfile | None:
    """As :func:`profile_of`, and it knows its model."""
    profile = profile_of(model)
    if profile is None:
        return None
    known = KnownProfile(profile)
    known.model = model
    return cast("ModelProfile", known)


def profile_of(model: str) -> ModelProfile | None:
    """The profile of a model, ``None`` for one that is not known."""
    facts: ModelFacts | None = model_facts(model)
    if facts is None:
        return None
    profile: ModelProfile = {}
    for fact, field in _FIELDS.items():
        if fact in facts:
            profile[field] = facts[fact]  # type: ignore[literal-required]
    if "max_input_tokens" in facts:
        profile["max_input_tokens"] = facts["max_input_tokens"]
    return profile
