"""The model list."""

from __future__ import annotations

from typing import Any

import pytest

from gumloop_core.errors import InvalidResponseError
from gumloop_core.reading.model_list import read_model_groups


def test_groups() -> None:
    option = {"value": "m", "label": "M", "status": "available", "new": 1}
    odd = [None, 5, {}, {"value": 5}, {"value": "n", "label": None, "status": 5}]
    (group, empty) = read_model_groups(
        {"model_groups": [{"groupLabel": "G", "options": [option, *odd]}, None, {"options": 5}]}
    )
    assert (group.label, [model.value for model in group.options]) == ("G", ["m", "n"])
    assert (group.options[0].label, group.options[0].status, group.options[0].raw) == ("M", "available", option)
    assert (group.options[1].label, group.options[1].status) == ("n", None)
    assert (empty.label, empty.options) == ("", ())


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"model_groups": None}, {"model_groups": {}}])
def test_what_is_no_model_list(payload: Any) -> None:
    with pytest.raises(InvalidResponseError, match="model list"):
        read_model_groups(payload)
