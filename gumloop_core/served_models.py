"""What endpoints have said of the models that they serve, kept for all models of this process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gumloop_core.model_facts import ModelFacts, model_facts

if TYPE_CHECKING:
    from gumloop_core.reading.model_list import ModelGroup

_served: dict[str, dict[str, ModelFacts]] = {}
"""By the address of the model list, then by the model's id."""


def keep(models_url: str, groups: Iterable[ModelGroup]) -> None:
    """Keep what a model list says, in the place of what the same endpoint has said before."""
    from gumloop_core.reading.listed_facts import listed_facts

    facts = {option.value: listed_facts(option.raw) for group in groups for option in group.options}
    _served[models_url] = {model: said for model, said in facts.items() if said}


def has_any() -> bool:
    """Whether any endpoint was asked and said something."""
    return bool(_served)


def known_facts(model: Any, models_url: str | None = None) -> ModelFacts | None:
    """What is known of a model: what its endpoint has said, and the table for the rest.

    Args:
        model: The model's id.
        models_url: The address of its endpoint's model list; ``None`` for the table alone.

    Returns:
        ``None`` for a model that neither knows.
    """
    known = model_facts(model)
    said = _served.get(models_url, {}).get(model) if models_url is not None and isinstance(model, str) else None
    if said is None:
        return known
    facts: ModelFacts = {**(known or {}), **said}
    if facts.get("max_input_tokens", 0) > facts.get("context_window", 0):
        facts.pop("max_input_tokens", None)  # it belongs to another window
    return facts
