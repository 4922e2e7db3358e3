"""The floor for LlamaIndex: what anyone would write with httpx and json, and LlamaIndex's own validated objects."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from llama_index.core.base.llms import types
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock, ToolCallBlock
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from pydantic import PrivateAttr

from benchmarks.answers import MODEL
from benchmarks.contenders.floor import Endpoint


class Floor(FunctionCallingLLM):
    """An LLM with nothing in it that could be left out."""

    base_url: str
    _endpoint: Endpoint = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the clients."""
        super().model_post_init(context)
        self._endpoint = Endpoint(self.base_url)

    @property
    def metadata(self) -> types.LLMMetadata:
        """What pipelines need to know."""
        return types.LLMMetadata(is_chat_model=True, is_function_calling_model=True, model_name=MODEL)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer."""
        return _response(self._endpoint.answer(list(map(_param, messages)), kwargs))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer."""
        return _response(await self._endpoint.aanswer(list(map(_param, messages)), kwargs))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[ChatResponse]:
        """Answer piece by piece."""
        answer = _Streamed()
        return (answer.add(chunk) for chunk in self._endpoint.chunks(list(map(_param, messages)), kwargs))

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncIterator[ChatResponse]:
        """Answer piece by piece."""
        answer = _Streamed()
        return (answer.add(chunk) async for chunk in self._endpoint.achunks(list(map(_param, messages)), kwargs))

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        """Not measured."""
        raise NotImplementedError

    stream_complete = acomplete = astream_complete = complete

    def get_tool_calls_from_response(self, response: ChatResponse, **kwargs: Any) -> list[ToolSelection]:
        """The tool calls of a response."""
        calls = [(call["id"], call["function"]) for call in response.message.additional_kwargs.get("tool_calls", ())]
        return [
            ToolSelection(tool_id=id_, tool_name=function["name"], tool_kwargs=json.loads(function["arguments"]))
            for id_, function in calls
        ]

    def _prepare_chat_with_tools(self, tools: Sequence[Any], **kwargs: Any) -> dict[str, Any]:
        messages = [*(kwargs.get("chat_history") or ()), ChatMessage(role=MessageRole.USER, content=kwargs["user_msg"])]
        return {"messages": messages, "tools": [tool.metadata.to_openai_tool() for tool in tools]}


def _param(message: ChatMessage) -> dict[str, Any]:
    param: dict[str, Any] = {"role": message.role.value, "content": message.content}
    for name in ("tool_calls", "tool_call_id"):
        if message.additional_kwargs.get(name):
            param[name] = message.additional_kwargs[name]
    return param


def _response(answer: dict[str, Any]) -> ChatResponse:
    read = answer["choices"][0]["message"]
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=read["content"] or "")])
    return ChatResponse(message=message, raw=answer, additional_kwargs=dict(answer["usage"]))


class _Streamed:
    """A streamed answer as far as it has come: every response holds all of it, as LlamaIndex's agents require."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: list[dict[str, Any]] = []

    def add(self, chunk: dict[str, Any]) -> ChatResponse:
        choices = chunk["choices"]
        delta = choices[0]["delta"] if choices else {}
        piece = delta.get("content") or ""
        self.text += piece
        for call in delta.get("tool_calls") or ():
            function = call["function"]
            if call["index"] == len(self.calls):
                self.calls.append({"id": call["id"], "type": "function", "function": {**function}})
            else:
                known = self.calls[call["index"]]
                arguments = known["function"]["arguments"] + function["arguments"]
                self.calls[call["index"]] = {**known, "function": {**known["function"], "arguments": arguments}}
        blocks: list[Any] = [TextBlock(text=self.text)] if self.text or not self.calls else []
        more: dict[str, Any] = {}
        for call in self.calls:
            id_, name, arguments = call["id"], call["function"]["name"], call["function"]["arguments"]
            blocks.append(ToolCallBlock(tool_call_id=id_, tool_name=name, tool_kwargs=arguments))
            more["additional_kwargs"] = {"tool_calls": list(self.calls)}
        message = ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, **more)
        return ChatResponse(message=message, raw=chunk, delta=piece, additional_kwargs=dict(chunk.get("usage") or {}))
