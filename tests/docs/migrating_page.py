"""The tables of docs/migrating.md, read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.langchain.answers import DETAILS, TOP, USAGE
from tests.support.full_answers import MESSAGE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "migrating.md"
PEERS = ("ChatOpenAI", "ChatOpenRouter", "ChatLiteLLM", "OpenAILike", "OpenRouter", "LiteLLM")
NOWHERE = "\N{EN DASH}"
ANSWERS = {"LangChain": "answer", "LlamaIndex": "response"}
"""What an answer is called in each framework's table."""

SAID: dict[str, Any] = {
    "text": MESSAGE["content"],
    "tokens": USAGE["total_tokens"],
    "tokens from the cache": 8,
    "tokens of thought": 5,
    "cost": USAGE["cost"],
    "details of the cost": USAGE["cost_details"],
    "finish reason": "tool_calls",
    "model that answered": TOP["model"],
    "provider that answered": TOP["provider"],
    "id of the answer": TOP["id"],
    "time of the answer": TOP["created"],
    "system fingerprint": TOP["system_fingerprint"],
    "service tier": TOP["service_tier"],
    "reasoning": MESSAGE["reasoning"],
    "signed reasoning": DETAILS,
    "tool calls": {"city": "Paris"},
    "refusal": MESSAGE["refusal"],
    "results of the server's tools": MESSAGE["gumloop_extensions"],
}
"""What the answer says, of all that has one form in every framework."""


def rows_under(heading: str) -> list[list[str]]:
    """The cells of all tables under a heading, their heads included."""
    section = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def arguments() -> dict[str, dict[str, str]]:
    """The rows of the tables of arguments: by name, what stands in each column."""
    found: dict[str, dict[str, str]] = {}
    for cells in rows_under("Arguments\n"):
        for name in re.findall(r"`(\w+)`", cells[0]):
            assert name not in found, f"{name} has two rows"
            found[name] = dict(zip((*PEERS, "here"), cells[1:], strict=True))
    return found


def places(framework: str, peer: str) -> dict[str, str]:
    """Where things are in a peer's answers, by what they are."""
    head, *rows = rows_under(f"Answers of {framework}")
    column = next(number for number, name in enumerate(head) if re.search(rf"\b{peer}\b", name))
    return {cells[0]: cells[column] for cells in rows}


def problem_at(cell: str, what: str, *, stream: bool, **names: Any) -> str | None:
    """What is wrong with a cell, given an answer; ``None`` if nothing is."""
    expression = re.match(r"`(.+?)`( \*unary\*)?$", cell)
    if cell == NOWHERE:
        return None
    if expression is None:
        return f"{cell!r} is no place"
    try:
        found = eval(expression[1], names)  # written in our own page
    except Exception as error:
        found, problem = None, f"{expression[1]} raises {error!r}"
    else:
        problem = f"{expression[1]} is {found!r}"
    missing = not found or (what in SAID and found != SAID[what])
    if stream and expression[2]:
        return None if missing else f"{problem}, streamed too"
    return problem if missing else None
