"""How well a tool fits a request: by the words that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from gumloop_core.emulator.call import Tool
from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.arguments import written_calls
from gumloop_core.emulator.rules.arithmetic import expressions
from gumloop_core.emulator.rules.kinds import kind_of

# Words that say what is done with something; what it is done with counts more.
_GENERIC = frozenset(
    map(
        words.stem,
        words.listed("""search find lookup list create check fetch retrieve query send read write run execute update
        delete set show open new make agent transfer handoff api service data info information details current simple
        calculate"""),
    )
)
_ANSWERS_QUESTIONS = re.compile(
    r"\b(?:search(?:es)?|retriev\w+|look\s?up|query|answer\w*|question\w*|knowledge|document\w*|docs|find(?:s)?|"
    r"information about|web|internet|wikipedia)\b",
    re.I,
)
_QUESTION = re.compile(
    r"\?|^\s*(?:who|what|when|where|which|why|how|is|are|does|do|did|can|could|tell me|explain|describe|find|search|"
    r"summari[sz]e|look up)\b",
    re.I,
)
_OPERATIONS = ("add", "subtract", "multiply", "divide", "power", "modulo")

NO_FIT = 0.0
_CERTAIN = 100.0
_WEAK = 0.5


@dataclass(frozen=True)
class Fit:
    """How well a tool fits, and by which words of the request."""

    tool: Tool
    score: float
    matched: frozenset[str]

    def __bool__(self) -> bool:
        return self.score > NO_FIT


class Vocabulary:
    """The words of a tool, by where they stand."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    @cached_property
    def name(self) -> frozenset[str]:
        """The stems of the tool's name."""
        return frozenset(words.stems(self.tool.name))

    @cached_property
    def described(self) -> frozenset[str]:
        """The stems of the description and of the parameters."""
        parts = [self.tool.description]
        for name, part in self.tool.parameters.get("properties", {}).items():
            parts.append(name)
            if isinstance(part, dict):
                parts.append(str(part.get("description", "")))
                parts += [str(option) for option in part.get("enum", ())]
        return frozenset(words.stems(" ".join(parts)))

    @cached_property
    def all(self) -> frozenset[str]:
        """All stems."""
        return self.name | self.described


def fit(tool: Tool, text: str) -> Fit:
    """Return how well a tool fits a request."""
    vocabulary = Vocabulary(tool)
    asked = words.stems(text)
    in_name = words.overlap(asked, vocabulary.name)
    in_text = words.overlap(asked, vocabulary.described) - in_name
    matched = frozenset(in_name | in_text)
    if re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", text) and ("_" in tool.name or written_calls(tool, text)):
        return Fit(tool, _CERTAIN, matched | vocabulary.name)
    if _calculates(tool, text):
        return Fit(tool, 4.0, matched)
    own = vocabulary.name - _GENERIC
    strong = {word for word in in_name if word not in _GENERIC} if own else in_name
    weak = in_name - strong
    telling = {word for word in in_text if word not in _GENERIC}
    score = 3.0 * len(strong) + len(weak) + len(telling)
    if strong or len(telling) >= 2 or (weak and telling):
        return Fit(tool, score, matched)
    if answers_questions(tool) and _QUESTION.search(text):
        return Fit(tool, _WEAK + score / 10, matched)
    return Fit(tool, NO_FIT, matched)


def answers_questions(tool: Tool) -> bool:
    """Return whether a tool takes a question and looks for an answer: a search, a query engine."""
    properties = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", list(properties))
    required = [name for name in required if "default" not in (properties.get(name) or {})]
    asks = [name for name in required if kind_of(name, properties.get(name) or {}) == "question"]
    return len(asks) == 1 == len(required) and bool(
        _ANSWERS_QUESTIONS.search(f"{' '.join(words.split(tool.name))} {tool.description}")
    )


def operation_of(tool: Tool) -> str | None:
    """Return the arithmetic operation that a tool of two numbers does, None when it does none."""
    properties = tool.parameters.get("properties", {})
    numeric = [p for p in properties.values() if isinstance(p, dict) and p.get("type") in ("integer", "number")]
    if len(numeric) != 2:
        return None
    name = set(words.stems(tool.name)) | set(map(words.stem, words.split(tool.name)))
    described = words.stems(tool.description)[:4]
    for known in (name, described):
        for operation in _OPERATIONS:
            if any(words.related(words.stem(operation), word) for word in known):
                return operation
    return None


def best_fits(tools: Sequence[Tool], text: str) -> list[Fit]:
    """Return the tools that a request wants, the best first.

    The best one is wanted. Another one is wanted too when it is the reason for a word of the request that the
    ones before it do not know.
    """
    fits = sorted((fit(tool, text) for tool in tools), key=lambda one: -one.score)
    fits = [one for one in fits if one]
    wanted: list[Fit] = []
    explained: set[str] = set()
    for one in fits:
        if not wanted:
            wanted.append(one)
        else:
            vocabulary = Vocabulary(one.tool)
            fresh = {word for word in one.matched - explained if word not in _GENERIC}
            fresh &= words.overlap(fresh, vocabulary.name) | (fresh if one.score >= 2 else set())
            if one.score < _CERTAIN and (not fresh or one.score <= _WEAK + 0.4):
                continue
            wanted.append(one)
        explained |= words.overlap(words.stems(text), Vocabulary(one.tool).all)
    return wanted


def _calculates(tool: Tool, text: str) -> bool:
    properties = tool.parameters.get("properties", {})
    takes = any(kind_of(name, part or {}) == "expression" for name, part in properties.items())
    if not takes and not {"calculat"} & set(words.stems(tool.name)):
        return False
    return bool(expressions(text)) and len(properties) == 1
