"""A chat request after the checks: typed, complete, and the only thing that the rules see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gumloop_core.emulator.shapes import JsonObject

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True)
class CallRecord:
    """A tool call in the history.

    Attributes:
        id: The call's id.
        name: The function's name.
        arguments: The parsed arguments.
    """

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """One message of the history.

    Attributes:
        index: Its place in the request's list.
        role: Its role; `developer` counts as `system`.
        text: Its text parts, joined.
        images: How many pictures it carries.
        attachments: How many files, audio clips and videos it carries.
        cached_characters: How much of the text lies before its last `cache_control` mark.
        tool_calls: The calls of an assistant message.
        tool_call_id: The call that a tool message answers.
        reasoning_details: The details that came back with an assistant message.
    """

    index: int
    role: Role
    text: str
    images: int = 0
    attachments: int = 0
    cached_characters: int = 0
    tool_calls: tuple[CallRecord, ...] = ()
    tool_call_id: str | None = None
    reasoning_details: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Tool:
    """A function that may be called."""

    name: str
    description: str = ""
    parameters: JsonObject = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True)
class ResponseFormat:
    """The form that the answer must have; `schema` is set for `json_schema`."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str = ""
    schema: JsonObject | None = None


@dataclass(frozen=True)
class ToolChoice:
    """Whether tools may or must be called; `name` is set when one function is forced."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str | None = None

    @property
    def forced(self) -> bool:
        """Whether an answer without a call would break the request."""
        return self.mode in ("required", "named")


@dataclass(frozen=True)
class ImageConfig:
    """What was asked of a picture."""

    size: str | None = None
    aspect_ratio: str | None = None
    partial_images: int = 0
    output_format: str = "png"


@dataclass(frozen=True)
class Call:
    """A checked chat request."""

    model: str
    messages: Sequence[Message]
    stream: bool = False
    tools: Sequence[Tool] = ()
    tool_choice: ToolChoice = field(default_factory=ToolChoice)
    parallel_tool_calls: bool = True
    server_tools: Sequence[str] = ()
    response_format: ResponseFormat = field(default_factory=ResponseFormat)
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    seed: int | None = None
    include_usage: bool = True
    reasoning: Literal["default", "on", "off"] = "default"
    modalities: Sequence[str] = ()
    image_config: ImageConfig = field(default_factory=ImageConfig)
    service_tier: str | None = None
    fallback_models: Sequence[str] = ()
    fingerprint: str = ""

    def last_user_index(self) -> int:
        """Return the position of the last user message, -1 when there is none."""
        return max((i for i, message in enumerate(self.messages) if message.role == "user"), default=-1)

    def last_user_text(self) -> str:
        """Return the text of the last user message."""
        index = self.last_user_index()
        return self.messages[index].text if index >= 0 else ""

    def since_last_user(self) -> Sequence[Message]:
        """Return the messages after the last user message: the calls and results of this turn."""
        return self.messages[self.last_user_index() + 1 :]

    def system_text(self) -> str:
        """Return the text of all system and developer messages."""
        return "\n".join(message.text for message in self.messages if message.role == "system")
