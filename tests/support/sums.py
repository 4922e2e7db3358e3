"""What the deltas of a stream add up to, to be held against the answer that the last of them has."""

from __future__ import annotations

from collections.abc import Sequence

from gumloop_core.answer import Completion, Delta


def check_sum(deltas: Sequence[Delta]) -> Completion:
    """The answer of a stream, after its deltas were found to add up to it."""
    completion = deltas[-1].completion
    assert completion is not None
    assert all(delta.completion is None for delta in deltas[:-1])
    assert "".join(delta.text for delta in deltas) == completion.text
    assert "".join(delta.reasoning for delta in deltas) == completion.reasoning
    assert "".join(delta.refusal for delta in deltas) == (completion.refusal or "")
    assert [image for delta in deltas for image in delta.images] == completion.images
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        assert len({piece.index for piece in delta.tool_calls}) == len(delta.tool_calls)
        for piece in delta.tool_calls:
            assert (piece.id is None) is (piece.index in calls)
            call = calls.setdefault(piece.index, [piece.id or "", "", ""])
            call[1] += piece.name or ""
            call[2] += piece.arguments
    assert list(calls) == list(range(len(completion.tool_calls)))
    assert list(calls.values()) == [[call.id, call.name, call.arguments] for call in completion.tool_calls]
    return completion
