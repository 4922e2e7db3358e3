"""Fields and keywords: what is sent, what wins, what is refused."""

from __future__ import annotations

import pickle

import pytest
from llama_index.core.base.llms.types import ToolCallBlock
from llama_index.core.llms import ChatMessage

from gumloop_core.errors import APIConnectionError, APITimeoutError, InvalidRequestError, MissingCredentialsError
from gumloop_emulator import Answer, Drop, Emulator, Failure
from llama_index_gumloop import Gumloop
from tests.support.odd_keywords import ODD_KEYWORDS

USER = [ChatMessage("Hi")]
FIELDS = {
    "temperature": 0.5,
    "max_completion_tokens": 50,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["END"],
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "reasoning": {"effort": "low"},
    "provider": {"order": ["anthropic"], "allow_fallbacks": False},
    "models": ["gpt-4o-mini"],
    "plugins": [{"id": "web"}],
}


def test_fields_of_the_model_are_sent(server: Emulator, make_llm):
    make_llm(**FIELDS).chat(USER)
    assert {name: server.last_body[name] for name in FIELDS} == FIELDS


def test_keywords_of_a_call_are_sent_and_win(server: Emulator, make_llm):
    make_llm(temperature=0.9, seed=1, reasoning={"effort": "high"}).chat(USER, **FIELDS)
    assert {name: server.last_body[name] for name in FIELDS} == FIELDS


def test_a_keyword_of_none_takes_a_field_away(server: Emulator, make_llm):
    make_llm(temperature=0.9).chat(USER, temperature=None)
    assert "temperature" not in server.last_body


def test_what_may_have_run_is_sent_once_where_that_is_wanted(server: Emulator, make_llm):
    server.queue(Drop())
    with pytest.raises(APIConnectionError, match="may have run and been billed") as caught:
        make_llm(retry_unanswered=False).chat(USER)
    assert caught.value.withheld
    assert len(server.chat_requests) == 1


def test_modalities_are_sent(server: Emulator, make_llm):
    llm = make_llm(model="gpt-image-1.5", modalities=["image"], image_config={"size": "1024x1024"})
    response = llm.complete("A red square")
    assert server.last_body["modalities"] == ["image"]
    assert server.last_body["image_config"] == {"size": "1024x1024"}
    assert response.raw["choices"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_token_cap_has_two_names(server: Emulator, make_llm, name: str):
    make_llm(**{name: 5}).chat(USER)
    assert server.last_body["max_completion_tokens"] == 5
    make_llm(max_tokens=9).chat(USER, **{name: 5})
    assert server.last_body["max_completion_tokens"] == 5
    assert "max_tokens" not in server.last_body


def test_another_model_for_one_call(server: Emulator, llm):
    llm.chat(USER, model="gpt-4o-mini")
    assert server.last_body["model"] == "gpt-4o-mini"


def test_an_unknown_field_is_sent(server: Emulator, make_llm):
    make_llm(extra_body={"brand_new": 1}).chat(USER, session_id="s-1", extra_body={"newer": 2})
    assert (server.last_body["brand_new"], server.last_body["newer"], server.last_body["session_id"]) == (1, 2, "s-1")


def test_a_slip_in_a_keyword_is_named(server: Emulator, llm):
    with pytest.raises(InvalidRequestError, match=r"temprature.*temperature"):
        llm.chat(USER, temprature=0.5)
    assert not server.requests


def test_a_slip_in_an_argument_is_named():
    with pytest.raises(ValueError, match=r"temprature.*temperature"):
        Gumloop(model="m", temprature=0.5)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("openai_api_base", "did you mean 'base_url'"),
        ("stream", "leave it out"),
        ("is_chat_model", "leave it out"),
        ("metadata", "send it as extra_body"),
        ("openai_api_key", "did you mean 'api_key'"),
    ],
)
def test_an_argument_of_other_integrations_is_led_to_ours(name: str, hint: str):
    with pytest.raises(ValueError, match=f"no argument '{name}': {hint}"):
        Gumloop(model="m", **{name: "x"})


def test_headers_of_a_call_are_sent(server: Emulator, make_llm):
    make_llm(default_headers={"X-Team": "a", "X-Other": "b"}).chat(USER, extra_headers={"X-Team": "c"})
    headers = server.chat_requests[-1].headers
    assert (headers["x-team"], headers["x-other"]) == ("c", "b")
    assert "extra_headers" not in server.last_body


