"""Who may ask: the bearer, the user id that goes with a key, and the team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gumloop_core.emulator.failures import ApiError

API_KEY = "gl-key-emulator"
TEAM_API_KEY = "gl-team-key-emulator"
USER_ID = "emulator-user"
TEAM_ID = "emulator-team"
TOKEN_PREFIX = "gl-token-"  # noqa: S105 - a documented prefix, not a secret
UNKNOWN_USER_ID = "emulator-unknown-user"
FORBIDDEN_TEAM_PREFIX = "forbidden-"


@dataclass(frozen=True)
class Credentials:
    """The credentials that a server accepts.

    Attributes:
        api_key: The personal key; it needs `x-auth-key` with the user id.
        team_api_key: The team key; it needs a user id too, and on the API host the team's id.
        user_id: The owner of the keys.
        team_id: The team of the team key.
        any_bearer: Accept any bearer at all, with or without a user id.
    """

    api_key: str = API_KEY
    team_api_key: str = TEAM_API_KEY
    user_id: str = USER_ID
    team_id: str = TEAM_ID
    any_bearer: bool = False

    def check(self, headers: Mapping[str, str], team: str | None, *, api_host: bool) -> None:
        """Raise the failure that the vendor would answer with.

        Args:
            headers: The request's headers, names in lower case.
            team: The `team_id` of the request.
            api_host: Whether this is a call to the API host, where a team key is validated.
        """
        bearer = self._bearer(headers)
        user = headers.get("x-auth-key", "").strip()
        if user == UNKNOWN_USER_ID:
            raise ApiError(404, "User profile not found.")
        if team is not None and team.startswith(FORBIDDEN_TEAM_PREFIX):
            raise ApiError(403, f"You do not have access to team {team}.")
        if self.any_bearer or bearer.startswith(TOKEN_PREFIX):
            return
        if bearer not in (self.api_key, self.team_api_key):
            raise ApiError(401, "The API key or access token is not valid.")
        if not user:
            raise ApiError(403, "An API key needs the x-auth-key header with your user ID.")
        if user != self.user_id:
            raise ApiError(403, "The API key does not belong to the user in x-auth-key.")
        if bearer == self.team_api_key and api_host and team != self.team_id:
            raise ApiError(403, "A team API key needs the team_id of its team.")

    @staticmethod
    def _bearer(headers: Mapping[str, str]) -> str:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise ApiError(401, "The Authorization header needs a bearer token.")
        return token.strip()
