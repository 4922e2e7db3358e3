"""Build the body of a question to the router. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import is_plain, what_json_cannot_say
from gumloop_core.wire import JSONObject
from gumloop_core.writing.body import check_form


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
