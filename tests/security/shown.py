"""All that an object or an error shows: to people, to logs, to error reporters, to files."""

from __future__ import annotations

import pickle
import pprint
import traceback
from collections.abc import Iterator
from typing import Any

KEY = "gl-canary-5f0e8c1d7b93"
"""The key that must show nowhere. Kept in this module's globals only, so that no frame of a test has it."""


def shown_by(thing: Any) -> str:
    """What an object shows of itself."""
    parts = [repr(thing), str(thing), f"{thing}", pprint.pformat(thing)]
    if hasattr(thing, "__dict__"):
        # Headers of the caller's are a plain dict: whoever asks for the attribute itself, gets it.
        parts.append(repr({name: value for name, value in vars(thing).items() if name != "default_headers"}))
    for name in ("model_dump", "model_dump_json", "to_dict", "to_json", "to_payload", "asdict"):
        method = getattr(thing, name, None)
        if callable(method):
            parts.append(repr(method()))
    for name in ("_identifying_params", "lc_attributes", "lc_secrets", "metadata", "model_fields_set", "__rich_repr__"):
        value = getattr(thing, name, None)
        parts.append(repr(list(value()) if callable(value) else value))
    return "\n".join(parts)


def pickled(thing: Any) -> str:
    """The bytes of an object's pickle, as text."""
    return pickle.dumps(thing).decode("latin-1")


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error, its causes and its contexts."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            yield current
            pending += [current.__cause__, current.__context__]


def shown_by_error(error: BaseException) -> str:
    """What an error shows, with the variables of all frames: as reporters, ``rich`` and debuggers print them."""
    from rich.traceback import Traceback

    parts: list[str] = []
    for current in chain(error):
        parts += [repr(current), str(current), repr(vars(current)), repr(current.args)]
        for name in ("request", "response", "_request"):
            message = vars(current).get(name)
            if message is not None:
                parts.append(repr(message.headers.raw))
                request = getattr(message, "_request", None)
                parts.append(repr(request.headers.raw) if request is not None else "")
        body = vars(current).get("response")
        parts.append(body.content.decode("utf-8", "replace") if body is not None else "")
        formatted = traceback.TracebackException.from_exception(current, capture_locals=True)
        parts += formatted.format()
        trace = Traceback.extract(
            type(current),
            current,
            current.__traceback__,
            show_locals=True,
            locals_max_length=1000,
            locals_max_string=None,
        )
        for stack in trace.stacks:
            for frame in stack.frames:
                parts += ["".join(node.iter_tokens()) for node in (frame.locals or {}).values()]
    return "\n".join(parts)
