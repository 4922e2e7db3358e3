"""The wire's shapes: what is sent, as TypedDicts; nothing is validated against them.

What arrives is read as JSON objects, for the endpoint may leave out, null or add any field.

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
