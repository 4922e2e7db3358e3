"""Whole answers: the core's completions as LangChain's messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, InvalidToolCall, ToolCall
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult

from gumloop_core.wire import JSONObject
from langchain_gumloop.from_wire.content_blocks import IMAGE_INDEX, TEXT_INDEX, blocks_of
from langchain_gumloop.from_wire.list_indices import with_float_indices
from langchain_gumloop.from_wire.tool_calls import CALL_EXTRAS, read_calls

if TYPE_CHECKING:
    from gumloop_core.answer import Completion, Image, Usage

PROVIDER = "gumloop"
"""``response_metadata["model_provider"]``, and what traces call the provider."""

_OURS = frozenset({"model_provider", "model_name", "output_version", "id", "finish_reason", "token_usage", "logprobs"})
"""What ``response_metadata`` says in our or LangChain's words. A server's top-level fields of these names stand under
``server_metadata``: another provider's name there would have LangChain read our content as that provider's."""


def chat_result(completion: Completion, *, in_blocks: bool, output_version: str | None) -> ChatResult:
    """Make LangChain's result of a unary answer.

    Args:
        completion: The answer.
        in_blocks: Whether the content is a list of blocks even if it is text alone.
        output_version: ``"v1"`` makes the content a list of standard blocks, as the sum of a stream has it then.
    """
    message = ai_message(completion, in_blocks=in_blocks)
    if output_version == "v1":
        message.content = blocks_of(message, indexed=True)  # type: ignore[assignment]
        message.response_metadata["output_version"] = "v1"
    generation = ChatGeneration(message=message, generation_info=generation_info(completion))
    output: JSONObject = {}
    if completion.id is not None:
        output["id"] = completion.id  # where OpenTelemetry's instrumentation of LangChain looks for it
    if completion.model is not None:
        output["model_name"] = completion.model
    if completion.usage is not None:
        output["token_usage"] = completion.usage.raw
    return ChatResult(generations=[generation], llm_output=output)


def combined_llm_output(outputs: Sequence[Mapping[str, Any] | None]) -> JSONObject:
    """What several answers of one call cost together: their token counts and costs added up."""
    usage: JSONObject = {}
    combined: JSONObject = {}
    for output in outputs:
        if output:
            if "model_name" in output:
                combined["model_name"] = output["model_name"]
            _add(usage, output.get("token_usage") or {})
    if usage:
        combined["token_usage"] = usage
    if len(outputs) == 1 and outputs[0] and "id" in outputs[0]:
        combined["id"] = outputs[0]["id"]
    return combined


def _add(total: JSONObject, more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            known = total.setdefault(name, {})
            if isinstance(known, dict):
                _add(known, value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            known = total.get(name)
            total[name] = known + value if isinstance(known, (int, float)) else value
        elif value is not None:
            total[name] = value


def ai_message(completion: Completion, *, in_blocks: bool = False) -> AIMessage:
    """The message of a whole answer; its content is the text, with images or ``in_blocks`` a list of blocks."""
    tool_calls, invalid_tool_calls = parse_tool_calls(completion)
    content: Any = completion.text
    if completion.images or in_blocks:
        content = [*text_blocks(completion.text), *image_blocks(completion.images)]
    return AIMessage(
        content=content,
        additional_kwargs=additional_kwargs(completion),
        response_metadata=response_metadata(completion),
        tool_calls=tool_calls,
        invalid_tool_calls=invalid_tool_calls,
        usage_metadata=usage_metadata(completion.usage),
    )


def parse_tool_calls(completion: Completion) -> tuple[list[ToolCall], list[InvalidToolCall]]:
    """The tool calls whose arguments are a JSON object, and those whose are not."""
    written = ((call.id, call.name, call.arguments) for call in completion.tool_calls)
    return read_calls(written, completion.finish_reason)


def usage_metadata(usage: Usage | None) -> UsageMetadata | None:
    """LangChain's token counts; details only where the server reported them."""
    if usage is None:
        return None
    read: InputTokenDetails = {}
    written: OutputTokenDetails = {}
    if usage.cached_tokens is not None:
        read["cache_read"] = usage.cached_tokens
    if usage.cache_write_tokens is not None:
        read["cache_creation"] = usage.cache_write_tokens
    if usage.prompt_audio_tokens is not None:
        read["audio"] = usage.prompt_audio_tokens
    if usage.reasoning_tokens is not None:
        written["reasoning"] = usage.reasoning_tokens
    if usage.completion_audio_tokens is not None:
        written["audio"] = usage.completion_audio_tokens
    counts = UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
    )
    if read:
        counts["input_token_details"] = read
    if written:
        counts["output_token_details"] = written
    return counts


def response_metadata(completion: Completion) -> JSONObject:
    """What is known of the answer beside its content: see ``docs/langchain.md``."""
    metadata = dict(completion.metadata)
    if not metadata.keys().isdisjoint(_OURS):
        metadata["server_metadata"] = {name: metadata.pop(name) for name in _OURS & metadata.keys()}
    metadata["model_provider"] = PROVIDER
    if completion.model is not None:
        metadata["model_name"] = completion.model
    if completion.id is not None:
        metadata["id"] = completion.id
    metadata["finish_reason"] = completion.finish_reason
    usage = completion.usage
    if usage is not None:
        metadata["token_usage"] = usage.raw
        if usage.cost is not None:
            metadata["cost"] = usage.cost
        if usage.cost_details is not None:
            metadata["cost_details"] = usage.cost_details
        if usage.is_byok is not None:
            metadata["is_byok"] = usage.is_byok
    if completion.logprobs is not None:
        metadata["logprobs"] = completion.logprobs
    return metadata


def additional_kwargs(completion: Completion) -> JSONObject:
    """The parts of a message that LangChain has no field for."""
    kwargs = whole_additional_kwargs(completion)
    if completion.reasoning:
        kwargs["reasoning_content"] = completion.reasoning
    if completion.refusal is not None:
        kwargs["refusal"] = completion.refusal
    return kwargs


def whole_additional_kwargs(completion: Completion) -> JSONObject:
    """Those of them that a stream must hand out whole, since LangChain would join their pieces wrongly."""
    kwargs: JSONObject = dict(completion.extra)
    if completion.reasoning_details:
        kwargs["reasoning_details"] = completion.reasoning_details
    if completion.extensions is not None:
        kwargs["gumloop_extensions"] = completion.extensions
    extras = {call.id: call.extra for call in completion.tool_calls if call.extra}
    if extras:
        kwargs[CALL_EXTRAS] = extras
    return {name: with_float_indices(value) for name, value in kwargs.items()}


def image_block(image: Image) -> JSONObject:
    """LangChain's content block for a generated image."""
    data = image.base64
    if data is None:
        return {"type": "image", "url": image.url}
    block: JSONObject = {"type": "image", "base64": data}
    if image.mime_type is not None:
        block["mime_type"] = image.mime_type
    return block


def image_blocks(images: list[Image] | tuple[Image, ...], first: int = 0) -> list[JSONObject]:
    """The blocks of images, numbered so that LangChain keeps them apart when it adds up chunks."""
    return [{**image_block(image), "index": f"{IMAGE_INDEX}{first + place}"} for place, image in enumerate(images)]


def text_blocks(text: str) -> list[JSONObject]:
    """The block of a text, if there is any."""
    return [{"type": "text", "text": text, "index": TEXT_INDEX}] if text else []


def generation_info(completion: Completion) -> JSONObject | None:
    """What LangChain's generation says of an answer beside its message."""
    return None if completion.finish_reason is None else {"finish_reason": completion.finish_reason}
