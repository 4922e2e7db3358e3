"""Who may ask, and how much: bearer, user id and team; calls in flight and calls a minute."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from gumloop_emulator.failures import Refused

TOKEN_PREFIX = "gl-token-"  # noqa: S105 - a documented prefix, not a secret
UNKNOWN_USER_ID = "emulator-unknown-user"
FORBIDDEN_TEAM_PREFIX = "forbidden-"

CONCURRENCY_BY_PLAN = (5, 25, 100)
"""Calls in flight that the vendor's plans allow, from the smallest plan to the largest."""


@dataclass(frozen=True)
class Credentials:
    """The credentials that a server accepts; `any_bearer` accepts any bearer at all, with or without a user id."""

    api_key: str = "gl-key-emulator"  # it needs `x-auth-key` with the user id
    team_api_key: str = "gl-team-key-emulator"  # it needs that too, and on the API host the team's id
    user_id: str = "emulator-user"
    team_id: str = "emulator-team"
    any_bearer: bool = False

    def check(self, headers: Mapping[str, str], team: str | None, *, api_host: bool) -> None:
        """Raise the refusal that the vendor would answer with; a team key is validated on the API host alone."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        bearer, user = bearer.strip(), headers.get("x-auth-key", "").strip()
        if scheme.lower() != "bearer" or not bearer:
            raise Refused(401, "The Authorization header needs a bearer token.")
        if user == UNKNOWN_USER_ID:
            raise Refused(404, "User profile not found.")
        if team is not None and team.startswith(FORBIDDEN_TEAM_PREFIX):
            raise Refused(403, f"You do not have access to team {team}.")
        if self.any_bearer or bearer.startswith(TOKEN_PREFIX):
            return
        if bearer not in (self.api_key, self.team_api_key):
            raise Refused(401, "The API key or access token is not valid.")
        if user != self.user_id:
            raise Refused(403, "An API key needs the x-auth-key header with the user ID that it belongs to.")
        if bearer == self.team_api_key and api_host and team != self.team_id:
            raise Refused(403, "A team API key needs the team_id of its team.")


@dataclass
class Limits:
    """Refuses with 429 what is too much; used by the server's event loop alone."""

    concurrent: int | None = None  # chat calls in flight at once; see `CONCURRENCY_BY_PLAN`
    per_minute: int | None = None  # chat calls within `minute`, which slides
    retry_after: bool = True  # whether the refusal carries `Retry-After`, in whole seconds
    minute: float = 60.0  # seconds that the quota looks back; shorter ones let tests see it refill
    _in_flight: int = field(default=0, init=False)
    _begun: deque[float] = field(default_factory=deque, init=False)

    def enter(self) -> None:
        """Let a call in, or raise its refusal; whoever was let in must `leave`."""
        now = time.monotonic()
        while self._begun and self._begun[0] <= now - self.minute:
            self._begun.popleft()
        if self.concurrent is not None and self._in_flight >= self.concurrent:
            raise self._refusal(f"Too many requests at once: {self.concurrent} may be in flight.", 1.0)
        if self.per_minute is not None and len(self._begun) >= self.per_minute:
            begun = self._begun[0] if self._begun else now
            raise self._refusal(f"Too many requests: {self.per_minute} a minute.", self.minute - (now - begun))
        self._in_flight += 1
        self._begun.append(now)

    def leave(self) -> None:
        """Let a call out."""
        self._in_flight -= 1

    def _refusal(self, message: str, seconds: float) -> Refused:
        return Refused(429, message, headers={"retry-after": str(math.ceil(seconds))} if self.retry_after else {})
