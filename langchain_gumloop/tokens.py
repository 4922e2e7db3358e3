"""Estimates of how many tokens messages have; the endpoint has no way to count them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import count_tokens_approximately

_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.+=-]+)*;base64,[A-Za-z0-9+/=_-]{64,}")
_MEDIA_TOKENS = 85
"""What LangChain counts for a picture; a file or a recording of unknown length is taken for one."""
_CHARACTERS_PER_TOKEN = 4
_STAND_IN = "x" * (_MEDIA_TOKENS * _CHARACTERS_PER_TOKEN)
_DATA_FIELDS = frozenset({"base64", "data", "file_data", "url", "image_url", "file", "source", "input_audio"})


def tokens_of_text(text: str) -> int:
    """Estimate the tokens of a text. Pictures in it, as base64 data URLs, count as pictures."""
    return count_tokens_approximately([("user", _without_data(text))], extra_tokens_per_message=0, count_name=False)


def tokens_of_messages(messages: Sequence[BaseMessage], tools: Sequence[Any] | None) -> int:
    """Estimate the tokens of messages and tools. Pictures, files and recordings count as such, not by their base64."""
    return count_tokens_approximately(
        [_countable(message) for message in messages], tools=list(tools) if tools else None
    )


def _countable(message: BaseMessage) -> BaseMessage:
    """A message with its data left out."""
    content = message.content
    if isinstance(content, str):
        countable: Any = _without_data(content)
    else:
        countable = [_countable_block(block) for block in content]
    return message if countable == content else message.model_copy(update={"content": countable})


def _countable_block(block: Any) -> Any:
    if isinstance(block, str):
        return _without_data(block)
    kind = block.get("type")
    if kind == "text":
        text = block.get("text")
        return {"type": "text", "text": _without_data(text) if isinstance(text, str) else ""}
    if kind in ("image", "image_url") or not isinstance(kind, str):
        return {"type": "image"}
    if block.keys() & _DATA_FIELDS:
        return {"type": "text", "text": _STAND_IN}
    return block


def _without_data(text: str) -> str:
    return _DATA_URL.sub(_STAND_IN, text) if "base64," in text else text
