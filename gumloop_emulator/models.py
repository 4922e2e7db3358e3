"""The API host's part: the model list, what each model does (`models.json`), and the router."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal

from gumloop_core.wire import JSONObject
from gumloop_emulator.contract import read
from gumloop_emulator.failures import SHAPES, invalid
from gumloop_emulator.script import Failure


@dataclass(frozen=True)
class Model:
    """One entry of the model list.

    Attributes:
        value: What is sent as `model`.
        label: What a person reads.
        context: The context window in tokens.
        draws: Whether it makes pictures: only these, text too, or none.
        thinks: Whether it reasons without being asked to.
        reasoning: In which form it gives its reasoning away.
        reasoning_format: What its provider calls that form.
        routed: Whether it is an OpenRouter route, whose answers carry a cost.
        traits: Fields of `Answer` that it changes in the stand-in's answers.
        failure: What it answers instead, always.
    """

    value: str
    label: str = ""
    context: int = 128_000
    draws: Literal["only", "too"] | None = None
    thinks: bool = False
    reasoning: Literal["text", "encrypted", "summary"] = "text"
    reasoning_format: str = "unknown"
    routed: bool = False
    traits: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None


_GROUPS = json.loads((files(__package__) / "models.json").read_text("utf-8"))
_MODELS = {entry["value"]: Model(**entry) for group in _GROUPS.values() for entry in group}
_ERROR_SLUG = re.compile(rf"emulator/error-(?P<status>[45]\d\d)(?:-(?P<shape>{'|'.join(SHAPES)}))?")


def find(slug: str) -> Model | None:
    """Return the model of a slug, None when there is none; `emulator/error-402-flat` is one that fails so."""
    match = _ERROR_SLUG.fullmatch(slug)
    if match is None:
        return _MODELS.get(slug)
    shape = next((shape for shape in SHAPES if shape == match["shape"]), "nested")
    return Model(slug, failure=Failure(int(match["status"]), shape=shape))


def groups() -> JSONObject:
    """Return the model list as `GET /models` answers it."""
    shown = {
        label: [{"value": entry["value"], "label": entry["label"], "status": "available"} for entry in group]
        for label, group in _GROUPS.items()
    }
    return {"model_groups": [{"groupLabel": label, "options": options} for label, options in shown.items()]}


def route(raw: JSONObject) -> JSONObject:
    """Return the router's answer to the body of `POST /models/route`: it takes the first candidate."""
    slugs = read("Route", raw).get("models", ["claude-haiku-4-5", "claude-sonnet-4-5"])
    for position, slug in enumerate(slugs):
        if find(slug) is None:
            raise invalid(f"Unknown model {slug!r}.", f"models[{position}]")
    lane = {"lane": "balanced", "verdict_lane": "balanced", "adjustment": None, "reasoning_effort": None}
    chosen = {"model": slugs[0], **lane, "fallback_models": slugs[1:], "fail_closed": False}
    known = {"lanes": ["balanced"], "lane_basis": "rule", "status": "available"}
    candidates = [{"requested_model": slug, "model": slug, **known} for slug in slugs]
    return {"router": "gumloop-chew", "route": chosen, "candidates": candidates}
