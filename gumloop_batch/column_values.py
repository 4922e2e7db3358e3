"""Values of columns as JSON and back, and the types of columns that this can be done for."""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pyarrow as pa
from pydantic_core import to_json

Decode: TypeAlias = Callable[[Any], Any]
"""Makes a value again of what JSON made of it; never called with None."""


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that a column of the input is kept with: what differs by its layout alone becomes one type.

    Times have microseconds, as Python's have; to read finer ones raises.
    """
    types = pa.types
    if types.is_null(kind):
        return pa.string()  # when values come in a later run, the folder shall still fit
    if types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_fixed_size_binary(kind):
        return pa.binary()
    if types.is_float16(kind):
        return pa.float32()
    if types.is_timestamp(kind):
        return pa.timestamp("us", tz=kind.tz)
    if types.is_date(kind):
        return pa.date32()
    if types.is_time(kind):
        return pa.time64("us")
    if types.is_duration(kind):
        return pa.duration("us")
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if types.is_struct(kind):
        return pa.struct([(field.name, plain_type(field.type)) for field in kind])
    if types.is_map(kind):
        return pa.map_(plain_type(kind.key_type), plain_type(kind.item_type))
    return kind


def encode_row(row: Mapping[str, object]) -> bytes:
    """A row as JSON.

    Raises:
        ValueError: If a text in it is none that can be written.
    """
    return to_json(row, bytes_mode="base64", timedelta_mode="float", inf_nan_mode="constants")


def row_decoder(schema: pa.Schema) -> Callable[[dict[str, Any]], None]:
    """The function that puts back into a row what JSON has no types for."""
    decoders = {field.name: decode for field in schema if (decode := _decoder(field.type)) is not None}

    def put_back(row: dict[str, Any]) -> None:
        for name, decode in decoders.items():
            if (value := row.get(name)) is not None:
                row[name] = decode(value)

    return put_back


def _decoder(kind: pa.DataType) -> Decode | None:
    types = pa.types
    if types.is_binary(kind) or types.is_fixed_size_binary(kind):
        return base64.urlsafe_b64decode
    if types.is_timestamp(kind):
        return datetime.datetime.fromisoformat
    if types.is_date(kind):
        return datetime.date.fromisoformat
    if types.is_time(kind):
        return datetime.time.fromisoformat
    if types.is_duration(kind):
        return lambda seconds: datetime.timedelta(seconds=seconds)
    if types.is_decimal(kind):
        return decimal.Decimal
    if types.is_list(kind):
        inner = _decoder(kind.value_type)
        return inner and (lambda values: [None if value is None else inner(value) for value in values])
    if types.is_struct(kind):
        return _struct_decoder(kind)
    if types.is_map(kind):
        return _map_decoder(kind)
    return None


def _struct_decoder(kind: pa.StructType) -> Decode | None:
    put_back = row_decoder(pa.schema(list(kind)))

    def decode(value: dict[str, Any]) -> dict[str, Any]:
        put_back(value)
        return value

    return decode if any(_decoder(field.type) for field in kind) else None


def _map_decoder(kind: pa.MapType) -> Decode:
    of_key, of_item = _decoder(kind.key_type), _decoder(kind.item_type)

    def decode(pairs: list[list[Any]]) -> list[tuple[Any, Any]]:
        return [
            (of_key(key) if of_key else key, of_item(item) if of_item and item is not None else item)
            for key, item in pairs
        ]

    return decode
