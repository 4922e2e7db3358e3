"""The router: which model it would use for an input, by plain rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gumloop_core.emulator import models
from gumloop_core.emulator.checks import fields
from gumloop_core.emulator.checks.parts import parse_content
from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.shapes import JsonObject

# What is asked for decides the lane; the first lane whose words occur wins.
_LANES: Sequence[tuple[str, re.Pattern[str]]] = (
    (
        "coding",
        re.compile(r"\b(?:code|function|class|bug|python|javascript|sql|refactor|unit tests?)\b", re.I),
    ),
    (
        "deep",
        re.compile(r"\b(?:prove|analy[sz]e|compare|derive|plan|strategy|trade-?offs?|step by step)\b", re.I),
    ),
)
_LONG = 2_000  # characters of an input that is no quick question any more

_PREFERRED: Mapping[str, tuple[str, str | None]] = {
    # By lane: the model and its reasoning effort.
    "quick": ("claude-haiku-4-5", None),
    "balanced": ("claude-sonnet-4-5", "low"),
    "coding": ("claude-sonnet-4-5", "medium"),
    "deep": ("claude-opus-4-5", "high"),
}


def route(body: Mapping[str, Any]) -> JsonObject:
    """Return the router's decision for the body of `POST /models/route`."""
    asked = body.get("input") if body.get("input") is not None else body.get("message")
    if asked is None:
        raise FieldError("input is required.", "input")
    text = parse_content(asked, "user", "input").text
    fields.objects(body, "history")
    fields.mapping(body, "agent")
    candidates = fields.strings(body, "models")
    if candidates is not None and not candidates:
        raise FieldError("models must not be an empty list.", "models")
    for position, slug in enumerate(candidates or ()):
        if models.find(slug) is None:
            raise FieldError(f"Unknown model {slug!r}.", f"models[{position}]")
    pool = candidates or sorted({model for model, _ in _PREFERRED.values()})
    lane = _lane(text)
    preferred, effort = _PREFERRED[lane]
    chosen = preferred if preferred in pool else pool[0]
    return {
        "router": "gumloop-chew",
        "route": {
            "model": chosen,
            "lane": lane,
            "verdict_lane": lane,
            "adjustment": None if chosen == preferred else "candidate",
            "reasoning_effort": effort,
            "fallback_models": [slug for slug in pool if slug != chosen],
            "fail_closed": False,
        },
        "candidates": [
            {
                "requested_model": slug,
                "model": slug,
                "lanes": [name for name, (model, _) in _PREFERRED.items() if model == slug],
                "lane_basis": "rule",
                "status": "available",
            }
            for slug in pool
        ],
    }


def _lane(text: str) -> str:
    for lane, words in _LANES:
        if words.search(text):
            return lane
    return "balanced" if len(text) > _LONG else "quick"
