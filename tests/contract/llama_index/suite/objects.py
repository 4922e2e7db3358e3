"""The life of an LLM object: dicts, pickles, copies, loops, threads, and no secret in any text about it."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager

from gumloop_emulator import Emulator
from tests.contract.llama_index.suite.driver import SECRET_HEADER, ConformanceBase, SyncCalls, user


class ObjectTests(ConformanceBase):
    def test_a_dict_brings_it_back(self, server: Emulator):
        llm = self.make_llm(server, temperature=0.25, max_tokens=77, system_prompt="Be brief.")
        restored = type(llm).from_dict(llm.to_dict())
        assert restored.model == llm.model
        assert restored.temperature == 0.25
        assert restored.metadata == llm.metadata
        assert restored.system_prompt == "Be brief."
        assert llm.to_dict()["class_name"] == llm.class_name()
        assert json.loads(llm.to_json())["model"] == llm.model

    def test_a_pickle_brings_it_back_after_use(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, temperature=0.25)
        calls.chat(llm, user())
        restored = pickle.loads(pickle.dumps(llm))
        assert restored.model == llm.model
        assert restored.temperature == 0.25

    def test_a_deep_copy_works_after_use(self, llm, server: Emulator, calls: SyncCalls):
        calls.chat(llm, user())
        copied = copy.deepcopy(llm)
        assert copied.model == llm.model
        assert calls.chat(copied, user()).message.content == calls.chat(llm, user()).message.content

    def test_no_text_about_it_shows_a_secret(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, default_headers={"X-Team": SECRET_HEADER})
        calls.chat(llm, user())
        texts = {
            "repr": repr(llm),
            "str": str(llm),
            "to_dict": repr(llm.to_dict()),
            "to_json": llm.to_json(),
            "to_payload": repr(llm.to_payload()),
            "metadata": repr(llm.metadata),
        }
        for name, text in texts.items():
            assert server.api_key not in text, name
            assert SECRET_HEADER not in text, name

    def test_a_pickle_holds_no_secret(self, server: Emulator):
        llm = self.make_llm(server, default_headers={"X-Team": SECRET_HEADER})
        pickled = pickle.dumps(llm)
        assert server.api_key.encode() not in pickled
        assert SECRET_HEADER.encode() not in pickled

    def test_it_serves_one_event_loop_after_another(self, llm):
        async def ask() -> str:
            return (await llm.acomplete("Capital of Canada?")).text

        assert len({asyncio.run(ask()) for _ in range(3)}) == 1

    def test_it_serves_many_threads(self, llm):
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: llm.complete("Capital of Canada?").text, range(12)))
        assert len(set(answers)) == 1

    def test_it_serves_many_tasks(self, llm):
        async def ask_often() -> list[str]:
            answers = await asyncio.gather(*(llm.acomplete("Capital of Canada?") for _ in range(12)))
            return [answer.text for answer in answers]

        assert len(set(asyncio.run(ask_often()))) == 1

    def test_its_callback_manager_can_be_set(self, llm):
        manager = CallbackManager([])
        llm.callback_manager = manager
        assert llm.callback_manager is manager

    def test_it_can_be_the_default_llm(self, llm):
        before = Settings._llm
        try:
            Settings.llm = llm
            assert Settings.llm is llm
        finally:
            Settings._llm = before
