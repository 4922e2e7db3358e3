"""Handing a request to another agent, as LlamaIndex's AgentWorkflow lets a model do."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence

from gumloop_core.emulator.call import Tool
from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.fitting import Vocabulary
from gumloop_core.emulator.rules.request import HANDOFF, Request

_AGENTS = re.compile(r"\{.*\}", re.S)


def wanted_handoff(tools: Sequence[Tool], request: Request) -> Mapping[str, str] | None:
    """Return the arguments of a hand-off that fits, None when the request stays here.

    An agent fits by the words of the request that none of the tools at hand knows. An agent that had the
    request already does not get it again.
    """
    tool = next((tool for tool in tools if tool.name == HANDOFF), None)
    if tool is None or "to_agent" not in tool.parameters.get("properties", {}):
        return None
    visited = {record.arguments.get("to_agent") for record in request.done if record.name == HANDOFF}
    known: set[str] = set()
    for other in tools:
        if other.name != HANDOFF:
            known |= Vocabulary(other).all
    # What has been asked of a tool is no reason any more to hand the request on.
    for record in request.done:
        if record.name != HANDOFF:
            known.update(words.stems(f"{record.name} {json.dumps(dict(record.arguments))}"))
    open_words = [word for word in words.stems(request.text) if not words.overlap([word], known)]
    scores = {
        name: len(words.overlap(open_words, words.stems(f"{name} {description}")))
        for name, description in agents_of(tool).items()
        if name not in visited
    }
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is None or not scores[best]:
        return None
    return {"to_agent": best, "reason": f"{best} is better suited to: {request.text}"}


def agents_of(tool: Tool) -> dict[str, str]:
    """Return the agents that a hand-off tool's description lists, with their descriptions."""
    match = _AGENTS.search(tool.description)
    try:
        listed = ast.literal_eval(match.group()) if match else {}
    except (ValueError, SyntaxError):
        listed = {}
    return {str(name): str(text) for name, text in listed.items()} if isinstance(listed, dict) else {}
