"""The tool calls of a response, as LlamaIndex's tool selections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from pydantic_core import from_json

from gumloop_core.errors import InvalidRequestError, InvalidResponseError
from gumloop_core.reading.arguments import read_arguments, was_cut_off
from gumloop_core.shown import shown
from gumloop_core.wire import JSONObject
from llama_index_gumloop.from_wire.answer_message import AnswerMessage
from llama_index_gumloop.from_wire.answers import is_last

_LONGEST_SHOWN = 200
"""Characters of a call's arguments that an error repeats."""


def tool_selections(response: ChatResponse, *, refuse: bool = False) -> list[ToolSelection]:
    """The tool calls of a response.

    While an answer streams, arguments are as far as they have arrived.

    Args:
        response: A response.
        refuse: Whether a call of a whole answer whose arguments are not a JSON object, or were cut off, becomes one
            that fails with the reason when it is run, as agents want it, rather than an error.

    Raises:
        InvalidResponseError: If there is such a call, and ``refuse`` is false.
        InvalidRequestError: If it is no response.
    """
    if not isinstance(response, ChatResponse) or not isinstance(response.message, ChatMessage):
        raise InvalidRequestError(f"{shown(response)} is not the response of a chat.")
    blocks = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
    if not is_last(response):
        message = response.message
        so_far: SelectionsSoFar | None = message.selections_so_far if isinstance(message, AnswerMessage) else None
        if blocks and so_far is not None:
            return so_far.read(blocks)
        return [_selection_so_far(number, call) for number, call in enumerate(_calls(response, blocks))]
    selections: list[ToolSelection] = []
    for number, (identity, name, arguments) in enumerate(_calls(response, blocks)):
        identity = str(identity or f"call_{number}")
        if not isinstance(arguments, dict):
            text = arguments if isinstance(arguments, str) else str(arguments)
            finish_reason = response.additional_kwargs["finish_reason"]
            if not isinstance(finish_reason, str):  # of somebody else's response
                finish_reason = None
            arguments, problem = read_arguments(text, finish_reason)
            if arguments is None:
                reason = _reason(name, text, problem, finish_reason)
                if not refuse:
                    raise InvalidResponseError(reason)
                from llama_index_gumloop.from_wire.refused_calls import refused_call

                selections.append(refused_call(identity, name, text, reason))
                continue
        selections.append(ToolSelection(tool_id=identity, tool_name=name, tool_kwargs=arguments))
    return selections


def refuse_broken_calls(response: ChatResponse) -> ChatResponse:
    """The response.

    Raises:
        InvalidResponseError: If it is whole, and one of its calls is not.
    """
    if is_last(response):
        tool_selections(response)
    return response


def keep_first_call(response: ChatResponse) -> None:
    """Leave the first tool call only; ``raw`` keeps them all."""
    message = response.message
    first = True
    kept: list[Any] = []
    for block in message.blocks:
        if isinstance(block, ToolCallBlock):
            if not first:
                continue
            first = False
        kept.append(block)
    if len(kept) < len(message.blocks):
        message.blocks = kept
        calls = message.additional_kwargs.get("tool_calls")
        if isinstance(calls, list):
            message.additional_kwargs["tool_calls"] = calls[:1]


_Call = tuple[str | None, str, Any]
"""A call's id, the tool's name and the arguments."""


class SelectionsSoFar:
    """Reads the calls of a stream's responses one after the other, and each of them anew only where it has changed.

    Agents ask for the calls at every response. What is the same as in the response that was read before is the same
    selection too.
    """

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: tuple[list[Any], list[Any], list[Any]] = ([], [], [])  # blocks, arguments, selections

    def __reduce__(self) -> tuple[Any, ...]:
        return SelectionsSoFar, ()  # a copy, or another process, reads anew

    def read(self, blocks: list[ToolCallBlock]) -> list[ToolSelection]:
        """The selections of a response's blocks.

        Args:
            blocks: Those of tool calls. A call that has grown has another block.
        """
        known_blocks, arguments, selections = (known[: len(blocks)] for known in self._latest)
        changed = [
            number
            for number, (block, known, text) in enumerate(zip(blocks, known_blocks, arguments, strict=False))
            if block is not known or block.tool_kwargs is not text
        ]
        new = range(len(known_blocks), len(blocks))
        arguments += [None for _ in new]
        selections += [None for _ in new]
        for number in (*changed, *new):
            block = blocks[number]
            arguments[number] = block.tool_kwargs
            selections[number] = _selection_so_far(number, _call(block))
        self._latest = (blocks, arguments, selections)
        return selections.copy()


def _selection_so_far(number: int, call: _Call) -> ToolSelection:
    """The selection of a call, its arguments as far as they have arrived."""
    identity, name, arguments = call
    if not isinstance(arguments, dict):
        arguments = _parsed_so_far(arguments if isinstance(arguments, str) else str(arguments))
    return ToolSelection(tool_id=str(identity or f"call_{number}"), tool_name=name, tool_kwargs=arguments)


def _call(block: ToolCallBlock) -> _Call:
    return block.tool_call_id, str(block.tool_name), block.tool_kwargs


def _calls(response: ChatResponse, blocks: list[ToolCallBlock]) -> list[_Call]:
    if blocks:
        return list(map(_call, blocks))
    given = response.message.additional_kwargs.get("tool_calls")
    calls = []
    for call in given if isinstance(given, (list, tuple)) else ():
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            calls.append((call.get("id"), str(function.get("name") or ""), function.get("arguments") or ""))
    return calls


def _reason(name: str, arguments: str, problem: str, finish_reason: Any) -> str:
    """What is wrong with a call, for the model that is to make it again, and for whoever reads the error."""
    shown = arguments if len(arguments) <= _LONGEST_SHOWN else f"{arguments[:_LONGEST_SHOWN]} …"
    if was_cut_off(finish_reason):
        is_limit = "length" in finish_reason or "token" in finish_reason
        advice = " Raise max_completion_tokens." if is_limit else ""
        return (
            f"The answer was cut off ({finish_reason}) before its call of the tool {name!r} was whole: {shown!r}. "
            f"Nothing was run.{advice}"
        )
    return (
        f"The tool {name!r} was called with arguments that are not a JSON object: {shown!r}. "
        f"{problem.rstrip('.')}. Nothing was run; make the call again with a JSON object."
    )


def _parsed_so_far(arguments: str) -> JSONObject:
    try:
        value = from_json(arguments.encode("utf-8", "surrogatepass"), allow_partial="trailing-strings")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
