"""What the server has seen and what it has been told to answer; shared between threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gumloop_core.emulator.scripting import Scripted


@dataclass(frozen=True)
class RecordedRequest:
    """One request as it arrived.

    Attributes:
        method: The HTTP method.
        path: The path, `/api/v1/chat/completions` for example.
        query: The query parameters.
        headers: The headers, names in lower case.
        body: The raw body.
        json: The body parsed as JSON, None when it is not JSON.
        time: When it arrived, by `time.monotonic()`.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    json: object
    time: float

    @property
    def is_chat(self) -> bool:
        """Whether this asks for a chat completion."""
        return self.path.endswith("/chat/completions")


Predicate = Callable[[RecordedRequest], bool]


@dataclass(frozen=True)
class QueuedItem:
    """A scripted answer with the condition under which it is served."""

    answer: Scripted
    when: Predicate | None
    unchecked: bool


class Journal:
    """The requests received and the answers still to be given."""

    def __init__(self, keep: int) -> None:
        self._lock = threading.Lock()
        self._requests: deque[RecordedRequest] = deque(maxlen=keep)
        self._queue: list[QueuedItem] = []

    def record(self, request: RecordedRequest) -> None:
        """Remember a request."""
        with self._lock:
            self._requests.append(request)

    def requests(self) -> list[RecordedRequest]:
        """Return the requests in the order of their arrival."""
        with self._lock:
            return list(self._requests)

    def enqueue(self, items: list[QueuedItem]) -> None:
        """Add answers at the end of the queue."""
        with self._lock:
            self._queue.extend(items)

    def take(self, request: RecordedRequest, *, unchecked: bool) -> Scripted | None:
        """Return the first queued answer that is meant for a request, and remove it.

        Args:
            request: The request to be answered.
            unchecked: Whether the request has not been checked yet; then only answers that were queued
                as unchecked are served.
        """
        with self._lock:
            for position, item in enumerate(self._queue):
                wanted = item.when(request) if item.when else request.is_chat
                if not wanted:
                    continue
                # An answer further back must not overtake the one that is next.
                if item.unchecked != unchecked:
                    return None
                del self._queue[position]
                return item.answer
        return None

    def pending(self) -> int:
        """Return how many queued answers have not been served."""
        with self._lock:
            return len(self._queue)

    def clear(self) -> None:
        """Forget the requests and the queue."""
        with self._lock:
            self._requests.clear()
            self._queue.clear()


class Counters:
    """How many connections and answers there are; tests wait for these to change."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.connections = 0
        self.open_connections = 0
        self.active_requests = 0
        self.active_streams = 0
        self.disconnects = 0

    def add(
        self,
        *,
        connections: int = 0,
        open_connections: int = 0,
        active_requests: int = 0,
        active_streams: int = 0,
        disconnects: int = 0,
    ) -> None:
        """Change counters and wake those who wait."""
        with self._changed:
            self.connections += connections
            self.open_connections += open_connections
            self.active_requests += active_requests
            self.active_streams += active_streams
            self.disconnects += disconnects
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Wait until a condition on the server holds; return whether it does."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not predicate():
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                # Not every condition is about a counter, so look again now and then.
                self._changed.wait(min(remaining, 0.05))
        return True

    def reset_totals(self) -> None:
        """Start the totals again; what is open stays counted."""
        with self._changed:
            self.connections = self.open_connections
            self.disconnects = 0
