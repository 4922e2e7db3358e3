"""Read chunks or an answer's document to the end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gumloop_core import Completion, Delta
from gumloop_core.errors import GumloopError
from gumloop_core.reading.reader import AnswerReader


def read(*documents: Any, done: bool = True, **options: Any) -> tuple[list[Delta], Completion]:
    reader = AnswerReader(**options)
    deltas = [reader.read_event(json.dumps(document).encode()) for document in documents]
    if done:
        assert reader.read_event(b"[DONE]") is None
    deltas.append(reader.last_delta())
    handed_out = [delta for delta in deltas if delta is not None]
    assert handed_out[-1].completion is not None
    return handed_out, handed_out[-1].completion


def failure(*documents: Any, **options: Any) -> GumloopError:
    with pytest.raises(GumloopError) as caught:
        read(*documents, **options)
    return caught.value


def answered(document: Any) -> Completion:
    return AnswerReader().read_answer(document)
