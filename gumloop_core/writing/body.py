"""Build the body of a chat request. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import suppress
from operator import itemgetter
from typing import Any

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import is_plain, what_json_cannot_say
from gumloop_core.options import BODY_OPTIONS, MODEL_ARGUMENTS
from gumloop_core.wire import ROLES, ChatBody, JSONObject, MessageParam, ResponseFormat, ToolChoice, ToolParam
from gumloop_core.writing.schema import safe_name

OPTIONS = frozenset(
    {
        *BODY_OPTIONS,
        "max_tokens",
        "metadata",
        "response_format",
        "tool_choice",
        "tools",
        "model",
        "messages",
        "extra_headers",
        "timeout",
    }
)
"""The fields of the body that are known, and what a call may carry beside them."""

_CONVERTED = frozenset({"tools", "response_format"})
"""Options that are made from classes and functions, whose defaults and examples may be of any type."""

_ROLE = itemgetter("role")


def merge_options(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay options over each other, later layers on top.

    ``max_tokens`` is read as ``max_completion_tokens`` in every layer. A later ``None`` takes an option away. The
    ``extra_body`` of every layer is laid over the one below it, and so is nothing else that is a mapping. What a layer
    names itself wins over the ``extra_body`` of those below it.

    Raises:
        InvalidRequestError: If an unknown option is so close to a known one that it must be a slip, or is an argument
            of the model that a call cannot change.
    """
    merged: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for layer in layers:
        if extra:
            for name in extra.keys() & _written_in(layer):
                del extra[name]
        for name, value in layer.items():
            if name == "max_tokens":
                if value is not None or "max_completion_tokens" not in layer:
                    merged["max_completion_tokens"] = value
            elif name == "extra_body":
                if value is not None and not isinstance(value, Mapping):
                    raise InvalidRequestError(
                        f"extra_body is a dict of fields of the body, not {type(value).__name__}."
                    )
                extra.update(value or {})
            else:
                if name in _FORMS and value is not None:
                    _FORMS[name](name, value)
                if name not in OPTIONS:
                    if name in MODEL_ARGUMENTS:
                        raise InvalidRequestError(
                            f"{name!r} is an argument of the model, not of a call. Set it where the model is made, or "
                            "on a copy: model_copy(update={…})."
                        )
                    _refuse_unknown(name)
                merged[name] = value
    options = {name: value for name, value in merged.items() if value is not None}
    if extra:
        options["extra_body"] = extra
    return options


def _written_in(layer: Mapping[str, Any]) -> Set[str]:
    either = {"max_tokens", "max_completion_tokens"}
    return layer.keys() if either.isdisjoint(layer) else {*layer, *either}


def _text(name: str, value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise InvalidRequestError(f"{name} must be a text, not {_shown(value)}.")


def _text_or_texts(name: str, value: Any) -> None:
    if not isinstance(value, str):
        _texts(name, value)


def _texts(name: str, value: Any) -> None:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise InvalidRequestError(f"{name} must be a list of texts, not {_shown(value)}.")


def _object(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        example = ' such as {"effort": "high"}' if name == "reasoning" else ""
        raise InvalidRequestError(f"{name} must be a dict{example}, not {_shown(value)}.")


def _sequence(name: str, value: Any) -> None:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Sequence):
        raise InvalidRequestError(f"{name} must be a list, not {_shown(value)}.")


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {', '.join(sorted({type(item).__name__ for item in value})) or 'nothing'}"
    return "a blank text" if isinstance(value, str) and not value.strip() else type(value).__name__


_FORMS: dict[str, Callable[[str, Any], None]] = {
    "model": _text,
    "stop": _text_or_texts,
    "models": _texts,
    "modalities": _texts,
    "reasoning": _object,
    "image_config": _object,
    "provider": _object,
    "stream_options": _object,
    "metadata": _object,
    "logit_bias": _object,
    "plugins": _sequence,
    "tools": _sequence,
}
"""What is checked before it is sent, as our own code reads it, or a slip in its form is common."""


def check_form(name: str, value: Any) -> None:
    """Refuse an option whose value has not the form that it must have.

    Raises:
        InvalidRequestError: With the name, and what it must be.
    """
    check = _FORMS.get(name)
    if check is not None and value is not None:
        check(name, value)


def _refuse_unknown(name: str) -> None:
    from gumloop_core.argument_names import refusal_in_a_call

    refusal = refusal_in_a_call(name)
    if refusal is not None:
        raise InvalidRequestError(refusal)
    refuse_misspelling(name)


def refuse_misspelling(name: str, known: Sequence[str] | frozenset[str] = OPTIONS) -> None:
    """Raise where an unknown name is a slip for a known one; other unknown names may be new on the wire.

    Raises:
        InvalidRequestError: With the name that was probably meant.
    """
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    if close:
        raise InvalidRequestError(
            f"{name!r} is not an option. Did you mean {close[0]!r}? To send it as it is, put it into extra_body."
        )


def build_body(
    model: str,
    messages: Sequence[MessageParam],
    options: Mapping[str, Any],
    *,
    stream: bool = False,
) -> ChatBody:
    """Build the body of a chat request.

    Args:
        model: The model's id.
        messages: The conversation on the wire's form.
        options: Fields of the body from :func:`merge_options`, ``extra_body`` among them, which is laid on last.
        stream: Whether the answer is to be streamed. Usage is then asked for, as some providers leave it out
            otherwise.

    Raises:
        InvalidRequestError: If there is no message, a role is unknown, or more than one answer is asked for.
    """
    check_messages(messages)
    body: ChatBody = {"model": model, "messages": list(messages)}
    extra: Mapping[str, Any] = {}
    for name, value in options.items():
        if name == "extra_body":
            extra = value
        elif name == "messages":
            raise InvalidRequestError("'messages' is no option of a call: the messages are what the call is made with.")
        else:
            body[name] = value
        if name not in _CONVERTED and not is_plain(value):
            raise InvalidRequestError(f"Nothing was sent: {what_json_cannot_say(value, name)}.")
    if not body.get("tools"):
        # The wire refuses an empty list, and these two without tools.
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            body.pop(name, None)
    if not body.get("stop", True):
        del body["stop"]
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True, **(body.get("stream_options") or {})}
    else:
        body.pop("stream_options", None)
    body.update(extra)
    if body.get("n", 1) is None:
        del body["n"]
    if "n" in body and (body["n"] != 1 or isinstance(body["n"], bool)):
        raise InvalidRequestError(
            f"n={body['n']!r} does not ask for one answer, and one is what a call hands out. Leave n out; call once "
            "for each answer that you want."
        )
    if extra and not isinstance(body["messages"], list):
        raise InvalidRequestError("extra_body: messages must be a list.")
    if "tool_choice" in body:
        from gumloop_core.writing.thinking import drop_forced_choice

        drop_forced_choice(body)
    return body


