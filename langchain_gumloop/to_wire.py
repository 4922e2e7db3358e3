"""LangChain's messages on the wire's form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, ToolCall, ToolMessage

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import encode, encode_arguments
from gumloop_core.schema import safe_name
from gumloop_core.wire import ROLES, ChatBody, JSONObject, MessageParam, ToolCallParam
from langchain_gumloop.history import assistant_param
from langchain_gumloop.parts import content_parts

Messages: TypeAlias = Sequence[BaseMessage]


def to_messages(
    messages: Sequence[BaseMessage], *, replay_reasoning: bool = True
) -> tuple[list[MessageParam], list[int] | None]:
    """Convert a conversation.

    Args:
        messages: LangChain's messages. They are not changed.
        replay_reasoning: Whether the reasoning of earlier answers is sent back.

    Returns:
        The messages, and for each the index of the one that it came from; ``None`` if they are one to one.

    Raises:
        InvalidRequestError: If a message has no place on the wire; it says which and why.
    """
    params: list[MessageParam] = []
    origins: list[int] | None = None
    for place, message in enumerate(messages):
        convert = _CONVERTERS.get(message.type)
        if convert is None:
            raise InvalidRequestError(
                f"messages[{place}] is a {type(message).__name__} (type {message.type!r}), which has no place in a "
                "request. Known are system, human, ai and tool messages, and chat messages with a role of the endpoint."
            )
        try:
            made = convert(message, messages, replay_reasoning)
        except InvalidRequestError as error:
            raise InvalidRequestError(f"messages[{place}]: {error.message}") from error.__cause__
        if not isinstance(made, list):
            params.append(made)
            if origins is not None:
                origins.append(place)
        else:
            if origins is None:
                origins = list(range(place))
            params.extend(made)
            origins += [place] * len(made)
    return params, origins


def _user(message: BaseMessage, _: Messages, __: bool) -> MessageParam | list[MessageParam]:
    content = message.content
    param: MessageParam
    if isinstance(content, str):
        param = {"role": "user", "content": content}
    else:
        results = [block for block in content if isinstance(block, dict) and block.get("type") == "tool_result"]
        if results:  # Anthropic's form: results of tools are blocks of a user message
            return _split_results(message, results)
        param = {"role": "user", "content": content_parts(content)}
    if message.name:
        param["name"] = safe_name(message.name)
    return param


def _split_results(message: BaseMessage, results: list[JSONObject]) -> list[MessageParam]:
    params: list[MessageParam] = []
    for result in results:
        content = result.get("content") or ""
        if not isinstance(content, str):
            content = content_parts(content)
        params.append({"role": "tool", "tool_call_id": result["tool_use_id"], "content": content})
    rest = content_parts([block for block in message.content if block not in results])
    if rest:
        params.append({"role": "user", "content": rest})
    return params


def _system(message: BaseMessage, _: Messages, __: bool) -> MessageParam:
    content = message.content
    # LangChain's way of writing down that OpenAI's developer role is meant.
    role = "developer" if message.additional_kwargs.get("__openai_role__") == "developer" else "system"
    param: MessageParam = {"role": role, "content": content if isinstance(content, str) else content_parts(content)}
    if message.name:
        param["name"] = safe_name(message.name)
    return param


def _chat(message: BaseMessage, messages: Messages, replay_reasoning: bool) -> MessageParam | list[MessageParam]:
    role = cast("ChatMessage", message).role
    if role not in ROLES:
        raise InvalidRequestError(f"the role {role!r} is unknown. Known are {', '.join(sorted(ROLES))}.")
    if role == "tool":
        raise InvalidRequestError("the result of a tool must be a ToolMessage, which names the call that it answers.")
    content = message.content
    param: MessageParam = {"role": role, "content": content if isinstance(content, str) else content_parts(content)}
    if message.name:
        param["name"] = safe_name(message.name)
    return param


def _tool(message: BaseMessage, _: Messages, __: bool) -> MessageParam:
    content = message.content
    return {
        "role": "tool",
        "tool_call_id": cast("ToolMessage", message).tool_call_id,
        "content": content if isinstance(content, str) else content_parts(content) or "",
    }


def _assistant(message: BaseMessage, messages: Messages, replay_reasoning: bool) -> MessageParam:
    answer = cast("AIMessage", message)
    content = answer.content
    has_calls = bool(answer.tool_calls or answer.invalid_tool_calls)
    param: MessageParam
    if isinstance(content, str):
        param = {"role": "assistant", "content": content}
    else:
        provider = answer.response_metadata.get("model_provider")
        param = assistant_param(content, has_calls=has_calls, replay_reasoning=replay_reasoning, provider=provider)
    if has_calls:
        calls = [_call(call["id"], call["name"], _arguments(call)) for call in answer.tool_calls]
        if answer.invalid_tool_calls:
            calls += _answered_invalid_calls(answer, messages)
        if calls:
            param["tool_calls"] = calls
    if not param["content"] and ("tool_calls" in param or "images" in param):
        param["content"] = None
    if message.name:
        param["name"] = safe_name(message.name)
    if answer.additional_kwargs:
        _add_kwargs(param, answer.additional_kwargs, replay_reasoning)
    return param


def _call(identity: str | None, name: str | None, arguments: str) -> ToolCallParam:
    if not identity:
        raise InvalidRequestError(f"the call of the tool {name!r} has no id, which its result must name.")
    return {"id": identity, "type": "function", "function": {"name": name or "", "arguments": arguments}}


def _arguments(call: ToolCall) -> str:
    try:
        return encode_arguments(call["args"])
    except ValueError as error:
        raise InvalidRequestError(f"the arguments of the call of {call['name']!r} cannot be JSON: {error}.") from None


def _answered_invalid_calls(answer: AIMessage, messages: Messages) -> list[ToolCallParam]:
    """The calls whose arguments were not a JSON object, where a tool message tells the model about it.

    The endpoint refuses calls without a result, and arguments that are not JSON: the model's text is wrapped.
    """
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    return [
        _call(call["id"], call["name"], encode({"invalid_arguments": call["args"]}).decode())
        for call in answer.invalid_tool_calls
        if call["id"] in answered
    ]


def _add_kwargs(param: MessageParam, kwargs: JSONObject, replay_reasoning: bool) -> None:
    """The reasoning and the refusal of an earlier answer."""
    if replay_reasoning:
        details = kwargs.get("reasoning_details")
        reasoning = kwargs.get("reasoning_content")
        if isinstance(details, list) and details:
            param["reasoning_details"] = details
            param.pop("reasoning", None)
        elif isinstance(reasoning, str) and reasoning and "reasoning_details" not in param:
            param["reasoning"] = reasoning
    refusal = kwargs.get("refusal")
    if isinstance(refusal, str) and refusal:
        param["refusal"] = refusal  # type: ignore[typeddict-unknown-key]


_CONVERTERS: dict[str, Callable[[BaseMessage, Messages, bool], MessageParam | list[MessageParam]]] = {
    "human": _user,
    "HumanMessageChunk": _user,
    "ai": _assistant,
    "AIMessageChunk": _assistant,
    "system": _system,
    "SystemMessageChunk": _system,
    "tool": _tool,
    "ToolMessageChunk": _tool,
    "chat": _chat,
    "ChatMessageChunk": _chat,
}


def asks_for_images(body: ChatBody) -> bool:
    """Whether a request asks for pictures: either of two fields is enough."""
    modalities = body.get("modalities")
    return bool(body.get("image_config")) or (isinstance(modalities, (list, tuple)) and "image" in modalities)
