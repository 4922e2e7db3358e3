"""Reasoning: who thinks, what it says, how it is signed, and that it has to come back intact.

A provider whose model thinks signs its reasoning, and refuses a tool turn on which the reasoning that led to
the call is missing or changed. The signature here is an HMAC of the text, so it can be checked without
remembering anything; the call's id carries a seal of the signatures, which tells that the call was thought about.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from gumloop_core.emulator import models
from gumloop_core.emulator.call import Call, Message
from gumloop_core.emulator.failures import ProviderRejectedError
from gumloop_core.emulator.rules.identity import seal, seal_of
from gumloop_core.emulator.shapes import ReasoningDetail

_KEY = b"gumloop-emulator"  # signs nothing of value: it only has to be the same tomorrow
_FORMATS = (("claude", "anthropic-claude-v1"), ("gemini", "google-gemini-v1"), ("gpt", "openai-responses-v1"))


def thinks(call: Call) -> bool:
    """Return whether a request is answered with reasoning."""
    model = models.find(call.model)
    if call.reasoning == "off" or model is None or model.kind == "image":
        return False
    return call.reasoning == "on" or model.thinks


def signed_details(text: str, model: str) -> list[ReasoningDetail]:
    """Return the signed details of a reasoning text, in the form that the model's provider uses."""
    style = next((style for family, style in _FORMATS if family in model), "unknown")
    if model == "emulator/encrypted-reasoning":
        data = base64.b64encode(text.encode()).decode() + "." + _sign(text)
        return [{"type": "reasoning.encrypted", "data": data, "id": "rs_0", "format": style, "index": 0}]
    if model == "emulator/reasoning-summary":
        summary = text.partition(".")[0] + "."
        proof = base64.b64encode(text.encode()).decode() + "." + _sign(text)
        return [
            {"type": "reasoning.summary", "summary": summary, "format": style, "index": 0},
            {"type": "reasoning.encrypted", "data": proof, "id": "rs_1", "format": style, "index": 1},
        ]
    return [{"type": "reasoning.text", "text": text, "signature": _sign(text), "format": style, "index": 0}]


def visible_text(details: Sequence[ReasoningDetail]) -> str:
    """Return the part of the reasoning that a reader may see."""
    return "".join(str(detail.get("text") or detail.get("summary") or "") for detail in details)


def seal_details(details: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the seal of intact details, None when they are missing or were changed."""
    proofs: list[str] = []
    pending = ""
    for detail in details:
        # A client may send the text back in the pieces in which it was streamed.
        pending += str(detail.get("text") or "")
        signature, data = detail.get("signature"), detail.get("data")
        if signature:
            if not hmac.compare_digest(str(signature), _sign(pending)):
                return None
            proofs.append(str(signature))
            pending = ""
        if data:
            encoded, _, proof = str(data).rpartition(".")
            if not hmac.compare_digest(proof, _sign(_decode(encoded))):
                return None
            proofs.append(str(data))
    return None if pending or not proofs else seal(proofs)


def check_returned(call: Call) -> None:
    """Refuse a tool turn on which signed reasoning is missing or was changed.

    Only the calls since the last user message count, and only those that came out of reasoning.
    """
    if not thinks(call):
        return
    for message in call.since_last_user():
        expected = _expected_seal(message)
        if expected is None:
            continue
        place = f"messages[{message.index}].reasoning_details"
        if not message.reasoning_details:
            raise ProviderRejectedError(
                f"{place} is missing: a thinking model needs the reasoning of its tool call again.",
                param=place,
            )
        if seal_details(message.reasoning_details) != expected:
            raise ProviderRejectedError(f"{place} was changed: its signature does not fit.", param=place)


def _expected_seal(message: Message) -> str | None:
    return next((found for record in message.tool_calls if (found := seal_of(record.id))), None)


def _sign(text: str) -> str:
    return base64.b64encode(hmac.new(_KEY, text.encode(), hashlib.sha256).digest()).decode()


def _decode(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""
