"""Secrets are masked, however they are written, and other text is left alone."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

from gumloop_core.secrets.redaction import MASK, Redactor, secrets_of_headers
from tests.support.counting import calls_made

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
