"""The model list: what the endpoint serves. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gumloop_core.errors import InvalidResponseError
from gumloop_core.reading.status_errors import refuse_error
from gumloop_core.wire import JSONObject


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


def read_model_groups(document: Any) -> list[ModelGroup]:
    """Read the answer of ``GET /models``.

    Raises:
        APIStatusError: If it is an error under a status that is none.
        InvalidResponseError: If it holds no groups.
    """
    refuse_error(document)
    groups = document.get("model_groups") if isinstance(document, dict) else None
    if not isinstance(groups, list):
        raise InvalidResponseError("The model list made no sense: it has no 'model_groups'.")
    return [_read_group(group) for group in groups if isinstance(group, dict)]


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
