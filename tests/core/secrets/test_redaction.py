"""Usage, gathered fields, images, redaction, tracebacks: small parts of the core, by themselves."""

from __future__ import annotations

import base64
import html
import json
import math
import sys
from typing import Any
from urllib.parse import quote, quote_plus

import httpcore
import httpx
import pytest

from gumloop_core import Image
from gumloop_core.reading.merging import MergedFields
from gumloop_core.reading.usage import read_usage
from gumloop_core.secrets.redaction import MASK, Redactor, secrets_of_headers
from gumloop_core.secrets.tracebacks import forget_frames
from gumloop_core.writing.media import data_url, image_mime_type, image_part
from tests.support.counting import calls_made

# -- usage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [None, [], 5, "x", {}, {"prompt_tokens": None}, {"prompt_tokens": "7"}, {"prompt_tokens": True}, {"is_byok": True}],
)
def test_no_usage(payload: Any) -> None:
    assert read_usage(payload) is None


def test_all_of_usage() -> None:
    payload = {
        "prompt_tokens": 10,
        "completion_tokens": 5.0,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2, "audio_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
        "cost": 0.25,
        "cost_details": {"upstream": 0.2},
        "is_byok": False,
    }
    usage = read_usage(payload)
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (10, 5, 15)
    assert (usage.cached_tokens, usage.cache_write_tokens, usage.prompt_audio_tokens) == (3, 2, 1)
    assert (usage.reasoning_tokens, usage.completion_audio_tokens) == (4, 0)
    assert (usage.cost, usage.cost_details, usage.is_byok) == (0.25, {"upstream": 0.2}, False)
    assert usage.raw is payload


def test_usage_with_holes() -> None:
    usage = read_usage({"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": [], "cost": "x"})
    assert usage is not None
    assert (usage.total_tokens, usage.cached_tokens, usage.cost) == (3, None, None)
    usage = read_usage({"cost": 1, "total_tokens": 2.5, "prompt_tokens": math.nan, "completion_tokens": math.inf})
    assert usage is not None
    assert (usage.cost, usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1, 0, 0, 0)
    assert read_usage({"cost": math.nan}) is None


# -- gathered fields -------------------------------------------------------------------------------------------------


def gathered(*pieces: dict[str, Any]) -> dict[str, Any]:
    fields = MergedFields(frozenset({"data"}))
    for piece in pieces:
        fields.merge(piece)
    return fields.finished()


def test_gathering() -> None:
    assert gathered(
        {"a": [1], "b": {"c": [2], "data": "x"}, "n": 1}, {"a": [3], "b": {"c": [4], "data": "y"}, "n": 2}
    ) == {
        "a": [1, 3],
        "b": {"c": [2, 4], "data": "xy"},
        "n": 2,
    }
    assert gathered({"a": "x"}, {"a": None}) == {"a": "x"}
    assert gathered({"a": [1]}, {"a": {"b": 1}}, {"a": "x"}) == {"a": "x"}
    assert gathered({"data": "x"}, {"data": [1]}, {"data": "y"}) == {"data": "y"}


def test_what_was_received_is_not_changed_by_gathering() -> None:
    piece = {"a": [1], "b": {"c": [2]}}
    assert gathered(piece, piece) == {"a": [1, 1], "b": {"c": [2, 2]}}
    assert piece == {"a": [1], "b": {"c": [2]}}


def test_deep_objects_take_no_deep_stack() -> None:
    deep: dict[str, Any] = {}
    for _ in range(190):
        deep = {"a": deep}
    before = sys.getrecursionlimit()
    frame, depth = sys._getframe(), 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    sys.setrecursionlimit(depth + 60)
    try:
        got = gathered(deep, deep)
    finally:
        sys.setrecursionlimit(before)
    assert got == deep


def test_gathering_is_linear() -> None:
    def feed(count: int) -> Any:
        def work() -> None:
            fields = MergedFields(frozenset({"data"}))
            for place in range(count):
                fields.merge({"a": [place], "b": {"data": "x", "c": place}})
            fields.finished()

        return work

    assert calls_made(feed(400)) <= 2.05 * calls_made(feed(200))


# -- images ----------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_data_url() -> None:
    image = Image("data:image/png;base64,AAEC")
    assert (image.mime_type, image.base64, image.data) == ("image/png", "AAEC", b"\x00\x01\x02")
    image = Image("https://x.example/a.png")
    assert (image.mime_type, image.base64, image.data) == (None, None, None)
    assert Image("data:,x").mime_type is None
    assert Image("data:image/png,x").data is None
    with pytest.raises(ValueError):
        Image("data:image/png;base64,A").data  # noqa: B018


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_kinds_of_images(data: bytes, kind: str | None) -> None:
    assert image_mime_type(data) == kind


def test_image_parts() -> None:
    assert data_url(b"\x00", "image/png") == data_url("AA==", "image/png") == "data:image/png;base64,AA=="
    assert image_part("u") == {"type": "image_url", "image_url": {"url": "u"}}
    assert image_part("u", "low")["image_url"] == {"url": "u", "detail": "low"}


# -- redaction -------------------------------------------------------------------------------------------------------

SECRET = "gl-canary-0123456789"
ODD_SECRET = 'gl/cana+ry"&01\\23456789'


def test_secrets_are_masked_wherever_they_are() -> None:
    redactor = Redactor([SECRET, ""])
    assert redactor.text(f"a {SECRET} b {SECRET}") == f"a {MASK} b {MASK}"
    assert redactor.data(f"é {SECRET}".encode()) == f"é {MASK}".encode()
    assert redactor.document({SECRET: [SECRET, {"a": f"x{SECRET}"}, 5, None]}) == {
        MASK: [MASK, {"a": f"x{MASK}"}, 5, None]
    }
    assert SECRET not in repr(redactor)


