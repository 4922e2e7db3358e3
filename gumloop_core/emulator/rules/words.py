"""Words: splitting, stems, stop words, and the few synonyms that the rules know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache


def listed(text: str) -> list[str]:
    """Return the words of a text, each as it is written."""
    return text.split()


STOP_WORDS = frozenset(
    listed(
        """a about above after again all also am an and any anybody anyone anything are as at be because been before
    being below between both but by can cannot could did do does doing done down during each either else every few
    for from further get gets getting give given gives giving go going got had has have having he help her here hers
    him his how i if in into is it its itself just kindly know let like look made make makes making many may me might
    more most much must my need no nor not now of off ok okay on once one only or other our ours out over own
    please really same shall she should show so some something such tell than thank thanks that the their them
    then there these they thing this those through to too under until up us use used uses using useful very want
    was way we well were what whats when where whether which while who whom whose why will with within without
    would yes you your yours given return returns returning value values result results tool tools function
    functions call calls calling called based input output user provide provides provided information string
    number integer parameter parameters param args argument arguments optional required default e g etc via per
    don't doesn't isn't what's it's i'm i'd let's"""
    )
)

# Words on one line mean the same to the rules. The first one is what the others are turned into.
_SYNONYM_LINES = """
weather forecast temperature rain raining rainy snow sunny sunshine humidity umbrella wind windy hot cold
population people inhabitant inhabitants live lives living populous
price cost costs pricing expensive cheap
multiply times product multiplication multiplied
add sum plus addition total added
subtract minus difference subtraction less subtracted
divide quotient division divided over
power exponent exponentiate squared cubed raised
calculate calculator compute calculation arithmetic math maths mathematics evaluate expression equation formula
email mail e-mail
search find lookup look google browse
time clock hour hours
date day today calendar
buy purchase order
book reserve reservation booking
delete remove erase
create new make add insert
distance far kilometers miles
convert conversion exchange
translate translation
summary summarize summarise summarization summarization
picture image photo drawing
document documents docs documentation file files
country nation
city town
employee staff worker
"""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return a word's stem: plural, -ing, -ed, -er, -or, -tion and a last -e are cut."""
    word = word.lower().replace("\u2019", "'").removesuffix("'s")
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses", "zes")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for suffix, least in (("ing", 6), ("ed", 5), ("er", 6), ("or", 6)):
        if len(word) >= least and word.endswith(suffix):
            word = word[: -len(suffix)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    if len(word) > 6 and word.endswith("tion"):
        word = word[:-3]
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word.endswith("y") else word


def split(text: str) -> list[str]:
    """Return the words of a text in lower case; names such as `get_weather` or `getWeather` fall apart."""
    return [word.lower() for part in _WORD.findall(text) for word in _CAMEL.sub(" ", part).split()]


def stems(text: str) -> list[str]:
    """Return the stems of a text's words without stop words."""
    return [stem(word) for word in split(text) if word not in STOP_WORDS]


def _synonyms() -> Mapping[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for line in _SYNONYM_LINES.strip().splitlines():
        group = {stem(word) for word in line.split()}
        for word in group:
            table.setdefault(word, set()).update(group)
    return {word: frozenset(group) for word, group in table.items()}


SYNONYMS = _synonyms()


def related(left: str, right: str) -> bool:
    """Return whether two stems are equal or synonyms."""
    return left == right or right in SYNONYMS.get(left, ())


def overlap(left: Iterable[str], right: Iterable[str]) -> set[str]:
    """Return the stems of the left side that occur on the right, synonyms included."""
    rights = set(right)
    return {word for word in left if word in rights or not rights.isdisjoint(SYNONYMS.get(word, ()))}
