"""Every field of the models that users may set has a word in the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from langchain_core.language_models.chat_models import BaseChatModel
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import BaseModel

from langchain_gumloop import ChatGumloop
from llama_index_gumloop import Gumloop

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    ("model", "base", "page"),
    [(ChatGumloop, BaseChatModel, "langchain.md"), (Gumloop, FunctionCallingLLM, "llama-index.md")],
    ids=["langchain", "llama_index"],
)
def test_every_field_is_documented(model: type[BaseModel], base: type[BaseModel], page: str) -> None:
    text = "".join((DOCS / name).read_text(encoding="utf-8") for name in ("configuration.md", page))
    fields = model.model_fields.keys() - base.model_fields.keys()
    assert sorted(name for name in fields if not re.search(rf"`[^`\n]*\b{name}\b", text)) == []
