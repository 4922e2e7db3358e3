"""The wire's shapes: what is sent and what arrives, as TypedDicts.

They cost nothing at run time: nothing is validated against them. The endpoint may leave out, null or add any field,
so the reader treats them as a description, not as a guarantee.

Source: the vendor's reference page for ``POST /chat/completions`` and the request model of its Python SDK
(``gumloop`` 0.5.9), which is OpenRouter's chat shape.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

JSONObject: TypeAlias = dict[str, Any]
"""Any JSON object."""

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
"""The message roles that the endpoint knows."""


class FunctionCall(TypedDict):
    """The function that a tool call names, and its arguments as JSON text."""

    name: str
    arguments: str


class ToolCallParam(TypedDict):
    """A tool call in an assistant message."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class ImageURL(TypedDict):
    """Where an image is: an http(s) URL or a base64 data URL."""

    url: str
    detail: NotRequired[str]


class ContentPart(TypedDict):
    """One part of a message's content.

    ``type`` is ``text``, ``image_url``, ``input_audio``, ``file`` or ``video_url``; the field of the same name
    holds the value.
    """

    type: str
    text: NotRequired[str]
    image_url: NotRequired[ImageURL]
    input_audio: NotRequired[JSONObject]
    file: NotRequired[JSONObject]
    video_url: NotRequired[JSONObject]
    cache_control: NotRequired[JSONObject]


class MessageParam(TypedDict):
    """A message of the conversation that is sent."""

    role: str
    content: NotRequired[str | list[ContentPart] | None]
    name: NotRequired[str]
    tool_calls: NotRequired[list[ToolCallParam]]
    tool_call_id: NotRequired[str]
    reasoning: NotRequired[str]
    reasoning_details: NotRequired[list[JSONObject]]


class FunctionParam(TypedDict):
    """A function that the model may call."""

    name: str
    description: NotRequired[str]
    parameters: NotRequired[JSONObject]
    strict: NotRequired[bool | None]


class ToolParam(TypedDict):
    """A tool definition."""

    type: Literal["function"]
    function: FunctionParam
    cache_control: NotRequired[JSONObject]


class NamedFunction(TypedDict):
    """The function that a named tool choice points at."""

    name: str


class NamedToolChoice(TypedDict):
    """The tool choice that forces one tool."""

    type: Literal["function"]
    function: NamedFunction


ToolChoice: TypeAlias = str | NamedToolChoice
"""``"auto"``, ``"none"``, ``"required"``, or one named tool."""


class JSONSchemaFormat(TypedDict):
    """The schema of a structured answer."""

    name: str
    schema: JSONObject
    strict: NotRequired[bool]
    description: NotRequired[str]


class ResponseFormat(TypedDict):
    """What form the answer must have: ``json_object`` or ``json_schema``."""

    type: str
    json_schema: NotRequired[JSONSchemaFormat]


ChatBody: TypeAlias = dict[str, Any]
"""The body of ``POST /chat/completions``.

``model`` (str) and ``messages`` (list of :class:`MessageParam`) are required. It is a plain dict because callers may
add any field through ``extra_body``.
"""


class PromptTokensDetails(TypedDict, total=False):
    """How the prompt's tokens divide up."""

    cached_tokens: int | None
    cache_write_tokens: int | None
    audio_tokens: int | None
    video_tokens: int | None


class CompletionTokensDetails(TypedDict, total=False):
    """How the completion's tokens divide up."""

    reasoning_tokens: int | None
    audio_tokens: int | None
    accepted_prediction_tokens: int | None
    rejected_prediction_tokens: int | None


class UsageObject(TypedDict, total=False):
    """The usage object; ``cost`` is in USD and comes on OpenRouter routes only."""

    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    prompt_tokens_details: PromptTokensDetails | None
    completion_tokens_details: CompletionTokensDetails | None
    cost: float | None
    cost_details: JSONObject | None
    is_byok: bool | None


class CompletionObject(TypedDict, total=False):
    """A unary answer, ``chat.completion``."""

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str | None
    service_tier: str | None
    choices: list[JSONObject]
    usage: UsageObject | None
    error: JSONObject | str | None


class ChunkObject(CompletionObject, total=False):
    """One event of a streamed answer, ``chat.completion.chunk``; its choices carry ``delta``."""
