"""The list of known models is what ``make models`` has written, from the versions that are pinned."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gumloop_core import model_names

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "gumloop_core" / "models.json"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yield importlib.import_module("refresh_models")
    for name in ("refresh_models", "model_sources"):
        sys.modules.pop(name)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_nobody_has_edited_it(script: ModuleType) -> None:
    text = FILE.read_text(encoding="utf-8")
    document = json.loads(text)
    table = script.table_from(document)
    assert script.written(table, document["packages"], document["date"]) == text, "run make models"


def test_it_was_written_from_the_pinned_versions(script: ModuleType) -> None:
    pins = (ROOT / "requirements" / "models.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", pins, re.MULTILINE))
    assert json.loads(FILE.read_text(encoding="utf-8"))["packages"] == pinned, "run make models"
    assert set(script.PACKAGES) == pinned.keys()


def test_the_core_compares_names_as_the_script_does(script: ModuleType) -> None:
    document = json.loads(FILE.read_text(encoding="utf-8"))
    for name in [*document["routed"], *(name for rows in document["native"].values() for name in rows)]:
        assert script.spelled(name) == model_names.spelled(name)


# -- what it is written from -------------------------------------------------------------------------------------------

PROFILE = {"max_input_tokens": 100, "max_output_tokens": 10, "tool_calling": True, "image_inputs": False}


def sources(script: ModuleType, **given: Any) -> Any:
    model_sources = sys.modules["model_sources"]
    profiles: dict[str, Any] = {package: {} for package in (script.ROUTED_PROFILES, *script.VENDOR_PROFILES)}
    return model_sources.Sources(
        {**profiles, **given.get("profiles", {})}, given.get("litellm", {}), given.get("windows", {})
    )


def facts_of(script: ModuleType, **given: Any) -> tuple[Any, list[Any]]:
    table, differences = script.table_of(sources(script, **given))
    return table, differences


def test_a_routes_figures_are_taken_as_they_are(script: ModuleType) -> None:
    profiles = {script.ROUTED_PROFILES: {"v/m-1.5:free": {**PROFILE, "name": "M", "structured_output": None}}}
    table, differences = facts_of(script, profiles=profiles, windows={"openrouter": {"v/m-1-5:free": 7}})
    known = {"context_window": 100, "max_output_tokens": 10, "tool_calling": True, "image_input": False}
    assert table.routed == {"v/m-1.5:free": known}
    assert differences == []


def test_an_older_slug_has_a_window_and_its_models_abilities(script: ModuleType) -> None:
    table, _ = facts_of(
        script,
        profiles={script.ROUTED_PROFILES: {"v/m": PROFILE}, "langchain-openai": {"o-1": PROFILE}},
        windows={"openrouter": {"v/m:free": 7, "openai/o.1": 8, "v/old": 9}},
    )
    abilities = {"tool_calling": True, "image_input": False}
    assert table.routed["v/m:free"] == {"context_window": 7, **abilities}
    assert table.routed["openai/o.1"] == {"context_window": 8, **abilities}
    assert table.routed["v/old"] == {"context_window": 9}


def test_what_a_vendors_profile_leaves_open_is_filled_and_differences_are_told(script: ModuleType) -> None:
    model = {"litellm_provider": "anthropic", "mode": "chat", "max_input_tokens": 90, "supports_reasoning": True}
    table, differences = facts_of(
        script,
        profiles={"langchain-anthropic": {"claude-x-1": PROFILE}},
        litellm={"claude-x-1": model, "claude-y": model},
        windows={"anthropic": {"claude-z": 80}},
    )
    own = table.native["anthropic"]
    assert own["claude-x-1"]["reasoning"] is True
    assert own["claude-x-1"]["context_window"] == 100
    assert own["claude-y"] == {"context_window": 90, "reasoning": True}
    assert own["claude-z"] == {"context_window": 80}
    assert differences == [("anthropic/claude-x-1", "context_window", 100, 90, "litellm")]


def test_a_models_abilities_are_models_devs_before_litellms(script: ModuleType) -> None:
    model = {"litellm_provider": "openai", "mode": "chat", "supports_vision": True, "max_output_tokens": 99}
    profiles = {script.ROUTED_PROFILES: {"openai/m.1": PROFILE}}
    table, _ = facts_of(script, profiles=profiles, litellm={"m-1": model})
    assert table.native["openai"]["m-1"]["image_input"] is False
    assert table.native["openai"]["m-1"]["max_output_tokens"] == 99


def test_a_prompts_limit_is_told_from_the_window_where_they_add_up(script: ModuleType) -> None:
    profiles = {
        script.ROUTED_PROFILES: {"openai/m": {**PROFILE, "max_input_tokens": 110}},
        "langchain-openai": {"m": PROFILE, "alone": PROFILE},
    }
    table, differences = facts_of(script, profiles=profiles)
    own = table.native["openai"]
    assert (own["m"]["context_window"], own["m"]["max_input_tokens"]) == (110, 100)
    assert own["alone"]["context_window"] == 100
    assert "max_input_tokens" not in own["alone"]
    assert differences == []


def test_a_dated_id_has_a_row_where_its_answers_are_of_another_length(script: ModuleType) -> None:
    other = {**PROFILE, "max_output_tokens": 4}
    rows = {"m": PROFILE, "m-2025-01-31": PROFILE, "m-2024-05-13": other, "n-20250131": PROFILE}
    table, _ = facts_of(script, profiles={"langchain-openai": rows})
    assert table.native["openai"].keys() - {"dall-e-3"} == {"m", "m-2024-05-13", "n-20250131"}


def test_models_that_do_not_chat_and_models_of_others_are_left_out(script: ModuleType) -> None:
    model = {"litellm_provider": "mistral", "mode": "chat", "max_input_tokens": 9}
    table, _ = facts_of(
        script,
        profiles={script.ROUTED_PROFILES: {"z-ai/glm-5.2": PROFILE}, "langchain-openai": {"text-embedding-3": PROFILE}},
        litellm={
            "mistral/glm-5-2": model,
            "mistral/own": model,
            "mistral/ranker": {**model, "mode": "rerank"},
            "azure/gpt-5": {**model, "litellm_provider": "azure"},
        },
    )
    assert {vendor: [*rows] for vendor, rows in table.native.items() if rows} == {
        "mistralai": ["own"],
        "openai": ["dall-e-3"],
    }


def test_data_is_read_and_nothing_is_run(script: ModuleType) -> None:
    model_sources = sys.modules["model_sources"]
    profiles = "raise SystemExit\n_PROFILES: dict[str, int] = {'m': {'tool_calling': True}}"
    assert model_sources.literal_of(profiles, "_PROFILES") == {"m": {"tool_calling": True}}
    prices = "providers = [Provider(id='p', models=[ModelInfo(id='m', context_window=9), ModelInfo(id='n')])]"
    assert model_sources.windows_of(prices) == {"p": {"m": 9}}


def test_data_in_another_form_is_refused(script: ModuleType) -> None:
    model_sources = sys.modules["model_sources"]
    with pytest.raises(ValueError, match="_PROFILES"):
        model_sources.literal_of("PROFILES = {}", "_PROFILES")
    with pytest.raises(ValueError, match="windows"):
        model_sources.windows_of("providers = load()")


def test_it_says_what_would_change(script: ModuleType) -> None:
    fields = list(script.FIELDS)
    rows = {"v/a": "1" + "," * 9, "v/b": "2" + "," * 9}
    old = {"fields": fields, "routed": rows, "native": {}}
    new = {"fields": fields, "routed": {"v/b": "3" + "," * 9}, "native": {"v": {"c": "," * 9}}}
    assert script.changes(old, new) == ["+ c (v)", "- v/a", "~ v/b: context_window 2 -> 3"]
    assert script.changes(old, old) == []
