"""What other integrations call the arguments: the names that are taken here, and what to write in place of the others.

A name is taken, by both adapters, where it means the same. It is the argument that it stands for from then on: in
fields, in ``repr``, in what is written down. All other names are refused. A likeness of letters alone would lead
elsewhere there: ``openai_api_key`` into the body, ``num_ctx`` nowhere. A name that says whose it is
(``openai_api_key``, ``openrouter_api_base``) is refused as well: the key of one vendor does not go to another.

Source: the constructors of ChatOpenAI, ChatOpenRouter, ChatLiteLLM, OpenAILike, OpenRouter and LiteLLM, whose versions
`docs/migrating.md` names; the openai SDK and litellm.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "model_name": "model",
        "gumloop_api_key": "api_key",
        "gumloop_api_base": "base_url",
        "api_base": "base_url",
        "max_tokens": "max_completion_tokens",
        "stop_sequences": "stop",
        "openrouter_provider": "provider",
        "extra_headers": "default_headers",
        "request_timeout": "timeout",
        "async_http_client": "http_async_client",
    }
)
"""Other names of arguments."""

PARTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "reasoning_effort": ("reasoning", "effort"),
        "stream_usage": ("stream_options", "include_usage"),
        "order": ("provider", "order"),
        "allow_fallbacks": ("provider", "allow_fallbacks"),
    }
)
"""Names of one entry of an argument that is a dict: the argument, and the entry's key."""

HOLDING_OTHERS = ("model_kwargs", "additional_kwargs")
"""Dicts of further arguments. Each entry is the argument of its name; what is none is a field of the body."""

IMPLIED: Mapping[str, bool | int] = MappingProxyType(
    {
        "include_response_headers": False,
        "is_chat_model": True,
        "n": 1,
        "reuse_client": True,
        "should_use_structured_outputs": True,
        "stream": False,
        "streaming": False,
        "strict": False,
        "use_previous_response_id": False,
        "use_responses_api": False,
    }
)
"""Arguments that there are none of, with the value that says what is the case anyway."""

IN_CALLS = frozenset(
    {"model_name", "max_tokens", "stop_sequences", "openrouter_provider", "request_timeout"}
    | {"reasoning_effort", "stream_usage"}
)
"""Those that a call takes as well."""

_RENAMED = {
    "api_url": "base_url",
    "endpoint": "base_url",
    "endpoint_url": "base_url",
    "openai_api_base": "base_url",
    "openrouter_api_base": "base_url",
    "gumloop_base_url": "base_url",
    "azure_endpoint": "base_url",
    "model_id": "model",
    "deployment_name": "model",
    "azure_deployment": "model",
    "engine": "model",
    "default_request_timeout": "timeout",
    "stream_chunk_timeout": "stream_idle_timeout",
    "max_output_tokens": "max_completion_tokens",
    "max_tokens_to_sample": "max_completion_tokens",
    "max_new_tokens": "max_completion_tokens",
    "num_predict": "max_completion_tokens",
    "num_output": "max_completion_tokens",
    "stop_tokens": "stop",
    "thinking": "reasoning",
    "include_reasoning": "reasoning",
    "num_retries": "max_retries",
    "headers": "default_headers",
    "openai_headers": "default_headers",
    "http_headers": "default_headers",
    "fallback_models": "models",
    "bearer_token": "access_token",
    "oauth_token": "access_token",
    "auth_token": "access_token",
    "azure_ad_token": "access_token",
    "azure_ad_token_provider": "access_token",
    "token_provider": "access_token",
}
_MEANT = {**_RENAMED, **RENAMED}
_EXAMPLES = {"thinking": ', as {"max_tokens": 4000}'}
_OF_THE_BODY = frozenset(
    {
        "debug",
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "repetition_penalty",
        "response_format",
        "route",
        "safety_identifier",
        "store",
        "tool_choice",
        "tools",
        "top_a",
        "transforms",
        "web_search_options",
    }
)
_HIDDEN_IN = {"audio_config": "audio"}
_PROXIES = frozenset({"openai_proxy", "proxies", "proxy", "http_proxy", "https_proxy", "all_proxy"})
_ORGANIZATIONS = frozenset({"organization", "openai_organization", "project", "openai_project", "organization_id"})
_OF_THE_RESPONSES_API = frozenset({"context_management", "include", "truncation", "use_previous_response_id"})
_OF_THE_APP = {"app_url": "HTTP-Referer", "app_title": "X-Title", "app_categories": "X-OpenRouter-Categories"}
_OF_NO_USE = {
    "is_chat_model": "every model here is a chat model",
    "use_responses_api": "there is one API",
    "api_version": "there is one version, which base_url names",
    "openai_api_version": "there is one version, which base_url names",
    "openai_api_type": "there is one API",
    "api_type": "there is one API",
    "custom_llm_provider": "there is one endpoint",
    "base_model": "there is one endpoint, and prices are its own",
    "num_ctx": "the window is the model's",
    "default_query": "the endpoint reads no query; headers are default_headers",
    "include_response_headers": "an error has the response, an answer its id",
    "should_use_structured_outputs": "models that can do; pydantic_program_mode='function' asks by tool call",
    "is_function_calling_model": "the model's profile says whether it calls tools",
    "context_window": "the model's profile says how long prompts may be",
    "reuse_client": "connections are reused",
    "tokenizer": "the endpoint counts the tokens",
    "tiktoken_model_name": "the endpoint counts the tokens",
    "disabled_params": "fields that are not set are not sent",
    "drop_params": "fields that are not set are not sent",
    "strict": "it is an argument of bind_tools and with_structured_output",
    "n": "one answer is asked for at a time",
    "best_of": "one answer is asked for at a time",
    "stream": "call the model's streaming methods instead",
    "streaming": "call the model's streaming methods instead",
    "client": "pass an httpx.Client or httpx2.Client as http_client, if any",
    "async_client": "pass an httpx.AsyncClient or httpx2.AsyncClient as http_async_client, if any",
    "openai_client": "pass an httpx.Client or httpx2.Client as http_client, if any",
    "async_openai_client": "pass an httpx.AsyncClient or httpx2.AsyncClient as http_async_client, if any",
    "root_client": "pass an httpx.Client or httpx2.Client as http_client, if any",
    "root_async_client": "pass an httpx.AsyncClient or httpx2.AsyncClient as http_async_client, if any",
    "http_socket_options": "pass an http_client with the transport that you want",
}
_OF_CREDENTIALS = r"(?i)(api_?key|access_?key|(access|auth|bearer|oauth)_?token|secret|password)$"
_OF_ANOTHER = r"(?i)(?!gumloop|api|key)[a-z]"
_HEADERS = frozenset({"headers", "openai_headers", "http_headers"})
_TELLS_HOW_TO_SEND = frozenset({"base_url", "access_token", "http_async_client", "max_retries", "stream_idle_timeout"})


