"""Earlier answers, ours or another integration's, on the wire's form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, CitationBlock, ImageBlock, ThinkingBlock, ToolCallBlock

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import decode_text, encode, encode_arguments, with_null
from gumloop_core.reading.arguments import read_arguments
from gumloop_core.shown import named, shown
from gumloop_core.wire import FunctionCall, JSONObject, MessageParam, ToolCallParam
from llama_index_gumloop.from_wire.citations import cited_sources
from llama_index_gumloop.to_wire.content_parts import image_address, message_content, text_field

_OF_A_CALL = frozenset({"id", "type", "function", "index"})
"""Fields of a call that every one has; pieces of a streamed one have the last."""


def assistant_param(message: ChatMessage, place: int, *, replay_reasoning: bool) -> MessageParam:
    """The wire's message for an answer.

    Args:
        message: The assistant's message.
        place: Its place in the conversation.
        replay_reasoning: Whether its reasoning is sent.

    Raises:
        InvalidRequestError: If the wire has no place for a block, or a field of one holds what it cannot.
    """
    given = message.additional_kwargs
    annotations = given.get("annotations")
    if isinstance(annotations, (list, tuple)):
        annotations = [_as_dict(annotation) for annotation in annotations]
    cited = cited_sources(annotations)
    content: list[tuple[int, Any]] = []
    thinking: list[tuple[str, ThinkingBlock]] = []
    images: list[JSONObject] = []
    calls: list[tuple[str, ToolCallBlock]] = []
    for number, block in enumerate(message.blocks):
        where = f"messages[{place}].blocks[{number}]"
        if isinstance(block, ToolCallBlock):
            calls.append((where, block))
        elif isinstance(block, ThinkingBlock):
            thinking.append((where, block))
        elif isinstance(block, ImageBlock):
            images.append({"type": "image_url", "image_url": {"url": image_address(block, where)}})
        elif not (isinstance(block, CitationBlock) and block.source in cited):  # those go back as they came
            content.append((number, block))
    tool_calls = _tool_calls(calls, given.get("tool_calls"), place)
    converted: MessageParam = {"role": "assistant", "content": message_content(content, "assistant", place) or None}
    if tool_calls:
        converted["tool_calls"] = tool_calls
    if images:
        converted["images"] = images  # type: ignore[typeddict-unknown-key]  # known to the endpoint, by few providers
    if isinstance(annotations, list) and annotations:
        where = f"messages[{place}].additional_kwargs['annotations']"
        converted["annotations"] = _with_finite_numbers(annotations, where)  # type: ignore[typeddict-unknown-key]
    refusal = given.get("refusal")
    if isinstance(refusal, str) and refusal:
        converted["refusal"] = refusal  # type: ignore[typeddict-unknown-key]
    elif converted["content"] is None and not tool_calls and not images:
        converted["content"] = ""
    if thinking and replay_reasoning:
        _put_reasoning(thinking, converted)
    return converted


def _put_reasoning(thinking: Sequence[tuple[str, ThinkingBlock]], converted: MessageParam) -> None:
    """The details as they came; the text only where there are none, as it would be there twice."""
    details: list[JSONObject] = []
    texts: list[str] = []
    for where, block in thinking:
        information = block.additional_information or {}
        given = information.get("reasoning_details") or ()
        if not given and isinstance(information.get("signature"), str):
            given = [_signed_detail(block, information["signature"], where)]
        if not isinstance(given, (list, tuple)) or not all(isinstance(detail, Mapping) for detail in given):
            raise InvalidRequestError(
                f"{where} is a ThinkingBlock whose additional_information['reasoning_details'] is not a list of dicts: "
                f"{shown(given)}."
            )
        details.extend(_with_finite_numbers(given, where))
        texts.append(text_field(block, "content", where) or "")
    text = "".join(texts)
    if details:
        converted["reasoning_details"] = details
    elif text:
        converted["reasoning"] = text


def _signed_detail(block: ThinkingBlock, signature: str, where: str) -> JSONObject:
    """The detail for a thought as Anthropic's adapter keeps it, whose models want their signature back."""
    text = text_field(block, "content", where)
    return {"type": "reasoning.text", "text": text, "signature": signature, "format": "anthropic-claude-v1"}


