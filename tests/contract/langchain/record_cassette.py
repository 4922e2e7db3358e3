"""Make the cassette of ``test_stream_time`` anew: ``python -m tests.contract.langchain.record_cassette``.

The emulator answers; the address that is written down is the vendor's, as that is where the test sends to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langchain_tests.conftest import CustomPersister, CustomSerializer
from vcr import VCR
from vcr.request import Request

from gumloop_emulator import Emulator
from langchain_gumloop import ChatGumloop

CASSETTES = Path(__file__).parent / "cassettes"
NAME = "test_stream_time"


def _request(request: Request) -> Request:
    request.uri = "https://ws.gumloop.com/api/v1/chat/completions"
    request.headers = {}
    return request


def _response(response: dict[str, Any]) -> dict[str, Any]:
    response["headers"] = {"content-type": ["text/event-stream; charset=utf-8"]}
    return response


def main() -> None:
    """Record."""
    path = CASSETTES / f"{NAME}.yaml.gz"
    path.unlink(missing_ok=True)
    vcr = VCR(record_mode="all", before_record_request=_request, before_record_response=_response)
    vcr.register_persister(CustomPersister())
    vcr.register_serializer("yaml.gz", CustomSerializer())
    with Emulator() as server, vcr.use_cassette(str(path), serializer="yaml.gz"):
        model = ChatGumloop(
            model="claude-sonnet-4-5", api_key=server.api_key, user_id=server.user_id, base_url=server.base_url
        )
        server.queue("A cat sat by the window. A bird came, they looked at each other for a while, and both went on.")
        for _ in model.stream("Write a story about a cat."):
            pass


if __name__ == "__main__":
    main()
