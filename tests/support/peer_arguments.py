"""What users of other integrations pass, and what becomes of it: one row for each argument.

The names are those of the constructors whose versions docs/migrating.md names, and the fields of the body that their
users reach through ``model_kwargs``.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import httpx

Framework = Literal["langchain", "llama_index"]

CLIENT = httpx.Client()
ASYNC_CLIENT = httpx.AsyncClient()
PROVIDER = {"order": ["anthropic"]}
HEADERS = {"X-Team": "a"}
BIAS = {50256: -100.0}


class Taken(NamedTuple):
    """An argument that is taken, and what it does."""

    name: str
    value: Any
    body: dict[str, Any] = {}
    """What the body of a request has more."""
    kept: dict[str, Any] = {}
    """Fields that say so, which are not of the body."""
    headers: dict[str, str] = {}
    """What the headers have more."""
    beside: dict[str, Any] = {}
    """What has to be passed along."""
    only: Framework | None = None


class Refused(NamedTuple):
    """An argument that is refused, and what the error says to do."""

    name: str
    value: Any
    hint: str
    only: Framework | None = None


def _same(name: str, value: Any, **more: Any) -> Taken:
    return Taken(name, value, {name: value}, **more)


TAKEN = [
    Taken("model", "gpt-4o-mini", {"model": "gpt-4o-mini"}),
    Taken("model_name", "gpt-4o-mini", {"model": "gpt-4o-mini"}),
    Taken("api_key", "{api_key}"),
    Taken("gumloop_api_key", "{api_key}"),
    Taken("base_url", "{base_url}"),
    Taken("api_base", "{base_url}"),
    Taken("gumloop_api_base", "{base_url}"),
    _same("temperature", 0.5),
    _same("top_p", 0.9),
    _same("top_k", 40),
    _same("min_p", 0.05),
    _same("seed", 7),
    _same("frequency_penalty", 0.1),
    _same("presence_penalty", 0.2),
    Taken("logit_bias", BIAS, {"logit_bias": {"50256": -100.0}}),
    _same("logprobs", True),
    _same("top_logprobs", 3, beside={"logprobs": True}),
    _same("max_completion_tokens", 50),
    Taken("max_tokens", 50, {"max_completion_tokens": 50}),
    _same("stop", ["END"]),
    Taken("stop_sequences", ["END"], {"stop": ["END"]}),
    _same("reasoning", {"effort": "low"}),
    Taken("reasoning_effort", "low", {"reasoning": {"effort": "low"}}),
    _same("verbosity", "low"),
    _same("modalities", ["text"]),
    Taken("openrouter_provider", PROVIDER, {"provider": PROVIDER}),
    Taken("order", ["anthropic"], {"provider": PROVIDER}),
    Taken("allow_fallbacks", False, {"provider": {"allow_fallbacks": False}}),
    _same("plugins", [{"id": "web"}]),
    _same("user", "ada"),
    _same("session_id", "s-1"),
    _same("trace", {"trace_id": "t-1"}),
    _same("service_tier", "flex"),
    _same("cache_control", {"type": "ephemeral"}),
    Taken("stream_options", {"include_usage": True}, kept={"stream_options": {"include_usage": True}}),
    Taken("stream_usage", False, kept={"stream_options": {"include_usage": False}}),
    Taken("extra_body", {"store": True}, {"store": True}),
    Taken("model_kwargs", {"store": True, "seed": 7}, {"store": True, "seed": 7}),
    Taken("additional_kwargs", {"store": True, "max_tokens": 5}, {"store": True, "max_completion_tokens": 5}),
    Taken("default_headers", HEADERS, headers={"x-team": "a"}),
    Taken("extra_headers", HEADERS, headers={"x-team": "a"}),
    Taken("timeout", 9.0, kept={"timeout": 9.0}),
    Taken("request_timeout", 9.0, kept={"timeout": 9.0}),
    Taken("max_retries", 4, kept={"max_retries": 4}),
    Taken("http_client", CLIENT, kept={"http_client": CLIENT}),
    Taken("http_async_client", ASYNC_CLIENT, kept={"http_async_client": ASYNC_CLIENT}),
    Taken("async_http_client", ASYNC_CLIENT, kept={"http_async_client": ASYNC_CLIENT}),
    Taken("streaming", False),
    Taken("streaming", True, {"stream": True, "stream_options": {"include_usage": True}}, only="langchain"),
    Taken("n", 1),
    Taken("use_responses_api", False),
    Taken("use_previous_response_id", False),
    Taken("include_response_headers", False),
    Taken("is_chat_model", True),
    Taken("should_use_structured_outputs", True),
    Taken("reuse_client", True),
    Taken("strict", False),
    Taken("metadata", {"team": "a"}, only="langchain"),  # of the run, as in every chat model of LangChain
    Taken("context_window", 8000, kept={"context_window": 8000}, only="llama_index"),
    Taken("is_function_calling_model", True, kept={"is_function_calling_model": True}, only="llama_index"),
]

REFUSED = [
    *(
        Refused(f"{vendor}_api_key", "k", "did you mean 'api_key'? It must be Gumloop's.")
        for vendor in (
            *("openai", "openrouter", "anthropic", "azure", "cohere", "huggingface", "replicate", "together_ai"),
        )
    ),
    Refused("openai_api_base", "https://api.openai.com/v1", "did you mean 'base_url'?"),
    Refused("openrouter_api_base", "https://openrouter.ai/api/v1", "did you mean 'base_url'?"),
    Refused("organization", "o", "leave it out; a key's team is named by team_id."),
    Refused("openai_organization", "o", "leave it out; a key's team is named by team_id."),
    Refused("openai_proxy", "http://p", "set HTTPS_PROXY, or pass an http_client with the proxy."),
    Refused("http_socket_options", [], "leave it out: pass an http_client with the transport that you want."),
    Refused("client", 1, "leave it out: pass an httpx.Client or httpx2.Client as http_client, if any."),
    Refused("root_client", 1, "leave it out: pass an httpx.Client or httpx2.Client as http_client, if any."),
    Refused("openai_client", 1, "leave it out: pass an httpx.Client or httpx2.Client as http_client, if any."),
    Refused(
        "async_client", 1, "leave it out: pass an httpx.AsyncClient or httpx2.AsyncClient as http_async_client, if any."
    ),
    Refused(
        "root_async_client",
        1,
        "leave it out: pass an httpx.AsyncClient or httpx2.AsyncClient as http_async_client, if any.",
    ),
    Refused(
        "async_openai_client",
        1,
        "leave it out: pass an httpx.AsyncClient or httpx2.AsyncClient as http_async_client, if any.",
    ),
    Refused("stream_chunk_timeout", 60, "did you mean 'stream_idle_timeout'?"),
    Refused("default_query", {"a": "b"}, "leave it out: the endpoint reads no query; headers are default_headers."),
    Refused("app_url", "https://a.example", "leave it out, or send it as default_headers={'HTTP-Referer': …}."),
    Refused("app_title", "A", "leave it out, or send it as default_headers={'X-Title': …}."),
    Refused("app_categories", ["a"], "leave it out, or send it as default_headers={'X-OpenRouter-Categories': …}."),
    Refused("n", 2, "leave it out: one answer is asked for at a time."),
    Refused("streaming", True, "leave it out: call the model's streaming methods instead.", only="llama_index"),
    Refused("use_responses_api", True, "leave it out: there is one API."),
    Refused("use_previous_response_id", True, "leave it out: it is of OpenAI's Responses API."),
    Refused("context_management", [{}], "leave it out: it is of OpenAI's Responses API."),
    Refused("include", ["x"], "leave it out: it is of OpenAI's Responses API."),
    Refused("truncation", "auto", "leave it out: it is of OpenAI's Responses API."),
    Refused("include_response_headers", True, "leave it out: an error has the response, an answer its id."),
    Refused("disabled_params", {"seed": None}, "leave it out: fields that are not set are not sent."),
    Refused("tiktoken_model_name", "m", "leave it out: the endpoint counts the tokens."),
    Refused("tokenizer", "m", "leave it out: the endpoint counts the tokens."),
    Refused("custom_llm_provider", "openai", "leave it out: there is one endpoint."),
    Refused("base_model", "m", "leave it out: there is one endpoint, and prices are its own."),
    Refused("num_ctx", 4096, "leave it out: the window is the model's."),
    Refused("api_version", "v1", "leave it out: there is one version, which base_url names."),
    Refused("api_type", "open_ai", "leave it out: there is one API."),
    Refused("reuse_client", False, "leave it out: connections are reused."),
    Refused("is_chat_model", False, "leave it out: every model here is a chat model."),
    Refused("strict", True, "leave it out: it is an argument of bind_tools and with_structured_output."),
    Refused(
        "should_use_structured_outputs",
        False,
        "leave it out: models that can do; pydantic_program_mode='function' asks by tool call.",
    ),
    Refused("audio_config", {"voice": "a"}, "send it as extra_body={'audio': …}."),
    Refused("store", True, "send it as extra_body={'store': …}."),
    Refused("route", "fallback", "send it as extra_body={'route': …}."),
    Refused("prompt_cache_options", {"mode": "auto"}, "send it as extra_body={'prompt_cache_options': …}."),
    Refused("metadata", {"team": "a"}, "send it as extra_body={'metadata': …}.", only="llama_index"),
    Refused(
        "context_window", 8000, "leave it out: the model's profile says how long prompts may be.", only="langchain"
    ),
    Refused(
        "is_function_calling_model",
        True,
        "leave it out: the model's profile says whether it calls tools.",
        only="langchain",
    ),
]
