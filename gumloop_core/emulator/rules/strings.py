"""Candidates for a string property: everything in a text that is of its kind, the best first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.findings import Findings, Span
from gumloop_core.emulator.rules.kinds import Kind

_PLACE_WORDS = frozenset(words.listed("in at near for of to from around over visiting visit within"))
_NAMED = re.compile(r"\b(?:named|called|titled|entitled|name is|I am|I'm)\s+", re.I)
_ABOUT = re.compile(r"\b(?:about|regarding|concerning|on the topic of|on)\s+(?:the\s+|an?\s+)?([^,.;?!\n]+)", re.I)
_SAYING = re.compile(r"\b(?:saying|that says|says|say|with the (?:text|message|body))[:\s]+(?:that\s+)?(.+)", re.I)
_SEARCH = re.compile(
    r"\b(?:search(?: the (?:web|internet|docs|documents))?(?: for)?|look up|find(?: out)?(?: about)?|google)\s+"
    r"(.+?)(?=,?\s+(?:and\s+)?then\b|[.!?\n]|$)",
    re.I,
)
_LOWER_PLACE = re.compile(r"\b(?:in|at|near|for|of)\s+(?:the\s+)?((?:[a-z][\w'-]*)(?:\s+[a-z][\w'-]*)?)")
_OCCUPATION = re.compile(
    r"\b(?:is|was|am|as|I'm|became)\s+an?\s+(?:\d+[- ]years?[- ]old\s+)?((?:[a-z-]+\s+){0,2}?[a-z-]+)"
    r"(?=\s+(?:living|who|from|in|at|with|and|based|working|for|of|on|by)\b|[.,;!?]|$)",
    re.M,
)
_RELATIVE = re.compile(
    r"\b(today|tomorrow|tonight|yesterday|(?:next|this|last)\s+(?:week|month|year|weekend)|"
    r"(?:next\s+|this\s+)?(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday))\b",
    re.I,
)
_SYMBOL = re.compile(r"\$?\b([A-Z]{1,5})\b(?![a-z])")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b|\b(?:dollars?|euros?|pounds?|yen|francs?)\b")
_NO_SYMBOLS = frozenset({"I", "A", "USD", "EUR", "GBP", "API", "CEO", "AI", "US", "UK", "EU", "JSON", "OK"})
_INSTRUCTION = re.compile(
    r"\s*(?:\bplease\b|(?:use|using|call|with)\s+(?:the|a|your|this|that|any)?\s*[\w-]*\s*tools?\b[.!]?)\s*", re.I
)
_NO_PLACES = frozenset(
    words.listed(
        "the a an me my this that it today tomorrow now celsius fahrenheit degrees detail total next last moment "
        "morning evening night"
    )
)


def candidates(kind: Kind, findings: Findings) -> list[str]:
    """Return the strings of a kind in a text, without repetitions."""
    return list(dict.fromkeys(value for value in _FINDERS[kind](findings) if value))


def request_text(findings: Findings) -> str:
    """Return a request without phrases such as "please" and "use the tool"."""
    return _INSTRUCTION.sub(" ", findings.text).strip() or findings.text.strip()


def _places(findings: Findings) -> list[str]:
    after = [span for span in findings.names if findings.word_before(span.start) in _PLACE_WORDS]
    others = [span for span in findings.names if span not in after]
    ordered = sorted(after + (_listed(others, after, findings) if after else others), key=lambda span: span.start)
    return [span.value for span in ordered] or _lower_places(findings) or findings.quoted


def _listed(spans: list[Span], heads: list[Span], findings: Findings) -> list[Span]:
    """Return the names that continue a list: behind a comma or "and" after one of the heads."""
    found: list[Span] = []
    for span in spans:
        for head in heads + found:
            between = findings.text[head.end : span.start].strip().lower()
            if between in (",", "and", ", and", "or", "&", "and in", "and for", "vs", "versus", "with"):
                found.append(span)
                break
    return found


def _lower_places(findings: Findings) -> list[str]:
    found = []
    for match in _LOWER_PLACE.finditer(findings.text):
        kept: list[str] = []
        for word in match[1].split():
            if word in _NO_PLACES:
                break
            kept.append(word)
        if kept and kept[-1] in ("and", "or", "right", "please", "for", "in", "on", "at"):
            kept.pop()
        if kept:
            found.append(" ".join(kept))
    return found


def _after(*heads: str) -> Callable[[Findings], list[str]]:
    def find(findings: Findings) -> list[str]:
        return [span.value for span in findings.names if findings.word_before(span.start) in heads]

    return find


def _names(findings: Findings) -> list[str]:
    named = [span.value for span in findings.names if _NAMED.search(findings.text[: span.start][-12:])]
    people = [span for span in findings.names if findings.word_before(span.start) not in ("in", "at", "near")]
    # A single word at the beginning of a sentence may have its capital from there, unless it is what "is" speaks of.
    people.sort(
        key=lambda span: (
            " " not in span.value
            and findings.begins_sentence(span.start)
            and findings.word_after(span.end) not in ("is", "was", "has")
        )
    )
    return named + findings.quoted + [span.value for span in (*people, *findings.names)]


def _creators(findings: Findings) -> list[str]:
    return _after("by")(findings) + _names(findings)


def _organisations(findings: Findings) -> list[str]:
    return _after("at", "from", "for", "with", "by")(findings) + _names(findings)


def _questions(findings: Findings) -> list[str]:
    match = _SEARCH.search(findings.text)
    searched = [match[1].strip().rstrip("?.! ")] if match else []
    return findings.quoted + searched + [request_text(findings)]


def _texts(findings: Findings) -> list[str]:
    said = _SAYING.search(findings.text)
    behind = re.search(r":\s+(.+)", findings.text, re.S)
    dashed = re.search(r"\s[-\u2013\u2014]\s+(.+)", findings.text)
    return [
        *findings.quoted,
        *([dashed[1].strip()] if dashed else []),
        *([said[1].strip()] if said else []),
        *([behind[1].strip()] if behind else []),
        request_text(findings),
    ]


def _topics(findings: Findings) -> list[str]:
    match = _ABOUT.search(findings.text)
    return ([match[1].strip()] if match else []) + findings.quoted + [span.value for span in findings.names]


def _dates(findings: Findings) -> list[str]:
    return findings.dates + [match[1] for match in _RELATIVE.finditer(findings.text)]


def _symbols(findings: Findings) -> list[str]:
    found = [match[1] for match in _SYMBOL.finditer(findings.text) if match[1] not in _NO_SYMBOLS]
    # A company's name is a symbol only where nothing looks like one.
    return [symbol for symbol in found if len(symbol) > 1] or findings.quoted + [s.value for s in findings.names]


def _currencies(findings: Findings) -> list[str]:
    return _CURRENCY.findall(findings.text)


def _identifiers(findings: Findings) -> list[str]:
    numbers = [str(number.value) for number in findings.numbers if isinstance(number.value, int)]
    return findings.identifiers + numbers + findings.quoted


def _others(findings: Findings) -> list[str]:
    names = [s.value for s in findings.names if " " in s.value or not findings.begins_sentence(s.start)]
    return findings.quoted + names + _topics(findings)[:1]


_FINDERS: Mapping[Kind, Callable[[Findings], list[str]]] = {
    "question": _questions,
    "answer": lambda findings: [],
    "summary": lambda findings: [],
    "expression": lambda findings: findings.expressions,
    # A letter goes from and to an address.
    "origin": lambda findings: _after("from", "leaving", "departing")(findings) + findings.emails,
    "destination": lambda findings: _after("to", "into", "for", "towards")(findings) + findings.emails,
    "place": _places,
    "symbol": _symbols,
    "identifier": _identifiers,
    "date": _dates,
    "time": lambda findings: findings.times,
    "email": lambda findings: findings.emails,
    "url": lambda findings: findings.urls,
    "phone": lambda findings: findings.phones,
    "path": lambda findings: findings.quoted + findings.paths,
    "text": _texts,
    "topic": _topics,
    "reason": lambda findings: [],
    "creator": _creators,
    "currency": _currencies,
    "occupation": lambda findings: _OCCUPATION.findall(findings.text),
    "organisation": _organisations,
    "name": _names,
    "other": _others,
}
