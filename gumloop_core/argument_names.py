"""What other integrations call the models' arguments, and where each leads here.

A likeness of letters alone would lead elsewhere: ``user`` to ``user_id``, which says who calls; ``top_k`` to ``top_p``;
``openai_api_key`` into the body. Names are those of the chat models of LangChain, LlamaIndex, the openai SDK and
litellm.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_RENAMED = {
    "api_base": "base_url",
    "api_url": "base_url",
    "endpoint": "base_url",
    "endpoint_url": "base_url",
    "openai_api_base": "base_url",
    "openrouter_api_base": "base_url",
    "gumloop_api_base": "base_url",
    "gumloop_base_url": "base_url",
    "azure_endpoint": "base_url",
    "model_name": "model",
    "model_id": "model",
    "deployment_name": "model",
    "azure_deployment": "model",
    "engine": "model",
    "request_timeout": "timeout",
    "default_request_timeout": "timeout",
    "stream_chunk_timeout": "stream_idle_timeout",
    "additional_kwargs": "extra_body",
    "model_kwargs": "extra_body",
    "max_output_tokens": "max_completion_tokens",
    "max_tokens_to_sample": "max_completion_tokens",
    "max_new_tokens": "max_completion_tokens",
    "num_predict": "max_completion_tokens",
    "num_output": "max_completion_tokens",
    "stop_sequences": "stop",
    "stop_tokens": "stop",
    "reasoning_effort": "reasoning",
    "thinking": "reasoning",
    "include_reasoning": "reasoning",
    "num_retries": "max_retries",
    "headers": "default_headers",
    "extra_headers": "default_headers",
    "openai_headers": "default_headers",
    "http_headers": "default_headers",
    "async_http_client": "http_async_client",
    "openrouter_provider": "provider",
    "fallback_models": "models",
    "bearer_token": "access_token",
    "oauth_token": "access_token",
    "auth_token": "access_token",
    "azure_ad_token": "access_token",
    "azure_ad_token_provider": "access_token",
    "token_provider": "access_token",
}
_EXAMPLES = {"reasoning_effort": ', as {"effort": "low"}', "thinking": ', as {"max_tokens": 4000}'}
_OF_THE_BODY = frozenset(
    {
        "cache_control",
        "logit_bias",
        "logprobs",
        "metadata",
        "min_p",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "repetition_penalty",
        "response_format",
        "route",
        "safety_identifier",
        "service_tier",
        "session_id",
        "store",
        "top_a",
        "top_k",
        "top_logprobs",
        "trace",
        "transforms",
        "user",
        "verbosity",
        "web_search_options",
    }
)
_PROXIES = frozenset({"openai_proxy", "proxies", "proxy", "http_proxy", "https_proxy", "all_proxy"})
_ORGANIZATIONS = frozenset({"organization", "openai_organization", "project", "openai_project", "organization_id"})
_OF_NO_USE = {
    "is_chat_model": "every model here is a chat model",
    "stream_usage": "streams always tell their usage",
    "use_responses_api": "there is one API",
    "api_version": "there is one version, which base_url names",
    "openai_api_version": "there is one version, which base_url names",
    "openai_api_type": "there is one API",
    "api_type": "there is one API",
    "custom_llm_provider": "there is one endpoint",
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
}
_SECRET = re.compile(r"(?i)(api_?key|access_?key|(access|auth|bearer|oauth)_?token|secret|password)$")
_HEADERS = frozenset({"headers", "openai_headers", "http_headers"})
_TELLS_HOW_TO_SEND = frozenset({"base_url", "access_token", "http_async_client", "max_retries", "stream_idle_timeout"})


def is_secret_argument(name: str) -> bool:
    """Whether an argument of this name is likely to hold a secret."""
    return _SECRET.search(name) is not None


def refusal_in_a_call(name: str) -> str | None:
    """Why a call's keyword is refused: it is what others call an argument that says how to send; ``None`` for others.

    In the body it would be lost, or found: a key among them.
    """
    renamed = _RENAMED.get(name)
    if name in _HEADERS:
        return f"{name!r} is not an option. Did you mean 'extra_headers'?"
    if renamed == "timeout":
        return f"{name!r} is not an option. Did you mean 'timeout'?"
    if renamed in _TELLS_HOW_TO_SEND or name in _PROXIES or is_secret_argument(name):
        return f"{name!r} is for the model, not for a call: {hint_for(name, ())}"
    return None


def hint_for(name: str, known: Collection[str]) -> str:
    """What to write in place of an argument that there is none of, as the rest of a sentence.

    Args:
        name: What was written.
        known: The arguments that there are.
    """
    if name in _PROXIES:
        return "set HTTPS_PROXY, or pass an http_client with the proxy."
    if name in _ORGANIZATIONS:
        return "leave it out; a key's team is named by team_id."
    if name in _OF_NO_USE:
        return f"leave it out: {_OF_NO_USE[name]}."
    renamed = _RENAMED.get(name)
    if renamed is not None:
        return f"did you mean {renamed!r}{_EXAMPLES.get(name, '')}?"
    if is_secret_argument(name):
        return "did you mean 'api_key'?"
    if name in _OF_THE_BODY:
        return f"send it as extra_body={{{name!r}: …}}."
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    if close:
        return f"did you mean {close[0]!r}?"
    return "fields of the body go into extra_body."
