"""What the garbage collector has to look at during a job."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from gumloop_batch import run
from gumloop_batch.garbage import old_objects_set_aside


@pytest.fixture(autouse=True)
def nothing_frozen() -> Iterator[None]:
    """Begin like any process: the tests themselves have set theirs aside."""
    gc.unfreeze()
    yield
    gc.freeze()


def test_what_was_there_is_set_aside_and_put_back() -> None:
    with old_objects_set_aside():
        assert gc.get_freeze_count()
        with old_objects_set_aside():
            assert gc.get_freeze_count()
        assert gc.get_freeze_count()
    assert not gc.get_freeze_count()


def test_what_the_caller_has_set_aside_stays_there() -> None:
    gc.freeze()
    with old_objects_set_aside():
        pass
    assert gc.get_freeze_count()


def test_it_is_put_back_after_an_error() -> None:
    with pytest.raises(ValueError, match="oh"), old_objects_set_aside():
        raise ValueError("oh")
    assert not gc.get_freeze_count()


def test_a_job_does_so(tmp_path: Path) -> None:
    def count(row: dict[str, Any], _model: Any) -> str:
        return str(gc.get_freeze_count() > 0)

    result = run([{"id": number} for number in range(3)], count, model=object(), output=tmp_path / "out", key="id")
    assert result.answered == 3
    assert {row["answer"] for row in pyarrow.parquet.read_table(tmp_path / "out").to_pylist()} == {"True"}
    assert not gc.get_freeze_count()
