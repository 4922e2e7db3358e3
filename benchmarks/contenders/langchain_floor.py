"""The floor for LangChain: what anyone would write with httpx and json, and LangChain's own validated objects.

It has no retries, no errors, no credentials and no oddities of the wire; only what the work needs.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import httpx
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from benchmarks.answers import MODEL
from benchmarks.contenders.floor import HEADERS, LIMITS, achunks, chunks

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


class Floor(BaseChatModel):
    """A chat model with nothing in it that could be left out."""

    base_url: str
    _client: httpx.Client = PrivateAttr()
    _async_client: httpx.AsyncClient = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the clients."""
        self._client = httpx.Client(headers=HEADERS, timeout=60, limits=LIMITS)
        self._async_client = httpx.AsyncClient(headers=HEADERS, timeout=60, limits=LIMITS)

    @property
    def _llm_type(self) -> str:
        return "floor"

    @property
    def _url(self) -> str:
        return f"{self.base_url}/chat/completions"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Bind tools."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        response = self._client.post(self._url, content=_body(messages, kw, stream=False))
        return _result(json.loads(response.content))

    async def _agenerate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> ChatResult:
        response = await self._async_client.post(self._url, content=_body(messages, kw, stream=False))
        return _result(json.loads(response.content))

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> Iterator[ChatGenerationChunk]:
        with self._client.stream("POST", self._url, content=_body(messages, kw, stream=True)) as response:
            for chunk in chunks(response):
                yield _chunk(chunk)

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kw: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        async with self._async_client.stream("POST", self._url, content=_body(messages, kw, stream=True)) as response:
            async for chunk in achunks(response):
                yield _chunk(chunk)


def _body(messages: list[BaseMessage], options: dict[str, Any], *, stream: bool) -> bytes:
    body = {"model": MODEL, "messages": [_param(message) for message in messages], "stream": stream}
    if "tools" in options:
        body["tools"] = options["tools"]
    return json.dumps(body, separators=(",", ":")).encode()


def _param(message: BaseMessage) -> dict[str, Any]:
    param = {"role": _ROLES[message.type], "content": message.content}
    if isinstance(message, ToolMessage):
        param["tool_call_id"] = message.tool_call_id
    elif isinstance(message, AIMessage) and message.tool_calls:
        param["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["args"])},
            }
            for call in message.tool_calls
        ]
    return param


def _usage(answer: dict[str, Any]) -> UsageMetadata | None:
    usage = answer.get("usage")
    if usage is None:
        return None
    return UsageMetadata(
        input_tokens=usage["prompt_tokens"],
        output_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
    )


def _result(answer: dict[str, Any]) -> ChatResult:
    choice = answer["choices"][0]
    read = choice["message"]
    message = AIMessage(
        content=read["content"] or "",
        tool_calls=[
            tool_call(name=call["function"]["name"], args=json.loads(call["function"]["arguments"]), id=call["id"])
            for call in read.get("tool_calls") or ()
        ],
        response_metadata={"model_name": answer["model"], "id": answer["id"], "finish_reason": choice["finish_reason"]},
        usage_metadata=_usage(answer),
    )
    return ChatResult(generations=[ChatGeneration(message=message)])


def _chunk(chunk: dict[str, Any]) -> ChatGenerationChunk:
    choices = chunk["choices"]
    if not choices:
        return ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=_usage(chunk)))
    delta, reason = choices[0]["delta"], choices[0]["finish_reason"]
    calls = delta.get("tool_calls")
    if calls:
        pieces = [
            tool_call_chunk(
                name=call["function"].get("name"),
                args=call["function"].get("arguments"),
                id=call.get("id"),
                index=call["index"],
            )
            for call in calls
        ]
        message = AIMessageChunk(content=delta.get("content") or "", tool_call_chunks=pieces)
    elif reason:
        metadata = {"finish_reason": reason, "model_name": chunk["model"]}
        message = AIMessageChunk(content=delta.get("content") or "", response_metadata=metadata)
    else:
        message = AIMessageChunk(content=delta.get("content") or "")
    return ChatGenerationChunk(message=message)


def make(base_url: str) -> Floor:
    """Make the model."""
    return Floor(base_url=base_url)
