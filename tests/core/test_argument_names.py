"""What other integrations call the models' arguments."""

from __future__ import annotations

import pytest

from gumloop_core.argument_names import _RENAMED, hint_for
from gumloop_core.chat_model import ChatModelFields

KNOWN = {*ChatModelFields.model_fields, "max_tokens"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("metadata", "extra_body={'metadata': …}"),
        ("repetition_penalty", "extra_body={'repetition_penalty': …}"),
        ("openai_api_key", "'api_key'? It must be Gumloop's"),
        ("app_title", "default_headers={'X-Title': …}"),
        ("store", "extra_body={'store': …}"),
        ("audio_config", "extra_body={'audio': …}"),
        ("truncation", "Responses API"),
        ("openrouter_api_key", "'api_key'"),
        ("apikey", "'api_key'"),
        ("bearer_token", "'access_token'"),
        ("openai_proxy", "HTTPS_PROXY"),
        ("proxies", "HTTPS_PROXY"),
        ("is_chat_model", "leave it out"),
        ("stream", "leave it out"),
        ("organization", "leave it out"),
        ("openai_api_base", "'base_url'"),
        ("num_retries", "'max_retries'"),
        ("max_output_tokens", "'max_completion_tokens'"),
        ("headers", "'default_headers'"),
        ("temprature", "'temperature'"),
        ("max_token", "'max_tokens'"),
        ("nonsense", "extra_body"),
    ],
)
def test_each_leads_to_the_right_place(name: str, hint: str) -> None:
    assert hint in hint_for(name, KNOWN)
    if "key" in name or "token" in name:
        assert "extra_body" not in hint_for(name, KNOWN)


def test_each_place_exists() -> None:
    assert set(_RENAMED.values()) <= KNOWN
    assert not _RENAMED.keys() & KNOWN
