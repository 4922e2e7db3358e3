"""LlamaIndex's ReAct prompt: tools in the system message, thoughts and actions in the text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace

from gumloop_core.emulator.call import Call, CallRecord, Message, Tool
from gumloop_core.emulator.rules.choosing import choose
from gumloop_core.emulator.rules.request import read
from gumloop_core.emulator.shapes import JsonObject

_TOOL = re.compile(
    r"> Tool Name:\s*(?P<name>\S+)\s*\nTool Description:\s*(?P<description>.*?)\n"
    r"Tool Args:\s*(?P<arguments>\{.*?\})\s*(?=\n|\Z)",
    re.S,
)
_ACTION = re.compile(r"Action:\s*(?P<name>[^\n( ]+).*?Action Input:\s*(?P<input>\{.*\})", re.S)
_OBSERVATION = "Observation:"


def react_answer(call: Call, answer: Callable[[Call], str]) -> str | None:
    """Return the next thought with its action or its answer, None when this is no ReAct prompt.

    Args:
        call: The request.
        answer: Returns the text answer to a request.
    """
    system = call.system_text()
    if "Action Input:" not in system or "Thought:" not in system:
        return None
    tools = [
        Tool(match["name"], match["description"].strip(), _parse(match["arguments"]))
        for match in _TOOL.finditer(system)
    ]
    plain = replace(call, tools=tools, messages=_as_tool_messages(call), parallel_tool_calls=False)
    wanted = choose(plain, read(plain), lambda: answer(plain))
    if wanted:
        return (
            "Thought: The current language of the user is: English. "
            "I need to use a tool to help me answer the question.\n"
            f"Action: {wanted[0].name}\n"
            f"Action Input: {json.dumps(wanted[0].arguments, ensure_ascii=False)}"
        )
    return (
        "Thought: I can answer without using any more tools. I'll use the user's language to answer\n"
        f"Answer: {answer(plain)}"
    )


def _as_tool_messages(call: Call) -> list[Message]:
    """Return the history with actions as tool calls and observations as their results."""
    messages: list[Message] = []
    open_call: str | None = None
    for message in call.messages:
        action = _ACTION.search(message.text) if message.role == "assistant" else None
        if message.role == "system":
            continue
        if action:
            open_call = f"action_{message.index}"
            record = CallRecord(open_call, action["name"], _parse(action["input"]))
            messages.append(replace(message, tool_calls=(record,)))
        elif open_call and message.text.startswith(_OBSERVATION):
            text = message.text[len(_OBSERVATION) :].strip()
            messages.append(replace(message, role="tool", text=text, tool_call_id=open_call))
            open_call = None
        else:
            messages.append(message)
    return messages


def _parse(text: str) -> JsonObject:
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError):
            continue
        if isinstance(value, dict):
            return value
    return {}
