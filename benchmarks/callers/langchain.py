"""LangChain's public calls, and the rest of what a program has loaded that uses chat models, prompts and tools."""

from __future__ import annotations

from functools import reduce
from operator import add, attrgetter, itemgetter
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel  # noqa: F401
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage  # noqa: F401
from langchain_core.output_parsers import StrOutputParser  # noqa: F401
from langchain_core.prompts import ChatPromptTemplate  # noqa: F401
from langchain_core.runnables import RunnableLambda  # noqa: F401
from langchain_core.tools import BaseTool, tool  # noqa: F401

from benchmarks.callers import Calls, save_note


async def _astream(model: Any, messages: Any) -> Any:
    return model.astream(messages)


CALLS = Calls(
    message=lambda assistant, text: (AIMessage if assistant else HumanMessage)(content=text),
    unary=lambda model, messages: model.invoke(messages),
    aunary=lambda model, messages: model.ainvoke(messages),
    stream=lambda model, messages: model.stream(messages),
    astream=_astream,
    with_tools=lambda model: model.bind_tools([save_note]),
    stream_tools=lambda model: model.stream("Note this."),
    new_text=attrgetter("text"),
    whole=lambda chunks: reduce(add, chunks),
    text=attrgetter("text"),
    framework_alone=lambda: FakeListChatModel(responses=["Hi"]).invoke("Hi"),
    tool_call=lambda model, answer: itemgetter("name", "args")(*answer.tool_calls),
)
