"""The router's decision: which model it would use. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gumloop_core.errors import InvalidResponseError
from gumloop_core.reading.status_errors import refuse_error
from gumloop_core.wire import JSONObject


@dataclass(frozen=True)
class RouteDecision:
    """Which model the router would use.

    Attributes:
        model: The model's id.
        fallback_models: What it would try after that.
        reasoning_effort: The effort that it would ask for, if any.
        candidates: What it chose from.
        raw: The answer as received: ``router``, and ``route`` with ``lane``, ``adjustment`` and more.
    """

    model: str
    fallback_models: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    candidates: tuple[Any, ...] = ()
    raw: JSONObject = field(default_factory=dict, compare=False, repr=False)


def read_route_decision(document: Any) -> RouteDecision:
    """Read the answer of ``POST /models/route``.

    Raises:
        APIStatusError: If it is an error under a status that is none.
        InvalidResponseError: If it names no model.
    """
    refuse_error(document)
    route = document.get("route") if isinstance(document, dict) else None
    if not isinstance(route, dict) or not isinstance(route.get("model"), str):
        raise InvalidResponseError("The router's answer made no sense: it names no model.")
    effort, fallbacks = route.get("reasoning_effort"), route.get("fallback_models")
    candidates = document.get("candidates")
    return RouteDecision(
        route["model"],
        tuple(name for name in fallbacks if isinstance(name, str)) if isinstance(fallbacks, list) else (),
        effort if isinstance(effort, str) else None,
        tuple(candidates) if isinstance(candidates, list) else (),
        document,
    )
