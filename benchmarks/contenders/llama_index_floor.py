"""The floor for LlamaIndex: what anyone would write with httpx and json, and LlamaIndex's own validated objects.

It has no retries, no errors, no credentials and no oddities of the wire; only what the work needs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.llms.callbacks import llm_chat_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from pydantic import PrivateAttr

from benchmarks.answers import MODEL
from benchmarks.contenders.floor import HEADERS, LIMITS, achunks, chunks


class Floor(FunctionCallingLLM):
    """An LLM with nothing in it that could be left out."""

    base_url: str
    _client: httpx.Client = PrivateAttr()
    _async_client: httpx.AsyncClient = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the clients."""
        super().model_post_init(context)
        self._client = httpx.Client(headers=HEADERS, timeout=60, limits=LIMITS)
        self._async_client = httpx.AsyncClient(headers=HEADERS, timeout=60, limits=LIMITS)

    @property
    def metadata(self) -> LLMMetadata:
        """What pipelines need to know."""
        return LLMMetadata(is_chat_model=True, is_function_calling_model=True, model_name=MODEL)

    @property
    def _url(self) -> str:
        return f"{self.base_url}/chat/completions"

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer."""
        response = self._client.post(self._url, content=_body(messages, kwargs, stream=False))
        return _response(json.loads(response.content))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer."""
        response = await self._async_client.post(self._url, content=_body(messages, kwargs, stream=False))
        return _response(json.loads(response.content))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> Iterator[ChatResponse]:
        """Answer piece by piece."""

        def responses() -> Iterator[ChatResponse]:
            answer = _Streamed()
            body = _body(messages, kwargs, stream=True)
            with self._client.stream("POST", self._url, content=body) as response:
                for chunk in chunks(response):
                    yield answer.take(chunk)

        return responses()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> AsyncIterator[ChatResponse]:
        """Answer piece by piece."""

        async def responses() -> AsyncIterator[ChatResponse]:
            answer = _Streamed()
            body = _body(messages, kwargs, stream=True)
            async with self._async_client.stream("POST", self._url, content=body) as response:
                async for chunk in achunks(response):
                    yield answer.take(chunk)

        return responses()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Not measured."""
        raise NotImplementedError

    stream_complete = acomplete = astream_complete = complete  # type: ignore[assignment]

    def get_tool_calls_from_response(self, response: ChatResponse, **kwargs: Any) -> list[ToolSelection]:
        """The tool calls of a response."""
        return [
            ToolSelection(
                tool_id=call["id"],
                tool_name=call["function"]["name"],
                tool_kwargs=json.loads(call["function"]["arguments"]),
            )
            for call in response.message.additional_kwargs.get("tool_calls", ())
        ]

    def _prepare_chat_with_tools(
        self, tools: Sequence[Any], user_msg: Any = None, chat_history: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        messages = [*(chat_history or ()), ChatMessage(role=MessageRole.USER, content=user_msg)]
        return {"messages": messages, "tools": [tool.metadata.to_openai_tool() for tool in tools]}


def _body(messages: Sequence[ChatMessage], options: dict[str, Any], *, stream: bool) -> bytes:
    body = {"model": MODEL, "messages": [_param(message) for message in messages], "stream": stream}
    if "tools" in options:
        body["tools"] = options["tools"]
    return json.dumps(body, separators=(",", ":")).encode()


def _param(message: ChatMessage) -> dict[str, Any]:
    param: dict[str, Any] = {"role": message.role.value, "content": message.content}
    calls = message.additional_kwargs.get("tool_calls")
    if calls:
        param["tool_calls"] = calls
    identity = message.additional_kwargs.get("tool_call_id")
    if identity:
        param["tool_call_id"] = identity
    return param


def _response(answer: dict[str, Any]) -> ChatResponse:
    read = answer["choices"][0]["message"]
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=read["content"] or "")])
    usage = answer["usage"]
    return ChatResponse(message=message, raw=answer, additional_kwargs=dict(usage))


class _Streamed:
    """A streamed answer as far as it has come: every response holds all of it, as LlamaIndex's agents require."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: list[dict[str, Any]] = []

    def take(self, chunk: dict[str, Any]) -> ChatResponse:
        choices = chunk["choices"]
        delta = choices[0]["delta"] if choices else {}
        piece = delta.get("content") or ""
        self.text += piece
        for call in delta.get("tool_calls") or ():
            function = call["function"]
            if call["index"] == len(self.calls):
                self.calls.append(
                    {
                        "id": call["id"],
                        "type": "function",
                        "function": {"name": function["name"], "arguments": function["arguments"]},
                    }
                )
            else:
                known = self.calls[call["index"]]
                arguments = known["function"]["arguments"] + function["arguments"]
                self.calls[call["index"]] = {**known, "function": {**known["function"], "arguments": arguments}}
        blocks: list[Any] = [TextBlock(text=self.text)] if self.text or not self.calls else []
        if self.calls:
            blocks += [
                ToolCallBlock(
                    tool_call_id=call["id"],
                    tool_name=call["function"]["name"],
                    tool_kwargs=call["function"]["arguments"],
                )
                for call in self.calls
            ]
            message = ChatMessage(
                role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs={"tool_calls": list(self.calls)}
            )
        else:
            message = ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
        return ChatResponse(message=message, raw=chunk, delta=piece, additional_kwargs=dict(chunk.get("usage") or {}))


def make(base_url: str) -> Floor:
    """Make the model."""
    return Floor(base_url=base_url)
