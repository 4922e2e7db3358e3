"""Keep the headers of a call out of spans, events and callbacks, which are told all its keywords."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from gumloop_core.headers import call_headers

Model = TypeVar("Model")

_CALLS = (
    "chat",
    "stream_chat",
    "achat",
    "astream_chat",
    "complete",
    "stream_complete",
    "acomplete",
    "astream_complete",
)


def hides_headers(model: type[Model]) -> type[Model]:
    """Have a model's calls hide their ``extra_headers`` before anyone is told of them.

    The framework puts its spans around the methods when the class is made, so this comes after.
    """
    for name in _CALLS:
        setattr(model, name, _hiding(getattr(model, name)))
    return model


def _hiding(call: Callable[..., Any]) -> Callable[..., Any]:
    if iscoroutinefunction(call):

        @wraps(call)
        async def acall(self: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("extra_headers"):
                kwargs["extra_headers"] = call_headers(kwargs["extra_headers"])
            return await call(self, *args, **kwargs)

        return acall

    @wraps(call)
    def hiding_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("extra_headers"):
            kwargs["extra_headers"] = call_headers(kwargs["extra_headers"])
        return call(self, *args, **kwargs)

    return hiding_call
