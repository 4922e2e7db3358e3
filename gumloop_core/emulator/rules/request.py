"""What a conversation asks for now, and what has been done about it since."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gumloop_core.emulator.call import Call, CallRecord, Tool
from gumloop_core.emulator.rules.arithmetic import Step, expressions, from_instructions

HANDOFF = "handoff"
"""The tool by which LlamaIndex's AgentWorkflow hands a request to another agent."""

_STATE = re.compile(r"\A\s*Current state:\s*\n.*?\n\s*Current message:\s*\n", re.S)
_TAGS = re.compile(r"</?(?:current_conversation|user|assistant|tool|system|message)>")
_FOLLOW_UP = re.compile(r"^\s*(?:and|what about|how about|now|also)\b", re.I)
_FOLLOW_UP_LENGTH = 60  # characters
_LONGEST_INSTRUCTION = 2_000  # characters of a request that may be arithmetic


@dataclass(frozen=True)
class Done:
    """A call of this turn with its result."""

    record: CallRecord
    result: str


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        text: The last user message.
        scoring_text: The text by which tools are chosen: a short follow-up has the message before it added.
        full_text: The last user message, with the one before it when it is a follow-up.
        answered: The calls of this turn with their results.
        expression: The one arithmetic expression that the request is about.
    """

    text: str
    scoring_text: str
    full_text: str
    answered: Sequence[Done] = ()
    expression: str | None = None
    history: Sequence[str] = field(default=())

    @property
    def done(self) -> list[CallRecord]:
        """The calls of this turn."""
        return [one.record for one in self.answered]

    @property
    def results(self) -> list[str]:
        """The results of this turn; a hand-off to another agent is none."""
        return [one.result for one in self.answered if one.record.name != HANDOFF]

    def step_results(self, tools: Mapping[str, Tool]) -> dict[Step, float]:
        """Return the results of the arithmetic operations that tools have done."""
        by_name = {tool.name: operation for operation, tool in tools.items()}
        found: dict[Step, float] = {}
        for one in self.answered:
            operation = by_name.get(one.record.name)
            numbers = [value for value in one.record.arguments.values() if isinstance(value, (int, float))]
            if operation and len(numbers) == 2 and (result := _number(one.result)) is not None:
                found[Step(operation, numbers[0], numbers[1])] = result
        return found


def read(call: Call) -> Request:
    """Return what a call asks for."""
    text = _TAGS.sub("\n", _STATE.sub("", call.last_user_text())).strip()
    earlier = [message.text for message in call.messages[: max(call.last_user_index(), 0)] if message.role == "user"]
    before = earlier[-1] if earlier else ""
    follows = bool(before) and len(text) <= _FOLLOW_UP_LENGTH and bool(_FOLLOW_UP.match(text))
    both = f"{before}\n{text}" if follows else text
    short = text if len(text) <= _LONGEST_INSTRUCTION else ""
    found = expressions(short)
    return Request(
        text=text,
        scoring_text=both,
        full_text=f"{text}\n{before}" if follows else text,
        answered=_answered(call),
        expression=found[0] if len(found) == 1 else from_instructions(short),
        history=earlier,
    )


def _answered(call: Call) -> list[Done]:
    results = {message.tool_call_id: message.text for message in call.since_last_user() if message.role == "tool"}
    records = [record for message in call.since_last_user() for record in message.tool_calls]
    return [Done(record, results.get(record.id, "")) for record in records]


def _number(text: str) -> float | None:
    try:
        return float(text.strip())
    except ValueError:
        return None
