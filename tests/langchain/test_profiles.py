"""What LangChain can know of a model without asking it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.exceptions import ModelAuthenticationError
from langchain_core.language_models.model_profile import ModelProfile
from langchain_core.runnables import ConfigurableField

from gumloop_core.model_facts import ModelFacts, model_facts
from langchain_gumloop import ChatGumloop
from langchain_gumloop.profiles import profile_of
from tests.support.byte_server import ByteServer
from tests.support.http_bytes import whole
from tests.support.model_lists import model_list

SLUGS = [
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
    "claude-opus-4-5",
    "gpt-4o-mini",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gpt-image-1.5",
    "google/gemini-3.1-flash-image-preview",
    "moonshotai/kimi-k2.6",
]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_public_models_are_known(slug: str) -> None:
    profile = ChatGumloop(model=slug).profile
    assert profile is not None
    assert profile["image_inputs"] is True
    assert profile["image_outputs"] is ("image" in slug)


def test_figures_of_a_model() -> None:
    profile = ChatGumloop(model="claude-sonnet-4-5").profile
    assert profile == {
        "max_input_tokens": 200_000,
        "max_output_tokens": 64_000,
        "image_inputs": True,
        "pdf_inputs": True,
        "audio_inputs": False,
        "image_outputs": False,
        "reasoning_output": True,
        "tool_calling": True,
        "structured_output": True,
    }


def test_a_prompt_limit_below_the_window_is_the_one_that_counts() -> None:
    facts = model_facts("gpt-5")
    profile = profile_of(facts)
    assert facts is not None
    assert profile is not None
    assert profile["max_input_tokens"] == facts["max_input_tokens"] < facts["context_window"]


def test_an_unknown_model_has_no_profile() -> None:
    assert ChatGumloop(model="someone/something-new").profile is None


def test_a_profile_of_ones_own_wins() -> None:
    assert ChatGumloop(model="claude-sonnet-4-5", profile={"max_input_tokens": 9}).profile == {"max_input_tokens": 9}


CHANGES: dict[str, Callable[[ChatGumloop, str], Any]] = {
    "set": lambda model, slug: setattr(model, "model", slug) or model,
    "copied": lambda model, slug: model.model_copy(update={"model": slug}),
    "configured": lambda model, slug: _configured(model, slug),
    "set on a pickled copy": lambda model, slug: CHANGES["set"](pickle.loads(pickle.dumps(model)), slug),
}


def _configured(model: ChatGumloop, slug: str) -> Any:
    configurable = model.configurable_fields(model=ConfigurableField(id="model"))
    return configurable._prepare({"configurable": {"model": slug}})[0]


@pytest.mark.parametrize("change", CHANGES)
def test_a_profile_follows_the_model(change: str) -> None:
    model = ChatGumloop(model="gpt-4o-mini")
    for slug in ("claude-sonnet-4-5", "someone/something-new", "gemini-2.5-pro"):
        changed = CHANGES[change](model.model_copy(), slug)
        assert changed.profile == profile_of(model_facts(slug))
        assert CHANGES[change](changed, "gpt-4o-mini").profile == profile_of(model_facts("gpt-4o-mini"))
    assert model.profile == profile_of(model_facts("gpt-4o-mini"))


@pytest.mark.parametrize("change", CHANGES)
def test_a_profile_of_ones_own_stays(change: str) -> None:
    model = ChatGumloop(model="gpt-4o-mini", profile={"max_input_tokens": 9})
    assert CHANGES[change](model, "claude-sonnet-4-5").profile == {"max_input_tokens": 9}
    mended = ChatGumloop(model="gpt-4o-mini")
    assert mended.profile is not None
    mended.profile["max_input_tokens"] = 9
    assert CHANGES[change](mended, "claude-sonnet-4-5").profile["max_input_tokens"] == 9


def test_a_profile_can_be_changed_without_changing_others() -> None:
    model = ChatGumloop(model="claude-sonnet-4-5")
    assert model.profile is not None
    model.profile["max_input_tokens"] = 9
    assert ChatGumloop(model="claude-sonnet-4-5").profile["max_input_tokens"] == 200_000  # type: ignore[index]


def test_all_figures_are_ones_that_langchain_knows() -> None:
    every = ModelFacts(**dict.fromkeys(ModelFacts.__annotations__, 1))  # type: ignore[typeddict-item]
    profile = profile_of(every)
    assert profile
    assert profile.keys() <= ModelProfile.__annotations__.keys()
    assert len(profile) == len(every) - 1  # the window is the prompt's limit, where no lower one is known


def test_what_the_endpoint_says_of_its_models_is_in_the_profile() -> None:
    with ByteServer(whole(model_list("someone/something-new")), whole(model_list("gpt-4o-mini"))) as server:
        connection: dict[str, Any] = {"api_key": "k", "base_url": server.base_url}
        model = ChatGumloop(model="someone/something-new", **connection)
        own = ChatGumloop(model="someone/something-new", profile={"max_input_tokens": 9}, **connection)
        assert model.profile is None
        assert [option.value for group in model.refresh_models() for option in group.options]
        assert model.profile is not None
        assert model.profile["max_input_tokens"] == 5000
        assert model.profile["tool_calling"] is False
        assert ChatGumloop(model="someone/something-new", **connection).profile == model.profile
        own.model = "gpt-4o-mini"
        own.refresh_models()
        assert own.profile == {"max_input_tokens": 9}
        assert len(server.requests) == 2


async def test_asking_for_the_models_fails_with_errors_of_both() -> None:
    failure = {"error": {"code": "invalid_key", "message": "no"}}
    with ByteServer(whole(failure, 401), whole(failure, 401)) as server:
        model = ChatGumloop(model="m", api_key="k", base_url=server.base_url)
        with pytest.raises(ModelAuthenticationError):
            model.refresh_models()
        with pytest.raises(ModelAuthenticationError):
            await model.arefresh_models()
        await model.aclose()
