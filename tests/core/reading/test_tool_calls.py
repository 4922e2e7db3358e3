"""Tool calls from the pieces that providers send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core.answer import ToolCallPiece
from gumloop_core.reading.tool_calls import ToolCallAssembler, names_of_tools
from tests.support.counting import calls_made


def piece(
    index: int | None = None, id: str | None = None, name: str | None = None, arguments: Any = None, **more: Any
) -> dict[str, Any]:
    out: dict[str, Any] = {"function": {}, **more}
    if index is not None:
        out["index"] = index
    if id is not None:
        out["id"] = id
    if name is not None:
        out["function"]["name"] = name
    if arguments is not None:
        out["function"]["arguments"] = arguments
    return out


def assembled(*chunks: list[Any]) -> list[tuple[str, str, str]]:
    """The finished calls, checked against the pieces that were handed out."""
    assembler = ToolCallAssembler()
    handed_out: list[ToolCallPiece] = []
    for read in (*(assembler.add(chunk, "gen-1") for chunk in chunks), assembler.finish("gen-1")):
        assert len({part.index for part in read}) == len(read), "two pieces of a call in a delta"
        handed_out += read
    rebuilt: dict[int, list[str]] = {}
    for part in handed_out:
        assert (part.id is None) is (part.index in rebuilt), "the id comes with the first piece, and no other"
        call = rebuilt.setdefault(part.index, ["", "", ""])
        if part.id is not None:
            assert call[0] == "", "an id was handed out twice"
            call[0] = part.id
        if part.name is not None:
            assert call[1] == "", "a name was handed out twice"
            call[1] = part.name
        call[2] += part.arguments
    finished = [(call.id, call.name, call.arguments) for call in assembler.finished()]
    assert list(rebuilt) == list(range(len(finished)))
    assert [tuple(call) for call in rebuilt.values()] == finished
    return finished


SECOND = [piece(1, "b", "sub", '{"y":2}')]
TWO = [("a", "add", '{"x":1}'), ("b", "sub", '{"y":2}')]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(
            [
                [piece(0, "a", "add", "")],
                [piece(0, arguments='{"x"')],
                [piece(0, arguments=":1}")],
                [piece(1, "b", "sub", "")],
                [piece(1, arguments='{"y":2}')],
            ],
            id="by the book",
        ),
        pytest.param(
            [[piece(0, "a", "add", '{"x":1}'), piece(1, "b", "sub", '{"y":2}')]], id="two whole calls in a chunk"
        ),
        pytest.param(
            [[piece(0, "a", "add", '{"x":1}')], [piece(0, "b", "sub", '{"y":2}')]], id="same index, different ids"
        ),
        pytest.param(
            [
                [piece(id="a", name="add", arguments='{"x"')],
                [piece(arguments=":1}")],
                [piece(id="b", name="sub")],
                [piece(arguments='{"y":2}')],
            ],
            id="no index",
        ),
        pytest.param(
            [
                [piece(0, "a", "add", '{"x"')],
                [piece(0, "a", "add", ":1}")],
                [piece(1, "b", "sub", '{"y"')],
                [piece(1, "b", "sub", ":2}")],
            ],
            id="id and name repeated",
        ),
        pytest.param(
            [
                [piece(0, "a", "add", '{"x"'), piece(1, "b", "sub", '{"y"')],
                [piece(0, arguments=":1}"), piece(1, arguments=":2}")],
            ],
            id="interleaved by index",
        ),
        pytest.param(
            [
                [piece(0, "a", "add", '{"x"'), piece(0, "b", "sub", '{"y"')],
                [piece(0, "a", arguments=":1}"), piece(0, "b", arguments=":2}")],
            ],
            id="interleaved by id, all index 0",
        ),
        pytest.param(
            [
                [piece(7, "a", "add", '{"x"')],
                [piece(7, arguments=":1}")],
                [piece(3, "b", "sub", '{"y":2}')],
            ],
            id="indices with gaps",
        ),
        pytest.param(
            [[piece(0, "a")], [piece(0, name="add")], [piece(0, arguments='{"x":1}')], SECOND],
            id="id first, name later",
        ),
        pytest.param([[piece(0, name="add")], [piece(0, "a", arguments='{"x":1}')], SECOND], id="name first, id later"),
        pytest.param(
            [[piece(0, "a", "add", {"x": 1})], [piece(1, "b", "sub", '{"y":2}')]], id="arguments as an object"
        ),
        pytest.param([[piece(0, "a", "add", '{"x":1}'), None, 7, "x", [], {}], SECOND], id="junk among the pieces"),
        pytest.param(
            [[piece(0, "a", "add", '{"x":1}')], [{"index": 0, "id": None, "function": None}], SECOND],
            id="null function",
        ),
        pytest.param(
            [[piece(0, "", "add", '{"x":1}'), piece(0, "a", "")], [piece(1, "b", "sub", '{"y":2}')]],
            id="empty id and name",
        ),
    ],
)
def test_providers_ways_of_numbering(chunks: list[list[Any]]) -> None:
    got = assembled(*chunks)
    assert [(i, n, json.loads(a)) for i, n, a in got] == [(i, n, json.loads(a)) for i, n, a in TWO]


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([[piece(0, "a", "add", '{"x"'), piece(0, arguments=":1}")], SECOND], id="arguments"),
        pytest.param([[piece(0, name="add", arguments='{"x":1}'), piece(0, "a")], SECOND], id="a repaired id behind"),
        pytest.param([[piece(0, "a"), piece(0, name="add"), piece(0, arguments='{"x":1}')], SECOND], id="each apart"),
        pytest.param([[piece(0, "a", "add", '{"x"'), *SECOND, piece(0, arguments=":1}")]], id="with another between"),
    ],
)
def test_pieces_of_a_call_in_one_chunk_are_one_piece(chunks: list[list[Any]]) -> None:
    assert assembled(*chunks) == TWO


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([[piece(0, "a", "get_")], [piece(0, name="weather")]], id="no id on the second"),
        pytest.param([[piece(id="a", name="get_")], [piece(name="weather")]], id="no index"),
        pytest.param([[piece(0, "a", "get_")], [piece(0, "a", "weather")]], id="the id on both"),
        pytest.param([[piece(0, "a", "get_"), piece(0, name="weather")]], id="in one chunk"),
        pytest.param([[piece(0, "a", "g")], [piece(0, name="et_wea")], [piece(0, name="ther")]], id="three pieces"),
        pytest.param([[piece(0, "a", "get_")], [piece(0, name="get_weather")]], id="a name that grows"),
        pytest.param([[piece(0, "a", "get_weather")], [piece(0, name="get_weather")]], id="a name that is repeated"),
        pytest.param([[piece(0, "a")], [piece(0, name="get_")], [piece(0, name="weather")]], id="behind the id"),
    ],
)
@pytest.mark.parametrize("arguments", ["", '{"city":"Rome"}'])
def test_a_name_in_pieces(chunks: list[list[Any]], arguments: str) -> None:
    last = [piece(chunks[0][0].get("index"), arguments=arguments)]
    assert assembled(*chunks, last) == [("a", "get_weather", arguments)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('{}{"a": 1}', '{"a": 1}'),
        ('{ } {"a": 1}', '{"a": 1}'),
        ('{}{}{"a": 1}', '{"a": 1}'),
        ('null{"a": 1}', '{"a": 1}'),
        (' null {} {"a": 1}', '{"a": 1}'),
        ('{"a": 1}', '{"a": 1}'),
        (' {"a": 1}', ' {"a": 1}'),
        ("{}", "{}"),
        (" {} ", " {} "),
        ("{}{}", "{}"),
        ("null", "null"),
        ("null{}", "{}"),
        ("", ""),
        ("  ", "  "),
        ("{", "{"),
        ('{}{"a"', '{"a"'),
        ("{}x", "{}x"),
        ("nullx", "nullx"),
        ("[1]", "[1]"),
        (" " * 100 + '{"a": 1}', " " * 100 + '{"a": 1}'),
        ("{}" + " " * 100 + '{"a": 1}', "{}" + " " * 100 + '{"a": 1}'),  # too far for a placeholder
    ],
)
def test_a_placeholder_in_front_of_the_arguments(written: str, expected: str) -> None:
    """Some gateways begin each call with the empty input that Anthropic announces it with."""
    whole = ToolCallAssembler()
    whole.add_whole([piece(id="a", name="f", arguments=written)])
    assert [part.arguments for part in whole.finish()] == [expected]
    for place in range(len(written) + 1):
        pieces = [piece(0, "a", "f", written[:place]), piece(0, arguments=written[place:])]
        assert assembled(*([part] for part in pieces)) == [("a", "f", expected)]
        assert assembled(pieces) == [("a", "f", expected)]
    assert assembled([piece(0, "a", "f")], *([piece(0, arguments=letter)] for letter in written)) == [
        ("a", "f", expected)
    ]


def test_a_placeholder_as_an_object() -> None:
    assert assembled([piece(0, "a", "f", {})], [piece(0, arguments='{"a"')], [piece(0, arguments=": 1}")]) == [
        ("a", "f", '{"a": 1}')
    ]


def test_a_call_of_a_tool_that_was_sent_is_handed_out_at_once() -> None:
    """A provider may take seconds between a call's name and its arguments."""
    names = names_of_tools([{"function": {"name": name}} for name in ("get", "get_weather", "add")] + [None, {}, 5])
    for name, is_at_once in (("get_weather", True), ("add", True), ("get", False), ("get_", False), ("other", False)):
        assembler = ToolCallAssembler(names)
        at_once = (ToolCallPiece(0, "a", name),) if is_at_once else ()
        assert assembler.add([piece(0, "a", name, "")]) == at_once
        assert assembler.add([piece(0, arguments="{}")]) == ()
        assert [call.name for call in assembler.finished()] == [name]
    assembler = ToolCallAssembler(names)
    assert assembler.add([piece(0, "a", "get_")]) == ()
    assert assembler.add([piece(0, name="weather")]) == (ToolCallPiece(0, "a", "get_weather"),)


