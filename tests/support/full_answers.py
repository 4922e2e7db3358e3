"""One answer that holds everything that is read from answers, unary and streamed."""

from __future__ import annotations

from typing import Any

from gumloop_emulator import Chunks, Json
from tests.langchain.answers import DETAILS, PIXEL_URL, TOP, USAGE, call

LOGPROB = {"token": "Hi", "logprob": -0.1, "bytes": None}
LOGPROBS = {"content": [{**LOGPROB, "top_logprobs": [LOGPROB]}], "refusal": None}
CITED = {"url": "https://a.example/", "title": "A", "start_index": 0, "end_index": 3, "content": "c"}
MESSAGE: dict[str, Any] = {
    "role": "assistant",
    "content": "Ottawa.",
    "reasoning": "Let me think.",
    "reasoning_details": DETAILS,
    "tool_calls": [call("c1", "weather", '{"city": "Paris"}')],
    "images": [{"type": "image_url", "image_url": {"url": PIXEL_URL}}],
    "annotations": [{"type": "url_citation", "url_citation": CITED}],
    "refusal": "Not that.",
    "gumloop_extensions": {"tool_results": [{"id": "r1"}]},
}


def unary() -> Json:
    """The answer in one piece."""
    choice = {"index": 0, "finish_reason": "tool_calls", "logprobs": LOGPROBS, "message": MESSAGE}
    return Json({**TOP, "object": "chat.completion", "choices": [choice], "usage": USAGE})


def streamed() -> Chunks:
    """The same, each field in a chunk of its own."""
    parts = {name: value for name, value in MESSAGE.items() if name not in ("role", "content", "tool_calls")}
    deltas = [{"role": "assistant", "content": ""}, *({name: value} for name, value in parts.items())]
    deltas.append({"tool_calls": [{"index": 0, **MESSAGE["tool_calls"][0]}]})
    chunks = [_chunk(delta) for delta in deltas]
    chunks.insert(3, _chunk({"content": "Ottawa."}, logprobs=LOGPROBS))
    chunks.append(_chunk({}, finish_reason="tool_calls"))
    return Chunks([*chunks, {**TOP, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}])


def _chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    return {**TOP, "object": "chat.completion.chunk", "choices": [choice]}
