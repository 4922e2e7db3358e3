"""Structured prediction in all its calls."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel

from gumloop_emulator import Answer, Emulator, Failure, ToolCall
from tests.contract.llama_index.suite.driver import ConformanceBase, SyncCalls, user


class Song(BaseModel):
    """A song."""

    title: str
    seconds: int


class Album(BaseModel):
    """An album."""

    name: str
    songs: list[Song]


ALBUM = {"name": "Blue Lines", "songs": [{"title": "Safe from Harm", "seconds": 318}, {"title": "One", "seconds": 290}]}
PROMPT = PromptTemplate("Make up an album of {genre}.")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, dict) else value


def grows(earlier: Any, later: Any) -> bool:
    """Whether nothing that was there is gone or other than before: texts and lists may have grown."""
    if earlier is None:
        return True
    if isinstance(earlier, dict):
        return isinstance(later, dict) and all(grows(value, later.get(name)) for name, value in earlier.items())
    if isinstance(earlier, list):
        return isinstance(later, list) and len(earlier) <= len(later) and all(map(grows, earlier, later))
    if isinstance(earlier, str):
        return isinstance(later, str) and later.startswith(earlier)
    return bool(earlier == later)


class StructuredTests(ConformanceBase):
    def script(self, server: Emulator, **answer: Any) -> None:
        """Have the next answer be the album, in the way in which it is asked for."""
        text = answer.pop("text", json.dumps(ALBUM))
        server.queue(
            Answer(tool_calls=[ToolCall("Album", text, id="call_1")], **answer),
            when=lambda request: request.is_chat and "tools" in request.json,
        )
        server.queue(Answer(text=text, **answer), when=lambda request: request.is_chat and "tools" not in request.json)

    def test_structured_predict(self, llm, server: Emulator, calls: SyncCalls):
        self.script(server)
        album = calls.structured_predict(llm, Album, PROMPT, genre="trip hop")
        assert album == Album.model_validate(ALBUM)
        assert "Make up an album of trip hop." in str(server.last_body["messages"])

    def test_stream_structured_predict(self, llm, server: Emulator, calls: SyncCalls):
        self.script(server)
        objects = calls.stream_structured_predict(llm, Album, PROMPT, genre="trip hop")
        assert objects[-1] == Album.model_validate(ALBUM)
        assert len(objects) > 3

    def test_partial_objects_only_grow(self, llm, server: Emulator, calls: SyncCalls):
        self.script(server)
        states = [_plain(partial) for partial in calls.stream_structured_predict(llm, Album, PROMPT, genre="dub")]
        for earlier, later in pairwise(states):
            assert grows(earlier, later), (earlier, later)

    def test_the_schema_is_sent(self, llm, server: Emulator, calls: SyncCalls):
        self.script(server)
        calls.structured_predict(llm, Album, PROMPT, genre="dub")
        assert "seconds" in json.dumps(server.last_body.get("response_format") or server.last_body["tools"])

    def test_the_answers_form_is_forced(self, llm, server: Emulator, calls: SyncCalls):
        for stream in (False, True):
            self.script(server)
            predict = calls.stream_structured_predict if stream else calls.structured_predict
            predict(llm, Album, PROMPT, genre="dub")
            body = server.last_body
            forced = body.get("tool_choice") not in (None, "auto", "none")
            assert forced or body["response_format"]["type"] == "json_schema"
            server.clear()

    def test_the_system_prompt_is_kept(self, server: Emulator, calls: SyncCalls):
        llm = self.make_llm(server, system_prompt="Be brief.")
        for predict in (calls.structured_predict, calls.stream_structured_predict):
            self.script(server)
            predict(llm, Album, PROMPT, genre="dub")
            systems = [message for message in server.last_body["messages"] if message["role"] == "system"]
            assert [message["content"] for message in systems] == ["Be brief."]
            server.clear()

    def test_the_callers_keywords_are_not_touched(self, llm, server: Emulator, calls: SyncCalls):
        keywords = {"temperature": 0.5, "tool_choice": "auto"}
        for predict in (calls.structured_predict, calls.stream_structured_predict):
            self.script(server)
            predict(llm, Album, PROMPT, llm_kwargs=keywords, genre="dub")
            assert server.last_body["temperature"] == 0.5
            server.clear()
        assert keywords == {"temperature": 0.5, "tool_choice": "auto"}

    def test_a_refusal_raises(self, llm, server: Emulator, calls: SyncCalls):
        for predict in (calls.structured_predict, calls.stream_structured_predict):
            server.queue(Answer(text=None, refusal="I would rather not."))
            with pytest.raises(Exception, match="I would rather not"):
                predict(llm, Album, PROMPT, genre="dub")

    def test_an_answer_cut_short_raises(self, llm, server: Emulator, calls: SyncCalls):
        for predict in (calls.structured_predict, calls.stream_structured_predict):
            self.script(server, text=json.dumps(ALBUM)[:60], finish_reason="length")
            with pytest.raises(ValueError, match=r"max_.*tokens"):
                predict(llm, Album, PROMPT, genre="dub")
            server.clear()

    def test_an_error_of_the_endpoint_is_raised(self, llm, server: Emulator, calls: SyncCalls):
        for predict in (calls.structured_predict, calls.stream_structured_predict):
            server.queue(Failure(402, message="budget exceeded"))
            with pytest.raises(Exception, match="budget exceeded"):
                predict(llm, Album, PROMPT, genre="dub")

    def test_a_structured_llm_answers_with_objects(self, llm, server: Emulator, calls: SyncCalls):
        structured = llm.as_structured_llm(Album)
        self.script(server)
        response = calls.chat(structured, user())
        assert response.raw == Album.model_validate(ALBUM)
        assert json.loads(response.message.content) == ALBUM
        server.clear()
        self.script(server)
        completion = calls.complete(structured, "An album!")
        assert json.loads(completion.text) == ALBUM

    def test_a_structured_llm_streams_objects(self, llm, server: Emulator, calls: SyncCalls):
        structured = llm.as_structured_llm(Album)
        self.script(server)
        responses = calls.stream_chat(structured, user())
        assert responses[-1].raw == Album.model_validate(ALBUM)
        assert json.loads(responses[-1].message.content) == ALBUM

    def test_a_structured_llm_streams_completions(self, llm, server: Emulator, calls: SyncCalls):
        structured = llm.as_structured_llm(Album)
        self.script(server)
        completions = calls.stream_complete(structured, "An album!")
        assert completions[-1].raw == Album.model_validate(ALBUM)
        assert json.loads(completions[-1].text) == ALBUM

    def test_a_structured_llm_tells_the_usage(self, llm, server: Emulator, calls: SyncCalls):
        usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
        self.script(server, usage=usage)
        response = calls.chat(llm.as_structured_llm(Album), user())
        assert {name: response.additional_kwargs[name] for name in usage} == usage

    def test_many_predictions_at_once(self, llm, server: Emulator):
        for number in range(5):
            self.script(server, text=json.dumps({**ALBUM, "name": f"Album {number}"}))

        async def predict_all() -> list[Album]:
            return await asyncio.gather(
                *(llm.astructured_predict(Album, PROMPT, genre=f"genre {number}") for number in range(5))
            )

        assert sorted(album.name for album in asyncio.run(predict_all())) == [f"Album {number}" for number in range(5)]
