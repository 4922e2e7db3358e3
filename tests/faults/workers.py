"""Use a model in forked workers; run as a script, so that the test runner is not what gets forked.

Usage: ``workers.py <adapter> <base url>``.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any


def make(adapter: str, base_url: str) -> Any:
    """A model with the credentials of the environment."""
    if adapter == "langchain":
        from langchain_gumloop import ChatGumloop

        return ChatGumloop(model="m", base_url=base_url, max_retries=0)
    from llama_index_gumloop import Gumloop

    return Gumloop(model="m", base_url=base_url, max_retries=0)


def ask(model: Any) -> str:
    """Ask once in each of the four ways."""
    texts = []

    async def whole_and_streamed() -> None:
        if hasattr(model, "invoke"):
            texts.append((await model.ainvoke("Hi")).content)
            texts.append("".join([chunk.content async for chunk in model.astream("Hi")]))
        else:
            texts.append((await model.acomplete("Hi")).text)
            texts.append("".join([response.delta async for response in await model.astream_complete("Hi")]))

    if hasattr(model, "invoke"):
        texts.append(model.invoke("Hi").content)
        texts.append("".join(chunk.content for chunk in model.stream("Hi")))
    else:
        texts.append(model.complete("Hi").text)
        texts.append("".join(response.delta for response in model.stream_complete("Hi")))
    asyncio.run(whole_and_streamed())
    (text,) = set(texts)
    return str(text)


INHERITED: Any = None
"""The parent's model, with its open connections; a forked worker finds it here."""


def ask_inherited(_turn: int) -> str:
    """Ask the parent's model in a forked worker."""
    return ask(INHERITED)


def failing(model: Any) -> str:
    """Raise an error that has to cross the process pool."""
    model.close()
    return ask(model.model_copy(update={"base_url": "http://127.0.0.1:1"}))


def say(*words: str) -> None:
    """Write a line for the test to read."""
    sys.stdout.write(" ".join(words) + "\n")


def main() -> None:
    """Ask here, in three workers at once, and here again."""
    global INHERITED
    adapter, base_url = sys.argv[1:]
    model = make(adapter, base_url)
    say(ask(model))
    INHERITED = model
    assert b"gl-canary" not in pickle.dumps(model)
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as pool:
        for text in (*pool.map(ask_inherited, range(3)), *pool.map(ask, [model] * 3)):
            say(text)
        error = pool.submit(failing, model).exception()
        say(type(error).__name__, str(error)[:40])
    say(ask(model))


if __name__ == "__main__":
    main()
