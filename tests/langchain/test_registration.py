"""`init_chat_model` knows Gumloop, once it is told."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.chat_models import base as langchain_chat_models
from langchain.chat_models import init_chat_model
from langchain_core.messages import HumanMessage

from gumloop_core import errors as core
from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop, register


@pytest.fixture
def providers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    copied = copy.copy(langchain_chat_models._BUILTIN_PROVIDERS)
    monkeypatch.setattr(langchain_chat_models, "_BUILTIN_PROVIDERS", copied)
    langchain_chat_models._get_chat_model_creator.cache_clear()
    return copied


def test_init_chat_model_knows_gumloop_once_registered(
    server: Emulator, providers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    register()
    for model in (
        init_chat_model("gumloop:claude-sonnet-4-5", temperature=0.3),
        init_chat_model("claude-sonnet-4-5", model_provider="gumloop", temperature=0.3),
        init_chat_model(temperature=0.3).with_config(
            configurable={"model": "claude-sonnet-4-5", "model_provider": "gumloop"}
        ),
    ):
        assert model.invoke("Capital of Canada?").content
        assert server.last_body["temperature"] == 0.3
    assert isinstance(init_chat_model("gumloop:anthropic/claude-x"), ChatGumloop)
    server.queue("Sunny.")
    agent = create_agent("gumloop:claude-sonnet-4-5", [])
    assert agent.invoke({"messages": [HumanMessage("The weather?")]})["messages"][-1].text == "Sunny."


def test_registering_says_so_where_it_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(langchain_chat_models, "_BUILTIN_PROVIDERS")
    with pytest.raises(core.ConfigurationError, match=r"Use ChatGumloop\(model=…\) instead"):
        register()
