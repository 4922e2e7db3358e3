"""What the packages say of models: read as data, none of them imported or run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

ROUTED_PROFILES = "langchain-openrouter"
VENDOR_PROFILES = {
    "langchain-anthropic": "anthropic",
    "langchain-openai": "openai",
    "langchain-google-genai": "google",
    "langchain-xai": "x-ai",
    "langchain-deepseek": "deepseek",
    "langchain-mistralai": "mistralai",
    "langchain-perplexity": "perplexity",
}
PACKAGES = (ROUTED_PROFILES, *VENDOR_PROFILES, "litellm", "genai-prices")


class Sources(NamedTuple):
    """What the packages say, each in its own words.

    Attributes:
        profiles: The profiles of each integration, by its package.
        litellm: litellm's model map.
        windows: genai-prices' windows in tokens, by provider and id.
    """

    profiles: Mapping[str, Mapping[str, Mapping[str, Any]]]
    litellm: Mapping[str, Mapping[str, Any]]
    windows: Mapping[str, Mapping[str, int]]


def read_sources() -> Sources:
    """Read the installed packages.

    Raises:
        importlib.metadata.PackageNotFoundError: If one is not installed.
        ValueError: If one has its data in another form than before.
    """
    profiles = {
        package: literal_of(_file(package, f"{package.replace('-', '_')}/data/_profiles.py"), "_PROFILES")
        for package in (ROUTED_PROFILES, *VENDOR_PROFILES)
    }
    litellm = json.loads(_file("litellm", "litellm/model_prices_and_context_window_backup.json"))
    return Sources(profiles, litellm, windows_of(_file("genai-prices", "genai_prices/data.py")))


def _file(package: str, path: str) -> str:
    return Path(str(distribution(package).locate_file(path))).read_text(encoding="utf-8")


def literal_of(source: str, name: str) -> Any:
    """The value of a module's variable that has an annotation and a literal value.

    Raises:
        ValueError: If there is none.
    """
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return ast.literal_eval(node.value or ast.Constant(None))
    raise ValueError(f"no {name} in the module")


def windows_of(source: str) -> dict[str, dict[str, int]]:
    """The windows in genai-prices' module of data: calls of ``Provider`` that hold calls of ``ModelInfo``.

    Raises:
        ValueError: If there are none.
    """
    windows: dict[str, dict[str, int]] = {}
    for provider in _calls(ast.parse(source), "Provider"):
        models = windows.setdefault(str(_keyword(provider, "id")), {})
        for model in _calls(provider, "ModelInfo"):
            window = _keyword(model, "context_window")
            if isinstance(window, int):
                models[str(_keyword(model, "id"))] = window
    if not any(windows.values()):
        raise ValueError("no windows in the module")
    return windows


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _keyword(call: ast.Call, name: str) -> object:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None
