"""Earlier answers with their content in blocks, ours or another provider's, on the wire's form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import encode_arguments
from gumloop_core.media import data_url
from gumloop_core.wire import ContentPart, JSONObject, MessageParam, ToolCallParam
from langchain_gumloop.parts import content_part

_CALLS = frozenset(
    {
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_use",
        "input_json_delta",
        "function_call",
        "custom_tool_call",
    }
)
"""Blocks that repeat what LangChain also keeps in ``tool_calls``."""

_SERVER_SIDE = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "tool_search_call",
        "tool_search_output",
        "code_interpreter_call",
        "code_interpreter_output",
        "mcp_call",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_tool_use",
        "executable_code",
        "code_execution_result",
    }
)
"""What OpenAI, Anthropic and Google call the tools that they ran themselves, and what these said."""

_IMAGES = frozenset({"image", "image_url"})


def assistant_param(
    content: Any, *, has_calls: bool, replay_reasoning: bool, provider: str | None = None
) -> MessageParam:
    """The wire's message for an answer whose content is a list.

    Text that carries nothing else becomes a string. Images go where the wire has generated images. Anthropic's
    ``thinking`` becomes ``reasoning_details`` with its signature. What a provider's own server-side tools left behind
    has no place on the wire and is left out, as the provider's answer that follows it is there.

    Args:
        content: A list of strings and blocks.
        has_calls: Whether the message has its tool calls in ``tool_calls`` too; else they are read from the blocks.
        replay_reasoning: Whether reasoning is sent.
        provider: Who gave the answer, in LangChain's word.

    Raises:
        InvalidRequestError: If a block has no place in an answer.
    """
    texts: list[ContentPart] = []
    images: list[JSONObject] = []
    details: list[JSONObject] = []
    reasoning: list[str] = []
    calls: list[ToolCallParam] = []
    for place, block in enumerate(content):
        if isinstance(block, str):
            if block:
                texts.append({"type": "text", "text": block})
            continue
        kind = block.get("type")
        if kind == "non_standard" and isinstance(block.get("value"), Mapping):
            block = block["value"]
            kind = block.get("type")
        if kind in _CALLS:
            if not has_calls and kind in ("tool_use", "tool_call"):
                calls.append(_call_of(block))
        elif kind in _IMAGES:
            images.append({"type": "image_url", "image_url": _part(block, place)["image_url"]})
        elif kind == "image_generation_call":
            if block.get("result"):
                picture = data_url(block["result"], f"image/{block.get('output_format') or 'png'}")
                images.append({"type": "image_url", "image_url": {"url": picture}})
        elif kind == "redacted_thinking":
            details.append(_thinking(block))
        elif kind in ("thinking", "reasoning", "reasoning_content"):
            text, signature = _reasoning_of(block, kind)
            # Signed by another provider, it is no more than text to the model that is asked now.
            if signature and (provider == "anthropic" or (provider is None and kind == "thinking")):
                details.append(_thinking({"thinking": text, "signature": signature}))
            elif isinstance(text, str):
                reasoning.append(text)
        elif kind in ("text", "text-plain"):
            part = _part(block, place)
            if part.get("text"):
                texts.append(part)
        elif kind == "refusal":
            texts.append({"type": "text", "text": str(block.get("refusal") or "")})
        elif not _is_server_side(kind):
            raise InvalidRequestError(
                f"content[{place}] is a block of type {kind!r}, which has no place in an answer that is sent back."
            )
    param: MessageParam = {"role": "assistant", "content": _joined(texts)}
    if images:
        param["images"] = images  # type: ignore[typeddict-unknown-key]  # as the endpoint sent them
    if calls:
        param["tool_calls"] = calls
    if replay_reasoning:
        if details:
            param["reasoning_details"] = details
        elif reasoning:
            param["reasoning"] = "".join(reasoning)
    return param


def _joined(texts: list[ContentPart]) -> str | list[ContentPart]:
    """One string, unless a part is marked for caching."""
    if any("cache_control" in part for part in texts):
        return texts
    return "".join(part["text"] for part in texts)


def _part(block: Mapping[str, Any], place: int) -> ContentPart:
    try:
        return content_part(block)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"content[{place}]{error.message}") from None


def _call_of(block: Mapping[str, Any]) -> ToolCallParam:
    arguments = block.get("input", block.get("args"))
    return {
        "id": block["id"],
        "type": "function",
        "function": {"name": block["name"], "arguments": _arguments_of(block["name"], arguments or {})},
    }


def _arguments_of(name: Any, arguments: Any) -> str:
    try:
        return encode_arguments(arguments)
    except ValueError as error:
        raise InvalidRequestError(f"the arguments of the call of {name!r} cannot be JSON: {error}.") from None


def _reasoning_of(block: Mapping[str, Any], kind: str) -> tuple[Any, Any]:
    """The text of a reasoning block, and its signature: Anthropic's, LangChain's, or that of Bedrock's Converse."""
    if kind == "thinking":
        return block.get("thinking"), block.get("signature")
    if kind == "reasoning":
        summary = block.get("summary")  # OpenAI's form
        text = "".join(part.get("text") or "" for part in summary) if isinstance(summary, list) else None
        return block.get("reasoning") or text or None, (block.get("extras") or {}).get("signature")
    content = block.get("reasoning_content")
    return (content.get("text"), None) if isinstance(content, Mapping) else (content, None)


def _thinking(block: Mapping[str, Any]) -> JSONObject:
    if block.get("type") == "redacted_thinking":
        return {"type": "reasoning.encrypted", "data": block.get("data"), "format": "anthropic-claude-v1"}
    detail: JSONObject = {"type": "reasoning.text", "text": block.get("thinking"), "format": "anthropic-claude-v1"}
    if block.get("signature"):
        detail["signature"] = block["signature"]
    return detail


def _is_server_side(kind: Any) -> bool:
    """Whether a block tells of a tool that the provider ran itself."""
    return isinstance(kind, str) and (
        kind in _SERVER_SIDE or kind.startswith("server_tool") or kind.endswith("_tool_result")
    )
