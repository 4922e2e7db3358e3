"""Earlier answers with their content in blocks, ours or another provider's, on the wire's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gumloop_core.errors import InvalidRequestError
from gumloop_core.wire import ContentPart, JSONObject, MessageParam, ToolCallParam
from gumloop_core.writing.cache_marks import mark_last
from gumloop_core.writing.media import data_url
from langchain_gumloop.from_wire.citations import file_annotations, raw_annotations
from langchain_gumloop.from_wire.list_indices import with_integer_indices
from langchain_gumloop.from_wire.tool_calls import arguments_text
from langchain_gumloop.to_wire.content_parts import cache_mark, content_part

Made = TypeVar("Made")

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
    ``thinking`` becomes ``reasoning_details`` with its signature, any other reasoning is text. What a provider's own
    server-side tools left behind has no place on the wire and is left out, as the provider's answer that follows it is
    there. A call has no place for a mark for caching: it goes to the text before it.

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
    files: list[JSONObject] = []
    for place, block in enumerate(content):
        if isinstance(block, str):
            if block:
                texts.append({"type": "text", "text": block})
            continue
        kind = block.get("type")
        if kind == "non_standard" and isinstance(block.get("value"), Mapping):
            block = block["value"]
            kind = block.get("type")
        if not isinstance(kind, str):
            raise _no_place(place, kind)
        if kind in _CALLS:
            if not has_calls and kind in ("tool_use", "tool_call"):
                calls.append(_call_of(block, place))
            mark = _of_block(cache_mark, block, place)
            if mark is not None:
                mark_last(texts, mark)
        elif kind in _IMAGES:
            images.append({"type": "image_url", "image_url": _of_block(content_part, block, place)["image_url"]})
        elif kind == "image_generation_call":
            if isinstance(block.get("result"), str) and block["result"]:
                picture = data_url(block["result"], f"image/{block.get('output_format') or 'png'}")
                images.append({"type": "image_url", "image_url": {"url": picture}})
        elif kind == "redacted_thinking":
            details.append(_thinking(block))
        elif kind in ("thinking", "reasoning", "reasoning_content"):
            text, signature = _reasoning_of(block, kind)
            # Signed by another provider, it is no more than text to the model that is asked now.
            if signature and (provider == "anthropic" or (provider is None and kind == "thinking")):
                details.append(_thinking({"thinking": text, "signature": signature}))
            elif isinstance(text, str) and text:
                reasoning.append(text)
        elif kind in ("text", "text-plain"):
            part = _of_block(content_part, block, place)
            if part.get("text"):
                texts.append(part)
            files += file_annotations(raw_annotations(block))
        elif kind == "refusal":
            texts.append({"type": "text", "text": str(block.get("refusal") or "")})
        elif not _is_server_side(kind):
            raise _no_place(place, kind)
    param: MessageParam = {"role": "assistant", "content": _joined(texts)}
    if images:
        param["images"] = images  # type: ignore[typeddict-unknown-key]  # as the endpoint sent them
    if files:
        param["annotations"] = with_integer_indices(files)  # type: ignore[typeddict-unknown-key]  # as the endpoint sent them
    if calls:
        param["tool_calls"] = calls
    if replay_reasoning:
        if details:
            param["reasoning_details"] = details
        elif reasoning:
            param["reasoning"] = "".join(reasoning)
    return param


def _no_place(place: int, kind: Any) -> InvalidRequestError:
    return InvalidRequestError(
        f"content[{place}] is a block of type {kind!r}, which has no place in an answer that is sent back."
    )


def _joined(texts: list[ContentPart]) -> str | list[ContentPart]:
    """One string, unless a part is marked for caching."""
    if any("cache_control" in part for part in texts):
        return texts
    return "".join(part["text"] for part in texts)


def _of_block(convert: Callable[[Mapping[str, Any]], Made], block: Mapping[str, Any], place: int) -> Made:
    """What is made of a block; a refusal names its place."""
    try:
        return convert(block)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"content[{place}]{error.message}") from None


def _call_of(block: Mapping[str, Any], place: int) -> ToolCallParam:
    identity, name = block.get("id"), block.get("name")
    for field, value in (("id", identity), ("name", name)):
        if not isinstance(value, str) or not value:
            raise InvalidRequestError(f"content[{place}] is a call of a tool without {field}.")
    arguments = arguments_text(block.get("input", block.get("args")) or {}, name)
    return {"id": str(identity), "type": "function", "function": {"name": str(name), "arguments": arguments}}


def _reasoning_of(block: Mapping[str, Any], kind: str) -> tuple[Any, Any]:
    """The text of a reasoning block, and its signature: Anthropic's, LangChain's, or that of Bedrock's Converse."""
    if kind == "thinking":
        return _text_of(block.get("thinking")), block.get("signature")
    if kind == "reasoning":
        extras = block.get("extras")
        signature = extras.get("signature") if isinstance(extras, Mapping) else None
        return block.get("reasoning") or _text_of(block.get("summary")) or None, signature  # the summary is OpenAI's
    content = block.get("reasoning_content")
    return (content.get("text"), None) if isinstance(content, Mapping) else (content, None)


def _text_of(value: Any) -> Any:
    """Text, or the joined text of a list of parts, which Mistral has thinking in."""
    if not isinstance(value, list):
        return value
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in value]
    return "".join(text for text in texts if isinstance(text, str))


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