def test_a_timeout_of_a_call_wins(server: Emulator, make_llm):
    server.queue(Answer(text="late", delay=5.0))
    with pytest.raises(APITimeoutError):
        make_llm(timeout=30.0).chat(USER, timeout=0.2)


def test_missing_credentials_are_told_at_the_first_request(server: Emulator):
    llm = Gumloop(model="claude-sonnet-4-5", base_url=server.base_url)
    with pytest.raises(MissingCredentialsError, match="GUMLOOP_API_KEY"):
        llm.chat(USER)
    with pytest.raises(MissingCredentialsError, match="GUMLOOP_API_KEY"):
        next(llm.stream_chat(USER))
    assert not server.requests


def test_credentials_come_from_the_environment(server: Emulator, monkeypatch):
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    assert Gumloop(model="claude-sonnet-4-5").complete("Capital of Canada?").text


@pytest.mark.parametrize(("options", "refusal"), ODD_KEYWORDS)
@pytest.mark.parametrize("streams", [False, True])
def test_odd_keywords_of_a_call_are_named(server: Emulator, llm, streams: bool, options, refusal: str):
    with pytest.raises(InvalidRequestError, match=refusal):
        list(llm.stream_chat(USER, **options)) if streams else llm.chat(USER, **options)
    assert not server.requests


def test_numbers_that_are_none_go_back_as_null(server: Emulator, llm):
    call = ToolCallBlock(tool_call_id="c", tool_name="add", tool_kwargs={"a": float("nan"), "b": [float("inf")]})
    result = ChatMessage(role="tool", content="1", additional_kwargs={"tool_call_id": "c"})
    llm.chat([*USER, ChatMessage(role="assistant", blocks=[call]), result])
    assert server.last_body["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"a":null,"b":[null]}'


def _deep():
    value: dict = {}
    for _ in range(3000):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [({"a": [object()]}, r"arguments\.a\[0\] is an object"), (_deep(), "nested deeper")],
    ids=["an object", "deep"],
)
@pytest.mark.parametrize("form", ["block", "dict"])
def test_arguments_that_json_cannot_say_are_named(server: Emulator, llm, form: str, arguments, problem: str):
    if form == "block":
        answer = ChatMessage(
            role="assistant", blocks=[ToolCallBlock(tool_call_id="c", tool_name="add", tool_kwargs=arguments)]
        )
    else:
        call = {"id": "c", "type": "function", "function": {"name": "add", "arguments": arguments}}
        answer = ChatMessage(role="assistant", additional_kwargs={"tool_calls": [call]})
    with pytest.raises(InvalidRequestError, match=rf"messages\[1\]\..*arguments that JSON cannot say: .*{problem}"):
        llm.chat([*USER, answer])
    assert not server.requests


def test_a_copy_out_of_a_pickle_says_what_it_lacks(server: Emulator, llm):
    copied = pickle.loads(pickle.dumps(llm))
    with pytest.raises(MissingCredentialsError, match=r"copies carry no secret.*GUMLOOP_API_KEY.*set api_key"):
        copied.chat(USER)
    copied.api_key = server.api_key
    assert copied.chat(USER).message.content
    copied.access_token = lambda: "gl-token"
    with pytest.raises(pickle.PicklingError, match="access_token is a callable"):
        pickle.dumps(copied)


def test_plain_http_is_refused():
    with pytest.raises(ValueError, match="allow_insecure"):
        Gumloop(model="m", base_url="http://gumloop.example/api/v1")


def test_an_unanswered_tool_call_names_the_callers_message(llm):
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    messages = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage("Add!"),
        ChatMessage(role="assistant", blocks=[], additional_kwargs={"tool_calls": [call]}),
    ]
    with pytest.raises(Exception, match="message 2 of the ones you passed") as caught:
        llm.chat(messages)
    assert caught.value.message_index == 2


def test_completion_to_prompt_is_applied_once(server: Emulator, make_llm):
    llm = make_llm(completion_to_prompt=lambda prompt: f"<{prompt}>")
    llm.complete("Hi")
    assert server.last_body["messages"][0]["content"] == "<Hi>"
    llm.complete("Hi", formatted=True)
    assert server.last_body["messages"][0]["content"] == "Hi"


def test_the_error_of_a_failed_stream_holds_what_had_arrived(server: Emulator, llm):
    server.queue(Failure(429, headers={"Retry-After": "7"}))
    with pytest.raises(Exception) as caught:
        list(llm.stream_chat(USER))
    assert caught.value.retry_after == 7
