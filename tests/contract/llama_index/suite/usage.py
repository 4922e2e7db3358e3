"""Token counts and cost, unary and streamed, and as the framework's counters see them."""

from __future__ import annotations

import pytest
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler

from gumloop_emulator import Answer, Emulator
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user

COUNTS = {"prompt_tokens": 1234, "completion_tokens": 567, "total_tokens": 1801}
USAGE = {
    **COUNTS,
    "prompt_tokens_details": {"cached_tokens": 1000, "cache_write_tokens": 200},
    "completion_tokens_details": {"reasoning_tokens": 400},
    "cost": 0.0125,
    "is_byok": False,
}
WAYS = ["chat", "stream_chat", "complete", "stream_complete"]


def _ask(way: str, calls: SyncCalls, llm):
    argument = "Capital of Canada?" if "complete" in way else user()
    answer = getattr(calls, way)(llm, argument)
    return answer[-1] if isinstance(answer, list) else answer


class UsageTests(ConformanceBase):
    @pytest.fixture(params=WAYS)
    def way(self, request: pytest.FixtureRequest) -> str:
        """The call that is made."""
        return str(request.param)

    def test_counts_are_beside_the_response(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", usage=USAGE))
        told = _ask(way, calls, llm).additional_kwargs
        assert {name: told[name] for name in COUNTS} == COUNTS

    def test_details_and_cost_are_beside_the_response(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", usage=USAGE))
        told = _ask(way, calls, llm).additional_kwargs
        assert (told["cached_tokens"], told["reasoning_tokens"], told["cost"]) == (1000, 400, 0.0125)

    def test_tokens_written_to_a_cache_are_beside_the_response(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", usage=USAGE))
        assert _ask(way, calls, llm).additional_kwargs["cache_write_tokens"] == 200

    def test_raw_has_the_usage(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", usage=USAGE))
        raw = _ask(way, calls, llm).raw
        assert dict(dict(raw)["usage"])["prompt_tokens"] == 1234

    def test_raw_is_a_plain_dict(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", usage=USAGE))
        raw = _ask(way, calls, llm).raw
        assert type(raw) is dict
        assert type(raw["usage"]) is dict

    def test_a_token_counter_reports_the_servers_numbers(self, server: Emulator, calls: SyncCalls, way: str):
        counter = TokenCountingHandler(tokenizer=str.split)
        llm = self.make_llm(server, callback_manager=CallbackManager([counter]))
        server.queue(Answer(text="Ottawa.", usage=USAGE))
        _ask(way, calls, llm)
        assert len(counter.llm_token_counts) == 1
        assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (1234, 567)

    def test_counts_may_be_missing(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", usage={}))
        response = _ask(way, calls, llm)
        assert "Ottawa." in str(response)
        assert not response.additional_kwargs.get("prompt_tokens")

    def test_a_count_may_be_null(self, server: Emulator, calls: SyncCalls, way: str):
        counter = TokenCountingHandler(tokenizer=str.split)
        llm = self.make_llm(server, callback_manager=CallbackManager([counter]))
        server.queue(
            Answer(text="Ottawa.", usage={"prompt_tokens": 5, "completion_tokens": None, "total_tokens": None})
        )
        _ask(way, calls, llm)
        assert counter.prompt_llm_token_count == 5

    def test_the_facts_of_the_answer_are_beside_it(self, llm, server: Emulator, calls: SyncCalls, way: str):
        server.queue(Answer(text="Ottawa.", model="the-model-that-served"))
        told = _ask(way, calls, llm).additional_kwargs
        assert told["finish_reason"] == "stop"
        assert told["model"] == "the-model-that-served"
        assert told["id"]
