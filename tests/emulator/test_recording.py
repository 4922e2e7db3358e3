"""Record and replay: what passes through is passed on as it is, kept without secrets, and answers equal requests."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gumloop_core import AsyncGumloopClient, ClientSettings, Credentials, Endpoint, GumloopClient
from gumloop_core.errors import NotFoundError
from gumloop_emulator import Answer, Drop, Emulator, Failure, Json, Pause, RawStream, Recorder, ToolCall
from tests.emulator.support import WEATHER, body, headers, http, post

ACCOUNT = {
    "Authorization": "Bearer gl-token-very/secret",
    "x-auth-key": "user-4711",
    "Cookie": "session=crumbs-42; b=1",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


@pytest.fixture
def recorder(server: Emulator, path: Path) -> Iterator[Recorder]:
    with Recorder(path, base_url=server.base_url) as proxy:
        yield proxy


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def settings(base_url: str) -> ClientSettings:
    return ClientSettings(
        credentials=Credentials(api_key="gl-key-emulator", user_id="emulator-user"), endpoint=Endpoint.resolve(base_url)
    )


def test_everything_comes_back_as_it_was(server: Emulator, recorder: Recorder, path: Path) -> None:
    server.queue(Answer("Grüße 🍁", reasoning="Think.", tool_calls=[ToolCall("get_weather", {"city": "Łódź"})]))
    server.queue(Answer("Streamed, grüße 🍁"), Failure(429, headers={"Retry-After": "7"}), Failure(502, shape="html"))
    requests = [body(tools=[WEATHER]), body(stream=True), body("again"), body("and again")]
    direct = [post(recorder, request) for request in requests]
    direct.append(http().get(f"{recorder.base_url}/models", headers=headers(server)))
    direct.append(http().post(f"{recorder.base_url}/models/route", json={"input": "Hi"}, headers=headers(server)))
    recorder.stop()
    server.clear()
    server.replay(path)
    replayed = [post(server, request) for request in requests]
    replayed.append(http().get(f"{server.base_url}/models"))
    replayed.append(http().post(f"{server.base_url}/models/route", json={"input": "Hi"}))
    for one, other in zip(direct, replayed, strict=True):
        assert one.content == other.content
        assert (one.status_code, one.headers["content-type"]) == (other.status_code, other.headers["content-type"])
        assert one.headers.get("retry-after") == other.headers.get("retry-after")
    assert [response.status_code for response in replayed] == [200, 200, 429, 502, 200, 200]


async def test_the_core_reads_a_replay_as_it_read_the_original(
    server: Emulator, recorder: Recorder, path: Path
) -> None:
    request = {**body("Tell me of llamas", stream=True), "model": "emulator/thinking"}
    client = GumloopClient(settings(recorder.base_url))
    recorded = [repr(delta) for delta in client.stream(request)]
    client.close()
    recorder.stop()
    server.replay(path)
    async with contextlib.aclosing(AsyncGumloopClient(settings(server.base_url))) as client:
        assert [repr(delta) async for delta in client.stream(request)] == recorded
        with pytest.raises(NotFoundError, match=r"messages\[0\]\.content"):
            await client.complete({**request, "messages": body("other")["messages"]})


def test_a_stream_is_kept_with_its_pieces_and_times(server: Emulator, recorder: Recorder, path: Path) -> None:
    euro = "data: €\n\n".encode()
    pieces = [b"data: one\n\n", euro[:7], euro[7:], b"data: [DONE]\n\n"]
    spaced = [step for piece in pieces for step in (Pause(0.1), piece)]
    server.queue(RawStream(spaced))
    begun = time.monotonic()
    with http().stream(
        "POST", f"{recorder.base_url}/chat/completions", json=body(), headers=headers(server)
    ) as response:
        arrived = [(time.monotonic() - begun, piece) for piece in response.iter_raw()]
    assert [piece for _, piece in arrived] == pieces
    assert arrived[0][0] < arrived[-1][0] - 0.2  # it did not wait for the end
    recorder.stop()
    (line,) = lines(path)
    kept = line["response"]["pieces"]
    assert [piece for _, piece in kept] == [
        "data: one\n\n",
        {"base64": "ZGF0YTog4g=="},
        {"base64": "gqwKCg=="},
        "data: [DONE]\n\n",
    ]
    assert all(seconds > 0.05 for seconds, _ in kept)
    for pace, least in ((False, 0.0), (True, 0.3)):
        server.replay(path, pace=pace)
        begun = time.monotonic()
        assert post(server, body()).content == b"".join(pieces)
        assert time.monotonic() - begun >= least
        assert server.active_streams == 0 or server.wait_for(lambda server: server.active_streams == 0)


def test_nothing_of_the_account_is_kept(server: Emulator, recorder: Recorder, path: Path) -> None:
    echo = {
        "echo": "gl-token-very/secret",
        "url": "gl-token-very%2Fsecret",
        "user_id": "someone-else",
        "in": "user-4711",
    }
    server.queue(
        Json({**echo, "cookie": "crumbs-42", "team": "team-9"}, headers={"Set-Cookie": "a=b", "X-Own": "user-4711"})
    )
    server.queue(RawStream([b"data: gl-token-ve", b"ry/secret\n\n"]))
    asked = body("My key is gl-token-very/secret", user="person-1", metadata={"account_id": "acc-1", "a": "user-4711"})
    for request in (asked, {**asked, "stream": True}):
        options = {"params": {"team_id": "team-9"}, "headers": ACCOUNT}
        response = post(recorder, request, **options)
        assert "secret" in response.text
    recorder.stop()
    assert server.requests[0].headers["authorization"] == ACCOUNT["Authorization"]
    assert server.requests[0].query == {"team_id": "team-9"}
    text = path.read_text(encoding="utf-8")
    for secret in (
        "secret",
        "4711",
        "crumbs",
        "someone-else",
        "person-1",
        "acc-1",
        "team-9",
        "Set-Cookie",
        "set-cookie",
    ):
        assert secret not in text
    server.replay(path)
    # Another account asks the same.
    other = json.loads(json.dumps(asked).replace("gl-token-very/secret", "k-2").replace("user-4711", "u-2"))
    response = post(server, other, headers={"Authorization": "Bearer k-2", "x-auth-key": "u-2"})
    assert response.status_code == 200
    assert response.json()["echo"] == "*" * len("gl-token-very/secret")


def test_what_broke_breaks_again(server: Emulator, recorder: Recorder, path: Path) -> None:
    server.queue(RawStream([b"data: one\n\n", Pause(0.05), Drop()]), Drop())
    with pytest.raises(httpx.RemoteProtocolError):
        post(recorder, body(stream=True))
    unreachable = post(recorder, body(stream=True))
    assert unreachable.status_code == 502
    recorder.stop()
    (line,) = lines(path)
    assert (line["response"]["whole"], len(line["response"]["pieces"])) == (False, 1)
    server.replay(path)
    with pytest.raises(httpx.RemoteProtocolError):
        post(server, body(stream=True))


def test_equal_requests_are_answered_in_the_order_of_their_recording(
    server: Emulator, recorder: Recorder, path: Path
) -> None:
    server.queue(Failure(503), "second")
    for _ in range(2):
        post(recorder, body())
    recorder.stop()
    server.replay(path)
    answers = [post(server, dict(reversed(body().items()))) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 200, 200]
    assert answers[1].content == answers[2].content


def test_another_request_is_told_what_differs(server: Emulator, recorder: Recorder, path: Path) -> None:
    post(recorder, body("Hello", temperature=0.5))
    recorder.stop()
    server.replay(path)
    response = post(server, body("Hello there", temperature=0.5, seed=1))
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (404, "no_recorded_answer")
    for part in ("messages[0].content", '"Hello"', '"Hello there"', "seed", "nothing"):
        assert part in error["message"]
    assert "temperature" not in error["message"]
    server.replay(path, ignore=["seed", "messages[0].content"])
    assert post(server, body("Hello there", temperature=0.5, seed=1)).status_code == 200
    assert post(server, body("Hello", temperature=0.6)).status_code == 404
    server.replay(path, refuse=False)
    answer = post(server, body("Hello there")).json()
    assert answer["choices"][0]["message"]["content"] == "Hello there"


def test_scripts_come_before_the_recording_and_clear_ends_it(server: Emulator, recorder: Recorder, path: Path) -> None:
    post(recorder, body())
    recorder.stop()
    server.replay(path)
    server.queue("scripted")
    texts = [post(server, body()).json()["choices"][0]["message"]["content"] for _ in range(2)]
    assert texts == ["scripted", "Hello"]
    server.clear()
    assert post(server, body("anything")).status_code == 200


def test_recordings_are_added_to(server: Emulator, path: Path) -> None:
    for text in ("one", "two"):
        with Recorder(path, base_url=server.base_url) as recorder:
            post(recorder, body(text))
    assert [line["request"]["body"]["messages"][0]["content"] for line in lines(path)] == ["one", "two"]


def test_nothing_recorded(server: Emulator, path: Path) -> None:
    path.write_text("\n", encoding="utf-8")
    server.replay(path)
    assert post(server, body()).status_code == 404


def test_the_chat_host_may_be_another_one(server: Emulator, path: Path) -> None:
    with (
        Emulator() as api,
        Recorder(path, base_url=api.base_url, stream_base_url=server.base_url) as recorder,
    ):
        post(recorder, body())
        http().get(f"{recorder.base_url}/models", headers=headers(api))
        assert [request.path for request in api.requests] == ["/api/v1/models"]
    assert [request.path for request in server.requests] == ["/api/v1/chat/completions"]


def test_bodies_that_are_compressed_all_the_same_are_kept(server: Emulator, recorder: Recorder, path: Path) -> None:
    import gzip

    packed = gzip.compress(b'{"choices": []}')
    server.queue(RawStream([packed], content_type="application/json", headers={"Content-Encoding": "gzip"}))
    assert post(recorder, body()).json() == {"choices": []}
    recorder.stop()
    server.replay(path)
    assert post(server, body()).json() == {"choices": []}
