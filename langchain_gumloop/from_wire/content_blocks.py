"""LangChain's standard content blocks of our messages: the translator behind ``content_blocks``.

The blocks of a chunk are numbered with names rather than integers: LangChain numbers unnumbered blocks itself, and a
text block and a tool call that both got number 0 would be merged into one. Blocks that arrive whole have names that
LangChain does not merge by, not even where two answers become one message.

A whole answer has them in this order, streamed or not: reasoning, what tools of the server did, text, pictures, tool
calls. What LangChain has no place for in a message without blocks is read from where it is kept whole: reasoning,
annotations and the results of server tools from ``additional_kwargs``.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator

from gumloop_core.boundary import Boundary
from gumloop_core.wire import JSONObject
from langchain_gumloop.errors import as_langchain
from langchain_gumloop.from_wire.citations import annotation_blocks
from langchain_gumloop.from_wire.server_tools import server_tool_blocks
from langchain_gumloop.from_wire.tool_calls import extras_of

TEXT_INDEX = "lc_txt"
REASONING_INDEX = "lc_rsn"
TOOL_CALL_INDEX = "lc_tc_"
IMAGE_INDEX = "img_"

_CALLS = frozenset({"tool_call", "tool_call_chunk", "invalid_tool_call"})
_SERVER_TOOLS = frozenset({"server_tool_call", "server_tool_result"})
_PLACES = {"reasoning": 0, "server_tool_call": 1, "server_tool_result": 1, "text": 2}
_LATER = 3


def blocks_of(message: AIMessage, *, indexed: bool = False) -> list[JSONObject]:
    """The blocks of a whole message.

    Args:
        message: A message whose tool calls are parsed.
        indexed: Whether blocks keep the numbers that they have in a stream.
    """
    blocks = _content_blocks(message.content)
    kinds = {block.get("type") for block in blocks}
    kwargs = message.additional_kwargs
    first: list[JSONObject] = [] if "reasoning" in kinds else _reasoning_blocks(message)
    if "gumloop_extensions" in kwargs and not kinds & _SERVER_TOOLS:
        first += server_tool_blocks(kwargs["gumloop_extensions"])
    if "annotations" in kwargs:
        _annotate(blocks, annotation_blocks(kwargs["annotations"]))
    blocks = first + blocks
    if not indexed:
        for block in blocks:
            block.pop("index", None)
    calls, invalid_calls = message.tool_calls, message.invalid_tool_calls
    if not kinds.isdisjoint(_CALLS) and (calls or invalid_calls):
        blocks = [block for block in blocks if block.get("type") not in _CALLS]
    for call in calls:
        block = {"type": "tool_call", "name": call["name"], "args": call["args"], "id": call["id"]}
        blocks.append(with_extras(block, kwargs))
    for invalid in invalid_calls:
        blocks.append(with_extras({**invalid, "type": "invalid_tool_call"}, kwargs))
    return blocks


def with_extras(block: JSONObject, kwargs: JSONObject) -> JSONObject:
    """The block of a call, with the further fields that the server gave it."""
    extras = extras_of(kwargs, block["id"])
    return {**block, "extras": extras} if extras else block


def in_unary_order(total: AIMessage) -> list[JSONObject]:
    """The content of a finished sum of chunks with standard blocks, as a unary answer has it."""
    blocks = blocks_of(total, indexed=True)
    return sorted(blocks, key=lambda block: _PLACES.get(block["type"], _LATER))


def with_text_in_a_block(content: list[Any]) -> list[Any]:
    """The content of a finished sum with pictures that nobody asked for, whose text came as plain strings before."""
    texts: list[str] = []
    others: list[Any] = []
    for item in content:
        if isinstance(item, str):
            texts.append(item)
        elif item.get("index") == TEXT_INDEX:  # of a part that was added up before
            texts.append(item["text"])
        else:
            others.append(item)
    text = "".join(texts)
    return ([{"type": "text", "text": text, "index": TEXT_INDEX}] if text else []) + others


def last_blocks(kwargs: JSONObject) -> list[JSONObject]:
    """The blocks that only the last chunk of a stream has.

    Args:
        kwargs: The last chunk's ``additional_kwargs``.
    """
    blocks = server_tool_blocks(kwargs.get("gumloop_extensions"))
    _annotate(blocks, annotation_blocks(kwargs.get("annotations")))
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


def _annotate(blocks: list[JSONObject], annotations: list[JSONObject]) -> None:
    """Put the annotations of an answer on its text block; one that has some was annotated before."""
    if not annotations or any(block.get("annotations") for block in blocks):
        return
    for block in blocks:
        if block.get("type") == "text":
            block["annotations"] = annotations
            return
    blocks.append({"type": "text", "text": "", "index": TEXT_INDEX, "annotations": annotations})


def _translated(message: AIMessage) -> list[JSONObject]:
    try:
        return blocks_of(message)
    except Exception:
        with Boundary(as_langchain):  # entered here alone, as each chunk of a stream with standard blocks comes by
            raise


def _translated_chunk(message: AIMessageChunk) -> list[JSONObject]:
    try:
        return blocks_of_chunk(message)
    except Exception:
        with Boundary(as_langchain):
            raise


def register() -> None:
    """Tell LangChain how to read our messages; done when the package is imported."""
    register_translator("gumloop", _translated, _translated_chunk)  # type: ignore[arg-type]
