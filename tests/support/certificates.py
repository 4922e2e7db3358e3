"""TLS between the tests and their servers: a certificate authority, and the contexts of both sides."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def certificates() -> tuple[Any, ssl.SSLContext]:
    """A certificate authority of our own, and the server's TLS context."""
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return authority, context


def trusting_context() -> ssl.SSLContext:
    """A client's TLS context that trusts the server's certificate."""
    context = ssl.create_default_context()
    certificates()[0].configure_trust(context)
    return context
