"""Everything that is made of a model goes to worker processes and works there."""

from __future__ import annotations

import pickle
from typing import Any

from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel

from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop, EnvSecret, RedisLimits
from tests.langchain.conftest import MakeModel
from tests.support.in_worker import in_worker


class City(BaseModel):
    """A city."""

    name: str


def weather(city: str) -> str:
    """Say how the weather is."""
    return city


def test_models_runnables_and_structured_output_work_in_a_worker(server: Emulator, chat: MakeModel) -> None:
    llm = chat(api_key=EnvSecret("KEY_OF_THE_WORKER"))
    structured = llm.with_structured_output(City)
    prompt = ChatPromptTemplate.from_messages([("human", "Which city? {hint}")])
    calls: list[Any] = [
        (llm, "invoke", ("Hi",)),
        (llm.bind(stop=["x"]), "invoke", ("Hi",)),
        (llm.bind_tools([weather]), "invoke", ("Hi",)),
        (llm.with_retry(), "invoke", ("Hi",)),
        (structured, "invoke", ("Which city?",)),
        (prompt | structured, "invoke", ({"hint": "a large one"},)),
        (llm.with_structured_output(City, include_raw=True), "invoke", ("Which city?",)),
        (llm.with_structured_output(City, method="function_calling", include_raw=True), "invoke", ("Which city?",)),
    ]
    assert server.api_key.encode() not in pickle.dumps(calls)
    returned = in_worker(calls, {"KEY_OF_THE_WORKER": server.api_key})
    assert all(message.text or message.tool_calls for message in returned[:4])
    assert all(isinstance(city, City) for city in returned[4:6])
    assert all(isinstance(answer["parsed"], City) and answer["raw"] for answer in returned[6:])
    assert len(server.requests) == len(calls)


def test_a_model_takes_along_where_its_slots_are() -> None:
    limits = RedisLimits("redis://host", lease=5.0)
    model = ChatGumloop(model="m", limits=limits)
    for same in (pickle.loads(pickle.dumps(model)), model.model_copy(deep=True), model.model_copy()):
        assert same.limits == limits
    assert "limits" not in model.model_dump()
