"""Values as JSON and back."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import pyarrow as pa
import pytest
from pydantic_core import from_json

from gumloop_batch.column_values import encode_row, plain_type, row_decoder

TZ = datetime.timezone(datetime.timedelta(hours=2))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.string(), "ü\n\0"),
        (pa.int64(), 2**63 - 1),
        (pa.uint64(), 2**64 - 1),
        (pa.float64(), 0.1),
        (pa.float64(), math.inf),
        (pa.bool_(), True),
        (pa.binary(), bytes(range(256))),
        (pa.timestamp("us"), datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)),
        (pa.timestamp("us", tz="UTC"), datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)),
        (pa.timestamp("us", tz="+02:00"), datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=TZ)),
        (pa.date32(), datetime.date(1969, 7, 20)),
        (pa.time64("us"), datetime.time(1, 2, 3, 4)),
        (pa.duration("us"), datetime.timedelta(days=-40_000, microseconds=1)),
        (pa.decimal128(38, 10), decimal.Decimal("12345678901234567890.1234567891")),
        (pa.list_(pa.date32()), [datetime.date(2026, 1, 2), None]),
        (pa.struct([("a", pa.binary()), ("b", pa.int64())]), {"a": b"\xff", "b": None}),
        (pa.list_(pa.struct([("a", pa.binary())])), [{"a": b"\xff"}, None]),
        (pa.map_(pa.string(), pa.date32()), [("x", datetime.date(2026, 1, 2)), ("y", None)]),
    ],
    ids=str,
)
def test_a_value_comes_back_as_it_was(kind: pa.DataType, value: Any) -> None:
    schema = pa.schema([("value", kind), ("none", kind)])
    (row,) = pa.RecordBatch.from_pylist([{"value": value, "none": None}], schema=schema).to_pylist()
    back = from_json(encode_row(row))
    row_decoder(schema)(back)
    assert pa.RecordBatch.from_pylist([back], schema=schema).to_pylist() == [row]


def test_a_number_that_is_none_comes_back() -> None:
    assert math.isnan(from_json(encode_row({"value": math.nan}))["value"])


@pytest.mark.parametrize(
    ("kind", "plain"),
    [
        (pa.null(), pa.string()),
        (pa.dictionary(pa.int32(), pa.large_string()), pa.string()),
        (pa.large_binary(), pa.binary()),
        (pa.binary(4), pa.binary()),
        (pa.float16(), pa.float32()),
        (pa.timestamp("ns", tz="UTC"), pa.timestamp("us", tz="UTC")),
        (pa.date64(), pa.date32()),
        (pa.time32("s"), pa.time64("us")),
        (pa.large_list(pa.null()), pa.list_(pa.string())),
        (pa.struct([("a", pa.timestamp("s"))]), pa.struct([("a", pa.timestamp("us"))])),
        (pa.uint8(), pa.uint8()),
    ],
    ids=str,
)
def test_types_that_differ_by_their_layout_alone_are_one(kind: pa.DataType, plain: pa.DataType) -> None:
    assert plain_type(kind) == plain
    pa.nulls(2, type=kind).cast(plain)