@pytest.mark.parametrize("length", range(6, len(SECRET)))
def test_a_secret_that_was_cut_at_the_end_is_masked(length: int) -> None:
    assert Redactor([SECRET]).text("a " + SECRET[:length]) == f"a {MASK}"


@pytest.mark.parametrize("length", range(6, len(SECRET)))
def test_a_secret_that_was_cut_at_the_beginning_is_masked(length: int) -> None:
    assert Redactor([SECRET]).text(SECRET[-length:] + " a") == f"{MASK} a"


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(ODD_SECRET),
        json.dumps(json.dumps(ODD_SECRET)),
        repr(ODD_SECRET),
        repr(ODD_SECRET.encode()),
        quote(ODD_SECRET, safe=""),
        quote(ODD_SECRET, safe="").lower(),
        quote_plus(ODD_SECRET),
        html.escape(ODD_SECRET),
        ODD_SECRET.encode().hex(),
        base64.b64encode(ODD_SECRET.encode()).decode(),
        base64.urlsafe_b64encode(ODD_SECRET.encode()).decode(),
        *(base64.b64encode(b"me:x"[:n] + ODD_SECRET.encode() + b"\n").decode() for n in range(1, 4)),
        "".join(f"\\u{ord(letter):04x}" for letter in ODD_SECRET),
        f"{ODD_SECRET[:12]}...",
        f"...{ODD_SECRET[9:]}",
        f"{ODD_SECRET[3:14]}***",
    ],
)
def test_a_secret_is_masked_however_it_is_written(written: str) -> None:
    shown = Redactor([ODD_SECRET]).text(f"The key {written} is unknown")
    assert MASK in shown
    assert shown.startswith("The key ")
    assert shown.endswith(" is unknown")
    assert len(shown) <= len("The key  is unknown") + len(MASK) + 8
    for place in range(len(ODD_SECRET) - 7):
        assert ODD_SECRET[place : place + 8] not in shown


def test_other_text_is_left_alone() -> None:
    for text in ("", "gl-", "gl-can", "a gl-cana b", "\x00\xff"):
        assert Redactor([SECRET]).text(text) in (text, MASK)
    assert Redactor().text(SECRET) == SECRET
    assert Redactor(others=["a long value of no interest"]).text("a long value") in ("a long value", MASK)


def test_another_key_is_masked_too() -> None:
    redactor = Redactor(["first-key-0123"])
    assert MASK in redactor.text("first-key-0123")
    redactor.add_key("second-key-4567")
    assert redactor.text("first-key-0123 second-key-4567") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("Authorization", "Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("x-api-key", "abcdef", "abcdef"),
        ("X-Proxy-Token", "t0ken-of-mine", "t0ken-of-mine"),
        ("cookie", "a=1; session=abc123def", "abc123def"),
        ("X-Client-Secret", "hunter2", "hunter2"),
        ("db-password", "hunter2", "hunter2"),
    ],
)
def test_headers_whose_names_say_secret(name: str, value: str, secret: str) -> None:
    assert secret in secrets_of_headers([(name, value)])


@pytest.mark.parametrize(
    ("name", "value"), [("x-trace", "some-long-value"), ("x-key", "1"), ("cookie", "a=b"), ("x-token", "Bearer")]
)
def test_headers_that_hold_none(name: str, value: str) -> None:
    assert secrets_of_headers([(name, value)]) == []


@pytest.mark.parametrize("unit", ["ab", "abababc", "ababab!"], ids=["the key", "its end and more", "less than enough"])
def test_masking_takes_time_in_proportion(unit: str) -> None:
    redactor = Redactor(["ab" * 400 + "c"], ["abababab" * 9])
    short, long = (calls_made(lambda size=size: redactor.text(unit * size)) for size in (1000, 4000))
    assert long <= short * 6


def test_a_longer_key_does_not_make_a_text_take_longer() -> None:
    text = "abababc" * 2000
    short, long = (Redactor(["ab" * size + "c"]) for size in (20, 2000))
    assert short.text(text) == long.text(text)  # each has made what it looks for
    # What is cut off at either end is compared with the key itself.
    assert calls_made(lambda: long.text(text)) <= calls_made(lambda: short.text(text)) + 4001


def test_texts_in_which_no_secret_can_be_are_hardly_looked_at() -> None:
    redactor = Redactor([SECRET], ["user-12345"])
    redactor.text("")
    document = ["of no interest"] * 100
    assert calls_made(lambda: redactor.document(document)) <= 100 * 40
    assert redactor.document(["user-12345", "ser-12345", "of user-1", SECRET[5:13]]) == [MASK, MASK, f"of {MASK}", MASK]


# -- tracebacks ------------------------------------------------------------------------------------------------------


def _frames(error: BaseException | None) -> int:
    count = 0
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None:
        traceback, count = traceback.tb_next, count + 1
    return count


def test_frames_of_the_http_library_are_dropped_and_the_callers_are_kept() -> None:
    try:
        try:
            raise LookupError("the caller's")
        except LookupError:
            httpx.Client(transport=httpx.HTTPTransport()).get("http://127.0.0.1:1/", timeout=1)
    except httpx.ConnectError as caught:
        error = caught
    below = error.__cause__
    assert isinstance(below, httpcore.ConnectError)
    callers: BaseException | None = error
    while callers is not None and not isinstance(callers, LookupError):
        callers = callers.__context__
    assert _frames(below) > 0
    before = _frames(callers)
    assert before > 0
    forget_frames(error)
    assert _frames(error) == _frames(below) == _frames(below.__cause__) == 0
    assert _frames(callers) == before