@pytest.mark.parametrize("tools", [None, 5, "x", {}, [None, {}, {"function": 5}, {"function": {"name": []}}]])
def test_tools_without_a_name_have_none(tools: Any) -> None:
    assert names_of_tools(tools) == frozenset()


def test_an_id_that_comes_too_late_changes_nothing() -> None:
    got = assembled([piece(0, name="f", arguments='{"a"')], [piece(0, "late", arguments=":1}")], [piece(0, "late")])
    assert got == [("call_0_gen-1", "f", '{"a":1}')]


def test_calls_of_a_unary_answer_are_kept_apart() -> None:
    assembler = ToolCallAssembler()
    same = piece(5, "a", "f", "{}")
    assembler.add_whole([same, same, piece(name="g"), None, {}, {"name": "h", "arguments": {"x": 1}}])
    assert assembler.finish("gen-1") == (
        ToolCallPiece(0, "a", "f", "{}"),
        ToolCallPiece(1, "a", "f", "{}"),
        ToolCallPiece(2, "call_2_gen-1", "g", ""),
        ToolCallPiece(3, "call_3_gen-1", "h", '{"x": 1}'),
    )


def test_other_fields_of_a_call_go_back_with_it() -> None:
    """Gemini wants its thought signature again; seen in a recorded answer of Google's."""
    signature = {"google": {"thought_signature": "AVSo"}}
    assembler = ToolCallAssembler()
    assembler.add([piece(0, "a", "f", "{", extra_content=signature, type="function")])
    assembler.add([piece(0, arguments="}", extra_content=None)])
    [call] = assembler.finished()
    assert call.as_param() == {
        "id": "a",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "extra_content": signature,
    }


