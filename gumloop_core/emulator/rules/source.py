"""The values of a conversation as a source for schemas: tool arguments and structured output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.context import ECHO, summarize
from gumloop_core.emulator.rules.findings import Findings, Number, segments
from gumloop_core.emulator.rules.kinds import kind_of
from gumloop_core.emulator.rules.numbers import Taken, pick_number
from gumloop_core.emulator.rules.sentiment import pick_sentiment, pick_urgency
from gumloop_core.emulator.rules.strings import candidates, request_text
from gumloop_core.emulator.schema.conformance import conforms
from gumloop_core.emulator.schema.filling import MISSING, Source
from gumloop_core.emulator.schema.samples import JOKE, has_sample
from gumloop_core.emulator.schema.strictness import walk
from gumloop_core.emulator.shapes import JsonObject

_NEGATION = frozenset(words.listed("no not without don't doesn't isn't never exclude except disable"))
_BOOLEAN_PREFIX = frozenset(words.listed("is has have include includes should use enable enabled with allow"))
_WRITABLE = frozenset({"question", "text", "topic", "other", "answer", "summary"})
_NO_STATEMENT = re.compile(
    r"\?$|^\s*(?:given|please|extract|format|return|answer|generate|create|write|use|classify|parse|fill)\b", re.I
)
_REFERS = re.compile(
    r"\b(?:it|them|(?:this|that|these|those)(?= to\b)|the (?:result|results|answer|summary|outcome))\b", re.I
)
_ENUMERATION = re.compile(r"\b([\w-]+(?: [\w-]+)?(?:, [\w-]+(?: [\w-]+)?)*,? and [\w-]+)\b")
_SIGNS = {"email": "@", "url": ".", "phone": "0123456789"}
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


class TextSource:
    """Finds values in a text, then in the results of tools.

    Args:
        text: The request.
        results: The contents of the tool results so far, the newest last.
        answer: Returns a text answer, for properties that want one.
        free: Whether a required string may be the request itself when nothing else is found.
        schema: The schema to be filled, for the names of its numbers.
    """

    def __init__(
        self,
        text: str,
        results: Sequence[str] = (),
        *,
        answer: Callable[[], str] | None = None,
        free: bool = True,
        schema: JsonObject | None = None,
    ) -> None:
        self._request = Findings(text)
        self._results = list(results)
        self._result_findings = [Findings(plain_text(result)) for result in reversed(self._results)]
        self._answer = answer
        self._free = free
        self._numbers = _number_names(schema or {})
        self._used: set[str] = set()
        self._used_numbers: list[Number] = []

    def restart(self) -> None:
        """Make all values available again."""
        self._used.clear()
        self._used_numbers.clear()

    def scalar(self, name: str, schema: JsonObject, *, required: bool) -> object:
        """Return a value for a string, number, boolean or enumeration."""
        labelled = self._labelled(name, schema)
        if labelled is not MISSING:
            return labelled
        if "enum" in schema:
            return self._option(schema["enum"])
        kind = schema.get("type")
        if kind == "boolean":
            return self._boolean(name)
        if kind in ("integer", "number"):
            return self._number(name, schema, required=required)
        return self._string(name, schema, required=required)

    def items(self, name: str, schema: JsonObject) -> Sequence[object]:
        """Return the values for a list."""
        label = self._listed(name)
        if "enum" in schema:
            return [option for option in schema["enum"] if self._mentions(self._request.text, option)]
        if schema.get("type") in ("integer", "number"):
            findings = Findings(label) if label else self._request
            return [number.value for number in findings.numbers]
        if label:
            return _separated(label)
        bullets = re.findall(r"^\s*(?:[-*•]|\d+[.)])\s+(.+)$", self._request.text, re.M)
        if bullets:
            return bullets
        kind = kind_of(name, schema)
        if kind == "question":
            return candidates(kind, self._request)[:1]
        found = [value for value in candidates(kind, self._request) if kind != "text" or value in self._request.quoted]
        listed = _ENUMERATION.search(self._request.text)
        if not found and listed:
            # The verb before a list is not in it: "add milk, eggs and bread".
            return [part.split()[-1] if place == 0 else part for place, part in enumerate(_separated(listed[1]))]
        return found or [value for findings in self._result_findings for value in candidates(kind, findings)][:10]

    def parts(self, name: str) -> Sequence[Source]:
        """Return the sources for the objects of a list: entries of JSON results, else segments of the texts."""
        entries = [entry for result in self._results for entry in _entries(result)]
        if entries:
            return [TextSource(labelled_text(entry), free=False) for entry in entries]
        texts = [self._request.text, *(findings.text for findings in self._result_findings)]
        return [TextSource(part, free=False) for text in texts for part in segments(text) if len(part) > 2]

    def pairs(self, schema: JsonObject) -> Iterable[tuple[str, object]]:
        """Return the labelled values, turned into what the schema wants."""
        for findings in (self._request, *self._result_findings):
            for label, text in findings.labels.items():
                value = _converted(text, schema)
                if value is not MISSING:
                    yield label, value

    def affinity(self, schema: JsonObject) -> float:
        """Return how many of an alternative's words occur in the text."""
        own = set(words.stems(_schema_words(schema)))
        own -= set(words.stems(" ".join(str(part) for part in ("type", "object", "string"))))
        return float(len(words.overlap(own, set(words.stems(self._request.text)))))

    def guess(self, name: str, schema: JsonObject) -> str | None:
        """Return a text for a required string: an answer, a fitting sentence of a result, the request."""
        kind = kind_of(name, schema)
        if kind == "summary" and not self._results and self._answer is not None:
            answer = self._answer()
            return summarize(self._request.text, most=1) if answer.startswith(ECHO) else answer
        if kind in ("answer", "summary", "text") and self._answer is not None:
            return self._answer()
        if kind == "reason":
            return f"It fits the request: {request_text(self._request)}"
        if has_sample(name, schema):
            return None
        wanted = set(words.stems(f"{name} {schema.get('description', '')}"))
        own = [self._request] if kind in _WRITABLE else []
        for findings in (*self._result_findings, *own):
            told = [s for s in reversed(findings.sentences) if not _NO_STATEMENT.search(s)]
            if told and (findings is not self._request or len(findings.sentences) > 1):
                return max(told, key=lambda sentence: len(words.overlap(wanted, words.stems(sentence))))
        return request_text(self._request) if self._free and kind in _WRITABLE else None

    def alternatives(self, name: str, schema: JsonObject) -> list[str]:
        """Return all values that a string property could have had."""
        kind = kind_of(name, schema)
        if kind in ("question", "text", "answer", "summary", "reason", "topic"):
            return []
        if kind == "name":
            quoted = self._request.quoted
            return quoted or [span.value for span in self._request.names]
        return candidates(kind, self._request)

    def _labelled(self, name: str, schema: JsonObject) -> object:
        for findings in (self._request, *self._result_findings):
            text = self._label(findings, name)
            signs = _SIGNS.get(kind_of(name, schema), "") if schema.get("type") == "string" else ""
            if text is not None and (not signs or any(sign in text for sign in signs)):
                value = _converted(text, schema)
                if value is not MISSING:
                    self._used.add(str(value))
                    return value
        for result in reversed(self._results):
            for value in _values_of(result, name):
                if conforms(value, schema, schema):
                    return value
        return MISSING

    @staticmethod
    def _label(findings: Findings, name: str) -> str | None:
        own = set(map(words.stem, words.split(name)))
        for label, text in findings.labels.items():
            given = set(map(words.stem, label.split("_")))
            if given and (given == own or (given < own and len(own) < 4)):
                return text
        if not own:
            return None
        spoken = " ".join(re.escape(word) for word in words.split(name))
        ending = "_" + "_".join(words.split(name))
        for label, text in findings.labels.items():
            if label.endswith(ending):  # an "Invoice number" where a number is wanted
                return text
        match = re.search(
            rf"\b{spoken}\s+(?:is|was|are|of|to be|=)\s+((?:[^,.;?!\n]|[,.](?=\S))+)", findings.text, re.I
        )
        if match is None:  # with the subject Hello, and the title "Hello"
            match = re.search(
                rf"\b(?:with|and)\s+(?:(?:the|an?)\s+)?{spoken}\s+(?-i:([\"'“][^\"'”\n]+|[A-Z][^,.;?!\n]*))",
                findings.text,
                re.I,
            )
        value = re.split(r"\s+(?:and|but|who|which|that)\s+", match[1])[0].strip(" \"'“") if match else None
        return value if value and value.lower() not in ("the", "my", "what") else None

    def _listed(self, name: str) -> str | None:
        """Return the text of a list that stands behind a property's name: "songs: A, B and C"."""
        spoken = r"\s+".join(re.escape(word) for word in words.split(name))
        follows = r"\s*(?::|=|\bare\b|\binclude\b|\bsuch as\b)\s*([^.;\n]+)"
        match = re.search(rf"\b{spoken}{follows}", self._request.text, re.I)
        return match[1].strip() if match else self._label(self._request, name)

    def _option(self, options: Sequence[object]) -> object:
        sentiment = pick_sentiment(options, self._request.text) or pick_urgency(options, self._request.text)
        for findings in (self._request, *self._result_findings):
            # A sentence that lists the options says nothing about which one is meant.
            telling = [s for s in findings.sentences if sum(self._mentions(s, o) for o in options) < 2]
            named = [(self._place(" ".join(telling), option), option) for option in options]
            found = [pair for pair in named if pair[0] >= 0]
            if found:
                return min(found, key=lambda pair: pair[0])[1]
        return sentiment

    @classmethod
    def _mentions(cls, text: str, option: object) -> bool:
        return cls._place(text, option) >= 0

    @staticmethod
    def _place(text: str, option: object) -> int:
        """Return where a text mentions an option, -1 when it does not."""
        if not isinstance(option, (str, int, float)) or isinstance(option, bool) or option == "":
            return -1
        spoken = re.escape(str(option)).replace("_", "[ _-]").replace(r"\-", "[ _-]")
        match = re.search(rf"(?<!\w){spoken}(?!\w)", text, re.I)
        if match is None and isinstance(option, str) and len(option) > 3:
            stem = words.stem(option)
            match = next((m for m in re.finditer(r"[^\W_]+", text) if words.stem(m.group()) == stem), None)
        return match.start() if match else -1

    def _boolean(self, name: str) -> object:
        own = [words.stem(word) for word in words.split(name) if word not in _BOOLEAN_PREFIX]
        spoken = words.split(self._request.text)
        stems = [words.stem(word) for word in spoken]
        for position, stem in enumerate(stems):
            if stem in own:
                return not _NEGATION.intersection(spoken[max(0, position - 4) : position])
        return MISSING

    def _number(self, name: str, schema: JsonObject, *, required: bool) -> object:
        for findings in (self._request, *self._result_findings):
            number = pick_number(name, schema, findings, self._taken(name), required=required)
            if number is not None:
                self._used_numbers.append(number)
                return number.value
        return MISSING

    def _taken(self, name: str) -> Taken:
        return Taken(self._used_numbers, [other for other in self._numbers if other != name])

    def _string(self, name: str, schema: JsonObject, *, required: bool) -> object:
        kind = kind_of(name, schema)
        if name in JOKE and "joke" in self._request.text.lower():
            return JOKE[name]
        if kind in ("other", "name", "topic", "text", "question") and not required:
            return MISSING  # an optional text is only there when it is labelled
        if kind == "text" and not self._request.quoted:
            # "Mail it to me": what is to be written is the result of something else.
            if self._results:
                return "\n".join(plain_text(result) for result in self._results)
            if _REFERS.search(self._request.text):
                return MISSING
        for findings in (self._request, *self._result_findings):
            for value in candidates(kind, findings):
                if value not in self._used and conforms(value, schema, schema):
                    self._used.add(value)
                    return value
            if kind in ("question", "text"):
                break
        return MISSING


