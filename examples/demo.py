"""The main job, streamed to the terminal: an agent with tools (LangChain) and an answer from documents (LlamaIndex).

Both go through the endpoint: the vendor's if ``GUMLOOP_API_KEY`` or ``GUMLOOP_ACCESS_TOKEN`` is set, else a local
emulator of it, whose answers `script` prepares.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from city_tools import distance_between, local_time

if TYPE_CHECKING:
    from gumloop_emulator import Emulator

ROOT = Path(__file__).resolve().parent.parent
MODEL = os.environ.get("GUMLOOP_MODEL", "claude-sonnet-4-5")
QUESTION_FOR_TOOLS = "What time is it in Tokyo, and what is the distance from Paris to Tokyo?"
QUESTION_FOR_DOCUMENTS = "Which failures are retried, and how often?"

COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
BOLD, DIM, GREEN, RESET = ("\033[1m", "\033[2m", "\033[32m", "\033[0m") if COLOURED else ("",) * 4


def endpoint(stack: ExitStack) -> dict[str, Any]:
    """Choose the endpoint and say which it is."""
    if os.environ.get("GUMLOOP_API_KEY") or os.environ.get("GUMLOOP_ACCESS_TOKEN"):
        print(f"{DIM}Endpoint: Gumloop, with the credentials from the environment. Model: {MODEL}.{RESET}")
        return {}
    from gumloop_emulator import Emulator

    server = stack.enter_context(Emulator())
    script(server)
    print(f"{DIM}Endpoint: the local emulator at {server.base_url}, since GUMLOOP_API_KEY is not set.")
    print(f"What its 'model' says is scripted in examples/demo.py. Model: {MODEL}.{RESET}")
    return {"base_url": server.base_url, "api_key": server.api_key, "user_id": server.user_id}


def script(server: Emulator) -> None:
    """Say how the emulator answers the two questions: it understands nothing by itself."""
    from gumloop_emulator import Answer, ReceivedRequest, ToolCall

    # The agent's tools run for real; after them the emulator repeats what they said.
    time = ToolCall("local_time", {"city": "Tokyo"})
    distance = ToolCall("distance_between", {"origin": "Paris", "destination": "Tokyo"})
    server.reply(Answer(tool_calls=[time, distance]), to=QUESTION_FOR_TOOLS)

    def quote(request: ReceivedRequest) -> str:
        """Quote the paragraph on retries, if it is among those that were found and sent."""
        found = (part for part in request.user_text.split("\n\n") if "`max_retries` times" in part)
        return next(found, "The documents do not say.").replace("\n", " ")

    server.reply(quote, to=QUESTION_FOR_DOCUMENTS)


def run_agent(connection: dict[str, Any]) -> None:
    """A LangChain agent answers by calling two tools."""
    from langchain.agents import create_agent
    from langchain_core.messages import AIMessageChunk, ToolMessage

    from langchain_gumloop import ChatGumloop

    print(f"\n{BOLD}LangChain · create_agent with two tools{RESET}\n> {QUESTION_FOR_TOOLS}\n")
    agent = create_agent(ChatGumloop(model=MODEL, **connection), tools=[local_time, distance_between])
    question = {"messages": [{"role": "user", "content": QUESTION_FOR_TOOLS}]}
    for mode, event in agent.stream(question, stream_mode=["messages", "updates"]):
        if mode == "messages":
            message, _ = event
            if isinstance(message, AIMessageChunk) and message.text:
                print(message.text, end="", flush=True)
            continue
        for update in event.values():
            for message in update["messages"]:
                if isinstance(message, ToolMessage):
                    print(f"  {DIM}← {message.content}{RESET}")
                for call in getattr(message, "tool_calls", None) or []:
                    arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
                    print(f"  {GREEN}→ {call['name']}({arguments}){RESET}")
    print()


def run_documents(connection: dict[str, Any]) -> None:
    """A LlamaIndex pipeline answers from this project's own documents."""
    from llama_index.core import Document
    from llama_index.core.node_parser import MarkdownNodeParser
    from llama_index.core.query_engine import RetrieverQueryEngine
    from llama_index.core.response_synthesizers import get_response_synthesizer
    from llama_index.retrievers.bm25 import BM25Retriever

    from llama_index_gumloop import Gumloop

    print(f"\n{BOLD}LlamaIndex · answers from this project's documents{RESET}\n> {QUESTION_FOR_DOCUMENTS}\n")
    paths = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    documents = [
        Document(text=path.read_text(encoding="utf-8"), metadata={"file": str(path.relative_to(ROOT))})
        for path in paths
    ]
    nodes = MarkdownNodeParser().get_nodes_from_documents(documents)
    retriever = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=4)
    synthesizer = get_response_synthesizer(llm=Gumloop(model=MODEL, **connection), streaming=True)
    response = RetrieverQueryEngine(retriever, response_synthesizer=synthesizer).query(QUESTION_FOR_DOCUMENTS)
    for piece in response.response_gen:
        print(piece, end="", flush=True)
    print(f"\n\n{DIM}Sources:")
    for source in response.source_nodes:
        heading = source.node.metadata.get("header_path", "/").strip("/") or "top"
        first_line = source.node.get_content().strip().splitlines()[0].lstrip("# ")
        print(f"  {source.node.metadata['file']}, {first_line or heading} (score {source.score:.2f})")
    print(RESET, end="")


def main() -> None:
    """Run both."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without arrows still gets the answers
    with ExitStack() as stack:
        connection = endpoint(stack)
        run_agent(connection)
        run_documents(connection)


if __name__ == "__main__":
    main()
