"""Whole answers: the core's completions as LlamaIndex's responses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    ImageBlock,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from gumloop_core.boundary import unexpected
from gumloop_core.reading.arguments import read_arguments
from gumloop_core.wire import JSONObject
from llama_index_gumloop.from_wire.answer_message import AnswerMessage

if TYPE_CHECKING:
    from gumloop_core.answer import Completion, Image, ToolCall, Usage

_USAGE_DETAILS = (
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "prompt_audio_tokens",
    "completion_audio_tokens",
    "cost",
    "cost_details",
    "is_byok",
)
_SERVED_BY = ("provider", "system_fingerprint", "service_tier")


def to_response(completion: Completion) -> ChatResponse:
    """The response for a whole answer, as the server sent it unary.

    Raises:
        UnexpectedError: If the framework takes it in a way that nobody foresaw; the answer is in ``partial``.
    """
    try:
        return ChatResponse(
            message=to_message(completion),
            raw=_raw(completion),
            logprobs=_logprobs(completion.logprobs),
            additional_kwargs=_facts(completion),
        )
    except Exception as error:  # the answer was paid for: it is not lost
        raised = unexpected(error)
        raised.partial = completion
        raise raised from raised.__cause__


def to_message(completion: Completion) -> ChatMessage:
    """The message of a whole answer."""
    blocks: list[Any] = []
    if completion.reasoning or completion.reasoning_details:
        usage = completion.usage
        details = completion.reasoning_details
        blocks.append(
            ThinkingBlock(
                content=completion.reasoning or None,
                num_tokens=usage.reasoning_tokens if usage is not None else None,
                additional_information={"reasoning_details": details} if details else {},
            )
        )
    images = AnswerImages()
    images.add(completion.images)
    if completion.text or not (completion.tool_calls or images.blocks):
        blocks.append(TextBlock(text=completion.text))
    extra = completion.extra
    if "annotations" in extra:
        from llama_index_gumloop.from_wire.citations import citation_blocks

        blocks.extend(citation_blocks(extra["annotations"]))
    blocks.extend(images.blocks)
    blocks.extend(
        ToolCallBlock(
            tool_call_id=call.id, tool_name=call.name, tool_kwargs=_tool_kwargs(call, completion.finish_reason)
        )
        for call in completion.tool_calls
    )
    return (ChatMessage if _is_text(blocks) else AnswerMessage)(
        role=MessageRole.ASSISTANT,
        blocks=blocks,
        additional_kwargs=message_extras(
            [call.as_param() for call in completion.tool_calls],
            completion.refusal,
            completion.extensions,
            images.unread,
            extra,
        ),
    )


def to_completion_response(response: ChatResponse) -> CompletionResponse:
    """The same response to a prompt; nothing but the message's form is lost."""
    return CompletionResponse(
        text=response.message.content or "",
        additional_kwargs={**response.message.additional_kwargs, **response.additional_kwargs},
        raw=response.raw,
        logprobs=response.logprobs,
        delta=response.delta,
    )


def is_last(response: ChatResponse) -> bool:
    """Whether a response is of a whole answer: unary, or the last of a stream."""
    facts = response.additional_kwargs
    return isinstance(facts, dict) and "finish_reason" in facts


class AnswerImages:
    """The images of an answer: blocks, and as they came those that the framework's block takes no such address of."""

    def __init__(self) -> None:
        self.blocks: list[ImageBlock] = []
        self.unread: list[Any] = []

    def add(self, images: Sequence[Image]) -> None:
        """Take the next ones."""
        for image in images:
            block = _image_block(image)
            if block is None:
                self.unread.append({"type": "image_url", "image_url": {"url": image.url}})
            else:
                self.blocks.append(block)


