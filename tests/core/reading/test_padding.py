"""Fields that say nothing: dropped, and no reason to read a chunk of plain text the long way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gumloop_core.answer import Completion
from gumloop_core.reading.padding import says_nothing
from gumloop_core.reading.reader import AnswerReader
from tests.support.http_bytes import chunk

SAFE = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": False}}


def piece(place: int, *, top: Any = None, choice: Any = None, delta: Any = None) -> dict[str, Any]:
    """The next chunk of plain text, with more fields at three levels."""
    made = chunk({"content": f"{place} ", **(delta or {})})
    made["choices"][0].update(choice or {})
    return {**made, **(top or {})}


def read(chunks: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> tuple[Completion, int]:
    """The answer, and how many chunks were read the long way."""
    reader = AnswerReader()
    long_way = reader._read_chunk
    taken = []

    def counted(document: Any) -> Any:
        taken.append(document)
        return long_way(document)

    monkeypatch.setattr(reader, "_read_chunk", counted)
    for document in chunks:
        reader.read_event(json.dumps(document).encode())
    reader.read_event(b"[DONE]")
    completion = reader.last_delta().completion
    assert completion is not None
    assert completion.text == "".join(f"{place} " for place in range(len(chunks)))
    return completion, len(taken)


PADDED: dict[str, Callable[[int], dict[str, Any]]] = {
    "OpenAI's obfuscation": lambda place: piece(place, top={"obfuscation": "x" * place}),
    "Mistral's p": lambda place: piece(place, top={"p": "abc"[: place % 3]}),
    "Together's token ids and text": lambda place: piece(
        place, choice={"text": f"{place} ", "seed": 1}, delta={"role": "assistant", "token_id": place}
    ),
    "Azure's filter results": lambda place: piece(place, choice={"content_filter_results": SAFE if place else {}}),
    "empty fields": lambda place: piece(place, delta={"refusal": "", "tool_calls": [], "reasoning_content": None}),
}


@pytest.mark.parametrize("provider", PADDED)
def test_padding_is_dropped_and_costs_nothing(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen in recorded answers of these providers: 2,703 of 3,799 chunks of OpenAI's had ``obfuscation``."""
    completion, long_ways = read([PADDED[provider](place) for place in range(50)], monkeypatch)
    assert completion.extra == {}
    assert completion.metadata in ({"created": 1}, {"created": 1, "seed": 1})
    assert long_ways <= 2


OTHER: dict[str, tuple[Callable[[int], dict[str, Any]], dict[str, Any], dict[str, Any]]] = {
    "a top field that changes": (
        lambda place: piece(place, top={"sla_metrics": {"ts": place}}),
        {"created": 1, "sla_metrics": {"ts": 49}},
        {},
    ),
    "a field of the choice that changes": (
        lambda place: piece(place, choice={"token_ids": [place]}),
        {"created": 1, "token_ids": [49]},
        {},
    ),
    "a word in the delta": (
        lambda place: piece(place, delta={"channel": "final"}),
        {"created": 1},
        {"channel": "final"},
    ),
    "a list in the delta": (
        lambda place: piece(place, delta={"annotations": ["same"]}),
        {"created": 1},
        {"annotations": ["same"] * 50},
    ),
    "pieces of text in the delta": (
        lambda place: piece(place, delta={"audio": {"transcript": "a"}}),
        {"created": 1},
        {"audio": {"transcript": "a" * 50}},
    ),
}


@pytest.mark.parametrize("kind", OTHER)
def test_other_fields_are_kept_and_cost_little(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, metadata, extra = OTHER[kind]
    completion, long_ways = read([make(place) for place in range(50)], monkeypatch)
    assert (completion.metadata, completion.extra) == (metadata, extra)
    assert long_ways <= 2


def test_usage_and_logprobs_in_every_chunk_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    same = [
        piece(place, top={"usage": {"prompt_tokens": 1 + place // 2}}, choice={"logprobs": {"content": ["a"]}})
        for place in range(50)
    ]
    completion, long_ways = read(same, monkeypatch)
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 25
    assert completion.logprobs == {"content": ["a"] * 50}
    assert long_ways <= 2


@pytest.mark.parametrize(
    "found",
    [
        {"hate": {"filtered": True, "severity": "high"}},
        {"hate": {"filtered": False, "severity": "low"}},
        {"jailbreak": {"filtered": False, "detected": True}},
        {"error": {"code": "content_filter_error", "message": "the filter did not run"}},
        ["odd"],
        5,
    ],
)
def test_what_a_filter_has_found_is_kept(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    results = {"content_filter_results": {**SAFE, "new": found}}
    completion, _ = read([piece(0), piece(1, choice=results), piece(2, choice=results)], monkeypatch)
    assert completion.metadata["content_filter_results"] == results["content_filter_results"]
    assert not says_nothing("prompt_filter_results", [{"prompt_index": 0, **results}])


def test_a_filter_of_the_prompt_that_found_nothing_is_dropped() -> None:
    assert says_nothing("prompt_filter_results", [{"prompt_index": 0, "content_filter_results": SAFE}])
    assert not says_nothing("service_tier", "default")
