"""What a call is given, checked before the framework reports it: its events raise pydantic's errors on odd input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from llama_index.core.prompts import BasePromptTemplate

from gumloop_core.concurrency.turns import own_turn
from gumloop_core.errors import InvalidRequestError
from gumloop_core.shown import named, shown
from llama_index_gumloop.structured.output_format import pydantic_class
from llama_index_gumloop.to_wire.messages import check_messages

Method = TypeVar("Method", bound=Callable[..., Any])


def checked_chat(method: Method) -> Method:
    """Refuse what are no messages; asynchronous calls begin one in each turn of the event loop.

    Raises:
        InvalidRequestError: Naming the one at fault.
    """
    return _checked(method, _check_chat, takes_turns=True)


def checked_completion(method: Method) -> Method:
    """Refuse what is no prompt; asynchronous calls begin one in each turn of the event loop.

    Raises:
        InvalidRequestError: Saying what was given.
    """
    return _checked(method, _check_completion, takes_turns=True)


def _check_chat(messages: Any, *_: Any, **__: Any) -> None:
    check_messages(messages)


def _check_completion(*args: Any, **options: Any) -> None:
    if not args and "prompt" not in options:
        raise InvalidRequestError("There is no prompt: pass it as the first argument.")
    prompt = args[0] if args else options["prompt"]
    if not isinstance(prompt, str):
        raise InvalidRequestError(f"The prompt is {named(prompt)}, not a text: {shown(prompt)}.")


Model = TypeVar("Model")


def checks_predictions(model: type[Model]) -> type[Model]:
    """Have a model's predictions of objects refuse what is no class, no prompt, or no keywords.

    Raises:
        InvalidRequestError: Saying what was given.
    """

    def check(output_cls: Any, prompt: Any, llm_kwargs: Any = None, **_: Any) -> None:
        pydantic_class(output_cls)
        if not isinstance(prompt, BasePromptTemplate):
            raise InvalidRequestError(f"The prompt must be a prompt template, PromptTemplate(…), not {shown(prompt)}.")
        if llm_kwargs is not None and not isinstance(llm_kwargs, Mapping):
            raise InvalidRequestError(f"llm_kwargs must be a dict of a call's keywords, not {shown(llm_kwargs)}.")

    for way in ("", "a", "stream_", "astream_"):
        name = f"{way}structured_predict"
        setattr(model, name, _checked(getattr(model, name), check))
    return model


def checks_calls(model: type[Model]) -> type[Model]:
    """Have a model's calls refuse what are no messages, and no prompt, where another model's are made in them."""
    for way in ("", "a", "stream_", "astream_"):
        for name, check in ((f"{way}chat", _check_chat), (f"{way}complete", _check_completion)):
            setattr(model, name, _checked(getattr(model, name), check))
    return model


def _checked(method: Method, check: Callable[..., None], *, takes_turns: bool = False) -> Method:
    checked: Any
    if inspect.iscoroutinefunction(method):

        async def acall(_self: Any, *args: Any, **kwargs: Any) -> Any:
            check(*args, **kwargs)
            if takes_turns:
                await own_turn()
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
