"""Objects that grow while they stream."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from gumloop_core.reading.partial_json import grows
from gumloop_emulator import Emulator
from tests.langchain.answers import gathered
from tests.langchain.conftest import MakeModel
from tests.langchain.structured.test_structured_output import JSON_SCHEMA, City, Town, plain, reply


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_objects_grow_while_they_stream(server: Emulator, chat: MakeModel, method: str) -> None:
    value = {"name": "Ottawa on the Ottawa River", "country": "Canada in North America"}
    server.queue(*[reply(method, value)] * 3)
    growing = list(chat().with_structured_output(JSON_SCHEMA, method=method).stream("Give JSON"))  # type: ignore[arg-type]
    assert len(growing) >= 4
    assert growing[-1] == value
    assert all(value[key].startswith(part[key]) for part in growing for key in part)
    objects = list(chat().with_structured_output(City, method=method).stream("Give JSON"))  # type: ignore[arg-type]
    assert len(objects) >= 3
    assert all(isinstance(part, City) for part in objects)
    assert objects[-1] == City(**value)
    agrowing = gathered(chat().with_structured_output(City, method=method).astream("Give JSON"))  # type: ignore[arg-type]
    assert agrowing == objects


@pytest.mark.parametrize("schema", [Town, Town.model_json_schema()], ids=["class", "dict"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_what_streams_is_never_taken_back(server: Emulator, chat: MakeModel, schema: Any, method: str) -> None:
    """Strict nulls come and go within an answer; none is shown that the whole object lacks."""
    streets = [{"name": f"Street {number}", "country": None, "population": number} for number in range(20)]
    server.queue(reply(method, {"name": "Town", "mayor": None, "streets": streets}, "Town"))
    model = chat().with_structured_output(schema, method=method, strict=True)  # type: ignore[arg-type]
    states = [plain(state) for state in model.stream("x")]
    assert len(states) > 10
    for earlier, later in pairwise(states):
        assert grows(earlier, later), (earlier, later)
    assert "country" not in states[-1]["streets"][0]
    assert states[-1]["mayor"] is None
