"""Filling a schema: with values that a source finds, and with plausible ones where it finds none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from gumloop_core.emulator.schema.conformance import conforms
from gumloop_core.emulator.schema.merging import flatten, merge
from gumloop_core.emulator.schema.patterns import string_for
from gumloop_core.emulator.schema.samples import sample_number, sample_string
from gumloop_core.emulator.shapes import JsonObject

_SHALLOW = 4  # below this depth only what is demanded is filled, so that schemas that contain themselves end
_TOO_DEEP = 40
_ATTEMPTS = 12
_ANY_KIND = ("string", "integer", "boolean", "object", "array", "null")
_KINDS_BY_KEYWORD = (
    ("properties", "object"),
    ("required", "object"),
    ("additionalProperties", "object"),
    ("minProperties", "object"),
    ("items", "array"),
    ("prefixItems", "array"),
    ("minItems", "array"),
    ("minimum", "number"),
    ("maximum", "number"),
    ("multipleOf", "number"),
)


class Missing:
    """What a source returns when it has no value."""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


class Source(Protocol):
    """Where values come from."""

    def restart(self) -> None:
        """Make all values available again, before another attempt."""

    def scalar(self, name: str, schema: JsonObject, *, required: bool) -> object:
        """Return a value for a string, number or boolean, `MISSING` when there is none."""

    def items(self, name: str, schema: JsonObject) -> Sequence[object]:
        """Return the values for a list of scalars."""

    def parts(self, name: str) -> Sequence[Source]:
        """Return the sources of the objects in a list, one for each object that may be there."""

    def pairs(self, schema: JsonObject) -> Iterable[tuple[str, object]]:
        """Return the pairs for an object whose keys the schema leaves open."""

    def affinity(self, schema: JsonObject) -> float:
        """Return how well an alternative goes with the text."""

    def guess(self, name: str, schema: JsonObject) -> str | None:
        """Return a text for a required string that was not found."""


class Filler:
    """Fills one schema.

    Attributes:
        guessed: The names of the required values that the source did not have.
        found: The names of the values that it had.
    """

    def __init__(self, root: JsonObject, source: Source) -> None:
        self._root = root
        self._source = source
        self._salt = 0
        self.guessed: list[str] = []
        self.found: list[str] = []

    def fill(self) -> object:
        """Return a value for the whole schema; it conforms unless the schema asks too much."""
        value: object = None
        for salt in range(_ATTEMPTS):
            self._salt = salt
            self.guessed, self.found = [], []
            self._source.restart()
            value = self._fill(self._root, "", 0, required=True)
            if conforms(value, self._root, self._root):
                return value
        return value

    def _fill(self, schema: object, name: str, depth: int, *, required: bool) -> object:
        flat = flatten(schema, self._root)
        if depth > _TOO_DEEP:
            return None
        if "const" in flat:
            return flat["const"]
        for key in ("anyOf", "oneOf"):
            if key in flat:
                rest = {other: value for other, value in flat.items() if other != key}
                return self._choose(rest, flat[key], name, depth, required=required)
        if "enum" in flat:
            return self._pick(flat, name, required=required)
        return self._typed(flat, name, depth, required=required)

    def _choose(self, rest: JsonObject, branches: Sequence[object], name: str, depth: int, *, required: bool) -> object:
        """Fill the alternative that goes best with the text; null only when nothing else is found."""
        merged = [merge(rest, flatten(branch, self._root)) for branch in branches if branch is not False]
        nullable = [branch for branch in merged if branch.get("type") == "null"]
        others = [branch for branch in merged if branch.get("type") != "null"]
        if depth >= _SHALLOW:
            others.sort(key=_weight)
            if nullable and (not others or _weight(others[0]) > 1):
                return None
        else:
            others.sort(key=lambda branch: -self._source.affinity(branch))
        start = self._salt % len(others) if others else 0
        for branch in others[start:] + others[:start]:
            guessed, found = len(self.guessed), len(self.found)
            value = self._fill(branch, name, depth, required=required and not nullable)
            if isinstance(value, Missing):
                continue
            # An optional part for which nothing was found is better left empty than made up.
            if nullable and len(self.guessed) > guessed and len(self.found) == found:
                del self.guessed[guessed:]
                continue
            if conforms(value, branch, self._root):
                return value
        if nullable:
            return None
        return self._fill(others[start], name, depth + 1, required=required) if others else None

    def _pick(self, flat: JsonObject, name: str, *, required: bool) -> object:
        kinds = {key: value for key, value in flat.items() if key != "enum"}
        options = [option for option in flat["enum"] if conforms(option, kinds, self._root)] or flat["enum"]
        value = self._source.scalar(name, {**flat, "enum": options}, required=required)
        if not isinstance(value, Missing):
            self.found.append(name)
            return value
        if not required:
            return MISSING
        self.guessed.append(name)
        if "default" in flat and self._salt == 0:
            return flat["default"]
        return options[self._salt % len(options)]

    def _typed(self, flat: JsonObject, name: str, depth: int, *, required: bool) -> object:
        kinds = flat.get("type")
        if isinstance(kinds, list):
            branches = [{**flat, "type": kind} for kind in kinds]
            rest = {key: value for key, value in flat.items() if key != "type"}
            return self._choose(rest, branches, name, depth, required=required)
        kind = kinds or next((kind for key, kind in _KINDS_BY_KEYWORD if key in flat), None)
        if kind is None:
            kind = _ANY_KIND[self._salt % len(_ANY_KIND)]
        if kind == "object":
            return self._object(flat, depth)
        if kind == "array":
            return self._array(flat, name, depth)
        if kind == "null":
            return None
        return self._scalar({**flat, "type": kind}, name, required=required)

    def _scalar(self, flat: JsonObject, name: str, *, required: bool) -> object:
        value = self._source.scalar(name, flat, required=required) if self._salt < 3 else MISSING
        if not isinstance(value, Missing) and conforms(value, flat, self._root):
            self.found.append(name)
            return value
        if not required:
            return MISSING
        if self._salt == 0 and "default" in flat and conforms(flat["default"], flat, self._root):
            return flat["default"]
        self.guessed.append(name)
        for known in flat.get("examples", ()):
            if self._salt == 0 and conforms(known, flat, self._root):
                return known
        if flat["type"] == "boolean":
            return self._salt % 2 == 1
        if flat["type"] in ("integer", "number"):
            return sample_number(flat, self._salt)
        guess = self._source.guess(name, flat) if self._salt == 0 else None
        if guess is not None and conforms(guess, flat, self._root):
            return guess
        return sample_string(flat, name, self._salt)

    def _array(self, flat: JsonObject, name: str, depth: int) -> list[object]:
        head = flat.get("prefixItems", [])
        values = [self._fill(part, name, depth + 1, required=True) for part in head]
        least, most = flat.get("minItems", 0), flat.get("maxItems")
        items = flat.get("items", True)
        room = (most if most is not None else 50) - len(values)
        if items is not False and room > 0:
            values += self._found_items(flat, items, name, depth)[:room]
        wanted = max(least, 1 if depth < _SHALLOW - 1 and items is not False and most != 0 else 0)
        if "contains" in flat:
            for _ in range(flat.get("minContains", 1)):
                part = merge(flatten(flat["contains"], self._root), flatten(items, self._root))
                values.append(self._fill(part, name, depth + 1, required=True))
        attempts = 0
        salt = self._salt
        while len(values) < wanted and attempts < 4 * wanted + 4:
            attempts += 1
            value = self._fill(items, name, depth + 1, required=True)
            if not (flat.get("uniqueItems") and value in values):
                values.append(value)
            self._salt += 1  # so that the next one is another one
        self._salt = salt
        return values

    def _found_items(self, flat: JsonObject, items: object, name: str, depth: int) -> list[object]:
        part = flatten(items, self._root)
        values: list[object] = []
        if part.get("type") == "object" or "properties" in part:
            if depth >= _SHALLOW:
                return []
            for source in self._source.parts(name):
                filler = Filler(self._root, source)
                value = filler._fill(part, name, depth + 1, required=True)
                if filler.found and not filler.guessed and conforms(value, part, self._root):
                    values.append(value)
                    self.found += filler.found
        else:
            values = [value for value in self._source.items(name, part) if conforms(value, part, self._root)]
            self.found += [name] * len(values)
        if flat.get("uniqueItems"):
            values = [value for position, value in enumerate(values) if value not in values[:position]]
        return values

    def _object(self, flat: JsonObject, depth: int) -> JsonObject:
        properties = flat.get("properties", {})
        required = list(flat.get("required", ()))
        result: JsonObject = {}
        for name, part in properties.items():
            if name not in required and depth >= _SHALLOW:
                continue
            value = self._fill_property(part, name, depth, required=name in required)
            if not isinstance(value, Missing):
                result[name] = value
        for trigger, needed in flat.get("dependentRequired", {}).items():
            if trigger in result:
                required += needed
        more = flat.get("additionalProperties", True)
        for name in required:
            if name not in result:
                result[name] = self._fill(properties.get(name, more), name, depth + 1, required=True)
        if isinstance(more, dict) and not properties:
            result.update(self._open_pairs(more, flat.get("maxProperties", 20)))
        self._reach_least(flat, result, depth)
        return result

    def _fill_property(self, part: object, name: str, depth: int, *, required: bool) -> object:
        """Fill a property; an optional one for which nothing is found is left out."""
        guessed, found = len(self.guessed), len(self.found)
        value = self._fill(part, name, depth + 1, required=required)
        if required or isinstance(value, Missing):
            return value
        if len(self.found) == found:
            del self.guessed[guessed:]
            return MISSING
        return value

    def _open_pairs(self, schema: JsonObject, most: int) -> JsonObject:
        part = flatten(schema, self._root)
        fitting = {name: value for name, value in self._source.pairs(part) if conforms(value, part, self._root)}
        return dict(list(fitting.items())[:most])

    def _reach_least(self, flat: JsonObject, result: JsonObject, depth: int) -> None:
        """Add properties until there are as many as demanded."""
        least = flat.get("minProperties", 0)
        for name, part in flat.get("properties", {}).items():
            if len(result) < least and name not in result:
                result[name] = self._fill(part, name, depth + 1, required=True)
        for pattern, part in flat.get("patternProperties", {}).items():
            for extra in range(least):
                name = string_for(pattern, extra)
                if name is not None and len(result) < least and name not in result:
                    result[name] = self._fill(part, name, depth + 1, required=True)
        more = flat.get("additionalProperties", True)
        names = flatten(flat.get("propertyNames", True), self._root)
        for count in range(least * 4):
            if more is False or len(result) >= least:
                break
            name = sample_string(names, "key", count) if names else f"key_{count + 1}"
            if name not in result:
                result[name] = self._fill(more, name, depth + 1, required=True)


def _weight(branch: JsonObject) -> int:
    """Return how much an alternative drags along; the light ones end a recursion."""
    if "const" in branch or "enum" in branch:
        return 0
    if branch.get("type") in ("string", "number", "integer", "boolean", "null"):
        return 1
    if branch.get("type") == "array" and not branch.get("minItems"):
        return 2
    return 3 + len(branch.get("required", ()))
