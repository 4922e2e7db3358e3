"""What the core hands out: deltas while an answer streams, a completion when it is whole.

Adapters read these and never the wire. Nothing that the server sent is missing from them: fields without a place of
their own are in :attr:`Completion.metadata` (top level and choice) or :attr:`Completion.extra` (message).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gumloop_core.wire import JSONObject, ToolCallParam


@dataclass(slots=True, frozen=True)
class Image:
    """A generated image.

    Attributes:
        url: A base64 data URL (``data:image/png;base64,…``), or an http(s) URL.
    """

    url: str

    @property
    def mime_type(self) -> str | None:
        """The media type that a data URL names, ``None`` for other URLs."""
        if not self.url.startswith("data:"):
            return None
        return self.url[5:].split(",", 1)[0].split(";", 1)[0] or None

    @property
    def base64(self) -> str | None:
        """The base64 text of a data URL, ``None`` for other URLs."""
        head, comma, data = self.url.partition(",")
        return data if comma and head.startswith("data:") and head.endswith(";base64") else None

    @property
    def data(self) -> bytes | None:
        """The decoded bytes of a data URL, ``None`` for other URLs.

        Raises:
            ValueError: If the base64 text is damaged.
        """
        text = self.base64
        return None if text is None else base64.b64decode(text)


@dataclass(slots=True, frozen=True)
class ToolCall:
    """A finished tool call.

    Attributes:
        id: The server's id, or one that was made up where it gave none.
        name: The function's name.
        arguments: JSON text as the model wrote it, whole or not.
        extra: Other fields of the call, to be sent back with it: Gemini's ``extra_content`` with its thought signature,
            for example.
    """

    id: str
    name: str
    arguments: str
    extra: JSONObject = field(default_factory=dict, hash=False)

    def as_param(self) -> ToolCallParam:
        """The call in the wire's form, as it is sent back in an assistant message."""
        return {
            **self.extra,  # type: ignore[typeddict-item]  # the provider's own
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": self.arguments},
        }


@dataclass(slots=True)
class ToolCallPiece:
    """A piece of a tool call in a stream.

    Attributes:
        index: Which call of the answer this belongs to, counted from 0 without gaps, whatever the wire said. A delta
            has at most one piece of each call.
        id: The call's id, on its first piece only; made up where the server had given none until then.
        name: The function's whole name, on the call's first piece unless the server sent it after the next call.
        arguments: The next piece of the arguments' JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(slots=True)
class Usage:
    """Token counts and cost, as the server reported them.

    Attributes:
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written, reasoning included.
        total_tokens: Their sum as reported, or added up where the server left it out.
        cached_tokens: Prompt tokens read from a cache; ``None`` when not reported.
        cache_write_tokens: Prompt tokens written to a cache; ``None`` when not reported.
        reasoning_tokens: Completion tokens spent on reasoning; ``None`` when not reported.
        prompt_audio_tokens: Audio tokens read; ``None`` when not reported.
        completion_audio_tokens: Audio tokens written; ``None`` when not reported.
        cost: USD; reported on OpenRouter routes only.
        cost_details: How the cost divides up.
        is_byok: Whether the request ran on the caller's own provider key.
        raw: The usage object as received.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    prompt_audio_tokens: int | None = None
    completion_audio_tokens: int | None = None
    cost: float | None = None
    cost_details: JSONObject | None = None
    is_byok: bool | None = None
    raw: JSONObject = field(default_factory=dict)


@dataclass(slots=True)
class Completion:
    """A whole answer, or as much of one as had arrived.

    Attributes:
        id: The server's id of the answer.
        model: The model that served it.
        text: The answer's text.
        reasoning: The reasoning's text.
        reasoning_details: The reasoning as structured parts; to be sent back unchanged on the next turn.
        tool_calls: The calls that the model asks for.
        images: The generated images; of a picture sent in partial frames, the last frame.
        refusal: The refusal's text, when the model refused.
        extensions: The vendor's ``gumloop_extensions``.
        finish_reason: Why the answer ended, in the server's word; ``None`` when it did not say.
        usage: Token counts and cost; ``None`` when the server sent none.
        logprobs: Log probabilities, when asked for.
        metadata: Other fields of the answer's and the choice's top level (``created``, ``system_fingerprint``,
            ``service_tier``, ``provider`` …), where present.
        extra: Other fields of the message (``annotations``, ``audio`` …), where present; ``content_parts`` are parts of
            the content that are neither text nor image, ``images`` those that have no address.
        raw: The unary answer as received; empty for a streamed one, whose deltas carry their own.
    """

    id: str | None = None
    model: str | None = None
    text: str = ""
    reasoning: str = ""
    reasoning_details: list[JSONObject] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    refusal: str | None = None
    extensions: JSONObject | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    logprobs: JSONObject | None = None
    metadata: JSONObject = field(default_factory=dict)
    extra: JSONObject = field(default_factory=dict)
    raw: JSONObject = field(default_factory=dict)


class Delta:
    """One step of a streamed answer.

    A step has usually one of text, reasoning, tool-call pieces or images. The last one of a stream has only
    ``completion``. The defaults live on the class, so that making one for a text chunk sets two attributes.

    Attributes:
        text: The next piece of text.
        reasoning: The next piece of reasoning.
        tool_calls: The next pieces of tool calls.
        images: Images that are final.
        partial_images: Earlier frames of a picture that will follow whole, when ``partial_images`` was asked for.
        refusal: The next piece of a refusal.
        extensions: The vendor's ``gumloop_extensions`` in this chunk.
        raw: The chunk as received; empty where a step was made at the end of the stream.
        completion: The whole answer; on the last step only, ``None`` before.
    """

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallPiece, ...] = ()
    images: tuple[Image, ...] = ()
    partial_images: tuple[Image, ...] = ()
    refusal: str = ""
    extensions: JSONObject | None = None
    completion: Completion | None = None

    def __init__(self, raw: JSONObject) -> None:
        self.raw = raw

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items() if name != "raw")
        return f"Delta({shown})"
