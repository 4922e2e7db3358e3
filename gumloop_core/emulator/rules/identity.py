"""Ids, made from what was asked: equal requests get equal tool call ids."""

from __future__ import annotations

import hashlib
import re

_SIGNED = re.compile(r"^call_signed_(?P<seal>[0-9a-f]{12})_[0-9a-f]{12}$")


def completion_identifier(fingerprint: str, served: int) -> str:
    """Return the id of an answer, different for every answer of a server."""
    return "chatcmpl-" + _digest(fingerprint, str(served), length=24)


def call_identifier(fingerprint: str, position: int, name: str, seal: str | None = None) -> str:
    """Return the id of a tool call.

    Args:
        fingerprint: The digest of the request.
        position: Which call of the answer it is.
        name: The function's name.
        seal: The seal of the reasoning that led to the call; the id then says that the reasoning has to come
            back with the call.
    """
    unique = _digest(fingerprint, str(position), name, length=12)
    return f"call_signed_{seal}_{unique}" if seal else f"call_{unique}"


def seal_of(identifier: str) -> str | None:
    """Return the seal in a tool call's id, None when the call came without signed reasoning."""
    match = _SIGNED.match(identifier)
    return match["seal"] if match else None


def seal(proofs: list[str]) -> str:
    """Return the seal of signatures (or encrypted data)."""
    return _digest(*proofs, length=12)


def _digest(*parts: str, length: int) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:length]
