"""Every body that a test sends must be one that the vendor's own SDK would send."""

from __future__ import annotations

import copy

from gumloop.spec import ChatRequest

from gumloop_core.emulator import Emulator


def check_bodies(server: Emulator) -> None:
    """Validate the chat bodies that a server has received against the request model of the vendor's SDK.

    A test that sends a bad body on purpose calls ``server.clear()`` afterwards.
    """
    for request in server.chat_requests:
        assert isinstance(request.json, dict), f"The body is not an object: {request.body[:200]!r}"
        ChatRequest.model_validate(copy.deepcopy(request.json))