def _tool_calls(blocks: Sequence[tuple[str, ToolCallBlock]], given: Any, place: int) -> list[ToolCallParam]:
    """The calls of an assistant message, from its blocks and from the dicts that older code reads and writes.

    The dicts hold what the blocks have no place for: the text of the arguments, and a call's further fields, a thought
    signature for example, that its model wants back.
    """
    params: list[ToolCallParam] = []
    for number, call in enumerate(given if isinstance(given, (list, tuple)) else ()):
        where = f"messages[{place}].additional_kwargs['tool_calls'][{number}]"
        param = _given_call(call, where)
        if param is not None:
            params.append(param)
        elif not blocks:  # else it is another integration's form of what the blocks say
            raise InvalidRequestError(f"{where} is a tool call that makes no sense: {shown(call)}.")
    if not blocks:
        return params
    by_id = {param["id"]: param for param in params}
    calls: list[ToolCallParam] = []
    for number, (where, block) in enumerate(blocks):
        identity = text_field(block, "tool_call_id", where) or f"call_{place}_{number}"
        # Some providers give several calls one id.
        is_in_place = number < len(params) and params[number]["id"] == identity
        repeated = params[number] if is_in_place else by_id.get(identity)
        arguments = _arguments(block.tool_kwargs, repeated, where)
        function: FunctionCall = {"name": text_field(block, "tool_name", where) or "", "arguments": arguments}
        more = cast("Any", {} if repeated is None else repeated)
        calls.append({**more, "id": identity, "type": "function", "function": function})
    return calls


def _given_call(call: Any, where: str) -> ToolCallParam | None:
    call = _as_dict(call)
    if not isinstance(call, Mapping):
        return None
    function, identity = call.get("function"), call.get("id")
    more: dict[str, Any] = {}
    if isinstance(function, Mapping):
        arguments = function.get("arguments")
        more = {name: value for name, value in call.items() if name not in _OF_A_CALL and value is not None}
    else:  # as Anthropic, OpenAI's Responses and Google have it: on one level
        function, identity = call, call.get("call_id") or identity
        arguments = next((call[name] for name in ("arguments", "input", "args") if name in call), None)
    if not identity or not function.get("name"):
        return None
    param: Any = {
        **_with_finite_numbers(more, where),
        "id": str(identity),
        "type": "function",
        "function": {"name": str(function["name"]), "arguments": _arguments(arguments, None, where)},
    }
    return cast("ToolCallParam", param)


def _as_dict(value: Any) -> Any:
    """A dict for an object of a provider's SDK, as other adapters leave them in histories; all else as it is."""
    dump: Callable[[], Any] | None = None if isinstance(value, Mapping) else getattr(value, "model_dump", None)
    return value if dump is None else dump()


def _arguments(value: Any, repeated: ToolCallParam | None, where: str) -> str:
    """The arguments as JSON text: as the model wrote them if they are still the same, so that its cache fits.

    The endpoint refuses arguments that are not a JSON object. A model's text that is none is wrapped in one, so that
    it reads its own words; numbers that JSON has no word for become null.
    """
    if isinstance(value, str):
        return _arguments_of_text(value)
    if value is None:
        return "{}"
    if not isinstance(value, Mapping):
        raise InvalidRequestError(f"{where} has {named(value)} as its arguments, not a dict: {shown(value)}.")
    if repeated is not None:
        text = repeated["function"]["arguments"]
        try:
            if decode_text(text) == value:
                return text
        except (ValueError, RecursionError):
            pass
    try:
        return encode_arguments(value)
    except ValueError as error:
        raise InvalidRequestError(f"{where} has arguments that JSON cannot say: {error}") from None


def _with_finite_numbers(value: Any, where: str) -> Any:
    """What a model wrote, with null in place of numbers that JSON has no word for.

    Raises:
        InvalidRequestError: If it holds something else that JSON has no word for.
    """
    try:
        text = encode(value)
        return with_null(value) if b"NaN" in text or b"Infinity" in text else value
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(f"{where} holds something that JSON cannot say: {error}") from error


def _arguments_of_text(text: str) -> str:
    arguments, _ = read_arguments(text, None)
    if arguments is None:
        return encode({"invalid_arguments": text}).decode()
    if not text.lstrip().startswith("{"):
        return "{}"
    if "NaN" in text or "Infinity" in text:
        finite = with_null(arguments)
        if finite != arguments:
            return encode(finite).decode()
    return text