def check_messages(messages: Sequence[MessageParam]) -> None:
    """Refuse a conversation that cannot be sent.

    Raises:
        InvalidRequestError: If it is empty, or a role is unknown.
    """
    if not messages:
        raise InvalidRequestError("There is no message to send: pass at least one.")
    with suppress(KeyError, TypeError):  # no role, or one that nothing can be looked up by: named below
        if ROLES.issuperset(map(_ROLE, messages)):
            return
    for place, message in enumerate(messages):
        role = message.get("role")
        if not isinstance(role, str) or role not in ROLES:
            raise InvalidRequestError(
                f"messages[{place}] has the unknown role {role!r}. Known are {', '.join(sorted(ROLES))}."
            )


def tool_choice(
    choice: str | bool | Mapping[str, Any] | None, tool_names: Sequence[str], server_tools: Sequence[str] = ()
) -> ToolChoice | None:
    """The wire's tool choice.

    Args:
        choice: A tool's name; ``"auto"``, ``"none"``; ``"any"``, ``"required"`` or ``True`` for some tool;
            the wire's own dict; ``None`` or ``False`` for unset. A tool that is named ``"auto"`` or the like wins over
            the word.
        tool_names: The names of the tools that are sent.
        server_tools: What names those that run at the server; see :func:`server_tool_names`.

    Raises:
        InvalidRequestError: If a tool is named that is not sent.
    """
    if choice is None or choice is False or choice == "":
        return None
    if choice is True:
        return "required"
    if isinstance(choice, Mapping):
        named = choice.get("function")
        name = named.get("name") if isinstance(named, Mapping) else choice.get("name")
        if not isinstance(name, str) or (name in server_tools and name not in tool_names):
            return dict(choice)  # type: ignore[return-value]  # the caller's own, for the server to judge
        choice = name
    elif choice not in tool_names:
        if choice == "any":
            return "required"
        if choice in ("auto", "none", "required"):
            return choice
        if isinstance(choice, str) and choice in server_tools:
            return {"type": choice}  # type: ignore[return-value]  # as the wire's functions are not chosen
    if choice not in tool_names:
        known = ", ".join(map(repr, tool_names)) or "none"
        raise InvalidRequestError(f"tool_choice names the tool {choice!r}, which is not among the tools sent: {known}.")
    return {"type": "function", "function": {"name": choice}}


def tool_names(tools: Sequence[ToolParam] | Sequence[JSONObject]) -> list[str]:
    """The names of tool definitions."""
    functions = [tool.get("function") for tool in tools]
    return [function["name"] for function in functions if isinstance(function, dict) and "name" in function]


def server_tool_names(tools: Sequence[ToolParam] | Sequence[JSONObject]) -> list[str]:
    """What names the tools that are no functions: their types, their names where they have one, or their keys."""
    names: list[Any] = []
    for tool in tools:
        if "function" not in tool:
            names += [tool.get("type"), tool.get("name")] if "type" in tool else list(tool)
    return [name for name in names if isinstance(name, str)]


def json_schema_format(
    name: str, schema: JSONObject, *, strict: bool | None = None, description: str | None = None
) -> ResponseFormat:
    """The response format that holds an answer to a schema.

    Args:
        name: Any name; made safe for the wire.
        schema: The JSON Schema; with ``strict`` it must be strict-safe already.
        strict: Whether the answer must match to the letter; not sent if ``None``.
        description: What the answer is, for the model.
    """
    response_format: ResponseFormat = {
        "type": "json_schema",
        "json_schema": {"name": safe_name(name), "schema": schema},
    }
    if strict is not None:
        response_format["json_schema"]["strict"] = strict
    if description:
        response_format["json_schema"]["description"] = description
    return response_format
