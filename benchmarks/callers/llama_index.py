"""LlamaIndex's public calls."""

from __future__ import annotations

from operator import attrgetter, itemgetter

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.llms import MockLLM
from llama_index.core.llms.function_calling import FunctionCallingLLM  # noqa: F401 - a program has it loaded
from llama_index.core.tools import FunctionTool

from benchmarks.callers import Calls, save_note

_ROLES = (MessageRole.USER, MessageRole.ASSISTANT)
_TOOLS = [FunctionTool.from_defaults(save_note)]

CALLS = Calls(
    message=lambda assistant, text: ChatMessage(role=_ROLES[assistant], content=text),
    unary=lambda model, messages: model.chat(messages),
    aunary=lambda model, messages: model.achat(messages),
    stream=lambda model, messages: model.stream_chat(messages),
    astream=lambda model, messages: model.astream_chat(messages),
    with_tools=lambda model: model,  # LlamaIndex names the tools in the call
    stream_tools=lambda model: model.stream_chat_with_tools(_TOOLS, user_msg="Note this."),
    new_text=lambda response: response.delta or "",
    whole=itemgetter(-1),  # the last response has all of it
    text=lambda answer: answer.message.content or "",
    framework_alone=lambda: MockLLM().chat([ChatMessage("Hi")]),
    tool_call=lambda model, answer: attrgetter("tool_name", "tool_kwargs")(*model.get_tool_calls_from_response(answer)),
)
