"""Which tools are called, with which arguments, and when enough has been called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gumloop_core.emulator.call import Call, CallRecord, Tool
from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.arguments import fill_arguments
from gumloop_core.emulator.rules.arithmetic import Step, next_step
from gumloop_core.emulator.rules.fitting import Fit, best_fits, fit, operation_of
from gumloop_core.emulator.rules.handoff import wanted_handoff
from gumloop_core.emulator.rules.request import HANDOFF, Request
from gumloop_core.emulator.shapes import JsonObject

_CLAUSE = re.compile(r"[,;.?!]\s+|\s+(?:and|then|also|plus|while)\s+", re.I)
_THANKS = re.compile(r"^\s*(?:thanks|thank you|thx|great|perfect|bye|goodbye)\b[^?]*$", re.I)


@dataclass(frozen=True)
class Wanted:
    """A call that the request wants."""

    name: str
    arguments: JsonObject
    guessed: tuple[str, ...] = ()


def choose(call: Call, request: Request, answer: Callable[[], str]) -> list[Wanted]:
    """Return the calls to make now; none means that it is time to answer.

    Args:
        call: The request.
        request: What is asked, and what has been done about it since.
        answer: Returns a text answer, for arguments that want one.
    """
    if not call.tools or call.tool_choice.mode == "none":
        return []
    if call.tool_choice.mode == "named":
        tool = next(tool for tool in call.tools if tool.name == call.tool_choice.name)
        return _calls_of(tool, request.full_text, request, answer, several=False)[:1]
    pending = _pending(call, request, answer)
    if not pending:
        pending = wanted_handoffs(call.tools, request)
    if not pending and call.tool_choice.forced:
        tool = _forced_tool(call.tools, request)
        pending = _calls_of(tool, request.full_text, request, answer, several=False)
    return pending if call.parallel_tool_calls else pending[:1]


def wanted_handoffs(tools: Sequence[Tool], request: Request) -> list[Wanted]:
    """Return the hand-off to another agent that fits, if there is one."""
    handoff = wanted_handoff(tools, request)
    return [Wanted(HANDOFF, dict(handoff))] if handoff else []


def _pending(call: Call, request: Request, answer: Callable[[], str]) -> list[Wanted]:
    """Return what the request wants and has not had: without what waits for another tool's result."""
    if _THANKS.match(request.text):
        return []
    tools = [tool for tool in call.tools if tool.name != HANDOFF]
    step = _next_step(tools, request)
    if step is not None:
        return [step]
    if request.expression and any(operation_of(tool) for tool in tools) and request.done:
        return []  # the last operation has been done
    fits = best_fits([tool for tool in tools if not _is_output(tool, call)], request.scoring_text)
    parts = _clauses(fits, request.text)
    wanted: list[Wanted] = []
    for one in fits:
        several = call.tool_choice.mode != "named"
        calls = _calls_of(one.tool, parts[one.tool.name], request, answer, several=several)
        wanted += _not_done(calls, request.done)
    # What had to guess waits for those that did not: their results may hold what it needs.
    certain = [one for one in wanted if not one.guessed]
    return certain or _prepared(tools, wanted, request, answer) or wanted


def _prepared(
    tools: Sequence[Tool], wanted: Sequence[Wanted], request: Request, answer: Callable[[], str]
) -> list[Wanted]:
    """Return a call of the tool that can find out what a wanted call had to guess."""
    done = {record.name for record in request.done}
    for one in wanted:
        missing = {words.stem(word) for word in words.split(" ".join(one.guessed))} - {"id", "nam"}
        for tool in tools:
            if tool.name == one.name or tool.name in done or not tool.parameters.get("required"):
                continue
            if not words.overlap(missing, map(words.stem, words.split(tool.name))):
                continue
            found = _calls_of(tool, request.text, request, answer, several=False)
            if not found[0].guessed:
                return found
    return []


def _calls_of(tool: Tool, text: str, request: Request, answer: Callable[[], str], *, several: bool) -> list[Wanted]:
    texts = list(dict.fromkeys([text, request.text, request.full_text]))
    best: list[Wanted] = []
    for attempt in texts:
        filled = fill_arguments(tool, attempt, request.results, answer=answer, several=several)
        found = [Wanted(tool.name, one.arguments, one.guessed) for one in filled]
        if not best or len(found[0].guessed) < len(best[0].guessed):
            best = found
        if not best[0].guessed:
            break
    return best


def _not_done(calls: Sequence[Wanted], done: Sequence[CallRecord]) -> list[Wanted]:
    same_tool = [record for record in done if calls and record.name == calls[0].name]
    if len(same_tool) >= len(calls):
        return []
    return [one for one in calls if not any(_equal(one.arguments, record.arguments) for record in same_tool)]


def _equal(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    return dict(left) == dict(right)


def _is_output(tool: Tool, call: Call) -> bool:
    """Return whether a tool only carries the answer's form: a class name among tools that must be called."""
    return call.tool_choice.forced and looks_like_schema(tool)


def looks_like_schema(tool: Tool) -> bool:
    """Return whether a tool is named like a class, as structured output by tool calling names it."""
    return bool(re.fullmatch(r"(?:[A-Z][a-z0-9]+)+[A-Z]?", tool.name))


def _forced_tool(tools: Sequence[Tool], request: Request) -> Tool:
    """Return the tool to call when one has to be called and none is wanted by itself."""
    done = {record.name for record in request.done}
    schemas = [tool for tool in tools if looks_like_schema(tool)]
    if schemas:
        return max(schemas, key=lambda tool: len(fit(tool, request.text).matched))
    free = [tool for tool in tools if tool.name not in done and tool.name != HANDOFF] or list(tools)
    return max(free, key=lambda tool: fit(tool, request.text).score)


def _next_step(tools: Sequence[Tool], request: Request) -> Wanted | None:
    """Return the next operation of an arithmetic expression, when there is a tool for it."""
    if not request.expression:
        return None
    by_operation = {operation: tool for tool in tools if (operation := operation_of(tool))}
    if not by_operation:
        return None
    step = next_step(request.expression, request.step_results(by_operation))
    tool = by_operation.get(step.operation) if step else None
    return Wanted(tool.name, step_arguments(tool, step)) if step and tool else None


def step_arguments(tool: Tool, step: Step) -> JsonObject:
    """Return an operation's numbers as the arguments of its tool."""
    names = [
        name
        for name, part in tool.parameters.get("properties", {}).items()
        if isinstance(part, dict) and part.get("type") in ("integer", "number")
    ]
    return dict(zip(names, (step.left, step.right), strict=False))


def _clauses(fits: Sequence[Fit], text: str) -> dict[str, str]:
    """Return, by tool, the part of the request that is about it."""
    if len(fits) < 2:
        return {one.tool.name: text for one in fits}
    starts = [0, *(match.end() for match in _CLAUSE.finditer(text))]
    ends = [*starts[1:], len(text)]
    owners: list[str | None] = []
    for start, end in zip(starts, ends, strict=True):
        asked = set(words.stems(text[start:end]))
        scored = [(len(one.matched & asked), one.tool.name) for one in fits]
        best = max(scored, key=lambda pair: pair[0])
        owners.append(best[1] if best[0] else owners[-1] if owners else None)
    parts: dict[str, str] = {one.tool.name: "" for one in fits}
    for owner, start, end in zip(owners, starts, ends, strict=True):
        if owner is not None:
            parts[owner] += text[start:end]
    return {name: part.strip() or text for name, part in parts.items()}
