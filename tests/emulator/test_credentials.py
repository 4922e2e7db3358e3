"""Who may ask, and how the others are refused."""

from __future__ import annotations

import httpx
import pytest

from gumloop_core.emulator import Credentials, Emulator
from gumloop_core.emulator.credentials import TEAM_API_KEY
from tests.emulator.support import body, http


def chat(server: Emulator, headers: dict[str, str]) -> httpx.Response:
    return http().post(f"{server.base_url}/chat/completions", json=body(), headers=headers)


def models(server: Emulator, headers: dict[str, str], **query: str) -> httpx.Response:
    return http().get(f"{server.base_url}/models", params=query, headers=headers)


def bearer(token: str, user: str | None = None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **({"x-auth-key": user} if user else {})}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "unauthorized"),
        ({"Authorization": "Bearer"}, 401, "unauthorized"),
        ({"Authorization": "Basic Zm9v"}, 401, "unauthorized"),
        (bearer("wrong", "emulator-user"), 401, "unauthorized"),
        (bearer("gl-key-emulator"), 403, "forbidden"),
        (bearer("gl-key-emulator", "somebody-else"), 403, "forbidden"),
        (bearer("gl-key-emulator", "emulator-unknown-user"), 404, "not_found"),
    ],
)
def test_refused(gumloop_emulator: Emulator, headers: dict[str, str], status: int, code: str) -> None:
    for response in (chat(gumloop_emulator, headers), models(gumloop_emulator, headers)):
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_a_key_needs_its_user_and_a_token_does_not(gumloop_emulator: Emulator) -> None:
    assert chat(gumloop_emulator, bearer(gumloop_emulator.api_key, gumloop_emulator.user_id)).status_code == 200
    assert chat(gumloop_emulator, bearer(gumloop_emulator.access_token)).status_code == 200
    assert chat(gumloop_emulator, bearer("gl-token-rotated-7")).status_code == 200


def test_a_team_key_is_validated_against_its_team_on_the_api_host(gumloop_emulator: Emulator) -> None:
    headers = bearer(TEAM_API_KEY, gumloop_emulator.user_id)
    assert chat(gumloop_emulator, headers).status_code == 200
    assert models(gumloop_emulator, headers).status_code == 403
    assert models(gumloop_emulator, headers, team_id="another").status_code == 403
    assert models(gumloop_emulator, headers, team_id=gumloop_emulator.team_id).status_code == 200


def test_a_forbidden_team(gumloop_emulator: Emulator) -> None:
    headers = bearer(gumloop_emulator.access_token)
    assert models(gumloop_emulator, headers, team_id="forbidden-1").status_code == 403
    routed = http().post(
        f"{gumloop_emulator.base_url}/models/route",
        json={"input": "Hi", "team_id": "forbidden-1"},
        headers=headers,
    )
    assert routed.status_code == 403


def test_any_bearer() -> None:
    with Emulator(credentials=Credentials(any_bearer=True)) as server:
        assert chat(server, bearer("whatever")).status_code == 200
        assert chat(server, {}).status_code == 401


def test_own_credentials() -> None:
    with Emulator(credentials=Credentials(api_key="k", user_id="u")) as server:
        assert (server.api_key, server.user_id) == ("k", "u")
        assert chat(server, bearer("k", "u")).status_code == 200
        assert chat(server, bearer("gl-key-emulator", "u")).status_code == 401
