"""The router and the paths."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from gumloop.types import ModelRouteResponse

from gumloop_core.emulator import Emulator, Failure
from tests.emulator.support import MODEL, body, headers, http, post


def route(server: Emulator, content: dict[str, Any]) -> httpx.Response:
    return http().post(f"{server.base_url}/models/route", json=content, headers=headers(server))


@pytest.mark.parametrize(
    ("text", "lane", "model"),
    [
        ("Hi", "quick", "claude-haiku-4-5"),
        ("word " * 500, "balanced", "claude-sonnet-4-5"),
        ("There is a bug in this function", "coding", "claude-sonnet-4-5"),
        ("Compare the two plans step by step", "deep", "claude-opus-4-5"),
    ],
)
def test_lanes(gumloop_emulator: Emulator, text: str, lane: str, model: str) -> None:
    decision = ModelRouteResponse.model_validate(route(gumloop_emulator, {"input": text}).json()).route
    assert (decision.lane, decision.model) == (lane, model)
    assert model not in decision.fallback_models


def test_candidates_limit_the_choice(gumloop_emulator: Emulator) -> None:
    answer = route(gumloop_emulator, {"input": [{"type": "text", "text": "Hi"}], "models": ["gpt-4o-mini"]}).json()
    assert answer["route"]["model"] == "gpt-4o-mini"
    assert answer["route"]["adjustment"] == "candidate"
    assert answer["route"]["fallback_models"] == []


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({}, "input"),
        ({"input": 5}, "input"),
        ({"input": "Hi", "models": []}, "models"),
        ({"input": "Hi", "models": ["gpt-99"]}, "models[0]"),
        ({"input": "Hi", "history": "x"}, "history"),
        ({"input": "Hi", "agent": "x"}, "agent"),
    ],
)
def test_refused(gumloop_emulator: Emulator, content: dict[str, Any], param: str) -> None:
    response = route(gumloop_emulator, content)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_scripted_for_another_path(gumloop_emulator: Emulator) -> None:
    gumloop_emulator.queue(Failure(500), when=lambda request: request.path.endswith("/models"))
    assert post(gumloop_emulator, body()).status_code == 200
    url = f"{gumloop_emulator.base_url}/models"
    assert http().get(url, headers=headers(gumloop_emulator)).status_code == 500
    assert http().get(url, headers=headers(gumloop_emulator)).status_code == 200


def test_unknown_paths_and_methods(gumloop_emulator: Emulator) -> None:
    base = gumloop_emulator.base_url
    assert http().get(f"{base}/nothing").json()["error"]["code"] == "not_found"
    assert http().get(f"{base}/chat/completions").status_code == 405
    assert http().post(f"{base}/models").status_code == 405
    assert http().get(base.removesuffix("/api/v1")).status_code == 404
    assert [request.method for request in gumloop_emulator.requests] == ["GET", "GET", "POST", "GET"]


def test_a_failing_model_is_replaced_by_the_next_one(gumloop_emulator: Emulator) -> None:
    answer = post(gumloop_emulator, {**body(), "model": "emulator/error-502", "models": ["emulator/error-429", MODEL]})
    assert answer.json()["model"] == MODEL
    refused = post(gumloop_emulator, {**body(), "model": "emulator/error-402", "models": [MODEL]})
    assert refused.status_code == 402
