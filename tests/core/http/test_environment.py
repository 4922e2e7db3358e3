"""What the environment says about certificates and proxies: an error names the variable, not the address."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography import x509

from gumloop_core.errors import APIConnectionError, ConfigurationError
from gumloop_core.http import environment, sync_pool
from tests.core.conftest import THE_POOLS, Connect
from tests.support.byte_server import ByteServer
from tests.support.certificates import certificates
from tests.support.http_bytes import TEXT, completion, streamed, whole


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No proxies, and nothing that an earlier test has opened."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(sync_pool, "_pool", None)
    environment.tls_context.cache_clear()
    yield
    environment.tls_context.cache_clear()


def check(connect: Connect, says: str, *, tls: bool = False) -> None:
    """Every call says what is wrong, and sends nothing."""
    with ByteServer(whole(completion()), tls=tls) as server:
        driver = connect(server)
        for call in (driver.complete, lambda: list(driver.stream()), driver.models):
            with pytest.raises(ConfigurationError, match=says) as caught:
                call()
            assert "base_url" not in str(caught.value)
            assert "hunter2" not in str(caught.value)
        assert not server.requests


@THE_POOLS
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_not_there(connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(name, "/nowhere/certificates")
    check(connect, f"{name} names '/nowhere/certificates'.*Correct or unset it", tls=True)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where a system has its authorities: `cert.pem` and `certs`. Nothing else names any."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    file, directory = str(tmp_path / "cert.pem"), str(tmp_path / "certs")
    paths = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", file, "SSL_CERT_DIR", directory)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    (tmp_path / "certs").mkdir()
    return tmp_path


def hashed_name(certificate: bytes) -> str:
    """The name by which OpenSSL finds a certificate: a hash of its authority's name, in small letters."""
    name = x509.load_pem_x509_certificate(certificate).subject
    small = x509.Name([x509.NameAttribute(part.oid, str(part.value).lower()) for part in name])
    in_it = small.public_bytes()[2:]  # without the type and the length of the whole, which is below 128 bytes
    return f"{int.from_bytes(sha1(in_it, usedforsecurity=False).digest()[:4], 'little'):08x}.0"


# The systems that https://github.com/encode/httpx/issues/302 tells of, whose companies have authorities of their own.
@THE_POOLS
@pytest.mark.parametrize("place", ["directory", "file"])
def test_the_systems_authorities_are_trusted(connect: Connect, system: Path, place: str) -> None:
    authority = certificates()[0].cert_pem.bytes()
    path = system / "cert.pem" if place == "file" else system / "certs" / hashed_name(authority)
    path.write_bytes(authority)
    with ByteServer(whole(completion()), streamed(), tls=True) as server:
        driver = connect(server)
        assert driver.complete().text == TEXT
        assert list(driver.stream())
        assert len(server.requests) == 2


def test_a_directory_is_read_for_what_is_needed_of_it(system: Path) -> None:
    authority = certificates()[0].cert_pem.bytes()
    (system / "cert.pem").write_bytes(authority)
    (system / "certs" / hashed_name(authority)).write_bytes(authority)
    assert environment.tls_context().cert_store_stats()["x509_ca"] == 0


def test_a_file_with_more_than_the_directory_is_read(system: Path) -> None:
    authorities = [trustme.CA().cert_pem.bytes() for _ in range(3)]
    (system / "cert.pem").write_bytes(b"".join(authorities))
    (system / "certs" / hashed_name(authorities[0])).write_bytes(authorities[0])
    assert environment.tls_context().cert_store_stats()["x509_ca"] == 3


def test_links_that_lead_nowhere_are_no_authorities(system: Path) -> None:
    # An image into which /etc/ssl/certs was copied, and not what its links lead to.
    authority = certificates()[0].cert_pem.bytes()
    (system / "cert.pem").write_bytes(authority)
    (system / "certs" / hashed_name(authority)).symlink_to(system / "nowhere.pem")
    assert environment.tls_context().cert_store_stats()["x509_ca"] == 1