def test_calls_without_id_or_index_are_told_apart_by_whole_arguments() -> None:
    got = assembled([piece(0, name="f", arguments='{"a":"}{"}')], [piece(0, name="f", arguments='{"a":2}')])
    assert got == [("call_0_gen-1", "f", '{"a":"}{"}'), ("call_1_gen-1", "f", '{"a":2}')]


def test_a_repeated_name_within_arguments_does_not_open_a_call() -> None:
    got = assembled(
        [piece(0, name="f", arguments='{"a":')],
        [piece(0, name="f", arguments='{"b":{}}')],
        [piece(0, name="f", arguments='{"c":1}')],  # broken JSON, but one call's text
        [piece(0, name="f", arguments="}")],
    )
    assert len(got) == 1


def test_same_id_under_another_index_with_a_name_is_another_call() -> None:
    """Some providers use the function's name as the id of every call to it."""
    got = assembled([piece(0, "f", "f", '{"a":1}'), piece(1, "f", "f", '{"a":2}')])
    assert [arguments for _, _, arguments in got] == ['{"a":1}', '{"a":2}']


def test_empty_pieces_are_not_handed_out() -> None:
    assembler = ToolCallAssembler()
    assert len(assembler.add([piece(0, "a", "add", '{"')])) == 1
    assert assembler.add([piece(0, arguments="")]) == ()
    assert assembler.add([piece(0, "a", "add", "")]) == ()
    assert assembler.finish() == ()


def test_made_up_ids_differ_between_answers_and_calls() -> None:
    ids = set()
    for answer in ("gen-1", "gen-2", None, None):
        assembler = ToolCallAssembler()
        read = assembler.add([piece(0, name="f", arguments='{"'), piece(1, name="g", arguments='{"')], answer)
        ids |= {given.id for given in read}
        assert assembler.finish(answer) == ()
    assert len(ids) == 8


def test_work_is_linear_in_the_pieces() -> None:
    def feed(count: int) -> Any:
        def work() -> None:
            assembler = ToolCallAssembler()
            for place in range(count):
                assembler.add([piece(place, f"id{place}", "f", "{}")])
            assembler.finished()

        return work

    assert calls_made(feed(400)) <= 2.1 * calls_made(feed(200))


def test_arguments_are_not_read_again_for_every_repeated_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that looks like the beginning of another call must not cost a look at all that came before."""
    from gumloop_core.reading import tool_calls

    looked_at = []
    original = tool_calls.JSONScan.feed

    def counted(self: Any, text: str) -> None:
        looked_at.append(len(text))
        original(self, text)

    monkeypatch.setattr(tool_calls.JSONScan, "feed", counted)
    assembler = ToolCallAssembler()
    total = 0
    assembler.add([piece(0, name="f", arguments='{"a": [')])
    for _ in range(500):
        assembler.add([piece(0, name="f", arguments='{"b":1}')])
        total += 7
    assert len(assembler.finished()) == 1
    assert sum(looked_at) <= total + 7
