"""What a call is given, checked before the framework reports it: its events raise pydantic's errors on odd input."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from gumloop_core.errors import InvalidRequestError
from llama_index_gumloop.parts import named, shown
from llama_index_gumloop.to_wire import check_messages

Method = TypeVar("Method", bound=Callable[..., Any])


def checked_chat(method: Method) -> Method:
    """Refuse what are no messages.

    Raises:
        InvalidRequestError: Naming the one at fault.
    """

    def check(messages: Any, *_: Any, **__: Any) -> None:
        check_messages(messages)

    return _checked(method, check)


def checked_completion(method: Method) -> Method:
    """Refuse what is no prompt.

    Raises:
        InvalidRequestError: Saying what was given.
    """

    def check(*args: Any, **options: Any) -> None:
        if not args and "prompt" not in options:
            raise InvalidRequestError("There is no prompt: pass it as the first argument.")
        prompt = args[0] if args else options["prompt"]
        if not isinstance(prompt, str):
            raise InvalidRequestError(f"The prompt is {named(prompt)}, not a text: {shown(prompt)}.")

    return _checked(method, check)


def _checked(method: Method, check: Callable[..., None]) -> Method:
    checked: Any
    if inspect.iscoroutinefunction(method):

        async def acall(_self: Any, *args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            return await method(_self, *args, **kwargs)

        checked = acall
    else:

        def call(_self: Any, *args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            return method(_self, *args, **kwargs)

        checked = call
    # The framework hands a call's arguments to listeners by the names in the signature.
    checked.__signature__ = inspect.signature(method)
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(checked, name, getattr(method, name))
    made: Method = checked
    return made
