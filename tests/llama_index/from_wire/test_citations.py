"""Citations of an answer, as blocks."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import CitationBlock
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer

from gumloop_emulator import Chunks, Emulator, Json
from tests.llama_index.from_wire.test_answers import USER
from tests.support.http_bytes import chunk, completion

CITED = {
    "type": "url_citation",
    "url_citation": {
        "url": "https://atlas.invalid/",
        "title": "Atlas",
        "start_index": 0,
        "end_index": 6,
        "content": "It is.",
    },
}


FLAT = {"type": "url_citation", "url": "https://book.invalid/"}


FILE = {"type": "file", "file": {"hash": "1", "name": "one.pdf"}}


@pytest.mark.parametrize("streamed", [False, True])
def test_citations_are_blocks_and_annotations_stay(server: Emulator, llm, streamed: bool):
    notes = [CITED, FLAT, FILE]
    if streamed:
        deltas = [{"content": "Ottawa."}, {"annotations": notes[:1]}, {"annotations": notes[1:]}]
        server.queue(Chunks([*map(chunk, deltas), chunk({}, finish_reason="stop")]))
        message = list(llm.stream_chat(USER))[-1].message
    else:
        server.queue(Json(completion("Ottawa.", annotations=notes)))
        message = llm.chat(USER).message
    assert message.content == "Ottawa."
    assert message.blocks[1:] == [
        CitationBlock(
            cited_content="It is.",
            source="https://atlas.invalid/",
            title="Atlas",
            additional_location_info={"start_index": 0, "end_index": 6},
        ),
        CitationBlock(cited_content="", source="https://book.invalid/", title="", additional_location_info={}),
    ]
    assert message.additional_kwargs["annotations"] == notes
    llm.chat([*USER, message, *USER])
    assert server.last_body["messages"][1] == {"role": "assistant", "content": "Ottawa.", "annotations": notes}


def test_a_cited_answer_lives_in_a_memory(server: Emulator, llm):
    server.queue(Json(completion("Ottawa.", annotations=[CITED])))
    memory = ChatMemoryBuffer.from_defaults(token_limit=1000)
    memory.put(llm.chat(USER).message)
    (kept,) = memory.get()
    restored = ChatMessage.model_validate_json(kept.model_dump_json())
    assert [block.block_type for block in restored.blocks] == ["text", "citation"]
    assert restored.additional_kwargs["annotations"] == [CITED]
