"""Reasoning: how it is signed, and that it has to come back intact.

A provider whose model thinks signs its reasoning, and refuses a tool turn on which the reasoning that led to
the call is missing or changed. The signature here is an HMAC of the text, so it can be checked without
remembering anything; the call's id carries a seal of the signatures, which tells that the call was thought about.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gumloop_core.wire import JSONObject
from gumloop_emulator.failures import rejected_by_provider
from gumloop_emulator.models import Model
from gumloop_emulator.request import ChatRequest, turn_start

_KEY = b"gumloop-emulator"  # signs nothing of value: it only has to be the same tomorrow
_SIGNED = re.compile(r"^call_signed_([0-9a-f]{12})_[0-9a-f]{12}$")


def signed_details(text: str, model: Model) -> list[JSONObject]:
    """Return the signed details of a reasoning text, in the form in which the model gives it away."""
    style = model.reasoning_format
    sealed = base64.b64encode(text.encode(errors="replace")).decode() + "." + _sign(text)
    if model.reasoning == "encrypted":
        return [{"type": "reasoning.encrypted", "data": sealed, "id": "rs_0", "format": style, "index": 0}]
    if model.reasoning == "summary":
        summary = text.partition(".")[0] + "."
        return [
            {"type": "reasoning.summary", "summary": summary, "format": style, "index": 0},
            {"type": "reasoning.encrypted", "data": sealed, "id": "rs_1", "format": style, "index": 1},
        ]
    return [{"type": "reasoning.text", "text": text, "signature": _sign(text), "format": style, "index": 0}]


def visible_text(details: Sequence[Mapping[str, Any]]) -> str:
    """Return the part of the reasoning that a reader may see."""
    return "".join(str(detail.get("text") or detail.get("summary") or "") for detail in details)


def call_identifier(fingerprint: str, position: int, name: str, signed: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the id of a tool call: equal requests get equal ones.

    Args:
        fingerprint: The digest of the request.
        position: Which call of the answer it is.
        name: The function's name.
        signed: The signed details that have to come back with the call.
    """
    seal = _seal(signed)
    unique = digest(fingerprint, str(position), name)
    return f"call_signed_{seal}_{unique}" if seal else f"call_{unique}"


def check_returned(request: ChatRequest) -> None:
    """Refuse a tool turn on which signed reasoning is missing or was changed.

    Only the calls since the last user message count, and only those that came out of reasoning.
    """
    messages = request.body.messages
    for index in range(turn_start(messages), len(messages) if request.thinks else 0):
        calls = messages[index].get("tool_calls") or ()
        seal = next((match[1] for call in calls if (match := _SIGNED.match(call["id"]))), None)
        details = messages[index].get("reasoning_details")
        place = f"messages[{index}].reasoning_details"
        if seal is not None and not details:
            needed = "a thinking model needs the reasoning of its tool call again."
            raise rejected_by_provider(f"{place} is missing: {needed}", place)
        if seal is not None and _seal(details) != seal:
            raise rejected_by_provider(f"{place} was changed: its signature does not fit.", place)


def digest(*parts: str, length: int = 12) -> str:
    """Return some hexadecimal digits that stand for texts."""
    return hashlib.sha256("\x00".join(parts).encode(errors="replace")).hexdigest()[:length]


def _seal(details: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the seal of intact details, None when they are missing or were changed."""
    proofs: list[str] = []
    pending = ""
    for detail in details:
        # A client may send the text back in the pieces in which it was streamed.
        pending += detail.get("text") or ""
        if signature := detail.get("signature"):
            if signature != _sign(pending):
                return None
            proofs.append(signature)
            pending = ""
        if data := detail.get("data"):
            encoded, _, proof = data.rpartition(".")
            if proof != _sign(_decoded(encoded)):
                return None
            proofs.append(data)
    return None if pending or not proofs else digest(*proofs)


def _sign(text: str) -> str:
    return base64.b64encode(hmac.new(_KEY, text.encode(errors="replace"), hashlib.sha256).digest()).decode()


def _decoded(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""
