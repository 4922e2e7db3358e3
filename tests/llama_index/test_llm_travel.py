"""Everything that is made of a model goes to worker processes and works there."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from llama_index.core.llms import ChatMessage
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.program.utils import get_program_for_llm
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from gumloop_emulator import Emulator
from llama_index_gumloop import EnvSecret, Gumloop, RedisLimits
from tests.llama_index.conftest import MakeLLM
from tests.support.in_worker import in_worker

USER = [ChatMessage("Which city?")]


class City(BaseModel):
    """A city."""

    name: str


def test_models_structured_models_and_programs_work_in_a_worker(server: Emulator, make_llm: MakeLLM) -> None:
    llm = make_llm()
    llm.api_key = EnvSecret("KEY_OF_THE_WORKER")
    prompt = PromptTemplate("Which city?")
    calls: list[Any] = [
        (llm, "chat", (USER,)),
        (llm.as_structured_llm(City), "chat", (USER,)),
        (get_program_for_llm(City, prompt, llm), "__call__", ()),
        (FunctionCallingProgram.from_defaults(output_cls=City, prompt=prompt, llm=llm), "__call__", ()),
    ]
    assert server.api_key.encode() not in pickle.dumps(calls)
    assert pickle.dumps(LLMTextCompletionProgram.from_defaults(output_cls=City, prompt=prompt, llm=llm))
    chat, structured, *programs = in_worker(calls, {"KEY_OF_THE_WORKER": server.api_key})
    assert chat.message.content
    assert isinstance(structured.raw, City)
    assert all(isinstance(city, City) for city in programs)
    assert len(server.requests) == len(calls)


def test_a_model_takes_along_where_its_slots_are() -> None:
    limits = RedisLimits("redis://host", lease=5.0)
    llm = Gumloop(model="m", limits=limits)
    for same in (pickle.loads(pickle.dumps(llm)), copy.deepcopy(llm)):
        assert same.limits == limits
    assert "limits" not in llm.to_dict()
