"""LangChain's messages on the wire's form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeAlias, cast

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, ToolCall, ToolMessage
from langchain_core.prompt_values import ChatPromptValue, PromptValue

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import encode
from gumloop_core.wire import ROLES, ChatBody, ContentPart, JSONObject, MessageParam, ToolCallParam
from gumloop_core.writing.schema import safe_name
from langchain_gumloop.from_wire.citations import file_annotations
from langchain_gumloop.from_wire.list_indices import with_integer_indices
from langchain_gumloop.from_wire.tool_calls import CALL_EXTRAS, arguments_text, extras_of, not_run

Messages: TypeAlias = Sequence[BaseMessage]

_CONTENT = attrgetter("content")

_SAYS_SOMETHING = frozenset({"tool_calls", "images", "reasoning", "reasoning_details", "refusal", "annotations"})
"""Fields of an assistant message that are reason enough to send it without content."""


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
    caller_indices: list[int] | None = None
    for place, message in enumerate(messages):
        try:
            convert = _CONVERTERS.get(message.type)
            if convert is None:
                raise _of_unknown_kind(message)
            made = convert(message, messages, replay_reasoning)
            if (given := message.additional_kwargs) and "cache_control" in given:
                _mark(made, given["cache_control"])
        except InvalidRequestError as error:
            raise InvalidRequestError(f"messages[{place}]: {error.message}") from error.__cause__
        except Exception as error:
            raise _cannot_be_sent(place, message, error) from error
        if not isinstance(made, list):
            params.append(made)
            if caller_indices is not None:
                caller_indices.append(place)
        else:
            if caller_indices is None:
                caller_indices = list(range(place))
            params.extend(made)
            caller_indices += [place] * len(made)
    return params, caller_indices


def _mark(made: MessageParam | list[MessageParam], mark: Any) -> None:
    """Mark a message for caching up to its end, as LiteLLM and dicts of messages say it: with a field of their own."""
    from gumloop_core.writing.cache_marks import checked_mark, mark_message  # few messages are marked

    last = made[-1:] if isinstance(made, list) else [made]
    for param in last if mark else ():
        mark_message(param, checked_mark(mark))


def refuse_odd_blocks(prompt: PromptValue) -> None:
    """Refuse blocks that LangChain itself would trip over on their way here, without a word on which they are.

    Raises:
        InvalidRequestError: If a block is one of these and has no place on the wire.
    """
    if not isinstance(prompt, ChatPromptValue):
        return
    messages = prompt.to_messages()
    if list not in map(type, map(_CONTENT, messages)):
        return  # text alone; a loop of ours would take three times as long
    for message in messages:
        if message.content.__class__ is list and any(map(_is_odd, message.content)):
            to_messages(messages)
            return


def _is_odd(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    kind = block.get("type")
    if not isinstance(kind, str) or "source_type" in block:
        return True
    return kind in _WITH_DATA and "base64" in block and not isinstance(block.get("mime_type"), str)


_WITH_DATA = frozenset({"image", "audio", "file"})


def _of_unknown_kind(message: BaseMessage) -> InvalidRequestError:
    return InvalidRequestError(
        f"a {type(message).__name__} (type {message.type!r}) has no place in a request. Known are system, human, ai "
        "and tool messages, and chat messages with a role of the endpoint."
    )


def _cannot_be_sent(place: int, message: object, error: Exception) -> InvalidRequestError:
    """For what no converter foresaw: whatever stands in a message, the caller learns which one it is."""
    reason = "it is nested too deep" if isinstance(error, RecursionError) else f"{type(error).__name__}: {error}"
    return InvalidRequestError(f"messages[{place}] ({type(message).__name__}) cannot be sent: {reason[:500]}.")


def _content_parts(content: Any) -> list[ContentPart]:
    from langchain_gumloop.to_wire.content_parts import content_parts  # most conversations are text alone

    return content_parts(content)


def _user(message: BaseMessage, _: Messages, __: bool) -> MessageParam | list[MessageParam]:
    content = message.content
    param: MessageParam
    if isinstance(content, str):
        param = {"role": "user", "content": content}
    else:
        results = [block for block in content if isinstance(block, dict) and block.get("type") == "tool_result"]
        if results:  # Anthropic's form: results of tools are blocks of a user message
            return _split_results(message, results)
        param = {"role": "user", "content": _content_parts(content)}
    if message.name:
        param["name"] = safe_name(message.name)
    return param


def _split_results(message: BaseMessage, results: list[JSONObject]) -> list[MessageParam]:
    params: list[MessageParam] = []
    rest: list[Any] = []
    for place, block in enumerate(message.content):
        if not any(block is result for result in results):
            rest.append(block)
            continue
        result = cast("JSONObject", block)
        identity, content = result.get("tool_use_id"), result.get("content") or ""
        if not isinstance(identity, str) or not identity:
            raise InvalidRequestError(
                f"content[{place}] is a tool_result without tool_use_id, which names the call that it answers."
            )
        if not isinstance(content, (str, list)):
            raise InvalidRequestError(f"content[{place}] is a tool_result whose content is neither text nor a list.")
        if isinstance(content, list):
            try:
                content = _content_parts(content)
            except InvalidRequestError as error:
                raise InvalidRequestError(f"content[{place}].{error.message}") from None
        param: MessageParam = {"role": "tool", "tool_call_id": identity, "content": content}
        _mark(param, result.get("cache_control"))
        params.append(param)
    parts = _content_parts(rest)
    if parts:
        params.append({"role": "user", "content": parts})
    return params


def _system(message: BaseMessage, _: Messages, __: bool) -> MessageParam:
    content = message.content
    # LangChain's way of writing down that OpenAI's developer role is meant.
    role = "developer" if message.additional_kwargs.get("__openai_role__") == "developer" else "system"
    param: MessageParam = {"role": role, "content": content if isinstance(content, str) else _content_parts(content)}
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
    param: MessageParam = {"role": role, "content": content if isinstance(content, str) else _content_parts(content)}
    if message.name:
        param["name"] = safe_name(message.name)
    return param


def _tool(message: BaseMessage, _: Messages, __: bool) -> MessageParam:
    content = message.content
    return {
        "role": "tool",
        "tool_call_id": cast("ToolMessage", message).tool_call_id,
        "content": content if isinstance(content, str) else _content_parts(content) or "",
    }


def _assistant(message: BaseMessage, messages: Messages, replay_reasoning: bool) -> MessageParam | list[MessageParam]:
    answer = cast("AIMessage", message)
    content = answer.content
    has_calls = bool(answer.tool_calls or answer.invalid_tool_calls)
    results: Sequence[MessageParam] = ()
    param: MessageParam
    if isinstance(content, str):
        param = {"role": "assistant", "content": content}
    else:
        provider = answer.response_metadata.get("model_provider")
        from langchain_gumloop.to_wire.earlier_answers import assistant_param

        param = assistant_param(content, has_calls=has_calls, replay_reasoning=replay_reasoning, provider=provider)
    if has_calls:
        calls = [_call(call["id"], call["name"], _arguments(call)) for call in answer.tool_calls]
        if answer.invalid_tool_calls:
            sent, results = _invalid_calls(answer, messages)
            calls += sent
        if calls:
            param["tool_calls"] = _with_extras(calls, answer.additional_kwargs)
    if message.name:
        param["name"] = safe_name(message.name)
    if answer.additional_kwargs:
        _add_kwargs(param, answer.additional_kwargs, replay_reasoning)
    if not param["content"]:
        if "tool_calls" in param or "images" in param:
            param["content"] = None
        elif not param.keys() & _SAYS_SOMETHING and len(messages) > 1:
            return []  # an answer of nothing at all; some providers refuse it, and then every later turn
    return [param, *results] if results else param


def _call(identity: str | None, name: str | None, arguments: str) -> ToolCallParam:
    if not identity:
        raise InvalidRequestError(f"the call of the tool {name!r} has no id, which its result must name.")
    return {"id": identity, "type": "function", "function": {"name": name or "", "arguments": arguments}}


def _with_extras(calls: list[ToolCallParam], kwargs: JSONObject) -> list[ToolCallParam]:
    if CALL_EXTRAS not in kwargs:
        return calls
    return [cast("ToolCallParam", {**extras_of(kwargs, call["id"]), **call}) for call in calls]


def _arguments(call: ToolCall) -> str:
    return arguments_text(call["args"], call["name"])


def _invalid_calls(answer: AIMessage, messages: Messages) -> tuple[list[ToolCallParam], list[MessageParam]]:
    """The calls whose arguments were not a JSON object, and what the model has not been told of them yet.

    The endpoint refuses calls without a result, and arguments that are not JSON: the model's text is wrapped. Agents
    run the calls beside them and know nothing of these, so that the results of those come with ours. Where no tool
    message follows at all, nobody takes the answer for one that calls tools.
    """
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    goes_on = any(call["id"] in answered for call in answer.tool_calls)
    calls: list[ToolCallParam] = []
    results: list[MessageParam] = []
    for call in answer.invalid_tool_calls:
        identity = call["id"]
        if identity in answered or (goes_on and identity):
            calls.append(_call(identity, call["name"], encode({"invalid_arguments": call["args"]}).decode()))
            if identity not in answered:
                results.append({"role": "tool", "tool_call_id": str(identity), "content": not_run(call)})
    return calls, results


def _add_kwargs(param: MessageParam, kwargs: JSONObject, replay_reasoning: bool) -> None:
    """The reasoning, the parsed files and the refusal of an earlier answer.

    The wire's own name for reasoning stands there in a message that was passed in OpenAI's dict form.
    """
    if replay_reasoning:
        details = kwargs.get("reasoning_details")
        reasoning = kwargs.get("reasoning_content") or kwargs.get("reasoning")
        if isinstance(details, list) and details:
            param["reasoning_details"] = with_integer_indices(details)
            param.pop("reasoning", None)
        elif isinstance(reasoning, str) and reasoning and "reasoning_details" not in param:
            param["reasoning"] = reasoning
    files = file_annotations(kwargs.get("annotations"))
    if files:
        param["annotations"] = with_integer_indices(files)  # type: ignore[typeddict-unknown-key]
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
