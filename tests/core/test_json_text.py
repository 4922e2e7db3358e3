"""JSON in and out."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from gumloop_core.json_text import (
    DEEPEST,
    decode,
    encode,
    encode_arguments,
    is_finite_number,
    is_plain,
    positive_count,
    what_json_cannot_say,
)


@pytest.mark.parametrize(
    "value",
    [{}, [], {"a": [1, 2.5, True, None, "é🍁"]}, "x", 0, "\ud83d alone", {"deep": {"\udc00": "\udfff"}}, 10**40],
)
def test_what_is_encoded_is_read_back(value: Any) -> None:
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


def test_text_is_utf8_and_compact() -> None:
    assert encode({"a": "é", "b": [1]}) == '{"a":"é","b":[1]}'.encode()


@pytest.mark.parametrize("value", [object(), {"a": lambda: None}])
def test_what_json_cannot_say_raises_type_error(value: Any) -> None:
    with pytest.raises(TypeError):
        encode(value)


def test_a_value_that_holds_itself_raises_value_error() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError):
        encode(value)


def test_what_is_deeper_than_pythons_recursion_raises_value_error() -> None:
    with pytest.raises(ValueError, match="nested"):
        encode(nested(5000))


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        0.5,
        "x",
        "NaN",
        [1, (2, "x")],
        {"a": {"b": []}, 5: 1},
        nested(DEEPEST),
        type("Text", (str,), {})(),
    ],
)
def test_what_is_plain(value: Any) -> None:
    assert is_plain(value)
    assert what_json_cannot_say(value, "x") is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, r"x is nan, which is no number in JSON"),
        ({"a": [1, {"b-c": -math.inf}]}, r"x\.a\[1\]\.b-c is -inf"),
        ({"a": {1, 2}}, r"x\.a is a set, which JSON cannot say"),
        ([Decimal(1)], r"x\[0\] is a Decimal"),
        (b"x", r"x is a bytes"),
        ({"when it was": datetime(2020, 1, 1)}, r"x\['when it was'\] is a datetime"),
        ({"a": SecretStr("gl-canary")}, r"x\.a is a SecretStr"),
        (object(), r"x is an object"),
        ({(1,): 1}, r"x has the key \(1,\)"),
        (nested(DEEPEST + 1), r"x is nested deeper than 200 levels"),
    ],
)
def test_what_json_cannot_say_is_named_with_its_place(value: Any, problem: str) -> None:
    assert not is_plain(value)
    found = what_json_cannot_say(value, "x")
    assert found is not None
    assert re.match(problem, found)


def test_a_value_that_holds_itself_is_named() -> None:
    mapping: dict[str, Any] = {}
    mapping["a"] = [mapping, mapping]
    assert not is_plain(mapping)
    assert what_json_cannot_say(mapping, "x") == "x is nested deeper than 200 levels, or holds itself"


def test_numbers_that_are_none_become_null_in_a_calls_arguments() -> None:
    assert encode_arguments({"a": math.nan, "b": [math.inf, {"c": (-math.inf, 1.5)}]}) == (
        '{"a":null,"b":[null,{"c":[null,1.5]}]}'
    )
    assert encode_arguments({"a": "NaN"}) == '{"a":"NaN"}'
    assert encode_arguments({"a": "\ud83d", "b": math.nan}) == '{"a": "\\ud83d", "b": null}'


@pytest.mark.parametrize("arguments", [{"a": object()}, nested(5000)])
def test_arguments_that_are_no_json_raise_value_error(arguments: Any) -> None:
    with pytest.raises(ValueError, match=r"arguments\.a is an object|arguments is nested deeper"):
        encode_arguments(arguments)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"a":}', b"nope", b"\xff", b'{"a": 1} trailing', b"[1,]", b"{'a': 1}", b'"\x80"', b"1" * 5000],
)
def test_what_is_not_json_raises_value_error(text: bytes) -> None:
    with pytest.raises(ValueError):
        decode(text)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
@pytest.mark.parametrize("depth", [300, 900, 5_000, 1_000_000])
def test_deep_nesting_raises_value_error_whether_closed_or_not(opening: bytes, depth: int) -> None:
    closing = opening.translate(bytes.maketrans(b"[{", b"]}"), b'"a:')[::-1]
    with pytest.raises(ValueError):
        decode(opening * depth)
    with pytest.raises(ValueError):
        decode(opening * depth + b"1" + closing * depth)


def test_deep_nesting_is_found_beside_a_lone_surrogate() -> None:
    with pytest.raises(ValueError):
        decode(b'["\\ud800",' + b"[" * 900 + b"]" * 900 + b"]")


def test_nesting_that_real_answers_have_is_read() -> None:
    assert decode(b"[" * 150 + b"]" * 150) is not None
    assert decode(b'["\\ud800",' + b"[" * 150 + b"]" * 150 + b"]") is not None


def test_oddities_that_models_write_are_read() -> None:
    assert decode(b'"\\ud83d"') == "\ud83d"
    assert math.isnan(decode(b"NaN"))
    assert decode(b"[Infinity]") == [math.inf]
    assert decode(b'{"a": 1, "a": 2}') == {"a": 2}
    assert decode(b"123456789012345678901234567890") == 123456789012345678901234567890
    assert decode(b'"raw \x01 control"') == "raw \x01 control"


@pytest.mark.parametrize("value", [None, True, 0, -5, 1.5, "9", []])
def test_what_is_no_number_of_tokens(value: Any) -> None:
    assert positive_count(value) is None


@pytest.mark.parametrize("value", [0, -1.5, 10**400])
def test_what_is_a_number(value: Any) -> None:
    assert is_finite_number(value)


@pytest.mark.parametrize("value", [None, True, "1", math.nan, math.inf, -math.inf, 1j])
def test_what_is_no_number(value: Any) -> None:
    assert not is_finite_number(value)
