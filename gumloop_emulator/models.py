"""The API host's part: the model list, what each model does (`models.json`), and the router."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, cast

from gumloop_core.wire import JSONObject
from gumloop_emulator.contract import read
from gumloop_emulator.failures import SHAPES, invalid
from gumloop_emulator.script import ErrorShape, Failure


@dataclass(frozen=True)
class Model:
    """One entry of the model list."""

    value: str  # what is sent as `model`
    label: str = ""  # what a person reads
    context: int = 128_000  # tokens of its window
    draws: Literal["only", "too"] | None = None  # whether it makes pictures
    thinks: bool = False  # whether it reasons without being asked to
    reasoning: Literal["text", "encrypted", "summary"] = "text"  # what it gives away of that
    reasoning_format: str = "unknown"  # what its provider calls the form of that
    routed: bool = False  # whether it is an OpenRouter route, whose answers carry a cost
    traits: Mapping[str, Any] = field(default_factory=dict)  # fields of `Answer` that it changes in the stand-in's
    failure: Failure | None = None  # what it answers instead, always


_GROUPS = json.loads((files(__package__) / "models.json").read_text("utf-8"))
_MODELS = {entry["value"]: Model(**entry) for group in _GROUPS.values() for entry in group}
_ERROR_SLUG = re.compile(rf"emulator/error-(?P<status>[45]\d\d)(?:-(?P<shape>{'|'.join(SHAPES)}))?")


def find(slug: str) -> Model | None:
    """Return the model of a slug, None when there is none; `emulator/error-402-flat` is one that fails so."""
    match = _ERROR_SLUG.fullmatch(slug)
    if match is None:
        return _MODELS.get(slug)
    return Model(slug, failure=Failure(int(match["status"]), shape=cast("ErrorShape", match["shape"] or "nested")))


def groups() -> JSONObject:
    """Return the model list as `GET /models` answers it."""
    listed = []
    for label, group in _GROUPS.items():
        options = [{"value": entry["value"], "label": entry["label"], "status": "available"} for entry in group]
        listed.append({"groupLabel": label, "options": options})
    return {"model_groups": listed}


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
