"""A tiny sense of mood and of urgency, for schemas that ask for one."""

from __future__ import annotations

from collections.abc import Sequence

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.schema.filling import MISSING

_GOOD = frozenset(
    map(
        words.stem,
        words.listed("""good great love loved excellent amazing happy wonderful fantastic best enjoy enjoyed nice
        pleased perfect beautiful delicious awesome glad delighted brilliant recommend impressed superb"""),
    )
)
_BAD = frozenset(
    map(
        words.stem,
        words.listed("""bad terrible hate hated awful worst angry sad horrible poor disappointed disappointing
        broken slow rude
        annoying boring useless disgusting furious unhappy waste refund never"""),
    )
)
_URGENT = frozenset(words.listed("urgent urgently asap immediately critical emergency outage deadline"))
_HIGH = ("high", "urgent", "critical")


def pick_sentiment(options: Sequence[object], text: str) -> object:
    """Return the option that names the mood of a text, `MISSING` when the options are not moods."""
    named = {str(option).lower(): option for option in options if isinstance(option, str)}
    found = {words.stem(word) for word in words.split(text)}
    balance = len(found & _GOOD) - len(found & _BAD)
    mood = "positive" if balance > 0 else "negative" if balance < 0 else "neutral"
    if "positive" in named and "negative" in named:
        return named.get(mood, named["positive"])
    if "happy" in named and "sad" in named:
        return named["happy"] if balance >= 0 else named["sad"]
    return MISSING


def pick_urgency(options: Sequence[object], text: str) -> object:
    """Return the option for what cannot wait, `MISSING` when the text is not urgent or the options are no levels."""
    named = {str(option).lower(): option for option in options if isinstance(option, str)}
    if "low" not in named or not _URGENT.intersection(words.split(text)):
        return MISSING
    return next((named[level] for level in _HIGH if level in named), MISSING)
