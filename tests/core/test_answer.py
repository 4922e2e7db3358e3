"""What the core hands out."""

from __future__ import annotations

import pytest

from gumloop_core.answer import Completion, Delta, Image, ToolCall


def test_a_picture_in_a_data_url() -> None:
    picture = Image("data:image/png;base64,AAEC")
    assert (picture.mime_type, picture.base64, picture.data) == ("image/png", "AAEC", b"\x00\x01\x02")
    assert Image("data:;base64,AA==").mime_type is None


@pytest.mark.parametrize("url", ["https://a.example/data.png", "data:image/svg+xml,<svg/>", "data:image/png;base64"])
def test_a_picture_elsewhere_has_no_bytes(url: str) -> None:
    assert (Image(url).base64, Image(url).data) == (None, None)


def test_a_damaged_picture_says_so() -> None:
    with pytest.raises(ValueError, match=r"base64|padding"):
        _ = Image("data:image/png;base64,A").data


def test_a_call_goes_back_with_what_else_it_had() -> None:
    call = ToolCall("c1", "add", '{"a": 1}', {"extra_content": {"x": 1}, "id": "not this"})
    assert call.as_param() == {
        "extra_content": {"x": 1},
        "id": "c1",
        "type": "function",
        "function": {"name": "add", "arguments": '{"a": 1}'},
    }
    assert hash(call) == hash(ToolCall("c1", "add", '{"a": 1}'))


def test_a_delta_is_shown_without_the_chunk_that_it_came_in() -> None:
    delta = Delta({"secret": "chunk"})
    delta.text = "Hi"
    assert "text='Hi'" in repr(delta)
    assert "chunk" not in repr(delta)
    assert delta.completion is None
    assert isinstance(Completion(), Completion)
