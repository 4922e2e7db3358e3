"""Which number of a text a property means: by the words beside it, else by their order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.findings import Findings, Number
from gumloop_core.emulator.shapes import JsonObject

# Words that stand beside a number without being in the property's name.
_BESIDE = {
    "age": ("year", "old", "aged"),
    "guest": ("people", "person", "adult"),
    "people": ("person", "guest", "adult"),
    "party": ("people", "person", "guest"),
    "size": ("people", "person", "guest"),
    "temperature": ("degree", "celsius", "fahrenheit", "c", "f"),
    "quantity": ("piece", "unit", "item", "copy"),
    "minute": ("min",),
    "hour": ("h",),
    "second": ("sec",),
    "weight": ("kg", "pound", "g"),
    "height": ("cm", "m", "metre", "meter", "feet"),
    "distance": ("km", "mile", "m"),
}
_COUNT_NAMES = frozenset(words.listed("limit top k n count max results num number size"))
_COUNT = re.compile(
    r"\b(?:top|first|last|up to|at most|limit(?: of)?|max(?:imum)?(?: of)?)\s+(\d+)"
    r"|(\d+)\s+(?:\w+\s+)?(?:results?|items?|entries|examples?)",
    re.I,
)
_MONEY_NAMES = frozenset(words.listed("price amount cost budget total sum fee salary balance money"))


@dataclass(frozen=True)
class Taken:
    """What is not free for a property any more.

    Attributes:
        numbers: The numbers that other properties have taken.
        names: The other properties that want a number.
    """

    numbers: Sequence[Number]
    names: Sequence[str]


def pick_number(name: str, schema: JsonObject, findings: Findings, taken: Taken, *, required: bool) -> Number | None:
    """Return the number that a property means, None when there is none.

    Args:
        name: The property's name.
        schema: Its schema; an integer property takes whole numbers only.
        findings: The text's values.
        taken: What is not free any more.
        required: Whether any number will do when none stands beside the property's words.
    """
    free = [number for number in findings.numbers if number not in taken.numbers]
    if schema.get("type") == "integer":
        free = [number for number in free if number.value == int(number.value)]
    low, high = schema.get("minimum"), schema.get("maximum")
    free = [
        number for number in free if (low is None or number.value >= low) and (high is None or number.value <= high)
    ]
    if not free:
        return None
    scored = [(_score(number, name, schema, findings), number) for number in free]
    best, chosen = max(scored, key=lambda pair: (pair[0], -pair[1].start))
    if best > 0:
        return chosen
    if not required:
        return None
    # A number that stands beside another property's words is left to that one.
    own = [n for n in free if not any(_score(n, other, {}, findings) for other in taken.names)]
    return (own or free)[0]


def _score(number: Number, name: str, schema: JsonObject, findings: Findings) -> int:
    text = findings.text
    tokens = words.split(name)
    own = {words.stem(token) for token in tokens}
    for token in tokens:
        own.update(map(words.stem, _BESIDE.get(token.removesuffix("s"), ())))
    after = {words.stem(word) for word in words.split(text[number.end : number.end + 24])[:2]}
    before = {words.stem(word) for word in words.split(text[max(0, number.start - 40) : number.start])[-3:]}
    score = 0
    if words.overlap(after, own):
        score += 4
    if words.overlap(before, own):
        score += 3
    if _COUNT_NAMES.intersection(tokens) and _is_count(number, text):
        score += 4
    if "age" in tokens and re.search(r"\b(?:is|am|turned)\s+$", text[: number.start][-12:]):
        score += 2
    if _MONEY_NAMES.intersection(tokens) and text[max(0, number.start - 1) : number.start + 1].strip()[:1] in "$€£":
        score += 3
    if "year" in tokens and isinstance(number.value, int) and 1800 <= number.value <= 2200:
        score += 3
    if {"percent", "percentage", "rate"}.intersection(tokens) and text[number.end : number.end + 2].strip()[:1] == "%":
        score += 3
    if not score and {"temperature"}.intersection(tokens) and text[number.end : number.end + 2].strip()[:1] == "°":
        score += 3
    if not score:
        described = set(words.stems(str(schema.get("description", ""))))
        score += bool(words.overlap(after, described))
    return score


def _is_count(number: Number, text: str) -> bool:
    for match in _COUNT.finditer(text):
        group = 1 if match[1] else 2
        if match.start(group) == number.start:
            return True
    return False
