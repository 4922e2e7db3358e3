"""Checks that what was sent is a request in the eyes of the vendor's SDK."""

from __future__ import annotations

from gumloop.spec import ChatRequest

from gumloop_emulator import Emulator


def check_bodies(server: Emulator) -> None:
    """Validate every chat request that a server received against the SDK's request model."""
    for request in server.chat_requests:
        assert isinstance(request.json, dict), "a chat request has no JSON object as its body"
        ChatRequest.model_validate(request.json)
