"""What a task is, and how it is asked about a row: a LangChain runnable, a LlamaIndex program or LLM, or a function.

No framework is imported here unless the caller has imported it: an object of one can only be there if it has.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import sys
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gumloop_batch.errors import BatchTaskError
from gumloop_batch.keys import Row
from gumloop_batch.task import Task, model_facts
from gumloop_core.shown import named

_THREADS = 128  # of a function that is not asynchronous, at most


def find_task(
    task: object, *, model: object = None, prompt: object = None, answer_type: object = None, rows_in_flight: int = 1
) -> Task:
    """Find out what a task is.

    Args:
        task: A LangChain runnable that takes a dict; a LlamaIndex program or LLM; or a function of a row, or of a row
            and the model, asynchronous or not.
        model: What a function of two arguments gets as its second.
        prompt: What to ask a model or LLM that is given by itself, with ``{column}`` where a row's value belongs. The
            column ``prompt`` if there is none.
        answer_type: The class of the answers; ``None`` to find it out.
        rows_in_flight: How many rows are asked at once.

    Raises:
        BatchTaskError: If it is none of these.
    """
    found: Task | None = None
    if isinstance(task, _classes("langchain_core.runnables", "Runnable")):
        from gumloop_batch.langchain_tasks import runnable_task

        found = runnable_task(task, prompt)
    elif isinstance(task, _llama_index_classes()):
        from gumloop_batch.llama_index_tasks import llama_index_task

        found = llama_index_task(task, prompt)
    elif callable(task):
        if prompt is not None:
            raise BatchTaskError("prompt= is for a model that is given as the task; a function asks by itself.")
        found = _function_task(task, model, rows_in_flight)
    if found is None:
        raise BatchTaskError(
            f"The task must be a LangChain runnable, a LlamaIndex program or LLM, or a function of a row, "
            f"not {named(task)}."
        )
    if answer_type is not None:
        found.answer_type = answer_type
    return found


def check_columns(task: Task, columns: Sequence[str]) -> None:
    """Make sure that rows have what a task needs.

    Raises:
        BatchTaskError: If they have not.
    """
    if missing := [name for name in task.needs if name not in columns]:
        raise BatchTaskError(
            f"The prompt needs {_listed(missing)}, and the rows have no such column. They have {_listed(columns)}."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _classes(module: str, name: str) -> tuple[Any, ...]:
    """A class, if somebody has imported its module."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()


def _llama_index_classes() -> tuple[Any, ...]:
    programs = _classes("llama_index.core.types", "BasePydanticProgram")
    return programs + _classes("llama_index.core.base.llms.base", "BaseLLM")


def _function_task(function: Callable[..., Any], model: object, rows_in_flight: int) -> Task:
    count = _arguments(function)
    ask = functools.partial(_with_model, function, model) if count == 2 else function
    called = function.func if isinstance(function, functools.partial) else function
    is_async = inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(type(called).__call__)
    facts: dict[str, Any] = {"function": _name(function)}
    if model is not None:
        facts["model"] = model_facts(model)
    answer = ask if is_async else InThreads(ask, rows_in_flight)
    return Task(answer, _returned(called), facts=facts)


def _with_model(function: Callable[[Row, object], Any], model: object, row: Row) -> Any:
    return function(row, model)


class InThreads:
    """Calls a function that blocks in threads of its own."""

    def __init__(self, function: Callable[[Row], object], at_once: int) -> None:
        self._function, self._at_once = function, at_once
        self._threads: ThreadPoolExecutor | None = None

    async def __call__(self, row: Row) -> object:
        """Call it with a row."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(min(self._at_once, _THREADS), "gumloop-batch")
        # The context goes along: who observes the row's calls stands in it.
        call = functools.partial(contextvars.copy_context().run, self._function, row)
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, call)
        return await answer if inspect.isawaitable(answer) else answer  # of a function that hides that it is async

    def __reduce__(self) -> tuple[object, ...]:
        return InThreads, (self._function, self._at_once)


def _arguments(function: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return 1
    wanted = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
    ]
    if len(wanted) > 2 or not parameters:
        raise BatchTaskError(f"A task that is a function takes a row, or a row and the model: not {_name(function)}.")
    return max(len(wanted), 1)


def _returned(function: object) -> object:
    """What a function says it returns."""
    try:
        hints = typing.get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    except Exception:  # whatever an annotation that cannot be read raises
        return None
    hint = hints.get("return")
    if typing.get_origin(hint) in _AWAITABLE:
        hint = typing.get_args(hint)[-1]
    return None if hint in (typing.Any, object, dict, Mapping) else hint


_AWAITABLE = (Awaitable, typing.get_origin(typing.Coroutine[Any, Any, Any]))


def _name(function: object) -> str:
    if isinstance(function, functools.partial):
        return _name(function.func)
    kind = function if hasattr(function, "__qualname__") else type(function)
    return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', '')}"
