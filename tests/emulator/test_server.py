"""The server's life: starting, stopping, connections, clients that go away, many streams at once."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import warnings
from collections.abc import Iterator

import httpx
import pytest

from gumloop_emulator import FOREVER, Answer, Chunks, Emulator, Pause, RawStream
from gumloop_emulator.http11 import MAX_BODY_BYTES
from tests.emulator.support import body, headers, http, message, post


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


def test_a_taken_port_is_said_at_once(server: Emulator) -> None:
    with pytest.raises(OSError):
        Emulator(port=server.port).start()


def test_two_servers_do_not_share() -> None:
    with Emulator() as one, Emulator() as two:
        one.queue(Answer(text="mine"))
        assert message(two, body("Capital of Canada?"))["content"] == "Capital of Canada?"
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


def test_stopping_closes_what_was_accepted_just_before() -> None:
    # Python 3.13.0 prints an error for each connection that is left open, wherever garbage is next collected.
    gc.collect()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for opened in range(1, 41):
            server = Emulator().start()
            clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(opened % 5)]
            server.stop()
            for client in clients:
                client.close()
        gc.collect()
    assert not [warning for warning in told if "unclosed transport" in str(warning.message)]


async def test_async_context_manager() -> None:
    async with Emulator() as server, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(f"{server.base_url}/models", headers=headers(server))
    assert response.status_code == 200


def test_connections_are_counted(server: Emulator) -> None:
    before = server.connections
    url = f"{server.base_url}/models"
    with httpx.Client(trust_env=False, headers=headers(server)) as client:
        for _ in range(5):
            client.get(url)
        assert server.connections - before == 1
        opened = server.open_connections
    assert server.wait_for(lambda server: server.open_connections == opened - 1)
    for _ in range(3):
        with httpx.Client(trust_env=False, headers=headers(server)) as client:
            client.get(url)
    assert server.connections - before == 4


def test_a_client_that_goes_away_is_noticed(server: Emulator) -> None:
    server.queue(Chunks([{"a": 1}, Pause(FOREVER)]))
    with (
        httpx.Client(trust_env=False) as client,
        client.stream(
            "POST",
            f"{server.base_url}/chat/completions",
            json=body(stream=True),
            headers=headers(server),
        ) as response,
    ):
        lines = response.iter_lines()  # kept, since it closes the response when it is collected
        assert next(lines) == 'data: {"a":1}'
        assert server.active_streams == 1
    assert server.wait_for(lambda server: server.active_streams == 0)
    assert server.disconnects == 1


def test_a_client_that_goes_away_while_sending(server: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = "POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
        connection.sendall(head.encode())
    assert post(server, body()).status_code == 200


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


def test_a_body_may_not_be_huge(server: Emulator) -> None:
    response = post(server, b"[" + b" " * MAX_BODY_BYTES)
    assert response.status_code == 413
    assert server.requests == []


async def test_many_streams_at_once(server: Emulator) -> None:
    streams = 200
    server.queue(*[Chunks([{"n": n}, Pause(0.3), {"m": n}]) for n in range(streams)])
    limits = httpx.Limits(max_connections=None)
    highest = 0
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=30, headers=headers(server)) as client:

        async def one() -> str:
            response = await client.post(f"{server.base_url}/chat/completions", json=body(stream=True))
            return response.text

        work = asyncio.gather(*(one() for _ in range(streams)))
        while not work.done():
            highest = max(highest, server.active_streams)
            await asyncio.sleep(0.01)
        texts = work.result()
    assert all(text.count("data: ") == 3 for text in texts)
    assert sorted(int(text.partition('"n":')[2].partition("}")[0]) for text in texts) == list(range(streams))
    assert highest > 1


def test_environment(server: Emulator) -> None:
    assert server.environment() == {
        "GUMLOOP_API_KEY": server.api_key,
        "GUMLOOP_USER_ID": server.user_id,
        "GUMLOOP_BASE_URL": server.base_url,
        "GUMLOOP_STREAM_BASE_URL": server.base_url,
    }


def test_half_a_surrogate_pair_does_no_harm(server: Emulator) -> None:
    assert post(server, json.dumps(body("Say x\ud800")).encode()).status_code == 200
    assert server.last_body["messages"][0]["content"] == "Say x\ud800"


def test_what_is_not_http_is_refused(server: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 400")


def test_requests_sent_without_waiting_are_answered_in_order(server: Emulator) -> None:
    server.queue("one", "two")
    content = json.dumps(body()).encode()
    head = "POST /api/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer gl-token-1\r\n"
    request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
    before = server.connections
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request + request)
        received = b""
        while received.count(b"finish_reason") < 2:
            received += connection.recv(65536)
    assert received.index(b'"one"') < received.index(b'"two"')
    assert server.connections == before + 1


def test_it_waits_for_clients_that_read_slowly(server: Emulator) -> None:
    piece = b"x" * 2**20
    sent: list[int] = []

    def pieces() -> Iterator[bytes]:
        for count in range(64):
            sent.append(count)
            yield piece

    server.queue(RawStream(pieces()))
    url = f"{server.base_url}/chat/completions"
    with http().stream("POST", url, json=body(), headers=headers(server)) as response:
        received = response.iter_raw()
        first = len(next(received))
        assert len(sent) < 64
        assert first + sum(map(len, received)) == 64 * 2**20


def test_an_error_of_an_own_function_is_told(server: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    def fails(request: object) -> str:
        raise LookupError("no idea")

    server.queue(fails)
    with pytest.raises(httpx.TransportError):
        post(server, body())
    assert server.wait_for(lambda server: "no idea" in caplog.text)
    assert post(server, body()).status_code == 200
