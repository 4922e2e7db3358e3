"""What callers pass, as type checkers see it: what the clients and timeouts of httpx and httpx2 have in common.

So that a checker need not know httpx2 where it is not installed. No program imports this as it runs: there, what is of
another make is refused, whatever it can do.
"""

from __future__ import annotations

from typing import Any, Protocol


class SyncHttpClient(Protocol):
    """What ``httpx.Client`` and ``httpx2.Client`` have in common."""

    @property
    def is_closed(self) -> bool:
        """Whether it can send no more."""

    def build_request(self, method: str, url: Any, *, headers: Any, content: Any, extensions: Any) -> Any:
        """Make a request with what the client adds to each."""

    def send(self, request: Any, *, stream: bool, auth: None, follow_redirects: bool) -> Any:
        """Send a request."""

    def close(self) -> None:
        """Close the connections."""


class AsyncHttpClient(Protocol):
    """What ``httpx.AsyncClient`` and ``httpx2.AsyncClient`` have in common; see :class:`SyncHttpClient`."""

    @property
    def is_closed(self) -> bool:
        """Whether it can send no more."""

    def build_request(self, method: str, url: Any, *, headers: Any, content: Any, extensions: Any) -> Any:
        """Make a request with what the client adds to each."""

    async def send(self, request: Any, *, stream: bool, auth: None, follow_redirects: bool) -> Any:
        """Send a request."""

    async def aclose(self) -> None:
        """Close the connections."""


class PhasesTimeout(Protocol):
    """What ``httpx.Timeout`` and ``httpx2.Timeout`` have in common."""

    def as_dict(self) -> dict[str, float | None]:
        """Seconds of the phases ``connect``, ``read``, ``write`` and ``pool``."""
