"""Tool calls in a stream: pieces as the wire has them in, pieces with a repaired index out.

Providers behind the endpoint number their pieces in several ways: without an index, with the same index for every
call, with the id or name repeated on each piece, several calls in one chunk, pieces of two calls interleaved. Some send
the name in pieces, some no id, some ``{}`` in front of the arguments.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any
from uuid import uuid4

from gumloop_core.answer import ToolCall, ToolCallPiece
from gumloop_core.reading.fields import text_id

_MARKS = re.compile(r'["\\{}\[\]]')

_READ = frozenset({"index", "id", "type", "function", "name", "arguments"})

_PLACEHOLDERS = re.compile(r"\s*(?:(?:\{\s*\}|null)\s*)*")
"""What may stand in front of a call's arguments: some gateways begin each call with the empty input that the provider
announced it with."""

_UNDECIDED = re.compile(r"(?:\{\s*|n|nu|nul)?")
"""What may follow, and be the beginning of another placeholder or of the arguments themselves."""

_LONGEST_LEAD = 64
"""Characters within which a placeholder is looked for."""


class JSONScan:
    """Follows the brackets of JSON text that arrives in pieces, each piece once.

    Attributes:
        is_whole: Whether every bracket that was opened is closed again, and one was.
    """

    __slots__ = ("_depth", "_in_string", "_skip", "is_whole")

    def __init__(self) -> None:
        self.is_whole = False
        self._depth = 0
        self._in_string = False
        self._skip = 0  # characters of the next piece that a backslash at the end of this one speaks for

    def feed(self, text: str) -> None:
        """Read the next piece."""
        after_escape = self._skip
        for found in _MARKS.finditer(text):
            mark, place = found.group(), found.start()
            if place < after_escape:
                continue
            if mark == "\\":
                after_escape = place + 2
            elif mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string:
                self._depth += 1 if mark in "{[" else -1
                self.is_whole = self._depth == 0
        self._skip = max(0, after_escape - len(text))


class _OpenCall:
    """A call whose pieces are arriving."""

    __slots__ = (
        "_scan",
        "_scanned",
        "arguments",
        "extra",
        "handed_out",
        "id",
        "index",
        "is_named",
        "is_shown",
        "lead",
        "name",
        "wire_id",
        "wire_index",
    )

    def __init__(self, index: int, wire_index: int | None) -> None:
        self.index = index
        self.wire_index = wire_index
        self.wire_id: str | None = None
        self.id: str | None = None  # the one that was handed out, if any was
        self.name = ""
        self.arguments: list[str] = []
        self.lead: str | None = ""  # the arguments' beginning while it may be a placeholder
        self.extra: dict[str, Any] = {}
        self.is_shown = False  # whether its first piece was handed out
        self.is_named = False  # and its name
        self.handed_out = 0  # pieces of the arguments
        self._scan = JSONScan()
        self._scanned = 0

    @property
    def has_arguments(self) -> bool:
        """Whether any of the arguments have come."""
        return bool(self.arguments or self.lead)

    def add_arguments(self, piece: str) -> None:
        """Take the next piece of the arguments."""
        if self.lead is None:
            self.arguments.append(piece)
            return
        lead = self.lead + piece
        begins = _beginning_of(lead)
        if begins is None:
            self.lead = lead
        else:
            self.arguments.append(lead[begins:])
            self.lead = None

    def end_lead(self) -> None:
        """Say that nothing follows: what looked like a placeholder is the arguments."""
        if self.lead:
            self.arguments.append(_settled(self.lead))
        self.lead = None

    def text(self) -> str:
        """The arguments as they stand."""
        return "".join(self.arguments) + _settled(self.lead or "")

    def is_complete_before(self, piece: str) -> bool:
        """Whether the arguments so far are a whole JSON object and the piece begins another."""
        if not piece.lstrip().startswith("{"):
            return False
        if self.lead:
            return self.lead.rstrip().endswith("}")
        for part in self.arguments[self._scanned :]:
            self._scan.feed(part)
        self._scanned = len(self.arguments)
        return self._scan.is_whole


def _beginning_of(lead: str) -> int | None:
    """Where the arguments begin, behind placeholders; ``None`` if more of them must come to tell.

    The answer hangs on the first characters alone, so that it is the same for every cut.
    """
    head = lead[:_LONGEST_LEAD]
    found = _PLACEHOLDERS.match(head)
    end = found.end() if found else 0
    if _UNDECIDED.fullmatch(head, end):
        return None if len(lead) < _LONGEST_LEAD else 0
    # Only an object takes the place of a placeholder. White space alone is none.
    return end if head[end] == "{" and head[:end].strip() else 0


def _settled(lead: str) -> str:
    """The arguments where nothing came but placeholders: the last of them."""
    placeholders = re.findall(r"\{\s*\}|null", lead)
    found = _PLACEHOLDERS.fullmatch(lead)
    return placeholders[-1] if found and len(placeholders) > 1 else lead


class ToolCallAssembler:
    """Tells the pieces of an answer's tool calls apart.

    A piece belongs to the call with its id; without an id, to the latest call with its wire index; without either,
    to the latest call. An id not seen before opens a call. A name where a call with another name is open under the
    same index, or where the open call's arguments are whole, opens one too: some providers give every call index 0
    and no id. So does a name under an index of its own with an id seen before: some give all calls of a function
    the function's name as their id. Another name without an id, before any of the arguments, is the name's next piece.

    A call is handed out when its name and the beginning of its arguments are there, when the next call begins, or at
    the end, so that its first piece has the whole name and the id that it keeps. The name of a tool that was sent is
    known to be whole: such a call is handed out as soon as it has an id.

    Args:
        tool_names: The names of the tools that were sent.
    """

    def __init__(self, tool_names: frozenset[str] = frozenset()) -> None:
        names = sorted(tool_names)  # a name that begins with another comes right behind it
        self._whole_names = set(names) - {name for name, other in pairwise(names) if other.startswith(name)}
        self._calls: list[_OpenCall] = []
        self._by_id: dict[str, _OpenCall] = {}
        self._by_wire_index: dict[Any, _OpenCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, pieces: list[Any], answer_id: str | None = None) -> tuple[ToolCallPiece, ...]:
        """Read the ``tool_calls`` of a chunk's delta.

        Args:
            pieces: The list as received.
            answer_id: The answer's id, of which ids are made up for calls without one.

        Returns:
            What can be handed out of the calls, at most one piece of each.
        """
        if len(pieces) == 1:
            piece = self._next_arguments(pieces[0])
            if piece is not None:
                return (piece,)
        read: dict[int, ToolCallPiece] = {}
        # An id may stand behind the arguments that it belongs to: first all are read.
        for call in [self._add_one(piece, is_whole=False) for piece in pieces if isinstance(piece, dict)]:
            if call is not None:
                if not call.is_shown and call.index:
                    self._hand_out(self._calls[call.index - 1], read, answer_id)
                if call.name and (call.arguments or (call.wire_id is not None and call.name in self._whole_names)):
                    self._hand_out(call, read, answer_id)
        return tuple(read.values())

    def _next_arguments(self, piece: Any) -> ToolCallPiece | None:
        """Read a piece of arguments and nothing else, of a call that was handed out: most pieces are one.

        Returns:
            The piece; ``None``, and nothing read, if the long way must.
        """
        if piece.__class__ is not dict or len(piece) != 2:
            return None
        index, function = piece.get("index"), piece.get("function")
        if index.__class__ is not int or function.__class__ is not dict or len(function) != 1:
            return None
        call = self._by_wire_index.get(index)
        arguments = function.get("arguments")
        if (
            call is None
            or not call.is_named
            or call.lead is not None
            or arguments.__class__ is not str
            or not arguments
        ):
            return None
        call.arguments.append(arguments)
        call.handed_out += 1
        return ToolCallPiece(call.index, None, None, arguments)

    def add_whole(self, calls: list[Any]) -> None:
        """Read the ``tool_calls`` of a unary message: each entry is a call; :meth:`finish` hands them out."""
        for call in calls:
            if isinstance(call, dict):
                self._add_one(call, is_whole=True)

    def finish(self, answer_id: str | None = None) -> tuple[ToolCallPiece, ...]:
        """Say that the answer is over.

        Returns:
            What was held back.
        """
        read: dict[int, ToolCallPiece] = {}
        for call in self._calls:
            call.end_lead()
            self._hand_out(call, read, answer_id)
        return tuple(read.values())

    def finished(self) -> list[ToolCall]:
        """The calls as they stand."""
        return [
            ToolCall(call.id or call.wire_id or "", call.name, call.text(), dict(call.extra)) for call in self._calls
        ]

    def _add_one(self, piece: dict[str, Any], *, is_whole: bool) -> _OpenCall | None:
        function = piece.get("function")
        if not isinstance(function, dict):
            function = piece  # some gateways leave the level out
        identity = piece.get("id")
        if identity is not None:
            identity = text_id(identity)
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        wire_index = None if is_whole else _wire_index(piece.get("index"))

        call = None if is_whole else self._find(identity, wire_index, name, arguments)
        if call is None:
            if not (identity or name or arguments):
                return None
            call = _OpenCall(len(self._calls), wire_index)
            self._calls.append(call)
        if wire_index is not None:
            self._by_wire_index[wire_index] = call
        if identity is not None and call.wire_id is None:
            call.wire_id = identity
            self._by_id[identity] = call
        if name and name != call.name and not call.is_named:
            if not call.name:
                call.name = name
            elif not call.has_arguments:
                # A name that grows is sent whole each time by some, in pieces by others.
                call.name = name if name.startswith(call.name) else call.name + name
        if arguments:
            call.add_arguments(arguments)
        if not piece.keys() <= _READ:
            call.extra.update({key: value for key, value in piece.items() if key not in _READ and value is not None})
        return call

    def _hand_out(self, call: _OpenCall, read: dict[int, ToolCallPiece], answer_id: str | None) -> None:
        if call.is_shown and call.handed_out == len(call.arguments) and (call.is_named or not call.name):
            return
        out = read.get(call.index)
        if out is None:
            out = read[call.index] = ToolCallPiece(call.index)
        if not call.is_shown:
            call.is_shown = True
            if call.wire_id is None:
                # The wire matches a result with its call by the id. Made of the answer's id and the call's place it
                # is the same however the answer came, and another in every turn.
                call.id = f"call_{call.index}_{answer_id}" if answer_id else f"call_{uuid4().hex}"
            else:
                call.id = call.wire_id
            out.id = call.id
        if call.name and not call.is_named:
            call.is_named = True
            out.name = call.name
        out.arguments += "".join(call.arguments[call.handed_out :])
        call.handed_out = len(call.arguments)

    def _find(self, identity: str | None, wire_index: int | None, name: str, arguments: str) -> _OpenCall | None:
        if not self._calls:
            return None
        call = self._calls[-1] if wire_index is None else self._by_wire_index.get(wire_index)
        if identity is not None:
            if call is not None and call.wire_id == identity:
                return call
            known = self._by_id.get(identity)
            if known is not None:
                is_other = name and wire_index is not None and known.wire_index not in (None, wire_index)
                return None if is_other else known
            if call is not None and call.wire_id is not None:
                return None  # a new call under a used index
        if call is None:
            return None
        if name and call.name:
            if name == call.name:
                return None if call.is_complete_before(arguments) else call
            is_next_piece = identity is None and not call.has_arguments and not call.is_shown
            return call if is_next_piece and (wire_index is not None or call.wire_id is not None) else None
        return call


def names_of_tools(tools: Any) -> frozenset[str]:
    """The names of the functions among the tools of a body, whatever else it holds."""
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    names = [function.get("name") for function in functions if isinstance(function, dict)]
    return frozenset(name for name in names if isinstance(name, str))


def _wire_index(value: Any) -> int | None:
    if value.__class__ is str and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) else None
