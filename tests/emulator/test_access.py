"""Who may ask, and how much; how the others are refused."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator

import httpx
import pytest

from gumloop_emulator import FOREVER, Credentials, Emulator, Limits, Pause, RawStream
from gumloop_emulator.access import CONCURRENCY_BY_PLAN
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
def test_refused(server: Emulator, headers: dict[str, str], status: int, code: str) -> None:
    for response in (chat(server, headers), models(server, headers)):
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)


def test_a_key_needs_its_user_and_a_token_does_not(server: Emulator) -> None:
    assert chat(server, bearer(server.api_key, server.user_id)).status_code == 200
    assert chat(server, bearer(server.access_token)).status_code == 200
    assert chat(server, bearer("gl-token-rotated-7")).status_code == 200


def test_a_team_key_is_validated_against_its_team_on_the_api_host(server: Emulator) -> None:
    headers = bearer(server.credentials.team_api_key, server.user_id)
    assert chat(server, headers).status_code == 200
    assert models(server, headers).status_code == 403
    assert models(server, headers, team_id="another").status_code == 403
    assert models(server, headers, team_id=server.team_id).status_code == 200


def test_a_forbidden_team(server: Emulator) -> None:
    headers = bearer(server.access_token)
    assert models(server, headers, team_id="forbidden-1").status_code == 403
    routed = http().post(
        f"{server.base_url}/models/route",
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


def test_calls_in_flight_are_limited() -> None:
    with Emulator(limits=Limits(concurrent=2)) as server:
        done = threading.Event()
        server.queue(*[RawStream(held(done)) for _ in range(2)])
        headers = bearer(server.access_token)
        asking = [threading.Thread(target=chat, args=(server, headers)) for _ in range(2)]
        for thread in asking:
            thread.start()
        assert server.wait_for(lambda server: server.active_streams == 2)
        refused = chat(server, headers)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(refused.headers["retry-after"]) >= 1
        assert models(server, headers).status_code == 200  # the limits are the chat's
        done.set()
        for thread in asking:
            thread.join(10)
        assert chat(server, headers).status_code == 200


async def held(done: threading.Event) -> AsyncGenerator[bytes, None]:
    yield b"data: one\n\n"
    while not done.is_set():
        await asyncio.sleep(0.01)


def test_a_client_that_goes_away_is_in_flight_no_longer() -> None:
    with Emulator(limits=Limits(concurrent=1)) as server:
        server.queue(RawStream([b"data: one\n\n", Pause(FOREVER)]))
        headers = bearer(server.access_token)
        with http().stream("POST", f"{server.base_url}/chat/completions", json=body(), headers=headers):
            assert server.wait_for(lambda server: server.active_streams == 1)
            assert chat(server, headers).status_code == 429
        assert server.wait_for(lambda server: server.active_requests == 0)
        assert chat(server, headers).status_code == 200


@pytest.mark.parametrize("retry_after", [True, False])
def test_calls_a_minute_are_limited(retry_after: bool) -> None:
    with Emulator(limits=Limits(per_minute=2, retry_after=retry_after, minute=1.0)) as server:
        headers = bearer(server.access_token)
        assert chat(server, {}).status_code == 401  # does not count
        answers = [chat(server, headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].headers.get("retry-after") == ("1" if retry_after else None)
        deadline = time.monotonic() + 5
        while chat(server, headers).status_code == 429:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_plans_of_the_vendor() -> None:
    assert CONCURRENCY_BY_PLAN == (5, 25, 100)
