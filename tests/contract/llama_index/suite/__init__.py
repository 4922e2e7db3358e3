"""A conformance suite for LlamaIndex LLM providers; see :class:`LLMConformance`."""

from __future__ import annotations

from tests.contract.llama_index.suite.blocks import BlockTests
from tests.contract.llama_index.suite.calls import CallTests
from tests.contract.llama_index.suite.errors import ErrorTests
from tests.contract.llama_index.suite.events import EventTests
from tests.contract.llama_index.suite.objects import ObjectTests
from tests.contract.llama_index.suite.reasoning import ReasoningTests
from tests.contract.llama_index.suite.streams import StreamTests
from tests.contract.llama_index.suite.structured import StructuredTests
from tests.contract.llama_index.suite.tools import ToolTests
from tests.contract.llama_index.suite.usage import UsageTests


class LLMConformance(
    CallTests,
    StreamTests,
    BlockTests,
    ReasoningTests,
    ToolTests,
    StructuredTests,
    UsageTests,
    EventTests,
    ObjectTests,
    ErrorTests,
):
    """What a function-calling LLM for an OpenAI-shaped endpoint has to do.

    A provider subclasses this and implements :meth:`make_llm`. The tests script a server (the emulator), so
    that they know what was said on the wire, and read back what was sent.
    """
