"""Reasoning, there and back."""

from __future__ import annotations

from itertools import pairwise

from llama_index.core.base.llms.types import ThinkingBlock

from gumloop_emulator import Answer, Chunks, Emulator, ToolCall
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user
from tests.support.http_bytes import chunk

DETAILS = [
    {"type": "reasoning.text", "text": "First, ", "signature": "c2lnbmVk", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "c2VjcmV0", "id": "rs_1", "format": "anthropic-claude-v1", "index": 1},
]


def _thinking(response) -> list[ThinkingBlock]:
    return [block for block in response.message.blocks if isinstance(block, ThinkingBlock)]


class ReasoningTests(ConformanceBase):
    def test_reasoning_comes_as_a_block(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa.", reasoning="Canada has a capital."))
        response = calls.chat(llm, user())
        assert [block.content for block in _thinking(response)] == ["Canada has a capital."]
        assert response.message.content == "Ottawa."

    def test_streamed_reasoning_comes_as_a_growing_block(self, llm, server: Emulator, calls: SyncCalls):
        pieces = ["Canada has ", "a capital, ", "and it is ", "well known."]
        reasoning = [chunk({"reasoning": piece}) for piece in pieces]
        server.queue(Chunks([*reasoning, chunk({"content": "Ottawa."}), chunk({}, finish_reason="stop")]))
        responses = calls.stream_chat(llm, user())
        contents = [block.content for response in responses for block in _thinking(response)]
        assert contents[-1] == "Canada has a capital, and it is well known."
        assert all(later.startswith(earlier) for earlier, later in pairwise(contents))
        assert len(set(contents)) == 4

    def test_reasoning_comes_as_thinking_deltas(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa.", reasoning="Canada has a capital, and it is well known."))
        responses = calls.stream_chat(llm, user())
        deltas = [response.additional_kwargs.get("thinking_delta") or "" for response in responses]
        assert "".join(deltas) == "Canada has a capital, and it is well known."

    def test_the_first_reasoning_chunk_is_not_lost(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(
            Chunks(
                [
                    chunk({"reasoning": "Can"}),  # no role, no content
                    chunk({"reasoning": "ada."}),
                    chunk({"content": "Ottawa."}),
                    chunk({}, finish_reason="stop"),
                ]
            )
        )
        last = calls.stream_chat(llm, user())[-1]
        assert [block.content for block in _thinking(last)] == ["Canada."]

    def test_reasoning_details_go_back_unchanged(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa.", reasoning="First, ", reasoning_details=DETAILS))
        answer = calls.chat(llm, user()).message
        calls.chat(llm, [*user(), answer, *user("Sure?")])
        assert server.last_body["messages"][1]["reasoning_details"] == DETAILS

    def test_streamed_reasoning_details_go_back_unchanged(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa.", reasoning="First, ", reasoning_details=DETAILS))
        answer = calls.stream_chat(llm, user())[-1].message
        calls.chat(llm, [*user(), answer, *user("Sure?")])
        assert server.last_body["messages"][1]["reasoning_details"] == DETAILS

    def test_reasoning_survives_a_store(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa.", reasoning="First, ", reasoning_details=DETAILS))
        answer = calls.chat(llm, user()).message
        restored = type(answer).model_validate_json(answer.model_dump_json())
        calls.chat(llm, [*user(), restored, *user("Sure?")])
        assert server.last_body["messages"][1]["reasoning_details"] == DETAILS

    def test_a_thinking_models_tool_turn_is_accepted(self, server: Emulator, calls: SyncCalls):
        # The emulator's thinking model refuses a tool turn without the signed reasoning that led to it.
        llm = self.make_llm(server, model="emulator/thinking")
        answer = Answer(reasoning="I should look.", tool_calls=[ToolCall("look", {})])
        server.queue(answer)
        last = calls.stream_chat(llm, user("Look!"))[-1]
        call = llm.get_tool_calls_from_response(last)[0]
        result = type(last.message)(role="tool", content="Seen.", additional_kwargs={"tool_call_id": call.tool_id})
        calls.chat(llm, [*user("Look!"), last.message, result])
        assert server.last_body["messages"][1]["reasoning_details"][0]["signature"]
