"""LangChain's standard content blocks of our messages: the translator behind ``content_blocks``.

The blocks of a chunk are numbered with names rather than integers: LangChain numbers unnumbered blocks itself, and a
text block and a tool call that both got number 0 would be merged into one.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator

from gumloop_core.wire import JSONObject

TEXT_INDEX = "lc_txt"
REASONING_INDEX = "lc_rsn"
TOOL_CALL_INDEX = "lc_tc_"
IMAGE_INDEX = "lc_img_"


def blocks_of(message: AIMessage, *, indexed: bool = False) -> list[JSONObject]:
    """The blocks of a whole message: reasoning, text and images, tool calls.

    Args:
        message: A message whose tool calls are parsed.
        indexed: Whether blocks keep the numbers that they have in a stream.
    """
    blocks = _reasoning_blocks(message)
    blocks += _content_blocks(message.content)
    if not indexed:
        for block in blocks:
            block.pop("index", None)
    for call in message.tool_calls:
        blocks.append({"type": "tool_call", "name": call["name"], "args": call["args"], "id": call["id"]})
    for invalid in message.invalid_tool_calls:
        blocks.append({**invalid, "type": "invalid_tool_call"})
    return blocks


def blocks_of_chunk(message: AIMessageChunk) -> list[JSONObject]:
    """The blocks of a chunk, or of a sum of chunks when it is whole.

    The last chunk of a stream has no content of its own, so one that is marked as last and has some is a sum.
    """
    if message.chunk_position == "last":
        return blocks_of(message)
    blocks = _reasoning_blocks(message)
    blocks += _content_blocks(message.content)
    for piece in message.tool_call_chunks:
        blocks.append(
            {
                "type": "tool_call_chunk",
                "id": piece["id"],
                "name": piece["name"],
                "args": piece["args"],
                "index": f"{TOOL_CALL_INDEX}{piece['index']}",
            }
        )
    return blocks


def _reasoning_blocks(message: AIMessage) -> list[JSONObject]:
    reasoning = message.additional_kwargs.get("reasoning_content")
    if not isinstance(reasoning, str) or not reasoning:
        return []
    return [{"type": "reasoning", "reasoning": reasoning, "index": REASONING_INDEX}]


def _content_blocks(content: Any) -> list[JSONObject]:
    if isinstance(content, str):
        return [{"type": "text", "text": content, "index": TEXT_INDEX}] if content else []
    blocks: list[JSONObject] = []
    for item in content:
        if isinstance(item, str):
            if item:
                blocks.append({"type": "text", "text": item, "index": TEXT_INDEX})
        else:
            blocks.append(dict(item))
    return blocks


def register() -> None:
    """Tell LangChain how to read our messages; done when the package is imported."""
    register_translator("gumloop", blocks_of, blocks_of_chunk)  # type: ignore[arg-type]
