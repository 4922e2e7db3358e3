"""JSON in and out."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from gumloop_core.json_text import decode, encode


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
