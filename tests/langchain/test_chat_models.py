"""The calls, their options, and what comes back beside the text."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration
from langchain_core.version import VERSION

from gumloop_core import errors as core
from gumloop_emulator import Answer, Emulator
from langchain_gumloop import ChatGumloop, __version__
from tests.langchain.answers import PIXEL, PIXEL_URL, TOP, USAGE, added, collected, gathered, streamed, unary
from tests.langchain.conftest import MakeModel


def test_the_six_calls_answer(server: Emulator, chat: MakeModel) -> None:
    model, question = chat(), "What is the capital of Canada?"

    async def calls() -> list[AIMessage]:
        return [await model.ainvoke(question), *await model.abatch([question, question])]

    answers = [model.invoke(question), *model.batch([question, question]), *asyncio.run(calls())]
    answers += [added(list(model.stream(question))), added(gathered(model.astream(question)))]
    assert {str(answer.text) for answer in answers} == {str(answers[0].text)}
    assert len(server.chat_requests) == 8


def test_several_prompts_are_a_request_each(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="one"), Answer(text="two"))
    result = chat().generate([[HumanMessage("a")], [HumanMessage("b")]])
    assert [generations[0].text for generations in result.generations] == ["one", "two"]
    assert [request.json["messages"][0]["content"] for request in server.chat_requests] == ["a", "b"]  # type: ignore[index]


def test_what_several_prompts_cost_is_added_up(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary(content="a"), unary(content="b"))
    output = chat().generate([[HumanMessage("a")], [HumanMessage("b")]]).llm_output
    assert output is not None
    usage = output["token_usage"]
    assert output["model_name"] == "m-served"
    assert (usage["total_tokens"], usage["cost"], usage["is_byok"]) == (64, 0.0025, False)
    assert usage["prompt_tokens_details"] == {"cached_tokens": 16, "cache_write_tokens": 8}


# What OpenRouter answered to three requests of one agent on claude-sonnet-4.6, each marked for caching: pydantic-ai's
# cassette test_openrouter_cache_all_settings_real_api.
CACHED = [
    {"prompt_tokens": 2572, "completion_tokens": 63, "total_tokens": 2635, "cost": 0.01058775}
    | {"prompt_tokens_details": {"cache_write_tokens": 2569, "cached_tokens": 0}},
    {"prompt_tokens": 2649, "completion_tokens": 100, "total_tokens": 2749, "cost": 0.00256995}
    | {"prompt_tokens_details": {"cache_write_tokens": 79, "cached_tokens": 2569}},
    {"prompt_tokens": 2572, "completion_tokens": 100, "total_tokens": 2672, "cost": 0.00341475}
    | {"prompt_tokens_details": {"cache_write_tokens": 329, "cached_tokens": 2240}},
]


@pytest.mark.parametrize("usage", CACHED, ids=["written", "read", "read in part"])
def test_tokens_of_the_cache_are_told(server: Emulator, chat: MakeModel, usage: dict[str, Any]) -> None:
    server.queue(*[Answer(text="ok", usage=usage)] * 3)
    written, read = usage["prompt_tokens_details"].values()
    for answer in (chat().invoke("x"), added(list(chat().stream("x"))), collected(chat())):
        assert answer.usage_metadata is not None
        assert answer.usage_metadata["input_tokens"] == usage["prompt_tokens"]
        assert answer.usage_metadata["input_token_details"] == {"cache_read": read, "cache_creation": written}
        assert answer.response_metadata["cost"] == usage["cost"]


def test_async_calls_do_not_use_threads(chat: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a synchronous call was made")

    monkeypatch.setattr(ChatGumloop, "_generate", refuse)
    monkeypatch.setattr(ChatGumloop, "_stream", refuse)
    assert asyncio.run(chat().ainvoke("x")).content
    assert gathered(chat().astream("x"))


def test_what_comes_back(server: Emulator, chat: MakeModel) -> None:
    extra = {"annotations": [{"type": "url_citation"}], "audio": {"id": "a1", "data": "UklGRg=="}}
    server.queue(unary(content="Ottawa.", gumloop_extensions={"tool_results": []}, **extra))
    message = chat().invoke("x")
    assert message.content == "Ottawa."
    assert message.usage_metadata == {
        "input_tokens": 20,
        "output_tokens": 12,
        "total_tokens": 32,
        "input_token_details": {"cache_read": 8, "cache_creation": 4},
        "output_token_details": {"reasoning": 5},
    }
    assert message.response_metadata == {
        "model_provider": "gumloop",
        "model_name": TOP["model"],
        "finish_reason": "stop",
        "cost": USAGE["cost"],
        "cost_details": USAGE["cost_details"],
        "is_byok": False,
        "token_usage": USAGE,
        **{name: TOP[name] for name in ("id", "created", "provider", "system_fingerprint", "service_tier")},
    }
    assert message.additional_kwargs == {"gumloop_extensions": {"tool_results": []}, **extra}


def test_what_the_server_did_not_say_is_not_invented(server: Emulator, chat: MakeModel) -> None:
    from gumloop_emulator import Json

    server.queue(Json({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]}))
    message = chat().invoke("x")
    assert message.content == "Hi"
    assert message.usage_metadata is None
    assert message.response_metadata == {"model_provider": "gumloop", "finish_reason": None}
    assert message.additional_kwargs == {}


def test_usage_without_details_has_none(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary(content="x", usage={"prompt_tokens": 3, "completion_tokens": 2}))
    assert chat().invoke("x").usage_metadata == {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def test_counts_of_zero_were_reported(server: Emulator, chat: MakeModel) -> None:
    details = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
    server.queue(unary(content="x", usage={"prompt_tokens": 3, "completion_tokens": 2, **details}))
    usage = chat().invoke("x").usage_metadata
    assert usage is not None
    assert usage.get("input_token_details") == {"cache_read": 0}
    assert usage.get("output_token_details") == {"reasoning": 0}


def test_log_probabilities(server: Emulator, chat: MakeModel) -> None:
    from gumloop_emulator import Json

    logprobs = {"content": [{"token": "Hi", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": logprobs, "message": {"content": "Hi"}}
    server.queue(Json({**TOP, "choices": [choice]}))
    assert chat().invoke("x", logprobs=True).response_metadata["logprobs"] == logprobs


def test_pictures_are_blocks(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary(content="A pixel.", images=[{"image_url": {"url": PIXEL_URL}}]))
    message = chat("google/gemini-3.1-flash-image-preview", modalities=["text", "image"]).invoke("Draw")
    assert isinstance(message.content, list)
    assert message.content_blocks == [
        {"type": "text", "text": "A pixel."},
        {"type": "image", "base64": PIXEL, "mime_type": "image/png"},
    ]
    assert str(message.text) == "A pixel."
    server.queue(unary(images=[{"image_url": {"url": "https://example.com/a.png"}}]))
    drawn = chat("gpt-image-1.5", modalities=["image"]).invoke("Draw")
    assert drawn.content_blocks == [{"type": "image", "url": "https://example.com/a.png"}]


def test_fields_go_into_the_body(server: Emulator, chat: MakeModel) -> None:
    fields: dict[str, Any] = {
        "temperature": 0.2,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "frequency_penalty": 0.1,
        "presence_penalty": 0.3,
        "reasoning": {"effort": "low"},
        "provider": {"order": ["anthropic"]},
        "models": ["gpt-4o-mini"],
        "plugins": [{"id": "web"}],
    }
    chat(max_tokens=99, extra_body={"user": "ada"}, **fields).invoke("x")
    body = server.last_body
    assert {name: body[name] for name in fields} == fields
    assert (body["max_completion_tokens"], body["user"]) == (99, "ada")


def test_fields_that_are_not_set_are_not_sent(server: Emulator, chat: MakeModel) -> None:
    chat().invoke("x")
    assert server.last_body == {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "x"}]}


def test_a_calls_own_option_wins(server: Emulator, chat: MakeModel) -> None:
    model = chat(temperature=0.2, stop=["A"], max_completion_tokens=10, extra_body={"user": "ada"})
    model.invoke(
        "x", temperature=0.7, stop=["B"], max_tokens=20, model="gpt-4o-mini", seed=1, extra_body={"session_id": "s"}
    )
    body = server.last_body
    assert (body["temperature"], body["stop"], body["max_completion_tokens"]) == (0.7, ["B"], 20)
    assert (body["model"], body["seed"], body["user"], body["session_id"]) == ("gpt-4o-mini", 1, "ada", "s")
    model.bind(temperature=None).invoke("x")
    assert "temperature" not in server.last_body


def test_options_for_the_sending_stay_out_of_the_body(server: Emulator, chat: MakeModel) -> None:
    chat(default_headers={"x-one": "1"}).invoke("x", timeout=5, extra_headers={"x-two": "2"})
    assert not {"timeout", "extra_headers"} & server.last_body.keys()
    headers = server.chat_requests[-1].headers
    assert (headers["x-one"], headers["x-two"]) == ("1", "2")


def test_how_to_stream_is_no_option_of_the_body(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary(content="x"), streamed({"content": "x"}))
    model = chat(streaming=True)
    assert model.invoke("x", stream=False).content == "x"
    assert "stream" not in server.last_body
    assert chat().invoke("x", stream=True).content == "x"
    assert server.last_body["stream"] is True


def test_a_calls_own_timeout_is_kept(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="late", delay=1))
    with pytest.raises(core.APITimeoutError):
        chat(max_retries=0).invoke("x", timeout=0.1)


def test_a_misspelt_option_of_a_call_is_named(server: Emulator, chat: MakeModel) -> None:
    with pytest.raises(core.InvalidRequestError, match=r"'temprature' is not an option\. Did you mean 'temperature'"):
        chat().invoke("x", temprature=1)
    assert server.requests == []


@pytest.mark.parametrize("name", ["api_key", "base_url", "max_retries", "default_headers", "streaming"])
def test_an_argument_of_the_model_does_not_land_in_the_body(server: Emulator, chat: MakeModel, name: str) -> None:
    with pytest.raises(core.InvalidRequestError, match=f"{name!r} is an argument of the model, not of a call"):
        chat().bind(**{name: "x"}).invoke("x")
    assert server.requests == []


def test_an_option_that_is_new_on_the_wire_passes(server: Emulator, chat: MakeModel) -> None:
    server.queue(Answer(text="ok"), unchecked=True)
    chat().invoke("x", transforms=["middle-out"], usage={"include": True})
    assert (server.last_body["transforms"], server.last_body["usage"]) == (["middle-out"], {"include": True})


def test_a_misspelt_argument_of_the_model_is_named() -> None:
    with pytest.raises(ValueError, match=r"no argument 'temprature': did you mean 'temperature'"):
        ChatGumloop(model="m", temprature=1)  # type: ignore[call-arg]


CALLS = {
    "invoke": lambda model: model.invoke("x"),
    "stream": lambda model: list(model.stream("x")),
    "ainvoke": lambda model: asyncio.run(model.ainvoke("x")),
    "astream": lambda model: gathered(model.astream("x")),
}


@pytest.mark.parametrize("call", CALLS)
def test_missing_credentials_are_missed_at_the_first_request(server: Emulator, call: str) -> None:
    model = ChatGumloop(model="m", base_url=server.base_url)
    with pytest.raises(core.MissingCredentialsError, match=r"GUMLOOP_API_KEY.*GUMLOOP_ACCESS_TOKEN"):
        CALLS[call](model)
    assert server.requests == []


def test_credentials_come_from_the_environment(server: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    model = ChatGumloop(model="claude-sonnet-4-5")
    model.invoke("x")
    assert server.chat_requests[-1].headers["authorization"] == f"Bearer {server.api_key}"
    monkeypatch.setenv("GUMLOOP_API_KEY", server.credentials.team_api_key)
    model.invoke("x")
    assert server.chat_requests[-1].headers["authorization"] == f"Bearer {server.credentials.team_api_key}"
    monkeypatch.setenv("GUMLOOP_ACCESS_TOKEN", server.access_token)
    model.invoke("x")
    assert server.chat_requests[-1].headers["authorization"] == f"Bearer {server.access_token}"


def test_a_stream_reads_like_a_message_to_callbacks(server: Emulator, chat: MakeModel) -> None:
    from langchain_core.callbacks import UsageMetadataCallbackHandler

    usage = UsageMetadataCallbackHandler()
    server.queue(unary(content="x"), streamed({"content": "x"}))
    model = chat()
    model.invoke("x", config={"callbacks": [usage]})
    list(model.stream("x", config={"callbacks": [usage]}))
    assert usage.usage_metadata["m-served"]["total_tokens"] == 64


def test_generations_carry_the_finish_reason(server: Emulator, chat: MakeModel) -> None:
    server.queue(unary("length", content="x"))
    result = chat().generate([[HumanMessage("x")]])
    generation = result.generations[0][0]
    assert isinstance(generation, ChatGeneration)
    assert generation.generation_info == {"finish_reason": "length"}


def test_traces_know_provider_model_and_options(chat: MakeModel) -> None:
    model = chat(temperature=0.5, max_tokens=10, stop="END")
    assert model._get_ls_params() == {
        "ls_provider": "gumloop",
        "ls_model_type": "chat",
        "ls_model_name": "claude-sonnet-4-5",
        "ls_temperature": 0.5,
        "ls_max_tokens": 10,
        "ls_stop": ["END"],
    }
    params = model._get_ls_params(stop=["X"], model="gpt-4o-mini", temperature=0, max_tokens=3)
    assert (params["ls_model_name"], params["ls_temperature"]) == ("gpt-4o-mini", 0)
    assert (params["ls_max_tokens"], params["ls_stop"]) == (3, ["X"])
    assert model._llm_type == "gumloop-chat"


def test_traces_know_the_versions_of_all_that_took_part(chat: MakeModel) -> None:
    for model in (chat(), chat().model_copy(), pickle.loads(pickle.dumps(chat()))):
        assert model.metadata is not None
        versions = model.metadata["lc_versions"]
        assert (versions["langchain-core"], versions["langchain-gumloop"]) == (VERSION, __version__)
