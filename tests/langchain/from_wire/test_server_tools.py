"""What tools of the server did, as LangChain's blocks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from gumloop_emulator import Emulator
from tests.langchain.answers import acollected, added, collected, face, gathered, streamed, unary
from tests.langchain.conftest import MakeModel

pytestmark = pytest.mark.filterwarnings("ignore::langchain_core._api.LangChainBetaWarning")

SEARCHED = {"tool": "web_search", "citations": [{"url": "https://a.example"}]}
ANSWERED = {"tool_call_id": "m1", "name": "lookup", "arguments": '{"q": "x"}', "output": [{"text": "found"}]}
FAILED = {"id": "m2", "name": "lookup", "input": {"q": "y"}, "is_error": True, "content": "no such page"}
RESULTS: list[Any] = [SEARCHED, ANSWERED, FAILED, {"score": 0.5}, "text"]
BLOCKS = [
    {"type": "server_tool_call", "id": "server_tool_0", "name": "web_search", "args": {}},
    {"type": "server_tool_result", "tool_call_id": "server_tool_0", "status": "success", "output": SEARCHED},
    {"type": "server_tool_call", "id": "m1", "name": "lookup", "args": {"q": "x"}},
    {"type": "server_tool_result", "tool_call_id": "m1", "status": "success", "output": [{"text": "found"}]},
    {"type": "server_tool_call", "id": "m2", "name": "lookup", "args": {"q": "y"}},
    {"type": "server_tool_result", "tool_call_id": "m2", "status": "error", "output": "no such page"},
    {"type": "server_tool_result", "tool_call_id": "server_tool_3", "status": "success", "output": {"score": 0.5}},
    {"type": "server_tool_result", "tool_call_id": "server_tool_4", "status": "success", "output": "text"},
]


def server_tool_blocks(message: AIMessage) -> list[Any]:
    blocks = [block for block in message.content_blocks if block["type"].startswith("server_tool")]
    return [{key: value for key, value in block.items() if key != "index"} for block in blocks]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_what_the_servers_tools_did_is_in_blocks(server: Emulator, chat: MakeModel, output_version: str) -> None:
    model = chat(output_version=output_version)
    stream = streamed(
        {"gumloop_extensions": {"tool_results": RESULTS[:2]}},
        {"gumloop_extensions": {"tool_results": RESULTS[2:]}},
        {"content": "Found."},
    )
    server.queue(unary(content="Found.", gumloop_extensions={"tool_results": RESULTS}), *[stream] * 4)
    whole = model.invoke("x")
    assert server_tool_blocks(whole) == BLOCKS
    assert whole.content_blocks[-1]["type"] == "text"
    assert face(added(list(model.stream("x")))) == face(whole)
    assert face(added(gathered(model.astream("x")))) == face(whole)
    for message in (collected(model), asyncio.run(acollected(model))):
        assert server_tool_blocks(message) == BLOCKS


@pytest.mark.parametrize("extensions", [{"tool_results": {"a": 1}}, {"tool_results": None}, {"other": [1]}])
def test_other_extensions_are_no_blocks(server: Emulator, chat: MakeModel, extensions: dict[str, Any]) -> None:
    server.queue(unary(content="x", gumloop_extensions=extensions))
    assert [block["type"] for block in chat().invoke("x").content_blocks] == ["text"]
