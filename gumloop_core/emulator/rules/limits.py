"""Stop sequences and the cap on completion tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gumloop_core.emulator.call import Call
from gumloop_core.emulator.reply import Reply, call_body
from gumloop_core.emulator.rules.usage import count_tokens
from gumloop_core.emulator.shapes import ReasoningDetail

_CHARACTERS = 4  # of a token


def cut(reply: Reply, call: Call) -> Reply:
    """Return an answer within the limits; one that met the cap ends with `length`."""
    if reply.text is not None:
        reply = replace(reply, text=_before_stop(reply.text, call.stop))
    if call.max_tokens is None:
        return reply
    left = call.max_tokens - count_tokens(reply.reasoning)
    if left < 0:
        # A signature belongs to the whole text, so a cut one is not signed.
        shown = reply.reasoning[: call.max_tokens * _CHARACTERS]
        details: list[ReasoningDetail] = [{"type": "reasoning.text", "text": shown, "index": 0}]
        return replace(
            reply,
            text=None,
            reasoning=shown,
            reasoning_details=details,
            tool_calls=(),
            finish_reason="length",
        )
    if reply.text is not None and count_tokens(reply.text) > left:
        return replace(reply, text=reply.text[: left * _CHARACTERS], finish_reason="length", tool_calls=())
    return _cut_calls(reply, left - count_tokens(reply.text or ""))


def _cut_calls(reply: Reply, left: int) -> Reply:
    kept = []
    for entry in reply.tool_calls:
        function = entry["function"]
        tokens = count_tokens(function["name"] + function["arguments"])
        if tokens > left:
            room = max(left * _CHARACTERS - len(function["name"]), 0)
            kept.append(call_body(entry["id"], function["name"], function["arguments"][:room]))
            return replace(reply, tool_calls=kept, finish_reason="length")
        kept.append(entry)
        left -= tokens
    return reply


def _before_stop(text: str, stops: Sequence[str]) -> str:
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places)] if places else text
