"""What was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "gumloop-llms",
    "httpx",
    "httpcore",
    "h11",
    "aiohttp",
    "pydantic",
    "langchain-core",
    "langchain-openai",
    "langchain-openrouter",
    "langchain-litellm",
    "llama-index-core",
    "llama-index-llms-openai-like",
    "llama-index-llms-litellm",
    "litellm",
    "openai",
    "openrouter",
)


def describe() -> dict[str, Any]:
    """The machine, without its name or paths, and the versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
