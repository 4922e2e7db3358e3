"""LlamaIndex's programs and LLMs as tasks; imported when there is one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.base import BaseLLM
from llama_index.core.base.llms.types import ChatResponse, CompletionResponse
from llama_index.core.llms.llm import LLM
from llama_index.core.llms.structured_llm import StructuredLLM
from llama_index.core.prompts import BasePromptTemplate, PromptTemplate
from llama_index.core.types import BasePydanticProgram

from gumloop_batch.errors import BatchTaskError
from gumloop_batch.keys import Row
from gumloop_batch.task import Task, model_facts


def llama_index_task(task: BaseLLM | BasePydanticProgram[Any], prompt: object) -> Task:
    """The task that a program or an LLM is.

    Args:
        task: The program or LLM.
        prompt: What to ask an LLM: a text, or a prompt of LlamaIndex.

    Raises:
        BatchTaskError: If the prompt is none, or the program has one of its own.
    """
    if isinstance(task, BasePydanticProgram):
        if prompt is not None:
            raise BatchTaskError("prompt= is for an LLM that is given as the task; a program has a prompt of its own.")
        return _program_task(task)
    asked = PromptTemplate("{prompt}") if prompt is None else prompt
    if isinstance(asked, str):
        asked = PromptTemplate(asked)
    if not isinstance(asked, BasePromptTemplate):
        raise BatchTaskError("prompt= must be a text, or a prompt of LlamaIndex.")
    facts = {"kind": "llama_index", "prompt": _text(asked), "model": model_facts(getattr(task, "llm", task))}
    answer_type = task.output_cls if isinstance(task, StructuredLLM) else str
    return Task(functools.partial(_ask, task, asked), answer_type, list(asked.template_vars), facts)


def _program_task(program: BasePydanticProgram[Any]) -> Task:
    prompt = getattr(program, "prompt", None) or getattr(program, "_prompt", None)
    llm = getattr(program, "_llm", None)
    facts: dict[str, Any] = {"kind": "llama_index"}
    needs: Sequence[str] = ()
    if isinstance(prompt, BasePromptTemplate):
        facts["prompt"], needs = _text(prompt), list(prompt.template_vars)
    if llm is not None:
        facts["model"] = model_facts(llm)
    return Task(functools.partial(_run, program, needs), program.output_cls, needs, facts)


async def _run(program: BasePydanticProgram[Any], needs: Sequence[str], row: Row) -> object:
    return await program.acall(**({name: row[name] for name in needs} if needs else row))


async def _ask(llm: BaseLLM, prompt: BasePromptTemplate, row: Row) -> object:
    values = {name: row[name] for name in prompt.template_vars}
    messages = prompt.format_messages(llm=llm if isinstance(llm, LLM) else None, **values)
    return _content(await llm.achat(messages), is_object=isinstance(llm, StructuredLLM))


def _content(response: ChatResponse | CompletionResponse, *, is_object: bool) -> object:
    if is_object and response.raw is not None and not isinstance(response.raw, Mapping):
        return response.raw
    return response.message.content if isinstance(response, ChatResponse) else response.text


def _text(prompt: BasePromptTemplate) -> str:
    return str(prompt.get_template())
