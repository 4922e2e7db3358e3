"""Errors under a status that is none."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.errors import InsufficientCreditsError
from gumloop_core.reading.model_list import read_model_groups
from gumloop_core.reading.route_decision import read_route_decision


@pytest.mark.parametrize("read", [read_model_groups, read_route_decision])
def test_an_error_under_a_status_that_is_none(read: Any) -> None:
    with pytest.raises(InsufficientCreditsError, match="no credits"):
        read({"error": {"code": 402, "message": "no credits"}})
