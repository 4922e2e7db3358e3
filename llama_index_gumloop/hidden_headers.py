"""Keep the headers of a call out of spans, events and callbacks, which are told all its keywords."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import getattr_static, iscoroutinefunction
from typing import Any, TypeVar

from gumloop_core.http.sending_options import with_hidden_headers

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
    "predict_and_call",
    "apredict_and_call",
    "_prepare_chat_with_tools",  # of all calls with tools
)
_PREDICTIONS = (
    "structured_predict",
    "astructured_predict",
    "stream_structured_predict",
    "astream_structured_predict",
)
_PLACE = 2
"""Where a prediction takes the keywords of its call, which it names ``llm_kwargs``, if it is given them by place."""


def hides_headers(model: type[Model]) -> type[Model]:
    """Have a model's calls hide their ``extra_headers`` before anyone is told of them.

    The framework puts its spans around the methods when the class is made, so this comes after.
    """
    for names, hide in ((_CALLS, _hide_in_call), (_PREDICTIONS, _hide_in_prediction)):
        for name in names:
            method = getattr_static(model, name, None)  # unbound, as spans know it
            if method is not None:
                setattr(model, name, _hiding(method, hide))
    return model


Given = tuple[tuple[Any, ...], dict[str, Any]]


def _hide_in_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
    return args, _hidden(kwargs)


def _hide_in_prediction(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
    if "llm_kwargs" in kwargs:
        kwargs["llm_kwargs"] = _hidden(kwargs["llm_kwargs"])
    elif len(args) > _PLACE:
        args = (*args[:_PLACE], _hidden(args[_PLACE]), *args[_PLACE + 1 :])
    return args, kwargs


def _hidden(options: Any) -> Any:
    """The keywords of a call, their headers hidden; whatever else it is, the call refuses it."""
    return with_hidden_headers(options) if isinstance(options, Mapping) else options


def _hiding(call: Any, hide: Callable[[tuple[Any, ...], dict[str, Any]], Given]) -> Callable[..., Any]:
    # Called with the model in front, the framework's wrapper would make a partial of it and take the signature of that.
    if iscoroutinefunction(call):

        @wraps(call)
        async def acall(self: Any, *args: Any, **kwargs: Any) -> Any:
            args, kwargs = hide(args, kwargs)
            return await call.__get__(self, type(self))(*args, **kwargs)

        return acall

    @wraps(call)
    def hiding_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = hide(args, kwargs)
        return call.__get__(self, type(self))(*args, **kwargs)

    return hiding_call
