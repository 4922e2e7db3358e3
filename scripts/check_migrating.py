"""Check the peers' columns of docs/migrating.md against the peers themselves, in an environment that has all of them.

    python -m venv build/peers
    build/peers/bin/python -m pip install langchain-openai langchain-openrouter langchain-litellm \
        llama-index-llms-openai-like llama-index-llms-openrouter llama-index-llms-litellm
    PYTHONPATH=. build/peers/bin/python scripts/check_migrating.py

It prints what differs, and fails if anything does. The tests hold our own column (tests/docs/test_migrating_page.py).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from gumloop_emulator import Emulator
from tests.docs.migrating_page import ANSWERS, arguments, places, problem_at
from tests.support.full_answers import streamed, unary


def names_of(kind: Any) -> set[str]:
    """What a constructor takes."""
    names = set(kind.model_fields) | {field.alias for field in kind.model_fields.values() if field.alias}
    for base in kind.__mro__:
        if base.__module__.startswith("llama_index.llms"):
            names |= set(inspect.signature(base.__init__).parameters)
    return names


def langchain_models(base_url: str, key: str, headers: dict[str, str]) -> dict[str, Any]:
    """The peers of LangChain, with their usage in streams."""
    from langchain_litellm import ChatLiteLLM
    from langchain_openai import ChatOpenAI
    from langchain_openrouter import ChatOpenRouter

    direct = {"model": "gpt-4o-mini", "api_key": key, "base_url": base_url, "default_headers": headers}
    return {
        "ChatOpenAI": ChatOpenAI(stream_usage=True, **direct),
        "ChatOpenRouter": ChatOpenRouter(**direct),
        "ChatLiteLLM": ChatLiteLLM(model="openai/gpt-4o-mini", api_base=base_url, api_key=key, extra_headers=headers),
    }


def llama_index_models(base_url: str, key: str, headers: dict[str, str]) -> dict[str, Any]:
    """The peers of LlamaIndex, with their usage in streams."""
    from llama_index.llms.litellm import LiteLLM
    from llama_index.llms.openai_like import OpenAILike
    from llama_index.llms.openrouter import OpenRouter

    usage = {"stream_options": {"include_usage": True}}
    direct = {"model": "gpt-4o-mini", "api_key": key, "api_base": base_url, "default_headers": headers}
    return {
        "OpenAILike": OpenAILike(is_chat_model=True, logprobs=True, additional_kwargs=dict(usage), **direct),
        "OpenRouter": OpenRouter(logprobs=True, additional_kwargs=dict(usage), **direct),
        "LiteLLM": LiteLLM(
            model="openai/gpt-4o-mini", api_base=base_url, api_key=key, additional_kwargs={"extra_headers": headers}
        ),
    }


def langchain_answer(llm: Any, *, stream: bool) -> Any:
    """The message, or the sum of a stream's chunks."""
    if not stream:
        return llm.invoke("Hi")
    total = None
    for chunk in llm.stream("Hi"):
        total = chunk if total is None else total + chunk
    return total


def llama_index_answer(llm: Any, *, stream: bool) -> Any:
    """The response, or the last one of a stream."""
    from llama_index.core.llms import ChatMessage

    question = [ChatMessage("Hi")]
    return list(llm.stream_chat(question))[-1] if stream else llm.chat(question)


ROADS: dict[str, tuple[Callable[..., dict[str, Any]], Callable[..., Any]]] = {
    "LangChain": (langchain_models, langchain_answer),
    "LlamaIndex": (llama_index_models, llama_index_answer),
}


def differences(server: Emulator) -> Iterator[str]:
    """What the page says otherwise than the peers."""
    for framework, (make, ask) in ROADS.items():
        models = make(server.base_url, server.api_key, {"x-auth-key": server.user_id})
        for peer, llm in models.items():
            taken = names_of(type(llm))
            marked = {name for name, row in arguments().items() if row[peer]}
            yield from (f"{peer} has no argument {name}" for name in sorted(marked - taken))
            yield from (f"{peer} has {name}" for name in sorted(taken & arguments().keys() - marked))
            for stream in (False, True):
                server.clear()
                server.queue(streamed() if stream else unary())
                answer = ask(llm, stream=stream)
                for what, cell in places(framework, peer).items():
                    problem = problem_at(cell, what, llm=llm, stream=stream, **{ANSWERS[framework]: answer})
                    if problem:
                        yield f"{peer}, {'streamed' if stream else 'unary'}, {what}: {problem}"


if __name__ == "__main__":
    with Emulator() as emulator:
        found = list(differences(emulator))
    print("\n".join(found) or "The page says what the peers do.")
    sys.exit(bool(found))
