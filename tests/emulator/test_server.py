"""The server's life: starting, stopping, connections, clients that go away, many streams at once."""

from __future__ import annotations

import asyncio
import json
import socket
import threading

import httpx
import pytest

from gumloop_core.emulator import FOREVER, Answer, Chunks, Emulator, Pause
from gumloop_core.emulator.app import MAX_BODY_BYTES
from tests.emulator.support import body, headers, post


def test_start_and_stop() -> None:
    server = Emulator()
    assert repr(server) == "Emulator(stopped)"
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    server.start()
    port = server.port
    assert server.base_url == f"http://127.0.0.1:{port}/api/v1"
    assert post(server, body()).status_code == 200
    with pytest.raises(RuntimeError, match="already"):
        server.start()
    server.stop()
    server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with server:
        assert post(server, body()).status_code == 200


def test_a_taken_port_is_said_at_once(gumloop_emulator: Emulator) -> None:
    with pytest.raises(OSError):
        Emulator(port=gumloop_emulator.port).start()


def test_two_servers_do_not_share() -> None:
    with Emulator() as one, Emulator() as two:
        one.queue(Answer(text="mine"))
        assert post(two, body("Capital of Canada?")).json()["choices"][0]["message"]["content"] == "Ottawa."
        assert (len(one.requests), len(two.requests), one.queued) == (0, 1, 1)


def test_stopping_breaks_off_what_is_under_way() -> None:
    failures: list[BaseException] = []
    with Emulator() as server:
        server.queue(Chunks([{"a": 1}, Pause(FOREVER)]), Answer(text="never", delay=FOREVER))

        def ask() -> None:
            try:
                post(server, body(stream=True))
            except httpx.TransportError as error:
                failures.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        assert server.wait_for(lambda server: server.active_requests == 2)
    for thread in threads:
        thread.join(5)
    assert len(failures) == 2


async def test_async_context_manager() -> None:
    async with Emulator() as server, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{server.base_url}/models", headers=headers(server))
    assert response.status_code == 200


def test_connections_are_counted(gumloop_emulator: Emulator) -> None:
    before = gumloop_emulator.connections
    url = f"{gumloop_emulator.base_url}/models"
    with httpx.Client(trust_env=False, headers=headers(gumloop_emulator)) as client:
        for _ in range(5):
            client.get(url)
        assert gumloop_emulator.connections - before == 1
        opened = gumloop_emulator.open_connections
    assert gumloop_emulator.wait_for(lambda server: server.open_connections == opened - 1)
    for _ in range(3):
        with httpx.Client(trust_env=False, headers=headers(gumloop_emulator)) as client:
            client.get(url)
    assert gumloop_emulator.connections - before == 4


def test_answers_do_not_wait_for_acknowledgements(gumloop_emulator: Emulator) -> None:
    with httpx.Client(trust_env=False, headers=headers(gumloop_emulator)) as client:
        client.get(f"{gumloop_emulator.base_url}/models")
        transports = list(gumloop_emulator._connections._transports.values())
        sockets = [transport.get_extra_info("socket") for transport in transports]
        assert sockets
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in sockets)


def test_a_client_that_goes_away_is_noticed(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Chunks([{"a": 1}, Pause(FOREVER)]))
    with (
        httpx.Client(trust_env=False) as client,
        client.stream(
            "POST",
            f"{gumloop_emulator.base_url}/chat/completions",
            json=body(stream=True),
            headers=headers(gumloop_emulator),
        ) as response,
    ):
        lines = response.iter_lines()  # kept, since it closes the response when it is collected
        assert next(lines) == 'data: {"a":1}'
        assert gumloop_emulator.active_streams == 1
    assert gumloop_emulator.wait_for(lambda server: server.active_streams == 0)
    assert gumloop_emulator.disconnects == 1


def test_a_client_that_goes_away_while_sending(gumloop_emulator: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", gumloop_emulator.port)) as connection:
        head = "POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
        connection.sendall(head.encode())
    assert post(gumloop_emulator, body()).status_code == 200


def test_nothing_is_printed_when_clients_misbehave(capfd: pytest.CaptureFixture[str]) -> None:
    with Emulator() as server:
        test_a_client_that_goes_away_is_noticed(server)
        test_a_client_that_goes_away_while_sending(server)
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, {**body(stream=True), "model": "emulator/stream-drop"})
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_nothing_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with Emulator() as server:
        server.queue(Chunks([{"a": 1}, Pause(FOREVER)]))
        with pytest.raises(httpx.TransportError):
            post(server, body(stream=True), timeout=0.2)
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, {**body(stream=True), "model": "emulator/stream-drop"})
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def test_a_body_may_not_be_huge(gumloop_emulator: Emulator) -> None:
    response = post(gumloop_emulator, b"[" + b" " * MAX_BODY_BYTES)
    assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")
    assert gumloop_emulator.requests == []


async def test_many_streams_at_once(gumloop_emulator: Emulator) -> None:
    streams = 200
    gumloop_emulator.queue(*[Chunks([{"n": n}, Pause(0.3), {"m": n}]) for n in range(streams)])
    limits = httpx.Limits(max_connections=None)
    highest = 0
    async with httpx.AsyncClient(
        trust_env=False, limits=limits, timeout=30, headers=headers(gumloop_emulator)
    ) as client:

        async def one() -> str:
            response = await client.post(f"{gumloop_emulator.base_url}/chat/completions", json=body(stream=True))
            return response.text

        work = asyncio.gather(*(one() for _ in range(streams)))
        while not work.done():
            highest = max(highest, gumloop_emulator.active_streams)
            await asyncio.sleep(0.01)
        texts = work.result()
    assert all(text.count("data: ") == 3 for text in texts)
    assert sorted(int(text.partition('"n":')[2].partition("}")[0]) for text in texts) == list(range(streams))
    assert highest > 1


def test_environment(gumloop_emulator: Emulator) -> None:
    assert gumloop_emulator.environment() == {
        "GUMLOOP_API_KEY": gumloop_emulator.api_key,
        "GUMLOOP_USER_ID": gumloop_emulator.user_id,
        "GUMLOOP_BASE_URL": gumloop_emulator.base_url,
        "GUMLOOP_STREAM_BASE_URL": gumloop_emulator.base_url,
    }


def test_half_a_surrogate_pair_comes_back_as_it_was_sent(gumloop_emulator: Emulator) -> None:
    answer = post(gumloop_emulator, json.dumps(body("Say x\ud800")).encode())
    assert answer.status_code == 200
    assert "x\ud800" in json.loads(answer.content)["choices"][0]["message"]["content"]
