"""The router: which model it would use for an input. It takes the first candidate that there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from gumloop_core.wire import JSONObject
from gumloop_emulator import models
from gumloop_emulator.contract import Contract, Text, checked, read
from gumloop_emulator.failures import invalid
from gumloop_emulator.messages import CONTENT


class _RouteBody(Contract):
    input: Annotated[Any, checked(CONTENT)] = ""
    message: Annotated[Any, checked(CONTENT)] = ""
    models: Annotated[list[Text], Field(min_length=1)] = ["claude-haiku-4-5", "claude-sonnet-4-5"]
    history: list[JSONObject] | None = None
    agent: JSONObject | None = None


def route(raw: JSONObject) -> JSONObject:
    """Return the router's decision for the body of `POST /models/route`."""
    body = read(_RouteBody, raw)
    if not body.model_fields_set & {"input", "message"}:
        raise invalid("input is required.", "input")
    for position, slug in enumerate(body.models):
        if models.find(slug) is None:
            raise invalid(f"Unknown model {slug!r}.", f"models[{position}]")
    return _decision(body.models)


def _decision(slugs: Sequence[str]) -> JSONObject:
    chosen = {
        "model": slugs[0],
        "lane": "balanced",
        "verdict_lane": "balanced",
        "adjustment": None,
        "reasoning_effort": None,
        "fallback_models": list(slugs[1:]),
        "fail_closed": False,
    }
    candidates = [
        {"requested_model": slug, "model": slug, "lanes": ["balanced"], "lane_basis": "rule", "status": "available"}
        for slug in slugs
    ]
    return {"router": "gumloop-chew", "route": chosen, "candidates": candidates}
