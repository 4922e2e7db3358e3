"""The bodies of responses, read whole or as a stream, within bounds. No I/O."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gumloop_core.answer import Delta
from gumloop_core.errors import GumloopError, StreamError
from gumloop_core.reading.reader import AnswerReader
from gumloop_core.reading.sse import SSEDecoder

_LEAD = re.compile(rb"(?:[ \t\r\n\x0b\x0c]|\xef\xbb\xbf)*")
_FIELDS = (b"data", b"event", b"id", b"retry")
_SHOWN = 1000  # bytes of a stream that are kept to be shown in an error, should it hold no event
_ENOUGH = max(map(len, _FIELDS)) + 1


def looks_like_sse(content: bytes) -> bool:
    """Whether a body is a stream: it begins with a comment or a field of server-sent events."""
    head = without_lead(content)[:_ENOUGH]
    return head.startswith(b":") or head.partition(b":")[0].split(b"\n")[0].rstrip(b"\r") in _FIELDS


def without_lead(content: bytes) -> bytes:
    """A body without white space and byte order marks in front."""
    found = _LEAD.match(content)
    return content[found.end() :] if found else content


class UnaryBody:
    """The body of a response that is read whole, up to bounds.

    Args:
        max_bytes: Bytes to read at most.
        max_seconds: Seconds to read at most, ``None`` for no end.
        too_long: Makes the error for too many bytes. ``None`` if what lies beyond the bounds is cut off instead.
        too_slow: Makes the error for too many seconds, likewise.
    """

    def __init__(
        self,
        max_bytes: int,
        max_seconds: float | None,
        too_long: Callable[[], GumloopError] | None = None,
        too_slow: Callable[[], GumloopError] | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._deadline = None if max_seconds is None else time.monotonic() + max_seconds
        self._too_long = too_long
        self._too_slow = too_slow
        self._pieces: list[bytes] = []
        self._length = 0

    @property
    def may_be_cut(self) -> bool:
        """Whether what has arrived will do, should the rest not come."""
        return self._too_long is None

    def feed(self, piece: bytes) -> bool:
        """Keep the next bytes.

        Returns:
            Whether to go on reading.

        Raises:
            InvalidResponseError: If there are too many.
            APITimeoutError: If they have taken too long.
        """
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > self._max_bytes:
            if self._too_long is not None:
                raise self._too_long()
            return False
        if self._deadline is not None and time.monotonic() > self._deadline:
            if self._too_slow is not None:
                raise self._too_slow()
            return False
        return True

    def content(self) -> bytes:
        """What was read."""
        return b"".join(self._pieces)[: self._max_bytes]


class StreamBody:
    """The body of a response to a streamed request: bytes in, deltas out.

    It is told from its first bytes whether it is a stream, a unary answer, or a page from somewhere else. The deltas
    are the same for every cut of the bytes.

    Args:
        reader: What reads the events.
        max_bytes: Bytes to read at most.
        too_long: Makes the error for more.
        read_document: Parses the body where it is a document instead of a stream.
        nothing_read: Makes the error for a stream without any event, from its first bytes.
    """

    def __init__(
        self,
        reader: AnswerReader,
        *,
        max_bytes: int,
        too_long: Callable[[], GumloopError],
        read_document: Callable[[bytes], Any],
        nothing_read: Callable[[bytes], GumloopError],
    ) -> None:
        self._reader = reader
        self._max_bytes = max_bytes
        self._too_long = too_long
        self._read_document = read_document
        self._nothing_read = nothing_read
        self._decoder = SSEDecoder()
        self._is_sse: bool | None = None  # not known yet
        self._held: list[bytes] = []  # a document whole, or the beginning of a stream
        self._length = 0

    def feed(self, piece: bytes) -> Iterable[Delta]:
        """Read the next bytes."""
        self._length += len(piece)
        if self._length > self._max_bytes:
            raise StreamError(self._too_long().message, partial=self._reader.partial())
        if self._is_sse is None:
            piece = self._begin(piece)
        elif not self._is_sse or self._length < _SHOWN:
            self._held.append(piece)
        if not self._is_sse:
            return ()
        events = self._decoder.feed(piece)
        if len(events) != 1:
            return self._read(events)
        delta = self._reader.read_event(events[0])
        return () if delta is None else (delta,)

    def _read(self, events: list[bytes]) -> Iterator[Delta]:
        # Deltas in front of an event that raises are handed out first.
        reader = self._reader
        for event in events:
            delta = reader.read_event(event)
            if delta is not None:
                yield delta
            if reader.done:
                return

    def finish(self) -> Iterator[Delta]:
        """Read the end: the last event if it was left open, then the last delta."""
        reader = self._reader
        held = b"".join(self._held)
        if self._is_sse is None and held and looks_like_sse(held):
            self._is_sse = True
            yield from self._read_last(self._decoder.feed(held))
        if held and not self._is_sse:
            yield reader.read_whole(self._read_document(held))
        elif not reader.done:
            yield from self._read_last(self._decoder.finish())
        if held and not reader.started and not reader.done and reader.finish_reason is None:
            raise self._nothing_read(held)
        yield reader.last_delta()

    def _begin(self, piece: bytes) -> bytes:
        """Tell from the first bytes what this is, and give back what is to be read as events."""
        content = without_lead(b"".join([*self._held, piece]))
        self._held = [content] if content else []
        if len(content) < _ENOUGH:
            return b""
        self._is_sse = looks_like_sse(content)
        if not self._is_sse:
            return b""
        return content

    def _read_last(self, events: list[bytes]) -> Iterator[Delta]:
        reader = self._reader
        for event in events:
            try:
                delta = reader.read_event(event)
            except StreamError:
                if reader.finish_reason is None:
                    raise
                return  # the answer was complete; what was cut off behind it is the count of tokens
            if delta is not None:
                yield delta
