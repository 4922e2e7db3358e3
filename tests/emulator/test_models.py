"""The model list, the router, and the paths."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from gumloop.types import ModelRouteResponse

from gumloop_emulator import Emulator, Failure
from tests.emulator.support import MODEL, body, headers, http, post


def route(server: Emulator, content: dict[str, Any]) -> httpx.Response:
    return http().post(f"{server.base_url}/models/route", json=content, headers=headers(server))


def test_the_router_takes_the_first_candidate(server: Emulator) -> None:
    answer = route(server, {"input": [{"type": "text", "text": "Hi"}], "models": ["gpt-4o-mini", MODEL]}).json()
    decision = ModelRouteResponse.model_validate(answer).route
    assert (decision.model, decision.fallback_models) == ("gpt-4o-mini", [MODEL])


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
def test_refused(server: Emulator, content: dict[str, Any], param: str) -> None:
    response = route(server, content)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_scripted_for_another_path(server: Emulator) -> None:
    server.queue(Failure(500), when=lambda request: request.path.endswith("/models"))
    assert post(server, body()).status_code == 200
    url = f"{server.base_url}/models"
    assert http().get(url, headers=headers(server)).status_code == 500
    assert http().get(url, headers=headers(server)).status_code == 200


def test_unknown_paths_and_methods(server: Emulator) -> None:
    base = server.base_url
    assert http().get(f"{base}/nothing").json()["error"]["code"] == "not_found"
    assert http().get(f"{base}/chat/completions").status_code == 405
    assert http().post(f"{base}/models").status_code == 405
    assert http().get(base.removesuffix("/api/v1")).status_code == 404
    assert [request.method for request in server.requests] == ["GET", "GET", "POST", "GET"]


def test_a_failing_model_is_replaced_by_the_next_one(server: Emulator) -> None:
    answer = post(server, {**body(), "model": "emulator/error-502", "models": ["emulator/error-429", MODEL]})
    assert answer.json()["model"] == MODEL
    refused = post(server, {**body(), "model": "emulator/error-402", "models": [MODEL]})
    assert refused.status_code == 402
