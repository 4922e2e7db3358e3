"""Tool calls as a state machine: true calls, written with the providers' quirks, must come out as they were."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gumloop_core.answer import ToolCallPiece
from gumloop_core.reading.tool_calls import ToolCallAssembler

ARGUMENTS = st.dictionaries(
    st.sampled_from(["a", "}{", '"', "\\", "é", ""]),
    st.recursive(
        st.one_of(st.none(), st.integers(-5, 5), st.text('ab{}[]"\\é🍁', max_size=6)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2), st.dictionaries(st.text("a{}", max_size=2), inner, max_size=2)
        ),
        max_leaves=4,
    ),
    max_size=3,
)


class ToolCallTruth(RuleBasedStateMachine):
    """A provider writes calls in its way; the assembler must see the calls.

    A way of writing is fixed for an answer. Calls can only be told apart if they have an index or an id of their own,
    or come one after another; ways in which not even a person could tell them apart are not written.
    """

    @initialize(
        index=st.sampled_from(["right", "missing", "zero", "gaps"]),
        ids=st.sampled_from(["once", "every", "none", "late", "name"]),
        names=st.sampled_from(["once", "every"]),
        as_object=st.booleans(),
    )
    def choose(self, index: str, ids: str, names: str, as_object: bool) -> None:
        self.index, self.ids, self.names = index, ids, names
        self.as_object = as_object
        self.assembler = ToolCallAssembler()
        self.truth: list[dict[str, Any]] = []
        self.handed_out: dict[int, list[Any]] = {}
        self.open: list[int] = []
        # Pieces of several calls may be mixed only where each piece says whose it is.
        self.mixes = index in ("right", "gaps") or (ids == "every")
        if ids == "name" and index not in ("right", "gaps"):
            self.ids = "once"  # equal ids and no index: two calls of one function could not be told apart
        if self.ids == "late" and index in ("missing", "zero"):
            self.ids = "once"

    @precondition(lambda self: self.mixes or not self.open)
    @rule(name=st.sampled_from(["f", "g"]), arguments=ARGUMENTS, spaces=st.booleans(), data=st.data())
    def begin(self, name: str, arguments: dict[str, Any], spaces: bool, data: st.DataObject) -> None:
        if len(self.truth) == 4:
            return
        number = len(self.truth)
        text = json.dumps(arguments, ensure_ascii=False, indent=1 if spaces else None)
        identity = {"none": None, "name": name}.get(self.ids, f"id{number}")
        self.truth.append({"name": name, "id": identity, "text": text, "sent": 0, "pieces": 0})
        self.open.append(number)
        # Without an id or an index a call shows only by the brace that begins its arguments.
        least = 1 if self.ids == "none" and self.index in ("missing", "zero") else 0
        self.send(number, least if data.draw(st.booleans()) else data.draw(st.integers(least, len(text))))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.open if self.mixes else self.open[-1:]))
        call = self.truth[number]
        self.send(number, data.draw(st.integers(0, len(call["text"]) - call["sent"])))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.open if self.mixes else self.open[-1:]))
        call = self.truth[number]
        if call["sent"] < len(call["text"]):
            self.send(number, len(call["text"]) - call["sent"])
        self.open.remove(number)

    @precondition(lambda self: self.truth and not self.open)
    @rule(
        junk=st.sampled_from(
            [None, 5, "x", [], {}, {"function": None}, {"function": {}}, {"id": "", "function": {"name": ""}}]
        )
    )
    def junk(self, junk: Any) -> None:
        self.take([junk])

    def send(self, number: int, length: int) -> None:
        call = self.truth[number]
        piece: dict[str, Any] = {"function": {}}
        if self.index == "right":
            piece["index"] = number
        elif self.index == "zero":
            piece["index"] = 0
        elif self.index == "gaps":
            piece["index"] = 7 - 2 * number
        first = call["pieces"] == 0
        if call["id"] is not None:
            is_due = {"once": first, "every": True, "late": call["pieces"] == 1, "name": True}.get(self.ids, first)
            if is_due:
                piece["id"] = call["id"]
            elif number % 2:
                piece["id"] = "" if first else None
        if first or self.names == "every":
            piece["function"]["name"] = call["name"]
        piece["function"]["arguments"] = call["text"][call["sent"] : call["sent"] + length]
        if first and length == len(call["text"]) and self.as_object:
            piece["function"]["arguments"] = json.loads(call["text"])
            call["text"] = json.dumps(json.loads(call["text"]))
            length = len(call["text"])
        call["sent"] += length
        call["pieces"] += 1
        self.take([piece])

    def take(self, pieces: list[Any]) -> None:
        self.keep(self.assembler.add(pieces))

    def keep(self, pieces: tuple[ToolCallPiece, ...]) -> None:
        assert len({piece.index for piece in pieces}) == len(pieces)
        for piece in pieces:
            assert (piece.id is None) is (piece.index in self.handed_out)
            got = self.handed_out.setdefault(piece.index, [piece.id, None, ""])
            if piece.name is not None:
                assert got[1] is None
                got[1] = piece.name
            got[2] += piece.arguments

    @invariant()
    def calls_are_as_they_were_written(self) -> None:
        if not hasattr(self, "truth"):
            return
        finished = self.assembler.finished()
        assert [call.name for call in finished] == [call["name"] for call in self.truth]
        assert [call.arguments for call in finished] == [call["text"][: call["sent"]] for call in self.truth]
        for call, true in zip(finished, self.truth, strict=True):
            was_sent = true["id"] is not None and (self.ids != "late" or true["pieces"] > 1)
            assert call.id == (true["id"] if was_sent else "") or call.id.startswith("call_")
        for number, (identity, name, arguments) in self.handed_out.items():
            call = finished[number]
            assert (identity, name) == (call.id, call.name)
            assert call.arguments.startswith(arguments)

    def teardown(self) -> None:
        if not hasattr(self, "truth"):
            return
        self.keep(self.assembler.finish())
        finished = self.assembler.finished()
        assert [(call.name, call.arguments) for call in finished] == [
            (call["name"], call["text"][: call["sent"]]) for call in self.truth
        ]
        assert [tuple(self.handed_out[number]) for number in range(len(finished))] == [
            (call.id, call.name, call.arguments) for call in finished
        ]


TestToolCallTruth = ToolCallTruth.TestCase
TestToolCallTruth.settings = settings(deadline=None, max_examples=150, stateful_step_count=25)
