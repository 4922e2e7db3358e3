"""How asynchronous calls begin: one in each turn of the event loop, before the framework makes anything of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from gumloop_core.concurrency.turns import own_turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.runnables import RunnableConfig

    Base = BaseChatModel
else:
    Base = object  # a further pydantic class would cost milliseconds at import


class TakesTurns(Base):
    """Begins the calls of ``abatch`` and ``asyncio.gather`` in turns; see :mod:`gumloop_core.concurrency.turns`."""

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Answer a prompt; see the framework's method."""
        await own_turn()
        return await super().ainvoke(input, config, stop=stop, **kwargs)

    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Answer a prompt piece by piece; see the framework's method."""
        await own_turn()
        chunks = cast("AsyncGenerator[AIMessageChunk, None]", super().astream(input, config, stop=stop, **kwargs))
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
