"""The plain calls: chat and complete, and what they send."""

from __future__ import annotations

from llama_index.core.llms import ChatMessage, MessageRole

from gumloop_emulator import Answer, Emulator
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user


class CallTests(ConformanceBase):
    def test_chat_answers(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa."))
        response = calls.chat(llm, user())
        assert response.message.role is MessageRole.ASSISTANT
        assert response.message.content == "Ottawa."
        assert len(response.message.blocks) == 1

    def test_complete_answers(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa."))
        response = calls.complete(llm, "Capital of Canada?")
        assert response.text == "Ottawa."
        assert server.last_body["messages"][-1] == {"role": "user", "content": "Capital of Canada?"}

    def test_messages_arrive_in_order_with_their_roles(self, llm, server: Emulator, calls: SyncCalls):
        roles = ["system", "user", "assistant", "user"]
        messages = [ChatMessage(role=role, content=f"{number} {role}") for number, role in enumerate(roles)]
        calls.chat(llm, messages)
        sent = server.last_body["messages"]
        assert [(message["role"], message["content"]) for message in sent] == [
            (role, f"{number} {role}") for number, role in enumerate(roles)
        ]

    def test_unicode_goes_both_ways_unchanged(self, llm, server: Emulator, calls: SyncCalls):
        text = 'Grüße 🍁 \\ "quoted"\n\ttab \u2028 \u0000'.replace("\u0000", "")
        server.queue(Answer(text=text))
        assert calls.chat(llm, user(text)).message.content == text
        assert server.last_body["messages"][0]["content"] == text

    def test_an_empty_answer_is_an_empty_text(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text=""))
        assert calls.complete(llm, "Say nothing.").text == ""

    def test_the_callers_messages_are_not_touched(self, llm, server: Emulator, calls: SyncCalls):
        messages = user()
        before = [message.model_dump_json() for message in messages]
        calls.chat(llm, messages)
        calls.stream_chat(llm, messages)
        assert [message.model_dump_json() for message in messages] == before

    def test_instance_options_are_sent(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, temperature=0.25, max_tokens=77)
        calls.chat(llm, user())
        body = server.last_body
        assert body["temperature"] == 0.25
        assert body.get("max_completion_tokens", body.get("max_tokens")) == 77

    def test_a_calls_option_wins_over_the_instances(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, temperature=0.25, max_tokens=77)
        calls.chat(llm, user(), temperature=0.75, max_tokens=33)
        body = server.last_body
        assert body["temperature"] == 0.75
        assert body.get("max_completion_tokens", body.get("max_tokens")) == 33

    def test_unset_options_are_not_sent(self, llm, server: Emulator, calls: SyncCalls):
        calls.chat(llm, user())
        assert not server.last_body.keys() & {"temperature", "top_p", "seed", "max_tokens", "max_completion_tokens"}

    def test_metadata_describes_a_chat_model_that_calls_tools(self, llm):
        metadata = llm.metadata
        assert metadata.is_chat_model
        assert metadata.is_function_calling_model
        assert metadata.context_window > 3900
        assert metadata.model_name == llm.model

    def test_metadata_of_an_unknown_model_does_not_raise(self, server: Emulator):
        llm = self.make_llm(server, model="acme/never-heard-of")
        assert llm.metadata.context_window > 3900
        assert llm.metadata.model_name == "acme/never-heard-of"

    def test_complete_and_chat_tell_the_same(self, llm, server: Emulator, calls: SyncCalls):
        server.queue(Answer(text="Ottawa."), Answer(text="Ottawa."))
        chatted, completed = calls.chat(llm, user()), calls.complete(llm, "Capital of Canada?")
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            assert completed.additional_kwargs[name] == chatted.additional_kwargs[name]
        assert chatted.message.additional_kwargs == {}
