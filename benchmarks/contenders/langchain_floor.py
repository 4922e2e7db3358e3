"""The floor for LangChain: what anyone would write with httpx and json, and LangChain's own validated objects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from benchmarks.contenders.floor import Endpoint

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class Floor(BaseChatModel):
    """A chat model with nothing in it that could be left out."""

    base_url: str
    _endpoint: Endpoint = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the clients."""
        self._endpoint = Endpoint(self.base_url)

    @property
    def _llm_type(self) -> str:
        return "floor"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Bind tools."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(self, messages: list[BaseMessage], run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return _result(self._endpoint.answer(list(map(_param, messages)), kwargs))

    async def _agenerate(self, messages: list[BaseMessage], run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return _result(await self._endpoint.aanswer(list(map(_param, messages)), kwargs))

    def _stream(self, messages: list[BaseMessage], **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        for chunk in self._endpoint.chunks(list(map(_param, messages)), kwargs):
            yield _chunk(chunk)

    async def _astream(self, messages: list[BaseMessage], **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        async for chunk in self._endpoint.achunks(list(map(_param, messages)), kwargs):
            yield _chunk(chunk)


def _param(message: BaseMessage) -> dict[str, Any]:
    param = {"role": _ROLES[message.type], "content": message.content}
    if isinstance(message, ToolMessage):
        param["tool_call_id"] = message.tool_call_id
    elif isinstance(message, AIMessage) and message.tool_calls:
        functions = [{"name": call["name"], "arguments": json.dumps(call["args"])} for call in message.tool_calls]
        calls = zip(message.tool_calls, functions, strict=True)
        param["tool_calls"] = [{"id": call["id"], "type": "function", "function": function} for call, function in calls]
    return param


def _usage(answer: dict[str, Any]) -> UsageMetadata | None:
    usage = answer.get("usage")
    if usage is None:
        return None
    read, written, total = usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=total)


def _result(answer: dict[str, Any]) -> ChatResult:
    choice = answer["choices"][0]
    read, calls = choice["message"], []
    for call in read.get("tool_calls") or ():
        function = call["function"]
        calls.append(tool_call(name=function["name"], args=json.loads(function["arguments"]), id=call["id"]))
    metadata = {"model_name": answer["model"], "id": answer["id"], "finish_reason": choice["finish_reason"]}
    message = AIMessage(
        content=read["content"] or "", tool_calls=calls, response_metadata=metadata, usage_metadata=_usage(answer)
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _chunk(chunk: dict[str, Any]) -> ChatGenerationChunk:
    choices = chunk["choices"]
    if not choices:
        return ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=_usage(chunk)))
    delta, reason = choices[0]["delta"], choices[0]["finish_reason"]
    more: dict[str, Any] = {}
    if delta.get("tool_calls"):
        pieces = [(call, call["function"]) for call in delta["tool_calls"]]
        more["tool_call_chunks"] = [
            tool_call_chunk(name=it.get("name"), args=it.get("arguments"), id=call.get("id"), index=call["index"])
            for call, it in pieces
        ]
    elif reason:
        more["response_metadata"] = {"finish_reason": reason, "model_name": chunk["model"]}
    return ChatGenerationChunk(message=AIMessageChunk(content=delta.get("content") or "", **more))
