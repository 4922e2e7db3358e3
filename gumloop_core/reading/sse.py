"""Server-sent events: bytes in, the data of each event out. No I/O.

Follows the WHATWG standard's rules for line ends, comments and multi-line data. Only ``data`` matters on this wire, and
the name of an event that is ``error``; other names, ``id`` and ``retry`` fields are read past.
"""

from __future__ import annotations

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ErrorData(bytes):
    """The data of an event that is named ``error``."""


class SSEDecoder:
    """Splits a byte stream into the data of its events.

    Feed it pieces in any cut: the events are the same for every cut, and the time is linear in the bytes.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []  # pieces of a line whose end has not arrived
        self._data: list[bytes] = []  # data lines of an event whose end has not arrived
        self._is_error = False  # the event whose end has not arrived is named `error`
        self._after_cr = False  # the last piece ended in CR: a LF that follows belongs to it
        self._at_start = True

    def feed(self, piece: bytes) -> list[bytes]:
        """Take the next bytes.

        Args:
            piece: Bytes as they came off the network, already decompressed.

        Returns:
            The events that these bytes completed, in order. The data lines of one event are joined by a newline.
            Those of an event named ``error`` are :class:`ErrorData`.
        """
        # What arrives in a stream is nearly always one event, whole and with a single line.
        if (
            piece[:6] == b"data: "
            and piece.find(b"\n") == len(piece) - 2
            and piece[-1:] == b"\n"
            and b"\r" not in piece
            and not (self._at_start or self._after_cr or self._held or self._data or self._is_error)
        ):
            return [piece[6:-2]]
        if self._at_start and piece:
            piece = self._without_byte_order_mark(piece)
        if not piece:
            return []
        if self._after_cr:
            self._after_cr = False
            if piece[:1] == b"\n":
                piece = piece[1:]
        if b"\r" in piece:
            self._after_cr = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\n" not in piece:
            if piece:
                self._held.append(piece)
            return []
        lines = piece.split(b"\n")
        if self._held:
            self._held.append(lines[0])
            lines[0] = b"".join(self._held)
            self._held.clear()
        rest = lines.pop()
        if rest:
            self._held.append(rest)
        return self._read_lines(lines)

    def _read_lines(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if not line:
                if self._is_error:
                    self._is_error = False
                    events.append(ErrorData(b"\n".join(data)))
                    data.clear()
                elif data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
            elif line.startswith(b"data:"):
                data.append(line[6:] if line[5:6] == b" " else line[5:])
            elif line == b"data":
                data.append(b"")
            elif line.startswith(b"event:"):
                self._is_error = line[6:].strip().lower() == b"error"
        return events

    def finish(self) -> list[bytes]:
        """Say that the stream is over.

        Returns:
            The last event's data, if the stream ended without the empty line that closes it. The standard would drop
            it; servers that stop right after ``data: [DONE]`` mean it.
        """
        lines = [b"".join(self._held), b""]
        self._held.clear()
        return self._read_lines(lines)

    def _without_byte_order_mark(self, piece: bytes) -> bytes:
        # A stream may be cut inside the mark, so hold back until it can be told.
        start = b"".join(self._held) + piece
        self._held.clear()
        if len(start) < 3 and _BYTE_ORDER_MARK.startswith(start):
            self._held.append(start)
            return b""
        self._at_start = False
        return start.removeprefix(_BYTE_ORDER_MARK)
