"""A TLS record that was changed on its way cannot be decrypted: the connection broke, and says so."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gumloop_core.errors import APIConnectionError, AuthenticationError, StreamError
from gumloop_core.http import environment
from gumloop_emulator.script import Pause
from tests.core.conftest import Connect
from tests.support.byte_server import SILENCE, ByteServer
from tests.support.certificates import trusting_context
from tests.support.http_bytes import (
    FINISH,
    FIRST,
    TEXT,
    answer_events,
    completion,
    head,
    http_chunk,
    stream_head,
    text_events,
    whole,
)

REST = b"".join(map(http_chunk, answer_events()[1:]))
APPLICATION_DATA = 0x17


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "tls_context", _without_tickets)


def _without_tickets() -> ssl.SSLContext:
    context = trusting_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # so that the first record of data is the answer's
    return context


class Tampering:
    """Sits between client and server, and changes a bit in the server's n-th record of data, on each connection."""

    def __init__(self, server: ByteServer, record: int) -> None:
        self.connections = 0
        self._server = server
        self._record = record
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.base_url = server.base_url.replace(str(server.port), str(self._listener.getsockname()[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                upstream = socket.create_connection(("127.0.0.1", self._server.port))
                self._sockets += [client, upstream]
                threading.Thread(target=self._pass_on, args=(client, upstream), daemon=True).start()
                threading.Thread(target=self._tamper, args=(upstream, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _tamper(self, source: socket.socket, target: socket.socket) -> None:
        seen = 0
        stream = source.makefile("rb")
        with contextlib.suppress(OSError):
            while header := stream.read(5):
                record = bytearray(stream.read(int.from_bytes(header[3:], "big")))
                if header[0] == APPLICATION_DATA:
                    seen += 1
                    if seen == self._record:
                        record[-1] ^= 1
                target.sendall(header + record)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


@contextlib.contextmanager
def tampered(record: int, *scripts: Any) -> Iterator[Tampering]:
    with ByteServer(*scripts, tls=True) as server:
        proxy = Tampering(server, record)
        try:
            yield proxy
        finally:
            proxy.close()


@pytest.mark.parametrize("stream", [False, True], ids=["unary", "stream"])
def test_before_the_head(connect: Connect, stream: bool) -> None:
    with tampered(1, whole(completion())) as proxy:
        driver = connect(proxy.base_url, max_retries=1)
        with pytest.raises(APIConnectionError, match=r"The connection to 127\.0\.0\.1 broke"):
            list(driver.stream()) if stream else driver.complete()
        assert proxy.connections == 2


def test_within_a_unary_body(connect: Connect) -> None:
    script = [head(content_length="99") + b"{", Pause(0.05), b" " * 98]
    with tampered(2, script) as proxy, pytest.raises(APIConnectionError, match="broke"):
        connect(proxy.base_url, max_retries=0).complete()


def test_within_a_stream(connect: Connect) -> None:
    with tampered(2, [FIRST, Pause(0.05), REST, SILENCE]) as proxy:
        with pytest.raises(StreamError, match=r"The stream broke.*in \.partial") as caught:
            list(connect(proxy.base_url).stream())
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Grüße"
        assert proxy.connections == 1


def test_within_a_stream_before_its_first_event(connect: Connect) -> None:
    with tampered(2, [stream_head(), Pause(0.05), REST, SILENCE]) as proxy:
        with pytest.raises(APIConnectionError, match="broke"):
            list(connect(proxy.base_url, max_retries=1).stream())
        assert proxy.connections == 2


def test_within_an_errors_body(connect: Connect) -> None:
    script = [head(401, content_length="99") + b"who are", Pause(0.05), b" " * 92]
    with tampered(2, script) as proxy, pytest.raises(AuthenticationError, match="who are"):
        connect(proxy.base_url).complete()


def test_after_the_finish_reason(connect: Connect) -> None:
    events = b"".join(map(http_chunk, [*text_events(), FINISH]))
    with tampered(2, [stream_head() + events, Pause(0.05), http_chunk(b": bye\n\n"), SILENCE]) as proxy:
        deltas = list(connect(proxy.base_url).stream())
        assert deltas[-1].completion is not None
        assert deltas[-1].completion.text == TEXT
