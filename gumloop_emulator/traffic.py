"""What a server has seen: the requests, the connections, and the answers under way; shared between threads."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gumloop_core.wire import JSONObject

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it arrived; names of headers are in lower case, `time` is by `time.monotonic()`."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: int = 0
    target: str = ""  # path and query, or the whole URL, as they were written
    raw_headers: Sequence[tuple[bytes, bytes]] = ()  # with their cases, and the repeated ones
    time: float = field(default_factory=time.monotonic)

    @cached_property
    def json(self) -> Any:
        """The body parsed as JSON, None when it is not JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None

    @property
    def is_chat(self) -> bool:
        """Whether this asks for a chat completion."""
        return self.path.endswith("/chat/completions")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of a chat request, empty when there are none."""
        messages = self.json.get("messages") if isinstance(self.json, dict) else None
        return [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []

    @property
    def user_text(self) -> str:
        """The text of the last user message, empty when there is none."""
        return last_turn(self.messages)[0]

    @property
    def tool_results(self) -> list[tuple[str, str]]:
        """What tools have answered since the last user message: their names and the text of their results."""
        turn = [message for _, message in last_turn(self.messages)[1]]
        calls = [call for message in turn for call in message.get("tool_calls") or ()]
        names = {call.get("id"): (call.get("function") or {}).get("name", "") for call in calls}
        results = [message for message in turn if message.get("role") == "tool"]
        return [(names.get(result.get("tool_call_id"), ""), text_of(result.get("content"))) for result in results]


def last_turn(messages: Sequence[JSONObject]) -> tuple[str, list[tuple[int, JSONObject]]]:
    """Return the text of the last user message, and the messages behind it with their places."""
    numbered = list(enumerate(messages))
    last = max((place for place, message in numbered if message.get("role") == "user"), default=-1)
    return text_of(messages[last].get("content")) if last >= 0 else "", numbered[last + 1 :]


def text_of(content: Any) -> str:
    """Return the text of a message's content, its parts joined by line breaks."""
    if isinstance(content, list):
        texts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


class Traffic:
    """The log of requests, and the counts that tests wait for."""

    def __init__(self, keep_requests: int) -> None:
        self._changed = threading.Condition()
        self._requests: deque[ReceivedRequest] = deque(maxlen=keep_requests)
        self.connections = self.open_connections = 0  # of TCP: accepted, and open
        self.active_requests = self.active_streams = 0  # answers, and streams among them, that are being given
        self.disconnects = 0  # answers cut short because the client went away

    @property
    def requests(self) -> list[ReceivedRequest]:
        """The requests so far, refused ones included, in the order of their arrival."""
        with self._changed:
            return list(self._requests)

    @property
    def chat_requests(self) -> list[ReceivedRequest]:
        """The requests for chat completions so far."""
        return [request for request in self.requests if request.is_chat]

    @property
    def last_body(self) -> dict[str, Any]:
        """The JSON body of the last chat request; raises `LookupError` when there is none."""
        for request in reversed(self.chat_requests):
            if isinstance(request.json, dict):
                return request.json
        raise LookupError("There was no chat request with a JSON body yet.")

    def wait_for(self, condition: Callable[[Self], bool], timeout: float = 5.0) -> bool:
        """Wait until a condition on this server holds, for some seconds at most; return whether it does."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not condition(self):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                # Not every condition is about what is counted here, so look again now and then.
                self._changed.wait(min(remaining, 0.05))
        return True

    def clear(self) -> None:
        """Forget the requests and start the totals again; what is open stays counted."""
        with self._changed:
            self._requests.clear()
            self.connections, self.disconnects = self.open_connections, 0

    def _count(self, request: ReceivedRequest | None = None, **steps: int) -> None:
        with self._changed:
            self._requests.extend([request] if request else [])
            for name, step in steps.items():
                setattr(self, name, getattr(self, name) + step)
            self._changed.notify_all()
