"""LangSmith is sent what calls cost: its own client, against a server that receives its runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain_core.tracers import LangChainTracer
from langsmith import Client

from gumloop_emulator import Answer, Emulator
from langchain_gumloop.langsmith_costs import with_costs
from tests.langchain.conftest import MakeModel

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 40,
    "total_tokens": 140,
    "prompt_tokens_details": {"cached_tokens": 64},
    "cost": 0.00123,
}


PLAIN_INGESTION = {
    "batch_ingest_config": {
        "use_multipart_endpoint": False,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 1,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_000_000,
    }
}
"""What the server would say of itself: bodies are JSON documents."""


@pytest.fixture
def received() -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """The server's address, and the runs that it got, by their id."""
    runs: dict[str, dict[str, Any]] = {}

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            for run in (*sent.get("post", ()), *sent.get("patch", ())):
                runs.setdefault(run["id"], {}).update(run)
            self.send_response(202)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", runs
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_a_run_is_sent_with_its_cost(
    server: Emulator, chat: MakeModel, received: tuple[str, dict[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_DISABLE_RUN_COMPRESSION", "true")
    address, runs = received
    client = Client(
        api_url=address,
        api_key="k",
        info=PLAIN_INGESTION,
        process_buffered_run_ops=with_costs,
        run_ops_buffer_size=10,
    )
    config: Any = {"callbacks": [LangChainTracer(client=client)]}
    server.queue(Answer("a", usage=USAGE), Answer("b", usage=USAGE))
    model = chat()
    answer = model.invoke("x", config=config)
    list(model.stream("x", config=config))
    client.flush()
    client.cleanup()
    assert len(runs) == 2
    for run in runs.values():
        metadata = run["extra"]["metadata"]
        assert metadata["usage_metadata"] == {**answer.usage_metadata, "total_cost": 0.00123}
        assert (metadata["ls_provider"], metadata["ls_model_name"]) == ("gumloop", model.model)
    assert "total_cost" not in answer.usage_metadata


def run(provider: str = "gumloop", **more: Any) -> dict[str, Any]:
    message = {"kwargs": {"response_metadata": {"model_provider": provider, "cost": 0.5}}}
    made = {"run_type": "llm", "outputs": {"generations": [[{"message": message}]]}}
    return {**made, "extra": {"metadata": {"usage_metadata": {"input_tokens": 1}}}, **more}


@pytest.mark.parametrize(
    "other",
    [
        run("openai"),
        run(run_type="chain"),
        run(outputs=None),
        run(outputs={"generations": [[{"text": "a"}], []]}),
        run(outputs={"output": "a"}),
    ],
)
def test_other_runs_are_left_as_they_are(other: dict[str, Any]) -> None:
    [sent] = with_costs([other])
    assert sent["extra"]["metadata"]["usage_metadata"] == {"input_tokens": 1}
    assert "total_cost" in with_costs([run()])[0]["extra"]["metadata"]["usage_metadata"]


@pytest.mark.parametrize("extra", [None, {}, {"metadata": None}, {"metadata": {"usage_metadata": None}}])
def test_a_run_without_token_counts_is_left_as_it_is(extra: Any) -> None:
    assert with_costs([run(extra=extra)]) == [run(extra=extra)]
