"""Answers as columns."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import pyarrow as pa
import pytest
from pydantic import BaseModel, Field, RootModel, computed_field

from gumloop_batch.answers import AnswerColumns, column_type
from gumloop_batch.errors import BatchTaskError


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


class Place(BaseModel):
    city: str
    zip: int | None = None


class Node(BaseModel):
    name: str
    inner: list[Node] = []


@dataclass
class Point:
    x: float
    y: float


@pytest.mark.parametrize(
    ("hint", "arrow", "value", "kept"),
    [
        (str, pa.string(), "x", "x"),
        (int | None, pa.int64(), 3, 3),
        (Annotated[float, Field(gt=0)], pa.float64(), 1.5, 1.5),
        (bool, pa.bool_(), True, True),
        (bytes, pa.binary(), b"x", b"x"),
        (datetime.date, pa.date32(), datetime.date(2026, 1, 2), datetime.date(2026, 1, 2)),
        (decimal.Decimal, pa.string(), decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID, pa.string(), uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Literal["a", "b"], pa.string(), "a", "a"),
        (Literal[1, 2], pa.int64(), 2, 2),
        (Literal[1, "b"], pa.string(), 1, "1"),
        (Mood, pa.string(), Mood.BAD, "bad"),
        (list[Mood], pa.list_(pa.string()), [Mood.BAD], ["bad"]),
        (set[int], pa.list_(pa.int64()), {1}, [1]),
        (tuple[str, ...], pa.list_(pa.string()), ("a",), ["a"]),
        (list[Place], pa.list_(pa.struct([("city", pa.string()), ("zip", pa.int64())])), [Place(city="B")], None),
        (Point, pa.struct([("x", pa.float64()), ("y", pa.float64())]), Point(1, 2), {"x": 1, "y": 2}),
        (dict[str, int], pa.string(), {"a": 1}, '{"a":1}'),
        (int | str, pa.string(), 5, "5"),
        (Any, pa.string(), [1, {"a": None}], '[1,{"a":null}]'),
    ],
)
def test_types_have_columns(hint: Any, arrow: pa.DataType, value: Any, kept: Any) -> None:
    kind = column_type(hint)
    assert kind.arrow == arrow
    made = value if kind.convert is None else kind.convert(value)
    assert kept is None or made == kept
    pa.array([made, None], type=kind.arrow)


def test_a_class_within_itself_is_json_there() -> None:
    columns = AnswerColumns(Node)
    values = columns.values(Node(name="a", inner=[Node(name="b", inner=[Node(name="c")])]))
    pa.array([values["inner"]], type=columns.fields[1].type)
    assert "c" in str(values["inner"])


def test_fields_and_computed_ones_with_a_prefix() -> None:
    class Sum(BaseModel):
        a: int
        b: int

        @computed_field
        def total(self) -> int:
            return self.a + self.b

    columns = AnswerColumns(Sum, "answer_")
    assert [field.name for field in columns.fields] == ["answer_a", "answer_b", "answer_total"]
    assert columns.values(Sum(a=1, b=2)) == {"answer_a": 1, "answer_b": 2, "answer_total": 3}


def test_further_fields_are_kept_as_json() -> None:
    class Open(BaseModel, extra="allow"):
        a: int

    columns = AnswerColumns(Open)
    assert columns.values(Open.model_validate({"a": 1, "b": [2]})) == {"a": 1, "extra": '{"b":[2]}'}
    assert columns.values(Open(a=1)) == {"a": 1, "extra": None}


def test_a_typed_dict_and_a_dict_for_a_class() -> None:
    class Movie(TypedDict, total=False):
        title: str
        year: int

    assert AnswerColumns(Movie).values({"title": "M"}) == {"title": "M", "year": None}
    assert AnswerColumns(Place).values({"city": "B"}) == {"city": "B", "zip": None}


@pytest.mark.parametrize(
    ("hint", "answer", "kept"),
    [
        (None, "text", "text"),
        (str, "text", "text"),
        (None, {"a": 1}, '{"a":1}'),
        (str, Place(city="B"), '{"city":"B","zip":null}'),
        (int, 5, 5),
        (list[int], [1], [1]),
        (RootModel[list[int]], RootModel[list[int]]([1]), "[1]"),
    ],
)
def test_what_has_no_fields_is_one_column(hint: Any, answer: Any, kept: Any) -> None:
    columns = AnswerColumns(hint)
    assert [field.name for field in columns.fields] == ["answer"]
    assert columns.values(answer) == {"answer": kept}
    assert columns.values(None) == {}


def test_an_answer_of_another_class_says_so_and_is_in_the_error() -> None:
    with pytest.raises(TypeError, match=r"a str and not a Place, whose fields are the columns: Berlin"):
        AnswerColumns(Place).values("Berlin")


def test_a_class_without_fields() -> None:
    class Nothing(BaseModel):
        pass

    with pytest.raises(BatchTaskError, match="Nothing has no fields"):
        AnswerColumns(Nothing)