def _separated(text: str) -> list[str]:
    """Return the parts of a list that is written with commas and "and"."""
    return [part.strip().strip("\"'[]") for part in re.split(r",\s*(?:and\s+)?|\s+and\s+", text) if part.strip()]


def plain_text(content: str) -> str:
    """Return a tool result as a text: a JSON object becomes labelled lines."""
    try:
        value = json.loads(content)
    except ValueError:
        return content
    return labelled_text(value) if isinstance(value, (dict, list)) else content


def labelled_text(value: object) -> str:
    """Return JSON as lines of `key: value`."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {labelled_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(labelled_text(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value)


def _entries(result: str) -> list[JsonObject]:
    try:
        value = json.loads(result)
    except ValueError:
        return []
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _values_of(result: str, name: str) -> Iterator[object]:
    try:
        value = json.loads(result)
    except ValueError:
        return
    yield from _search(value, name)


def _search(value: Any, name: str) -> Iterator[object]:
    if isinstance(value, Mapping):
        if name in value:
            yield value[name]
        for item in value.values():
            yield from _search(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _search(item, name)


def _converted(text: str, schema: JsonObject) -> object:
    """Return a labelled text as what the schema wants, `MISSING` when it is not that."""
    kind = schema.get("type", "string")
    if "enum" in schema:
        return next((option for option in schema["enum"] if str(option).lower() == text.lower()), MISSING)
    if kind in ("integer", "number"):
        numbers = [n.value for n in Findings(text).numbers if kind == "number" or n.value == int(n.value)]
        return numbers[0] if numbers else MISSING
    if kind == "boolean":
        word = text.lower().split(" ")[0].rstrip(".,")
        return True if word in _TRUE else False if word in _FALSE else MISSING
    return text if kind == "string" and conforms(text, schema, schema) else MISSING


def _number_names(schema: JsonObject) -> list[str]:
    found: list[str] = []
    for node, _ in walk(schema, ""):
        if isinstance(node, dict):
            for name, part in node.get("properties", {}).items():
                if isinstance(part, dict) and part.get("type") in ("integer", "number"):
                    found.append(name)
    return found


def _schema_words(schema: JsonObject) -> str:
    parts = [str(schema.get("title", "")), str(schema.get("description", "")), *schema.get("properties", ())]
    for part in schema.get("properties", {}).values():
        if isinstance(part, dict):
            parts += [str(option) for option in (part.get("const"), *part.get("enum", ())) if option is not None]
    return " ".join(parts)
