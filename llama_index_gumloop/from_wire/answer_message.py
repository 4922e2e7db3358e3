"""The message of an answer that is more than one text."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock, ToolCallBlock
from pydantic import ConfigDict, PrivateAttr


class AnswerMessage(ChatMessage):
    """A message of several blocks, whose text can be set, and which reads well where it has none.

    Chat engines before 0.14.24 end a stream by setting the text of its last message, which a plain message refuses
    where there is any other block: a thought is enough. And a plain message without text prints as "assistant: None".
    """

    model_config = ConfigDict(defer_build=True)  # most answers are one text

    _selections: Any = PrivateAttr(None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ChatMessage) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # as of every message

    def __str__(self) -> str:
        text = self.content
        if text is None:
            text = ", ".join(shown for shown in map(_shown, self.blocks) if shown)
        return f"{self.role.value}: {text}"

    @property
    def selections_so_far(self) -> Any:
        """What has read the tool calls of the same stream's earlier messages; ``None`` outside of a stream."""
        return self._selections

    @property
    def content(self) -> str | None:
        """The text."""
        return super().content

    @content.setter
    def content(self, content: str) -> None:
        kept = [block for block in self.blocks if not isinstance(block, TextBlock)]
        place = next((place for place, block in enumerate(self.blocks) if isinstance(block, TextBlock)), len(kept))
        self.blocks = [*kept[:place], TextBlock(text=content), *kept[place:]]


def _shown(block: Any) -> str:
    """A block in few words, where a message has no text to show."""
    if isinstance(block, ToolCallBlock):
        given = block.tool_kwargs
        arguments = given if isinstance(given, str) else ", ".join(f"{name}={value!r}" for name, value in given.items())
        return f"{block.tool_name}({arguments})"
    return "" if isinstance(block, ThinkingBlock) else f"[{block.block_type}]"
