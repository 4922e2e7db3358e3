"""Conversations as documents, good ones, and the frameworks' messages that are made of them."""

from __future__ import annotations

from typing import Any

from langchain_core import messages as langchain
from llama_index.core.base.llms import types as llama_index

from tests.fuzz.answers import PIXEL

BASE64 = PIXEL.partition(",")[2]

LANGCHAIN: list[dict[str, Any]] = [
    {"kind": "SystemMessage", "content": "s", "name": "n", "additional_kwargs": {"__openai_role__": "developer"}},
    {
        "kind": "HumanMessage",
        "content": [
            "plain",
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
            {"type": "image", "base64": BASE64, "mime_type": "image/png", "extras": {"detail": "low"}},
            {"type": "image", "source_type": "base64", "data": BASE64, "mime_type": "image/png"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": BASE64}},
            {"type": "image", "url": "https://example.org/a.png"},
            {"type": "audio", "base64": "AA==", "mime_type": "audio/wav"},
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            {"type": "file", "base64": "AA==", "mime_type": "application/pdf", "filename": "a.pdf"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
            {"type": "document", "source": {"type": "text", "data": "a"}, "title": "t"},
            {"type": "text-plain", "text": "a", "mime_type": "text/plain"},
            {"type": "video", "url": "https://example.org/a.mp4"},
            {"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}},
            {"type": "non_standard", "value": {"type": "text", "text": "a"}},
        ],
        "name": "n",
    },
    {
        "kind": "AIMessage",
        "content": [
            {"type": "thinking", "thinking": "t", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "reasoning", "reasoning": "r", "summary": [{"text": "r"}], "extras": {"signature": "s"}},
            {"type": "reasoning_content", "reasoning_content": {"text": "r"}},
            {"type": "text", "text": "a", "annotations": [{"type": "citation", "url": "https://example.org/a"}]},
            {"type": "image", "base64": BASE64, "mime_type": "image/png"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            {"type": "image_generation_call", "result": BASE64, "output_format": "png"},
            {"type": "refusal", "refusal": "no"},
            {"type": "server_tool_call", "name": "search", "args": {"q": "a"}, "id": "s1"},
            {"type": "server_tool_result", "tool_call_id": "s1", "output": "a", "status": "success"},
            {"type": "non_standard", "value": {"type": "thinking", "thinking": "t"}},
        ],
        "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}],
        "invalid_tool_calls": [
            {"name": "f", "args": "{", "id": "c2", "error": "not JSON", "type": "invalid_tool_call"}
        ],
        "additional_kwargs": {
            "reasoning_content": "r",
            "reasoning_details": [{"type": "reasoning.text", "text": "r", "signature": "s", "index": 0}],
            "refusal": "no",
            "annotations": [{"type": "url_citation", "url_citation": {"url": "https://example.org/a"}}],
            "gumloop_extensions": {"tool_results": [{"name": "search"}]},
            "images": [{"image_url": {"url": PIXEL}}],
            "audio": {"id": "a", "data": "AA=="},
        },
        "response_metadata": {"model_provider": "gumloop", "output_version": "v1"},
        "usage_metadata": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        "name": "n",
    },
    {"kind": "ToolMessage", "content": [{"type": "text", "text": "r"}], "tool_call_id": "c1", "status": "success"},
    {"kind": "ToolMessage", "content": "r", "tool_call_id": "c2", "artifact": {"a": 1}},
    {"kind": "HumanMessage", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text"}]}]},
    {"kind": "ChatMessage", "content": "c", "role": "developer"},
    {"kind": "HumanMessage", "content": "last"},
]

LLAMA_INDEX: list[dict[str, Any]] = [
    {"role": "system", "blocks": [{"kind": "TextBlock", "text": "s"}], "additional_kwargs": {"name": "n"}},
    {
        "role": "user",
        "blocks": [
            {"kind": "TextBlock", "text": "a"},
            {"kind": "CachePoint", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
            {"kind": "ImageBlock", "url": "https://example.org/a.png", "detail": "low"},
            {"kind": "ImageBlock", "image": BASE64, "image_mimetype": "image/png"},
            {"kind": "DocumentBlock", "data": "AA==", "title": "a.pdf", "document_mimetype": "application/pdf"},
            {"kind": "AudioBlock", "audio": "AA==", "format": "wav"},
            {"kind": "VideoBlock", "url": "https://example.org/a.mp4", "video_mimetype": "video/mp4"},
            {"kind": "CitableBlock", "title": "t", "source": "s", "content": []},
        ],
        "additional_kwargs": {},
    },
    {
        "role": "assistant",
        "blocks": [
            {
                "kind": "ThinkingBlock",
                "content": "r",
                "num_tokens": 1,
                "additional_information": {"reasoning_details": [{"type": "reasoning.text", "text": "r"}]},
            },
            {"kind": "TextBlock", "text": "a"},
            {"kind": "ToolCallBlock", "tool_call_id": "c1", "tool_name": "f", "tool_kwargs": {"a": 1}},
            {"kind": "ImageBlock", "image": BASE64, "image_mimetype": "image/png"},
        ],
        "additional_kwargs": {
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
            "refusal": "no",
            "name": "n",
            "annotations": [],
            "gumloop_extensions": {"tool_results": []},
        },
    },
    {
        "role": "tool",
        "blocks": [{"kind": "TextBlock", "text": "r"}],
        "additional_kwargs": {"tool_call_id": "c1", "name": "f"},
    },
    {"role": "user", "blocks": [{"kind": "TextBlock", "text": "last"}], "additional_kwargs": {}},
]


def _kind(module: Any, name: Any) -> Any:
    found = getattr(module, name, None) if isinstance(name, str) else None
    return found if isinstance(found, type) else None


def _made(kind: Any, fields: dict[str, Any]) -> Any:
    """An object of the framework; where it refuses a field, with the field all the same, as if it was set later."""
    for make in (kind, kind.model_construct):
        try:
            return make(**fields)
        except Exception:
            continue
    return fields


def langchain_messages(documents: Any) -> Any:
    """LangChain's messages; what is no message any more stays what it is."""
    if not isinstance(documents, list):
        return documents
    return [_langchain_message(document) for document in documents]


def _langchain_message(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    fields = dict(document)
    kind = _kind(langchain, fields.pop("kind", ""))
    return document if kind is None else _made(kind, {"content": "", **fields})


def llama_index_messages(documents: Any) -> Any:
    """LlamaIndex's messages; what is no message any more stays what it is."""
    if not isinstance(documents, list):
        return documents
    return [_llama_index_message(document) for document in documents]


def _llama_index_message(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    fields = dict(document)
    blocks = fields.get("blocks")
    if isinstance(blocks, list):
        fields["blocks"] = [_llama_index_block(block) for block in blocks]
    return _made(llama_index.ChatMessage, fields)


def _llama_index_block(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    fields = dict(document)
    kind = _kind(llama_index, fields.pop("kind", ""))
    if kind is None:
        return document
    for name in ("image", "data", "audio"):
        if isinstance(fields.get(name), str):
            fields[name] = fields[name].encode("utf-8", "replace")
    return _made(kind, fields)
