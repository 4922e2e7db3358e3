"""What importing an adapter costs beyond its framework, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from benchmarks.workers import ROOT

# What a program has loaded that uses a chat model with prompts and tools, whoever made the model.
_FRAMEWORK = {
    "langchain": """
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool, tool
""",
    "llama_index": """
import llama_index.core
from llama_index.core.llms.function_calling import FunctionCallingLLM
""",
}
_ADAPTERS = {
    "langchain": {
        "ChatGumloop": "langchain_gumloop",
        "ChatOpenAI": "langchain_openai",
        "ChatOpenRouter": "langchain_openrouter",
        "ChatLiteLLM": "langchain_litellm",
    },
    "llama_index": {
        "Gumloop": "llama_index_gumloop",
        "OpenAILike": "llama_index.llms.openai_like",
        "LiteLLM": "llama_index.llms.litellm",
    },
}
_PROGRAM = """
{framework}
import gc
from time import process_time
gc.collect()
gc.freeze()  # or the adapter may pay for looking through the framework's objects
start = process_time()
from {module} import {name}
print(process_time() - start)
"""


def measure_imports(framework: str, rounds: int, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Import the adapters of these names, each in a process of its own, in turns.

    Returns:
        For each contender ``value``, the median of the CPU seconds.
    """
    adapters = {name: module for name, module in _ADAPTERS[framework].items() if name in names}
    seconds: dict[str, list[float]] = {name: [] for name in adapters}
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": ""}
    for turn in range(rounds + 1):
        for name, module in adapters.items():
            program = _PROGRAM.format(framework=_FRAMEWORK[framework], module=module, name=name)
            done = subprocess.run(
                [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
            )
            if turn:  # the first turn writes the byte code
                seconds[name].append(float(done.stdout.split()[-1]))
    return {name: {"value": median(spent)} for name, spent in seconds.items()}
