"""The sockets below an httpx client, ended from outside."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx

from gumloop_core.http import sockets
from tests.support.byte_server import SILENCE, ByteServer
from tests.support.http_bytes import completion, whole


def test_a_call_that_waits_ends_at_once() -> None:
    with ByteServer([SILENCE]) as server, httpx.Client(timeout=60.0, trust_env=False) as client:
        failed: list[BaseException] = []

        def wait() -> None:
            try:
                client.post(server.base_url, json={})
            except httpx.TransportError as error:
                failed.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        assert server.wait_until(lambda: len(server.requests) == 1)
        sockets.shut_down(client)
        thread.join(20)
        assert len(failed) == 1


def test_the_sockets_of_a_closed_loop_are_closed() -> None:
    with ByteServer(whole(completion())) as server:
        client = httpx.AsyncClient(trust_env=False)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.post(server.base_url, json={}))
        loop.close()
        assert server.open_connections == 1
        sockets.drop(client)
        assert server.wait_until(lambda: server.open_connections == 0)


def test_where_the_insides_are_others_nothing_is_done() -> None:
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    sockets.shut_down(client)
    assert client.get("http://a.example").status_code == 200
    sockets.shut_down_socket(None)
    sockets.shut_down_socket(socket.socket())  # is not connected
    sockets.lose(object())
    assert sockets.duplicate(object()) is None