@pytest.mark.parametrize("content", [None, b"nothing", b"-----BEGIN CERTIFICATE-----"])
def test_a_system_without_authorities_leaves_certifis(system: Path, content: bytes | None) -> None:
    if content is not None:
        (system / "cert.pem").write_bytes(content)
    (system / "certs" / "README").touch()
    assert environment.tls_context().cert_store_stats() == httpx.create_ssl_context().cert_store_stats()


@THE_POOLS
def test_what_the_environment_names_wins_over_the_system(
    connect: Connect, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates()[0].cert_pem.write_to_path(system / "cert.pem")
    other = system / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    with ByteServer(whole(completion()), tls=True) as server:
        driver = connect(server, max_retries=0)
        with pytest.raises(APIConnectionError, match=r"certificate is not trusted: .*SSL_CERT_FILE"):
            driver.complete()


@THE_POOLS
def test_plain_http_reads_no_certificates(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates")
    with ByteServer(whole(completion())) as server:
        assert connect(server).complete().text == TEXT


def test_what_plain_http_has_in_their_place_trusts_nobody() -> None:
    context = environment.tls_context_for("http")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_may_be_spoken_to_by_tls(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "https://proxy.example:8080")
    assert environment.tls_context_for("http") is environment.tls_context() is environment.tls_context_for("https")


@THE_POOLS
def test_a_certificate_file_without_certificates(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    check(connect, "SSL_CERT_FILE names .*empty.pem.*cannot be read", tls=True)


@THE_POOLS
@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_a_broken_proxy_by_any_name(connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://[")
    check(connect, f"{name} is not the address of a proxy")


@THE_POOLS
@pytest.mark.parametrize(
    "address",
    [
        "http://[",
        "http://",
        "http:///path",
        ":::",
        "http://proxy:abc",
        "http://proxy:99999",
        "http://a b",
        "http://..:1",
        "http://me:hunter2@",
        "http://" + "a" * 70,
    ],
)
def test_a_broken_proxy(connect: Connect, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", address)
    check(connect, "HTTP_PROXY is not the address of a proxy")


@THE_POOLS
@pytest.mark.parametrize("scheme", ["socks4", "ftp", "quic"])
def test_a_proxy_of_a_kind_that_nobody_knows(connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:hunter2@127.0.0.1:1")
    check(connect, f"HTTPS_PROXY names a proxy of the kind '{scheme}'")


@THE_POOLS
@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_without_its_extra(connect: Connect, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setattr("gumloop_core.http.environment.find_spec", lambda _name: None)
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:hunter2@127.0.0.1:1")
    check(connect, r"ALL_PROXY names a SOCKS proxy.*pip install 'httpx\[socks\]'")


@THE_POOLS
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("hosts", ["a:b", "[::1]:80", "\u00e9"])
def test_hosts_without_proxy_that_are_none(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, hosts: str, name: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv(name, hosts)
    check(connect, f"{name} is not a list of hosts")


@THE_POOLS
def test_a_broken_proxy_that_is_not_used(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://[")
    monkeypatch.setenv("NO_PROXY", "*")
    with ByteServer(whole(completion())) as server:
        assert connect(server).complete().text == TEXT


@THE_POOLS
@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}", "http://me:hunter2@127.0.0.1:{}/"])
def test_a_proxy_that_works(connect: Connect, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    with ByteServer(whole(completion()), streamed()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", form.format(proxy.port))
        driver: Any = connect("http://127.0.0.2:9")
        assert driver.complete().text == TEXT
        list(driver.stream())
        assert len(proxy.requests) == 2


@THE_POOLS
def test_a_proxy_that_is_not_there(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:hunter2@127.0.0.1:1")
    with pytest.raises(APIConnectionError, match=r"Could not connect to 127\.0\.0\.2.*proxies") as caught:
        connect("http://127.0.0.2:9", max_retries=0).complete()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2001:db8::7334", "10.0.0.1"])
def test_an_address_is_told_from_a_name(host: str) -> None:
    assert environment.is_address(host)


@pytest.mark.parametrize("host", ["localhost", "api.gumloop.com", "1e100.net", "a"])
def test_a_name_is_told_from_an_address(host: str) -> None:
    assert not environment.is_address(host)