def message_extras(
    calls: list[Any],
    refusal: str | None,
    extensions: JSONObject | None,
    unread_images: list[Any],
    extra: JSONObject | None,
) -> JSONObject:
    """What goes into the message's ``additional_kwargs``: memories count its length, so nothing more than needed."""
    extras: JSONObject = dict(extra) if extra else {}
    if unread_images or "images" in extras:
        # Not as "images", where the framework expects documents of its own.
        unread = extras.pop("images", [])
        extras["unread_images"] = [*(unread if isinstance(unread, list) else [unread]), *unread_images]
    if calls:
        extras["tool_calls"] = calls
    if refusal:
        extras["refusal"] = refusal
    if extensions:
        extras["gumloop_extensions"] = extensions
    return extras


def _tool_kwargs(call: ToolCall, finish_reason: str | None) -> dict[str, Any] | str:
    """The arguments as a dict, or as the model wrote them where they are no JSON object, or not whole."""
    arguments, _ = read_arguments(call.arguments, finish_reason)
    return call.arguments if arguments is None else arguments


def _image_block(image: Image) -> ImageBlock | None:
    try:
        data = image.data
    except ValueError:  # damaged; it is the caller's to judge
        data = None
    try:
        if data:
            return ImageBlock(image=data, image_mimetype=image.mime_type)
        return ImageBlock(url=image.url)
    except ValueError:  # pydantic's: the address is none
        return None


def _is_text(blocks: list[Any]) -> bool:
    return len(blocks) == 1 and isinstance(blocks[0], TextBlock)


def _facts(completion: Completion) -> JSONObject:
    """What is said about an answer beside it."""
    facts: JSONObject = {}
    usage = completion.usage
    if usage is not None:
        facts["prompt_tokens"] = usage.prompt_tokens
        facts["completion_tokens"] = usage.completion_tokens
        facts["total_tokens"] = usage.total_tokens
        for name in _USAGE_DETAILS:
            value = getattr(usage, name)
            if value is not None:
                facts[name] = value
    facts["finish_reason"] = completion.finish_reason
    if completion.id is not None:
        facts["id"] = completion.id
    if completion.model is not None:
        facts["model"] = completion.model
    for name in _SERVED_BY:
        if name in completion.metadata:
            facts[name] = completion.metadata[name]
    return facts


def _raw(completion: Completion) -> JSONObject:
    """The answer as received; for a streamed one, whose responses had a chunk each, what the chunks said together."""
    usage = completion.usage
    if completion.raw:
        raw = completion.raw
        if usage is None:
            return raw
        counted = _with_counts(usage)
        return raw if counted is usage.raw else {**raw, "usage": counted}
    raw = {**completion.metadata, "id": completion.id, "model": completion.model}
    raw["finish_reason"] = completion.finish_reason
    if completion.logprobs is not None:
        raw["logprobs"] = completion.logprobs
    if usage is not None:
        raw["usage"] = _with_counts(usage)
    return raw


def _with_counts(usage: Usage) -> JSONObject:
    """The usage object with all three counts, which counting handlers add up without looking."""
    counts = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
    raw = usage.raw
    return raw if all(raw.get(name) == count for name, count in counts.items()) else {**raw, **counts}


def _logprobs(logprobs: JSONObject | None) -> list[list[LogProb]] | None:
    """For each token the candidates that were reported, or the token itself; ``raw`` has them as they came."""
    tokens = (logprobs or {}).get("content")
    if not isinstance(tokens, list):
        return None
    read: list[list[LogProb]] = []
    for token in tokens:
        if isinstance(token, dict):
            candidates = token.get("top_logprobs")
            if not (isinstance(candidates, list) and candidates):
                candidates = [token]
            read.append([_logprob(candidate) for candidate in candidates if isinstance(candidate, dict)])
    return read


def _logprob(token: JSONObject) -> LogProb:
    text, logprob, data = token.get("token"), token.get("logprob"), token.get("bytes")
    return LogProb(
        token=text if isinstance(text, str) else "",
        logprob=_number(logprob),
        bytes=data if isinstance(data, list) and all(type(byte) is int for byte in data) else [],
    )


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    try:
        return float(value)
    except OverflowError:
        return -math.inf if value < 0 else math.inf
