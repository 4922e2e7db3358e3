"""The model list, the router's decision, and what is known of each model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypedDict

from gumloop_core.errors import InvalidRequestError, InvalidResponseError, status_error
from gumloop_core.json_text import is_plain, what_json_cannot_say
from gumloop_core.wire import JSONObject
from gumloop_core.writing.body import check_form


@dataclass(frozen=True)
class ModelOption:
    """A model that the endpoint serves.

    Attributes:
        value: The id to send as ``model``.
        label: Its name for people.
        status: The server's word on its state, if it gives one.
        raw: The entry as received.
    """

    value: str
    label: str
    status: str | None = None
    raw: JSONObject = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class ModelGroup:
    """A group of the model list, as the vendor arranges it.

    Attributes:
        label: The group's name for people.
        options: Its models.
        raw: The group as received; the vendor declares its shape open.
    """

    label: str
    options: tuple[ModelOption, ...]
    raw: JSONObject = field(default_factory=dict, compare=False, repr=False)


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


def read_model_groups(document: Any) -> list[ModelGroup]:
    """Read the answer of ``GET /models``.

    Raises:
        APIStatusError: If it is an error under a status that is none.
        InvalidResponseError: If it holds no groups.
    """
    _refuse_error(document)
    groups = document.get("model_groups") if isinstance(document, dict) else None
    if not isinstance(groups, list):
        raise InvalidResponseError("The model list made no sense: it has no 'model_groups'.")
    return [_read_group(group) for group in groups if isinstance(group, dict)]


def _refuse_error(document: Any) -> None:
    from gumloop_core.error_bodies import error_in

    error = error_in(document) if isinstance(document, dict) else None
    if error is not None:
        raise status_error(200, error)


def _read_group(group: JSONObject) -> ModelGroup:
    options = group.get("options")
    read = []
    for option in options if isinstance(options, list) else []:
        if isinstance(option, dict) and isinstance(option.get("value"), str):
            label, status = option.get("label"), option.get("status")
            read.append(
                ModelOption(
                    option["value"],
                    label if isinstance(label, str) else option["value"],
                    status if isinstance(status, str) else None,
                    option,
                )
            )
    return ModelGroup(str(group.get("groupLabel") or ""), tuple(read), group)


def route_body(
    input: str | list[JSONObject],
    models: Sequence[str] | None,
    options: Mapping[str, Any],
    team_id: str | None,
) -> JSONObject:
    """The body of ``POST /models/route``.

    Raises:
        InvalidRequestError: If something of it has not the form that it must have.
    """
    if not isinstance(input, (str, list, tuple)):
        raise InvalidRequestError(f"input must be a text or a list of parts, not {type(input).__name__}.")
    for name, value in [("input", input), *options.items()]:
        if not is_plain(value):
            raise InvalidRequestError(f"Nothing was sent: {what_json_cannot_say(value, name)}.")
    body: JSONObject = {"input": input, **options}
    if models is not None:
        check_form("models", models)
        body["models"] = list(models)
    if team_id:
        body["team_id"] = team_id
    return body


def read_route_decision(document: Any) -> RouteDecision:
    """Read the answer of ``POST /models/route``.

    Raises:
        APIStatusError: If it is an error under a status that is none.
        InvalidResponseError: If it names no model.
    """
    _refuse_error(document)
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


@lru_cache(maxsize=1)
def _table() -> dict[str, ModelFacts]:
    document = json.loads(files("gumloop_core").joinpath("models.json").read_text(encoding="utf-8"))
    models: dict[str, ModelFacts] = document["models"]
    return models


def model_facts(model: Any) -> ModelFacts | None:
    """What is known of a model, ``None`` for one that is not in the table.

    Args:
        model: The id, with or without the prefix of a provider (``google/…``).
    """
    if not isinstance(model, str):
        return None
    table = _table()
    facts = table.get(model)
    return table.get(model.rpartition("/")[2]) if facts is None else facts
