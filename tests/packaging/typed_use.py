"""What users write, as type checkers see it. `make lint` checks this; nothing here is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

import httpx
import httpx2
from langchain_core.messages import AIMessage
from llama_index.core.prompts import PromptTemplate
from pydantic import BaseModel, SecretStr
from typing_extensions import TypedDict

from gumloop_core import AsyncGumloopClient, ClientSettings, GumloopClient
from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop

KEY_AS_TEXT = [ChatGumloop(model="m", api_key="k", user_id="u"), Gumloop(model="m", api_key="k", user_id="u")]
KEY_AS_SECRET = [ChatGumloop(model="m", api_key=SecretStr("k")), Gumloop(model="m", api_key=SecretStr("k"))]
TOKEN_THAT_CHANGES = [ChatGumloop(model="m", access_token=lambda: "t"), Gumloop(model="m", access_token=lambda: "t")]

CHAT = ChatGumloop(
    model="m", temperature=0, max_tokens=5, stop=["x"], timeout=httpx.Timeout(5), reasoning={"effort": "low"}
)
LLM = Gumloop(model="m", temperature=0, max_tokens=5, stop="x", timeout=5, extra_body={"k": 1})

# As users of other integrations write them.
THEIR_CHAT = ChatGumloop(
    model="m",
    request_timeout=5,
    reasoning_effort="low",
    verbosity="low",
    stop_sequences=["x"],
    stream_usage=True,
    top_k=5,
    min_p=0.1,
    logprobs=True,
    top_logprobs=2,
    logit_bias={50256: -100},
    user="u",
    session_id="s",
    service_tier="flex",
    cache_control={"type": "ephemeral"},
    trace={"trace_id": "t"},
    metadata={"team": "a"},
    model_kwargs={"store": True},
    extra_headers={"X-Team": "a"},
    openrouter_provider={"sort": "price"},
    streaming=True,
)
THEIR_LLM = Gumloop(
    model="m",
    api_base="https://ws.gumloop.com/api/v1",
    max_tokens=5,
    additional_kwargs={"store": True},
    logprobs=True,
    reasoning_effort="low",
    async_http_client=httpx.AsyncClient(),
    order=["anthropic"],
    allow_fallbacks=False,
)
NAME: str = THEIR_CHAT.model_name
EFFORT: str | None = THEIR_LLM.reasoning_effort

BOTH_LIBRARIES = [
    ChatGumloop(model="m", timeout=httpx2.Timeout(5), http_client=httpx2.Client()),
    Gumloop(model="m", timeout=httpx2.Timeout(5), http_async_client=httpx2.AsyncClient()),
]
SETTINGS = [ClientSettings(timeout=httpx.Timeout(5)), ClientSettings(timeout=httpx2.Timeout(5))]
CLIENTS = [GumloopClient(None, httpx.Client()), GumloopClient(None, httpx2.Client())]
ASYNC_CLIENTS = [AsyncGumloopClient(None, httpx.AsyncClient()), AsyncGumloopClient(None, httpx2.AsyncClient())]

CAP: int | None = CHAT.max_tokens
SAME_CAP: int | None = LLM.max_completion_tokens
TEXT: str = CHAT.invoke("Hi").text


class City(BaseModel):
    name: str


@dataclass
class Country:
    name: str


class River(TypedDict):
    name: str


assert_type(CHAT.with_structured_output(City).invoke("Hi"), City)
assert_type(CHAT.with_structured_output(City, method="function_calling", strict=True).invoke("Hi"), City)
assert_type(CHAT.with_structured_output(Country).invoke("Hi").name, str)
assert_type(CHAT.with_structured_output(River).invoke("Hi")["name"], str)
assert_type(CHAT.with_structured_output({"title": "Sea", "type": "object"}).invoke("Hi"), dict[str, Any])
assert_type(CHAT.with_structured_output(method="json_mode").invoke("Hi"), Any)
ANSWER = CHAT.with_structured_output(City, include_raw=True).invoke("Hi")
assert_type(ANSWER["raw"], AIMessage)
assert_type(ANSWER["parsed"], City | None)
assert_type(ANSWER["parsing_error"], BaseException | None)
assert_type(LLM.structured_predict(City, PromptTemplate("Hi")), City)


async def ask(include_raw: bool) -> None:
    assert_type(await CHAT.with_structured_output(City).ainvoke("Hi"), City)
    assert_type(await CHAT.with_structured_output(City, include_raw=include_raw).ainvoke("Hi"), Any)
    async for city in CHAT.with_structured_output(City).astream("Hi"):
        assert_type(city, City)