def is_secret_argument(name: str) -> bool:
    """Whether an argument of this name is likely to hold a secret."""
    return re.search(_OF_CREDENTIALS, name) is not None


def is_known_elsewhere(name: str) -> bool:
    """Whether other integrations have an argument of this name."""
    return name in _OF_THE_BODY or _reason_against(name) is not None


def is_fit_for_the_body(name: Any) -> bool:
    """Whether a field of the body may have this name: it is not what others call something else."""
    return not isinstance(name, str) or _reason_against(name) is None


def refusal_in_a_call(name: str) -> str | None:
    """Why a call's keyword is refused: it is what others call an argument that says how to send; ``None`` for others.

    In the body it would be lost, or found: a key among them.
    """
    renamed = _MEANT.get(name)
    if name in _HEADERS:
        return f"{name!r} is not an option. Did you mean 'extra_headers'?"
    if renamed == "timeout":
        return f"{name!r} is not an option. Did you mean 'timeout'?"
    if name in HOLDING_OTHERS:
        return f"{name!r} is for the model, not for a call: pass its entries one by one, or as extra_body."
    if renamed in _TELLS_HOW_TO_SEND or name in _PROXIES or is_secret_argument(name):
        return f"{name!r} is for the model, not for a call: {hint_for(name, ())}"
    return None


def hint_for(name: str, known: Collection[str]) -> str:
    """What to write in place of an argument that there is none of, as the rest of a sentence.

    Args:
        name: What was written.
        known: The arguments that there are.
    """
    reason = _reason_against(name)
    if reason is not None:
        return reason
    if name in _OF_THE_BODY:
        return f"send it as extra_body={{{name!r}: …}}."
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    if close:
        return f"did you mean {close[0]!r}?"
    return "fields of the body go into extra_body."


def _reason_against(name: str) -> str | None:
    """Why a name is no field of the body, with what to write instead."""
    if name in _PROXIES:
        return "set HTTPS_PROXY, or pass an http_client with the proxy."
    if name in _ORGANIZATIONS:
        return "leave it out; a key's team is named by team_id."
    if name in _OF_THE_RESPONSES_API:
        return "leave it out: it is of OpenAI's Responses API."
    if name in _OF_THE_APP:
        return f"leave it out, or send it as default_headers={{{_OF_THE_APP[name]!r}: …}}."
    if name in _HIDDEN_IN:
        return f"send it as extra_body={{{_HIDDEN_IN[name]!r}: …}}."
    if name in _OF_NO_USE:
        return f"leave it out: {_OF_NO_USE[name]}."
    renamed = _MEANT.get(name)
    if renamed is not None:
        return f"did you mean {renamed!r}{_EXAMPLES.get(name, '')}?"
    if is_secret_argument(name):
        return "did you mean 'api_key'?" + (" It must be Gumloop's." if re.match(_OF_ANOTHER, name) else "")
    return None
