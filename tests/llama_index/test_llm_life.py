"""The life of a model object: kept, copied, sent to another process, closed."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import LLM, ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM

from gumloop_emulator import Emulator
from llama_index_gumloop import Gumloop
from tests.contract.llama_index.suite.events import RecordedCallbacks

USER = [ChatMessage("Hi")]
SECRETS = {"api_key": "gl-canary-key", "access_token": "gl-canary-token", "default_headers": {"X": "gl-canary-header"}}


def test_it_is_an_llm_with_every_name_that_a_constructor_takes():
    assert issubclass(Gumloop, FunctionCallingLLM)
    assert issubclass(Gumloop, LLM)
    for name, field in Gumloop.model_fields.items():
        value = "m" if field.is_required() else field.get_default(call_default_factory=True)
        assert Gumloop(**{"model": "m", name: value})


def test_a_dict_comes_back_with_the_environments_key(server: Emulator, monkeypatch):
    llm = Gumloop(model="claude-sonnet-4-5", api_key="gl-other", base_url=server.base_url, stop=["x"])
    monkeypatch.setenv("GUMLOOP_API_KEY", server.api_key)
    monkeypatch.setenv("GUMLOOP_USER_ID", server.user_id)
    restored = Gumloop.from_dict(json.loads(llm.to_json()))
    assert restored.chat(USER).message.content
    assert restored.stop == ["x"]


def test_a_dict_holds_no_secret_and_fits_into_json():
    llm = Gumloop(model="m", timeout=httpx.Timeout(5.0, read=60.0), http_client=httpx.Client(), **SECRETS)
    text = llm.to_json()
    assert "canary" not in text + repr(llm) + repr(llm.to_dict()) + str(llm.to_payload())
    assert Gumloop.from_dict(json.loads(text)).timeout == httpx.Timeout(5.0, read=60.0)


def test_a_pickle_holds_no_secret_and_reads_the_environment(server: Emulator, monkeypatch):
    llm = Gumloop(model="claude-sonnet-4-5", base_url=server.base_url, http_client=httpx.Client(), **SECRETS)
    pickled = pickle.dumps(llm)
    assert b"canary" not in pickled
    monkeypatch.setenv("GUMLOOP_API_KEY", server.api_key)
    monkeypatch.setenv("GUMLOOP_USER_ID", server.user_id)
    assert pickle.loads(pickled).chat(USER).message.content


def test_a_pickle_leaves_out_what_cannot_travel(caplog):
    manager = CallbackManager([RecordedCallbacks()])
    manager.lock = open(__file__, encoding="utf-8")  # noqa: SIM115 - a thing that cannot be pickled
    llm = Gumloop(model="m", callback_manager=manager, messages_to_prompt=lambda messages: "")
    with caplog.at_level(logging.WARNING):
        restored = pickle.loads(pickle.dumps(llm))
    manager.lock.close()
    assert "callback_manager cannot be pickled" in caplog.text
    assert isinstance(restored.callback_manager, CallbackManager)
    assert restored.messages_to_prompt(USER)
    assert llm.callback_manager is manager


def test_a_deep_copy_shares_what_counts_and_waits(make_llm):
    llm = make_llm(callback_manager=CallbackManager([]), stop=["x"])
    llm.chat(USER)
    copied = copy.deepcopy(llm)
    assert copied.callback_manager is llm.callback_manager
    assert copied.stop == ["x"]
    assert copied.stop is not llm.stop
    assert copied.api_key == llm.api_key


@pytest.mark.skipif("rate_limiter" not in Gumloop.model_fields, reason="the framework has no rate limiters yet")
def test_a_deep_copy_waits_with_its_original(make_llm):
    class Limiter:
        def acquire(self, num_tokens: int = 0) -> None:
            return None

    limiter = Limiter()
    assert copy.deepcopy(make_llm(rate_limiter=limiter)).rate_limiter is limiter


def test_a_changed_model_sends_what_it_is_now(server: Emulator, llm):
    llm.chat(USER)
    llm.model = "gpt-4o-mini"
    llm.temperature = 0.5
    llm.chat(USER)
    assert (server.last_body["model"], server.last_body["temperature"]) == ("gpt-4o-mini", 0.5)


def test_closing_lets_go_and_a_later_call_opens_again(server: Emulator, llm):
    llm.chat(USER)
    llm.close()
    assert llm.chat(USER).message.content

    async def ask() -> str:
        await llm.achat(USER)
        await llm.aclose()
        return str((await llm.achat(USER)).message.content)

    assert asyncio.run(ask())


def test_a_client_of_the_callers_is_used_and_left_open(server: Emulator, make_llm):
    with httpx.Client(headers={"X-Mine": "1"}) as client:
        llm = make_llm(http_client=client)
        llm.chat(USER)
        llm.close()
        assert server.chat_requests[-1].headers["x-mine"] == "1"
        assert not client.is_closed


def test_one_object_serves_loops_in_many_threads(server: Emulator, llm):
    def in_a_loop(_: int) -> str:
        return asyncio.run(llm.acomplete("Capital of Canada?")).text

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(in_a_loop, range(8)))) == 1
