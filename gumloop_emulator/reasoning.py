"""Reasoning: how it is signed, and that it has to come back intact.

A provider whose model thinks signs its reasoning, and refuses a tool turn on which the reasoning that led to
the call is missing or changed. Here the call's id carries a digest of what was signed, so that it can be checked
without remembering anything.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import rejected_by_provider
from gumloop_emulator.models import Model
from gumloop_emulator.request import ChatRequest

_SEALED = re.compile(r"call_signed_([0-9a-f]{12})_[0-9a-f]{12}")


def signed_details(text: str, model: Model) -> list[JSONObject]:
    """Return the signed details of a reasoning text, in the form in which the model gives it away."""
    signature = base64.b64encode(digest("signed", text, length=64).encode()).decode()
    sealed = base64.b64encode(text.encode(errors="replace")).decode() + "." + signature
    summary: JSONObject = {"type": "reasoning.summary", "summary": text.partition(".")[0] + "."}
    details: dict[str, list[JSONObject]] = {
        "text": [{"type": "reasoning.text", "text": text, "signature": signature}],
        "encrypted": [{"type": "reasoning.encrypted", "data": sealed, "id": "rs_0"}],
        "summary": [summary, {"type": "reasoning.encrypted", "data": sealed, "id": "rs_1"}],
    }
    shown = details[model.reasoning]
    return [{**detail, "format": model.reasoning_format, "index": index} for index, detail in enumerate(shown)]


def call_identifier(fingerprint: str, position: int, name: str, signed: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the id of a tool call, the same for equal requests; it tells which signed details have to come back."""
    unique = digest(fingerprint, str(position), name)
    return f"call_signed_{_seal(signed)}_{unique}" if signed else f"call_{unique}"


def check_returned(request: ChatRequest) -> None:
    """Refuse a tool turn on which signed reasoning is missing or was changed.

    Only the calls since the last user message count, and only those that came out of reasoning.
    """
    for index, message in request.turn if request.thinks else ():
        calls = message.get("tool_calls") or ()
        seal = next((match[1] for call in calls if (match := _SEALED.fullmatch(call["id"]))), None)
        place = f"messages[{index}].reasoning_details"
        if seal is not None and not message.get("reasoning_details"):
            needed = "a thinking model needs the reasoning of its tool call again."
            raise rejected_by_provider(f"{place} is missing: {needed}", place)
        if seal is not None and _seal(message["reasoning_details"]) != seal:
            raise rejected_by_provider(f"{place} was changed: its signature does not fit.", place)


def digest(*parts: str, length: int = 12) -> str:
    """Return some hexadecimal digits that stand for texts."""
    return hashlib.sha256("\x00".join(parts).encode(errors="replace")).hexdigest()[:length]


def _seal(details: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of details, the same if they come back in the pieces in which they were streamed."""
    return digest(*("".join(detail.get(key) or "" for detail in details) for key in ("text", "signature", "data")))
