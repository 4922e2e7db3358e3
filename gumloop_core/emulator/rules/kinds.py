"""What kind of value a property wants, by the words of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.shapes import JsonObject

Kind = Literal[
    "question",
    "answer",
    "summary",
    "expression",
    "origin",
    "destination",
    "place",
    "symbol",
    "identifier",
    "date",
    "time",
    "email",
    "url",
    "phone",
    "path",
    "text",
    "topic",
    "reason",
    "creator",
    "currency",
    "occupation",
    "organisation",
    "name",
    "other",
]

# The first line that shares a word with the property's name wins.
_LINES: Sequence[tuple[Kind, str]] = (
    ("email", "email mail recipient_email"),
    ("url", "url uri link website webpage href"),
    ("phone", "phone telephone mobile fax"),
    ("path", "path file filename filepath directory folder"),
    ("expression", "expression formula equation calculation expr math arithmetic"),
    ("symbol", "symbol ticker stock"),
    ("origin", "origin from source departure start src"),
    ("destination", "destination to arrival target dest"),
    ("date", "date day deadline birthday dob when checkin checkout"),
    ("time", "time hour"),
    ("identifier", "id ids identifier code sku reference ref uuid isbn"),
    ("currency", "currency currencies"),
    ("occupation", "occupation profession job role"),
    ("organisation", "company employer organization organisation vendor supplier manufacturer"),
    ("place", "city room location place town country state region area address where locality capital"),
    ("reason", "reason rationale justification because"),
    ("answer", "answer response reply conclusion output explanation result"),
    ("summary", "summary abstract overview gist tldr"),
    ("question", "query question input q search prompt task request instruction instructions keywords"),
    ("topic", "topic subject theme about keyword genre category field"),
    ("text", "text message content body note sentence passage description details comment"),
    ("creator", "author artist director creator writer singer composer band painter"),
    (
        "name",
        "name title person customer user employee recipient contact who product item brand owner actor movie film "
        "book song team",
    ),
)
_BY_WORD = tuple((kind, frozenset(text.split())) for kind, text in _LINES)
_WRITTEN = frozenset({"answer", "summary", "question", "text", "topic", "reason", "name"})


def kind_of(name: str, schema: JsonObject) -> Kind:
    """Return the kind of value that a string property wants."""
    by_format = {"date": "date", "date-time": "date", "time": "time", "email": "email", "uri": "url"}
    if schema.get("format") in by_format:
        return by_format[schema["format"]]  # type: ignore[return-value]
    tokens = words.split(name)
    if tokens and tokens[-1] in ("name", "title", "id", "url", "date", "time", "email", "path"):
        tokens = tokens[-1:]  # `city_id` is an id, whatever it is the id of
        if tokens == ["name"] and set(words.split(name)) & _words_of("place"):
            return "place"
    if tokens[-1:] == ["number"]:
        # A number that is a string is an order's or an invoice's, unless it says that one can ring it.
        return "phone" if set(tokens) & _words_of("phone") else "identifier"
    for token in reversed(tokens):
        for kind, known in _BY_WORD:
            if token in known or token.removesuffix("s") in known:
                # An `answer_style` is no answer: what is written freely has its word at the end of the name.
                if token == tokens[-1] or kind not in _WRITTEN:
                    return kind
                break
    return "other"


def _words_of(kind: Kind) -> frozenset[str]:
    return next(known for name, known in _BY_WORD if name == kind)
