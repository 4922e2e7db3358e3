"""Failures of the endpoint."""

from __future__ import annotations

import pytest

from gumloop_emulator import Answer, Drop, Emulator, Failure, Json
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user


class ErrorTests(ConformanceBase):
    @pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 501, 502])
    def test_a_status_is_told(self, llm, server: Emulator, calls: SyncCalls, status: int):
        server.queue(Failure(status, message="for a reason"))
        with pytest.raises(Exception, match="for a reason") as caught:
            calls.chat(llm, user())
        assert caught.value.status_code == status

    @pytest.mark.parametrize("status", [400, 402, 429, 500])
    def test_a_status_is_told_of_a_stream(self, llm, server: Emulator, calls: SyncCalls, status: int):
        server.queue(Failure(status, message="for a reason"))
        with pytest.raises(Exception, match="for a reason") as caught:
            calls.stream_chat(llm, user())
        assert caught.value.status_code == status

    def test_an_error_under_status_200_is_told(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Json({"error": {"code": 502, "message": "the provider is down"}}))
        with pytest.raises(Exception, match="the provider is down"):
            calls.chat(llm, user())

    def test_an_answer_without_choices_is_told(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Json({"id": "x", "object": "chat.completion", "model": "m", "choices": []}))
        with pytest.raises(Exception) as caught:
            calls.chat(llm, user())
        assert not isinstance(caught.value, (IndexError, TypeError, AttributeError, AssertionError))

    def test_a_lost_connection_is_told(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Drop())
        with pytest.raises(self.failures):
            calls.chat(llm, user())

    def test_retries_are_as_many_as_asked_for(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, max_retries=1)
        server.queue(*[Failure(500, headers={"Retry-After": "0"}) for _ in range(6)])
        with pytest.raises(self.failures):
            calls.chat(llm, user())
        assert len(server.chat_requests) == 2

    def test_a_retry_can_succeed(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, max_retries=1)
        for ask in (calls.chat, calls.stream_chat):
            server.queue(Failure(503, headers={"Retry-After": "0"}), Answer(text="Ottawa."))
            answer = ask(llm, user())
            assert "Ottawa." in str(answer[-1] if isinstance(answer, list) else answer)

    def test_a_bad_request_is_not_retried(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, max_retries=3)
        server.queue(Failure(400))
        with pytest.raises(self.failures):
            calls.chat(llm, user())
        assert len(server.chat_requests) == 1

    def test_no_message_is_an_error_before_anything_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        with pytest.raises(ValueError):
            calls.chat(llm, [])
        assert not server.requests
