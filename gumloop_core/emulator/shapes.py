"""The wire's shapes as this endpoint writes them.

The client has its own description of the wire (`gumloop_core.wire`). The emulator does not share it on
purpose: one side's mistake must not be able to hide in the other's.
"""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import NotRequired, TypedDict

JsonObject = dict[str, Any]
"""A JSON object whose keys only the sender knows: a schema, tool arguments, an extension."""


class ImageUrl(TypedDict):
    """Where a picture is: a data URL in answers."""

    url: str


class Image(TypedDict):
    """A picture in an answer."""

    type: NotRequired[Literal["image_url"]]
    image_url: ImageUrl


class FunctionCall(TypedDict):
    """The function of a tool call; the arguments are JSON text."""

    name: str
    arguments: str


class ToolCallBody(TypedDict):
    """A tool call of an answer."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class ReasoningDetail(TypedDict, total=False):
    """One entry of `reasoning_details`; `text` and `signature`, `summary` or `data` by its type."""

    type: str
    text: str
    signature: str
    summary: str
    data: str
    id: str
    format: str
    index: int


class PromptTokensDetails(TypedDict):
    """What the prompt's tokens were."""

    cached_tokens: int
    cache_write_tokens: int
    audio_tokens: int
    video_tokens: int


class CompletionTokensDetails(TypedDict):
    """What the completion's tokens were."""

    reasoning_tokens: int
    audio_tokens: int
    accepted_prediction_tokens: int
    rejected_prediction_tokens: int


class Usage(TypedDict):
    """Token counts; the cost in USD only on OpenRouter routes."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: NotRequired[PromptTokensDetails]
    completion_tokens_details: NotRequired[CompletionTokensDetails]
    cost: NotRequired[float]
    is_byok: NotRequired[bool]
    cost_details: NotRequired[dict[str, float]]


class MessageBody(TypedDict):
    """The message of a unary answer."""

    role: Literal["assistant"]
    content: str | None
    tool_calls: NotRequired[list[ToolCallBody]]
    reasoning: NotRequired[str]
    reasoning_details: NotRequired[list[ReasoningDetail]]
    refusal: NotRequired[str]
    images: NotRequired[list[Image]]
    gumloop_extensions: NotRequired[JsonObject]


class ChoiceBody(TypedDict):
    """The one choice of a unary answer."""

    index: int
    finish_reason: str
    logprobs: None
    message: MessageBody


class CompletionBody(TypedDict):
    """A unary answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    service_tier: NotRequired[str]
    choices: list[ChoiceBody]
    usage: NotRequired[Usage | JsonObject]


class FunctionDelta(TypedDict, total=False):
    """A piece of a call's function."""

    name: str
    arguments: str


class ToolCallDelta(TypedDict):
    """A piece of a tool call; pieces of one call have one index."""

    index: int
    id: NotRequired[str]
    type: NotRequired[Literal["function"]]
    function: FunctionDelta


class Delta(TypedDict, total=False):
    """What a chunk adds."""

    role: Literal["assistant"]
    content: str
    reasoning: str
    reasoning_details: list[ReasoningDetail]
    refusal: str
    tool_calls: list[ToolCallDelta]
    images: list[Image]
    gumloop_extensions: JsonObject


class ChunkChoice(TypedDict):
    """The one choice of a chunk."""

    index: int
    delta: Delta
    finish_reason: str | None
    logprobs: None


class ChunkError(TypedDict):
    """A failure after the stream has begun."""

    code: int
    message: str


class ChunkBody(TypedDict):
    """One event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    system_fingerprint: str
    service_tier: NotRequired[str]
    choices: list[ChunkChoice]
    usage: NotRequired[Usage | JsonObject]
    error: NotRequired[ChunkError]
