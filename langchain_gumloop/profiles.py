"""LangChain's model profiles, from what the core knows of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.language_models.model_profile import ModelProfile

if TYPE_CHECKING:
    from gumloop_core.model_facts import ModelFacts

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
        found: What was found.
    """

    found: dict[str, Any] | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether it still says what was found."""
        return self == self.found


def known_profile(facts: ModelFacts | None) -> ModelProfile | None:
    """As :func:`profile_of`, and it knows what was found."""
    profile = profile_of(facts)
    if profile is None:
        return None
    known = KnownProfile(profile)
    known.found = {**profile}
    return cast("ModelProfile", known)


def profile_of(facts: ModelFacts | None) -> ModelProfile | None:
    """The profile that says what is known of a model, ``None`` if nothing is."""
    if facts is None:
        return None
    profile: ModelProfile = {}
    for fact, field in _FIELDS.items():
        if fact in facts:
            profile[field] = facts[fact]  # type: ignore[literal-required]
    if "max_input_tokens" in facts:
        profile["max_input_tokens"] = facts["max_input_tokens"]
    return profile
