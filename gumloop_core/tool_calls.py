"""Tool calls in a stream: pieces as the wire has them in, pieces with a repaired index out.

Providers behind the endpoint number their pieces in several ways: without an index, with the same index for every
call, with the id or name repeated on each piece, several calls in one chunk, pieces of two calls interleaved.
"""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

from gumloop_core.answer import ToolCall, ToolCallPiece

_MARKS = re.compile(r'["\\{}\[\]]')


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

    def take(self, text: str) -> None:
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

    __slots__ = ("_scan", "_scanned", "arguments", "id", "index", "name", "wire_index")

    def __init__(self, index: int, wire_index: int | None) -> None:
        self.index = index
        self.wire_index = wire_index
        self.id: str | None = None
        self.name = ""
        self.arguments: list[str] = []
        self._scan = JSONScan()
        self._scanned = 0

    def is_complete_before(self, piece: str) -> bool:
        """Whether the arguments so far are a whole JSON object and the piece begins another."""
        if not piece.lstrip().startswith("{"):
            return False
        for part in self.arguments[self._scanned :]:
            self._scan.take(part)
        self._scanned = len(self.arguments)
        return self._scan.is_whole


class ToolCallAssembler:
    """Tells the pieces of an answer's tool calls apart.

    A piece belongs to the call with its id; without an id, to the latest call with its wire index; without either,
    to the latest call. An id not seen before opens a call. A name where a call with another name is open under the
    same index, or where the open call's arguments are whole, opens one too: some providers give every call index 0
    and no id. So does a name under an index of its own with an id seen before: some give all calls of a function
    the function's name as their id.
    """

    def __init__(self) -> None:
        self._calls: list[_OpenCall] = []
        self._by_id: dict[str, _OpenCall] = {}
        self._by_wire_index: dict[Any, _OpenCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def take(self, pieces: list[Any]) -> tuple[ToolCallPiece, ...]:
        """Read the ``tool_calls`` of a chunk's delta, or of a unary message."""
        read: list[ToolCallPiece] = []
        for piece in pieces:
            if isinstance(piece, dict):
                function = piece.get("function")
                self._take_one(piece, function if isinstance(function, dict) else {}, read)
        return tuple(read)

    def _take_one(self, piece: dict[str, Any], function: dict[str, Any], read: list[ToolCallPiece]) -> None:
        identity = piece.get("id")
        identity = identity if isinstance(identity, str) and identity else None
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        arguments = function.get("arguments")
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        wire_index = piece.get("index")
        wire_index = wire_index if isinstance(wire_index, int) else None

        call = self._find(identity, wire_index, name, arguments)
        is_new = call is None
        if call is None:
            if not (identity or name or arguments):
                return
            call = _OpenCall(len(self._calls), wire_index)
            self._calls.append(call)
        if wire_index is not None:
            self._by_wire_index[wire_index] = call
        out = ToolCallPiece(call.index, arguments=arguments)
        if identity is not None and call.id is None:
            call.id = out.id = identity
            self._by_id[identity] = call
        if name and not call.name:
            call.name = out.name = name
        if arguments:
            call.arguments.append(arguments)
        if is_new or arguments or out.id or out.name:
            read.append(out)

    def _find(self, identity: str | None, wire_index: int | None, name: str, arguments: str) -> _OpenCall | None:
        if not self._calls:
            return None
        call = self._calls[-1] if wire_index is None else self._by_wire_index.get(wire_index)
        if identity is not None:
            if call is not None and call.id == identity:
                return call
            known = self._by_id.get(identity)
            if known is not None:
                is_other = name and wire_index is not None and known.wire_index not in (None, wire_index)
                return None if is_other else known
            if call is not None and call.id is not None:
                return None  # a new call under a used index
        if call is None:
            return None
        if name and call.name and (name != call.name or call.is_complete_before(arguments)):
            return None
        return call

    def missing_ids(self, answer_id: str | None) -> tuple[ToolCallPiece, ...]:
        """Give the calls that ended without an id one, so that their results can name them.

        The wire needs an id to match a result with its call, so one is made from the answer's id and the call's
        place, which keeps ids of several turns apart.

        Returns:
            A piece with just the id for each such call.
        """
        given: list[ToolCallPiece] = []
        for call in self._calls:
            if call.id is None:
                call.id = f"call_{call.index}_{answer_id}" if answer_id else f"call_{uuid4().hex}"
                given.append(ToolCallPiece(call.index, id=call.id))
        return tuple(given)

    def finished(self) -> list[ToolCall]:
        """The calls as they stand."""
        return [ToolCall(call.id or "", call.name, "".join(call.arguments)) for call in self._calls]
