"""Take the credentials out of what errors show: servers and proxies do echo what they were sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

MASK = "**********"

_SHORTEST_TAIL = 6
"""Characters of a secret that are recognized at the end of text that was cut; fewer say nothing."""


class Redactor:
    """Masks secrets.

    Args:
        secrets: The values that must not show.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def text(self, text: str) -> str:
        """The text without the secrets, nor with the beginning of one at its end, where it may have been cut."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
            for length in range(min(len(secret) - 1, len(text)), _SHORTEST_TAIL - 1, -1):
                if text.endswith(secret[:length]):
                    text = text[:-length] + MASK
                    break
        return text

    def data(self, data: bytes) -> bytes:
        """The same for bytes."""
        # Latin-1 maps bytes to characters one to one, and the secrets are ASCII.
        return self.text(data.decode("latin-1")).encode("latin-1")

    def document(self, value: Any) -> Any:
        """A parsed document, or anything else, without the secrets in its text; a copy."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (bytes, bytearray)):
            return self.data(bytes(value))
        if isinstance(value, list):
            return [self.document(item) for item in value]
        if isinstance(value, dict):
            return {self.document(key): self.document(item) for key, item in value.items()}
        return value


NO_SECRETS = Redactor()
"""Masks nothing."""
