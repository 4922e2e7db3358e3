"""Answers as columns: an object's fields with their types, a text as `answer`."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
from pydantic import BaseModel
from pydantic_core import to_json

from gumloop_batch.errors import BatchTaskError
from gumloop_core.shown import named

Convert: TypeAlias = Callable[[Any], Any]
"""Makes a value one that Arrow takes; never called with None."""


class ColumnType(NamedTuple):
    """How values of a Python type are kept.

    Attributes:
        arrow: The column's type.
        convert: What is done to each value before; ``None`` for nothing.
    """

    arrow: pa.DataType
    convert: Convert | None = None


_PLAIN: dict[object, ColumnType] = {
    str: ColumnType(pa.string()),
    int: ColumnType(pa.int64()),
    float: ColumnType(pa.float64()),
    bool: ColumnType(pa.bool_()),
    bytes: ColumnType(pa.binary()),
    datetime.datetime: ColumnType(pa.timestamp("us", tz="UTC")),
    datetime.date: ColumnType(pa.date32()),
    datetime.time: ColumnType(pa.time64("us")),
    datetime.timedelta: ColumnType(pa.duration("us")),
    decimal.Decimal: ColumnType(pa.string(), str),  # no column type holds each of them to the last digit
    uuid.UUID: ColumnType(pa.string(), str),
}


def _json(value: object) -> str:
    return value if isinstance(value, str) else to_json(value, fallback=str).decode()


_EXTRA = "extra"  # the column of fields that a class does not name and allows
_JSON = ColumnType(pa.string(), _json)


class AnswerColumns:
    """The columns of a job's answers.

    Attributes:
        fields: The columns.
        answer_type: The class of the answers, if it has columns of its own.
    """

    def __init__(self, answer_type: object, prefix: str = "") -> None:
        """Find the columns.

        Args:
            answer_type: What each answer is: a Pydantic class, a dataclass, a TypedDict or another type. ``str`` and
                ``None`` (not known) make one column `answer`, where what is no text is kept as JSON.
            prefix: What the names of the columns begin with.
        """
        inner = _fields_of(answer_type)
        self.answer_type = answer_type if inner is not None else None
        self._columns: dict[str, tuple[str, Convert | None]] = {}
        self.fields: list[pa.Field] = []
        self._root: Convert | None = None
        if inner is None:
            kind = _JSON if answer_type in (None, str) else column_type(answer_type)
            self.fields.append(pa.field(f"{prefix}answer", kind.arrow))
            self._root = kind.convert
            return
        if not inner:
            raise BatchTaskError(f"{getattr(answer_type, '__name__', answer_type)} has no fields to make columns of.")
        for name, hint in inner.items():
            kind = column_type(hint, (answer_type,))
            self.fields.append(pa.field(f"{prefix}{name}", kind.arrow))
            self._columns[name] = f"{prefix}{name}", kind.convert

    def values(self, answer: object) -> dict[str, object]:
        """An answer's values by the names of the columns; none for an answer that is `None`.

        Raises:
            TypeError: If the answer is not what the columns were made for.
        """
        if answer is None:
            return {}
        if not self._columns:
            return {self.fields[0].name: self._root(answer) if self._root else answer}
        return {
            column: value if value is None or convert is None else convert(value)
            for (column, convert), value in zip(self._columns.values(), self._parts(answer), strict=True)
        }

    def _parts(self, answer: object) -> list[object]:
        is_one = isinstance(self.answer_type, type) and not typing.is_typeddict(self.answer_type)
        if isinstance(answer, Mapping) or (is_one and isinstance(answer, self.answer_type)):  # type: ignore[arg-type]
            return [_part(answer, name) for name in self._columns]
        wanted = getattr(self.answer_type, "__name__", str(self.answer_type))
        raise TypeError(
            f"The answer is {named(answer)} and not a {wanted}, whose fields are the columns: {_json(answer)}"
        )


def _fields_of(hint: object) -> dict[str, object] | None:
    """The fields of a class that has some, with their types."""
    if not isinstance(hint, type):
        return None
    if issubclass(hint, BaseModel):
        if hint.__pydantic_root_model__:
            return None
        fields: dict[str, object] = {name: field.annotation for name, field in hint.model_fields.items()}
        fields |= {name: field.return_type for name, field in hint.model_computed_fields.items()}
        return {**fields, _EXTRA: dict} if _takes_more(hint) and _EXTRA not in fields else fields
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return {field.name: hints[field.name] for field in dataclasses.fields(hint)}
    if typing.is_typeddict(hint):
        return dict(typing.get_type_hints(hint))
    return None


def _takes_more(hint: object) -> bool:
    """Whether objects of a class may have further fields."""
    return isinstance(hint, type) and issubclass(hint, BaseModel) and hint.model_config.get("extra") == "allow"


def _part(value: object, name: str) -> object:
    """A field of an answer, or of an object in it."""
    if isinstance(value, Mapping):
        return value.get(name)
    if name == _EXTRA and _takes_more(type(value)) and isinstance(value, BaseModel):
        return value.model_extra or None
    return getattr(value, name)


def column_type(hint: object, within: tuple[object, ...] = ()) -> ColumnType:
    """How values of a type are kept: what Arrow has no type for, as JSON.

    Args:
        hint: The type.
        within: The classes that it is a part of; one within itself is kept as JSON.
    """
    origin = typing.get_origin(hint)
    if origin is typing.Annotated or origin in (typing.Required, typing.NotRequired):
        return column_type(typing.get_args(hint)[0], within)
    if origin in (typing.Union, types.UnionType):
        kinds = [inner for inner in typing.get_args(hint) if inner is not type(None)]
        return column_type(kinds[0], within) if len(kinds) == 1 else _JSON
    if origin is typing.Literal:
        return _of_values(typing.get_args(hint), None)
    if origin in (list, set, frozenset) and typing.get_args(hint):
        return _list(column_type(typing.get_args(hint)[0], within))
    if origin is tuple and typing.get_args(hint)[1:] == (...,):
        return _list(column_type(typing.get_args(hint)[0], within))
    if isinstance(hint, type):
        if plain := _PLAIN.get(hint):
            return plain
        if issubclass(hint, enum.Enum):
            return _of_values([member.value for member in hint], lambda member: member.value)
        if hint not in within and (inner := _fields_of(hint)):
            return _struct({name: column_type(kind, (*within, hint)) for name, kind in inner.items()})
    return _JSON


def _of_values(values: typing.Sequence[object], convert: Convert | None) -> ColumnType:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {str}:
        return ColumnType(pa.string(), convert)
    if kinds == {int}:
        return ColumnType(pa.int64(), convert)
    return ColumnType(pa.string(), lambda value: _json(convert(value) if convert else value))


def _list(of: ColumnType) -> ColumnType:
    convert = of.convert
    if convert is None:
        return ColumnType(pa.list_(of.arrow), list)
    return ColumnType(pa.list_(of.arrow), lambda values: [None if v is None else convert(v) for v in values])


def _struct(kinds: Mapping[str, ColumnType]) -> ColumnType:
    def convert(value: Any) -> dict[str, object]:
        parts = {name: _part(value, name) for name in kinds}
        return {
            name: part if part is None or (convert := kinds[name].convert) is None else convert(part)
            for name, part in parts.items()
        }

    return ColumnType(pa.struct([(name, kind.arrow) for name, kind in kinds.items()]), convert)
