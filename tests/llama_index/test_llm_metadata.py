"""What pipelines are told of the model."""

from __future__ import annotations

import pytest
from llama_index.core.indices.prompt_helper import PromptHelper

from gumloop_core.model_facts import model_facts
from llama_index_gumloop import Gumloop
from llama_index_gumloop.context_window import DEFAULT_CONTEXT_WINDOW
from tests.support.byte_server import ByteServer
from tests.support.http_bytes import whole
from tests.support.model_lists import model_list


def facts(monkeypatch, **known):
    monkeypatch.setattr("gumloop_core.served_models.known_facts", lambda model, models_url: known or None)


def repr_of(value) -> str:
    return type(value).__name__ if isinstance(value, int) and abs(value) > 9 else repr(value)[:12]


def test_a_known_models_window_is_told():
    known = model_facts("claude-sonnet-4-5")
    assert known is not None
    assert Gumloop(model="claude-sonnet-4-5").metadata.context_window == known["context_window"]


def test_an_unknown_model_has_a_large_window():
    metadata = Gumloop(model="acme/new").metadata
    assert metadata.context_window == DEFAULT_CONTEXT_WINDOW
    assert metadata.is_function_calling_model


def test_the_callers_word_wins(monkeypatch):
    facts(monkeypatch, context_window=1000, tool_calling=True)
    metadata = Gumloop(model="m", context_window=500, is_function_calling_model=False).metadata
    assert (metadata.context_window, metadata.is_function_calling_model) == (500, False)


def test_a_model_that_calls_no_tools_says_so(monkeypatch):
    facts(monkeypatch, tool_calling=False)
    assert not Gumloop(model="m").metadata.is_function_calling_model


@pytest.mark.parametrize(("cap", "expected"), [(None, -1), (100, 100), (10**9, 64_000)])
def test_the_answers_length_leaves_room_for_the_prompt(cap, expected):
    llm = Gumloop(model="acme/new", max_tokens=cap)
    assert llm.metadata.num_output == expected
    assert PromptHelper.from_llm_metadata(llm.metadata)._get_available_context_size(100) > 0


def test_the_metadata_follows_the_model():
    llm = Gumloop(model="acme/new")
    known = model_facts("claude-sonnet-4-5")
    copied = llm.model_copy(update={"model": "claude-sonnet-4-5"})
    llm.model = "claude-sonnet-4-5"
    for changed in (llm, copied):
        assert (changed.metadata.model_name, changed.metadata.context_window) == (
            "claude-sonnet-4-5",
            known["context_window"],
        )


async def test_what_the_endpoint_says_of_its_models_is_in_the_metadata():
    answers = whole(model_list("acme/new")), whole(model_list("acme/new", supported_parameters=["tools"]))
    with ByteServer(*answers) as server:
        llm = Gumloop(model="acme/new", api_key="k", base_url=server.base_url)
        other = Gumloop(model="acme/new", api_key="k", base_url=server.base_url)
        assert llm.refresh_models()[0].options[0].value == "acme/new"
        for asked in (llm, other):
            assert asked.metadata.context_window == 5000
            assert not asked.metadata.is_function_calling_model
        await llm.arefresh_models()
        assert other.metadata.is_function_calling_model
        other.base_url = 5
        assert other.metadata.context_window == DEFAULT_CONTEXT_WINDOW
        await llm.aclose()
    assert len(server.requests) == 2


def test_the_metadata_of_an_odd_model_does_not_raise():
    llm = Gumloop(model="m")
    llm.model = 5
    assert llm.metadata.model_name == "5"


@pytest.mark.parametrize("value", [float("-inf"), 1.5, [], {}, "a", -5, 0, True, object(), 10**5000], ids=repr_of)
@pytest.mark.parametrize(
    "field", ["context_window", "max_completion_tokens", "is_function_calling_model", "model", "temperature"]
)
def test_the_metadata_is_there_whatever_a_field_was_set_to(field: str, value):
    llm = Gumloop(model="m", api_key="k", user_id="u").model_copy(update={field: value})
    metadata = llm.metadata
    assert metadata.context_window > 0
    assert metadata.num_output == -1 or 0 < metadata.num_output <= metadata.context_window
    assert metadata.is_function_calling_model in (True, False)
    assert isinstance(metadata.model_name, str)


def test_a_payload_holds_the_metadata_what_tracers_look_for_and_no_more():
    # opentelemetry-instrumentation-llamaindex reads model and temperature, MLflow model
    llm = Gumloop(model="m", api_key="gl-canary-1", user_id="canary-user")
    known = {"class_name": "gumloop_llm", **llm.metadata.model_dump(), "model": "m"}
    assert llm.to_payload() == known
    llm = Gumloop(model="m", max_tokens=50, temperature=0.0)
    assert llm.to_payload() == {**known, "num_output": 50, "temperature": 0.0, "max_tokens": 50}
