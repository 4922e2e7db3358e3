"""LangChain's runnables as tasks; imported when there is one."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import BaseOutputParser, StrOutputParser
from langchain_core.prompts import BasePromptTemplate, ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase

from gumloop_batch.errors import BatchTaskError
from gumloop_batch.keys import Row
from gumloop_batch.task import Task, model_facts

_FORMAT = "ls_structured_output_format"  # in which LangChain's adapters say what an answer is to be


def runnable_task(runnable: Runnable[Any, Any], prompt: object) -> Task:
    """The task that a runnable is.

    Args:
        runnable: The runnable.
        prompt: A template to put before it: a text, or a prompt of LangChain.

    Raises:
        BatchTaskError: If it takes no dict, or the prompt is none.
    """
    steps = list(_steps(runnable))
    if isinstance(_unbound(steps[0]), BaseLanguageModel):
        runnable = _prompt(prompt) | runnable
        steps = list(_steps(runnable))
    elif prompt is not None:
        raise BatchTaskError(
            "prompt= is for a model that is given by itself; this runnable begins with something else."
        )
    first = steps[0]
    needs = list(first.input_variables) if isinstance(first, BasePromptTemplate) else []
    facts: dict[str, Any] = {"kind": "langchain"}
    prompts = [_prompt_facts(step) for step in steps if isinstance(step, BasePromptTemplate)]
    models = [model_facts(_unbound(step)) for step in steps if isinstance(_unbound(step), BaseLanguageModel)]
    if prompts:
        facts["prompt"] = prompts
    if models:
        facts["model"] = models
    return Task(functools.partial(_ask, runnable), _answer_type(steps), needs, facts)


async def _ask(runnable: Runnable[Any, Any], row: Row) -> object:
    answer = await runnable.ainvoke(row)
    if isinstance(answer, BaseMessage):
        return str(answer.text)
    if isinstance(answer, Mapping) and answer.keys() == {"raw", "parsed", "parsing_error"}:  # include_raw=True
        if answer["parsing_error"] is not None:
            raise answer["parsing_error"]
        return answer["parsed"]
    return answer


def _prompt(prompt: object) -> Runnable[Any, Any]:
    if isinstance(prompt, BasePromptTemplate):
        return prompt
    if prompt is None or isinstance(prompt, str):
        return ChatPromptTemplate.from_template("{prompt}" if prompt is None else prompt)
    raise BatchTaskError("prompt= must be a text, or a prompt of LangChain.")


def _steps(runnable: Runnable[Any, Any]) -> Iterator[Runnable[Any, Any]]:
    """What a runnable does, one after the other, sequences within it taken apart."""
    if isinstance(runnable, RunnableSequence):
        for step in runnable.steps:
            yield from _steps(step)
    elif isinstance(runnable, RunnableBindingBase) and isinstance(runnable.bound, RunnableSequence):
        yield from _steps(runnable.bound)  # with_retry, with_config
    else:
        yield runnable


def _unbound(step: Runnable[Any, Any]) -> Runnable[Any, Any]:
    while isinstance(step, RunnableBindingBase):
        step = step.bound
    return step


def _prompt_facts(prompt: BasePromptTemplate[Any]) -> str:
    try:
        return prompt.pretty_repr()  # type: ignore[attr-defined, no-any-return]  # most have it
    except (AttributeError, NotImplementedError):
        return repr(prompt)


def _answer_type(steps: list[Runnable[Any, Any]]) -> object:
    """The class of the answers, where the last step makes objects of one."""
    last = steps[-1]
    if isinstance(last, StrOutputParser) or isinstance(_unbound(last), BaseLanguageModel):
        return str
    if made := getattr(last, "pydantic_object", None):  # PydanticOutputParser
        return made
    if len(steps) >= 2 and isinstance(last, BaseOutputParser):
        return _asked_for(steps[-2])
    before = (
        getattr(steps[-2], "steps__", None) if len(steps) >= 2 else None
    )  # include_raw=True: {"raw": model}, parser
    return _asked_for(before["raw"]) if isinstance(before, Mapping) and before.keys() == {"raw"} else None


def _asked_for(step: Runnable[Any, Any]) -> object:
    while isinstance(step, RunnableBindingBase):
        asked = step.kwargs.get(_FORMAT)
        if isinstance(asked, Mapping) and isinstance(asked.get("schema"), type):
            return asked["schema"]
        step = step.bound
    return None
