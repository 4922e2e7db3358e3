"""What is known of each model, from ``models.json`` beside this."""

from __future__ import annotations

from functools import lru_cache
from pkgutil import get_data
from typing import Any, NamedTuple, TypeAlias, TypedDict, cast

from pydantic_core import from_json

from gumloop_core.model_names import LIMITED_VARIANTS, spelled, spellings


class ModelFacts(TypedDict, total=False):
    """What is known of a model; a missing field is not known.

    Fields:
        context_window: Tokens that prompt and completion may have together.
        max_input_tokens: Tokens that a prompt may have, where that is less.
        max_output_tokens: Tokens that a completion may have.
        image_input: Whether it reads images.
        pdf_input: Whether it reads PDF files.
        audio_input: Whether it hears audio.
        image_output: Whether it draws images.
        reasoning: Whether it can think first.
        tool_calling: Whether it calls tools.
        structured_output: Whether it keeps to a JSON Schema.
    """

    context_window: int
    max_input_tokens: int
    max_output_tokens: int
    image_input: bool
    pdf_input: bool
    audio_input: bool
    image_output: bool
    reasoning: bool
    tool_calling: bool
    structured_output: bool


# Fields that are numbers; all others are yes or no.
_LIMITS = frozenset({"context_window", "max_input_tokens", "max_output_tokens"})

_OF_THE_PROVIDER = _LIMITS | {"structured_output"}
"""What differs between a model's providers, so that nothing is known of it where a name chooses others (``:free``)."""

_Row: TypeAlias = str
"""A row as it stands in the file: numbers with commas between, nothing for what is not known."""


class _Table(NamedTuple):
    fields: list[str]
    rows: dict[str, _Row]


@lru_cache(maxsize=1)
def _table() -> _Table:
    """All rows, by their names as :func:`spelled`.

    A name with a vendor is a route of OpenRouter's where there is one, a bare name is the vendor's own id. What stands
    in one list alone is found under both.
    """
    document = from_json(get_data("gumloop_core", "models.json") or b"")
    rows: dict[str, _Row] = {spelled(slug): row for slug, row in document["routed"].items()}
    bare: dict[str, _Row] = {}
    for vendor, own in document["native"].items():
        for name, row in own.items():
            name = spelled(name)
            bare.setdefault(name, row)
            rows.setdefault(f"{vendor}/{name}", row)
    for slug, row in document["routed"].items():
        bare.setdefault(spelled(slug[slug.rfind("/") + 1 :]), row)
    return _Table(document["fields"], {**bare, **rows})


@lru_cache(maxsize=512)
def _facts(model: str) -> ModelFacts | None:
    table = _table()
    for name, left_out in spellings(model):
        row = table.rows.get(name)
        if row is not None:
            unknown = _OF_THE_PROVIDER if left_out in LIMITED_VARIANTS else frozenset[str]()
            return cast(
                "ModelFacts",
                {
                    field: int(value) if field in _LIMITS else value == "1"
                    for field, value in zip(table.fields, row.split(","), strict=True)
                    if value and field not in unknown
                },
            )
    return None


def model_facts(model: Any) -> ModelFacts | None:
    """What is known of a model, ``None`` for one that is not in the table.

    Args:
        model: The id as people write it; see :func:`gumloop_core.model_names.spellings`. With the vendor before it
            (``anthropic/claude-sonnet-4.5``) the figures are those of OpenRouter's route, without it the vendor's own.
    """
    return _facts(model) if isinstance(model, str) else None
