"""Streams: cumulative to the last response, snapshots, early ends."""

from __future__ import annotations

import pytest
from llama_index.core.llms import ChatMessage

from gumloop_emulator import Answer, Chunks, Drop, Emulator, Pause, ToolCall
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user
from tests.support.http_bytes import chunk

TEXT = "The capital of Canada is Ottawa, on the river of that name."


class StreamTests(ConformanceBase):
    def test_every_response_holds_the_text_so_far(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text=TEXT))
        responses = calls.stream_chat(llm, user())
        so_far = ""
        for response in responses:
            so_far += response.delta or ""
            assert response.message.content == so_far
        assert so_far == TEXT
        assert len(responses) > 3

    def test_every_completion_holds_the_text_so_far(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text=TEXT))
        so_far = ""
        for response in calls.stream_complete(llm, "Capital of Canada?"):
            so_far += response.delta or ""
            assert response.text == so_far
        assert so_far == TEXT

    def test_the_last_response_holds_text_and_tool_calls(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Let me see.", tool_calls=[ToolCall("look", {"where": "here"}, id="call_1")]))
        last = calls.stream_chat(llm, user())[-1]
        assert last.message.content == "Let me see."
        selection = llm.get_tool_calls_from_response(last)[0]
        assert (selection.tool_id, selection.tool_name, selection.tool_kwargs) == ("call_1", "look", {"where": "here"})

    def test_a_chunk_of_usage_alone_takes_nothing_away(self, llm, server: Emulator, calls: SyncCalls):
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        server.queue(
            Chunks([chunk({"tool_calls": [call]}), chunk({}, finish_reason="tool_calls"), chunk(None, usage=usage)])
        )
        last = calls.stream_chat(llm, user())[-1]
        assert [selection.tool_name for selection in llm.get_tool_calls_from_response(last)] == ["look"]

    def test_earlier_responses_do_not_change_later(self, llm, server: Emulator):
        server.queue(Answer(text="So.", tool_calls=[ToolCall("look", {"where": "here, there and everywhere"})]))
        dumps: list[str] = []
        kept: list[object] = []
        for response in llm.stream_chat(user()):
            kept.append(response)
            dumps.append(repr(response))
        assert [repr(response) for response in kept] == dumps

    def test_responses_share_no_lists_and_dicts(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text=TEXT))
        responses = calls.stream_chat(llm, user())
        for response in responses:
            response.message.blocks.append("mine")
            response.message.additional_kwargs["mine"] = True
            response.additional_kwargs["mine"] = True
        assert all(len(response.message.blocks) == 2 for response in responses)

    def test_a_closed_stream_hangs_up(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Chunks([chunk({"content": "Ot"}), chunk({"content": "ta"}), Pause()]))
        assert calls.first_of_stream(llm, user()).message.content == "Ot"
        assert server.wait_for(lambda server: server.active_streams == 0, 2.0)

    def test_a_stream_that_breaks_off_raises(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Chunks([chunk({"content": "Ot"}), Drop()], done=False))
        seen: list[object] = []
        with pytest.raises(self.failures):
            calls.until_error(llm, user(), seen)
        assert len(seen) == 1

    def test_a_stream_that_ends_without_an_end_raises(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Chunks([chunk({"content": "Ot"})], done=False))
        with pytest.raises(self.failures):
            calls.stream_chat(llm, user())

    def test_an_error_in_a_stream_is_raised_with_its_reason(self, llm, server: Emulator, calls: SyncCalls):
        error = {"code": 402, "message": "budget exceeded"}
        server.queue(Chunks([chunk({"content": "Ot"}), chunk({}, finish_reason="error", error=error)]))
        with pytest.raises(Exception, match="budget exceeded"):
            calls.stream_chat(llm, user())

    def test_two_streams_at_once_do_not_mix(self, llm, server: Emulator):
        server.queue(Answer(text="one two three"), Answer(text="four five six"))
        first, second = llm.stream_chat(user("a")), llm.stream_chat(user("b"))
        texts = ["", ""]
        for one, other in zip(first, second, strict=True):
            texts = [one.message.content, other.message.content]
        assert sorted(texts) == ["four five six", "one two three"]

    def test_streaming_a_conversation_sends_it_whole(self, llm, server: Emulator, calls: SyncCalls):
        messages = [ChatMessage(role="system", content="Be brief."), *user()]
        calls.stream_chat(llm, messages)
        assert server.last_body["stream"] is True
        assert [message["role"] for message in server.last_body["messages"]] == ["system", "user"]
