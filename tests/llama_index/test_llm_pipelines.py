"""Retrieval pipelines with the model as `Settings.llm`: engines of every kind answer from the documents."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from inspect import signature

import pytest
from llama_index.core import Document, Settings, SummaryIndex
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.chat_engine import CondensePlusContextChatEngine, CondenseQuestionChatEngine, ContextChatEngine
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import (
    CitationQueryEngine,
    RetrieverQueryEngine,
    RouterQueryEngine,
    SubQuestionQueryEngine,
)
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import ImageNode, TextNode
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool
from llama_index.retrievers.bm25 import BM25Retriever
from pydantic import BaseModel

from gumloop_emulator import Answer, Emulator, ToolCall
from tests.support.pictures import png

TEXTS = {
    "canada": "The capital of Canada is Ottawa. Canada has ten provinces and three territories.",
    "peru": "The capital of Peru is Lima. Peru grows three thousand kinds of potato.",
    "norway": "The capital of Norway is Oslo. Norway has more than a thousand fjords.",
    "kenya": "The capital of Kenya is Nairobi. Kenya's highest mountain has the name of the country.",
}
QUESTION = "What is the capital of Peru?"


class Capital(BaseModel):
    """A capital."""

    city: str


@pytest.fixture(autouse=True)
def as_settings(llm) -> Iterator[None]:
    before = Settings._llm
    Settings.llm = llm
    yield
    Settings._llm = before


@pytest.fixture
def retriever() -> BM25Retriever:
    documents = [Document(text=text, metadata={"country": name}) for name, text in TEXTS.items()]
    nodes = SentenceSplitter(chunk_size=200).get_nodes_from_documents(documents)
    return BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=2)


WORKING_MODES = [
    ResponseMode.REFINE,
    ResponseMode.COMPACT,
    ResponseMode.SIMPLE_SUMMARIZE,
    ResponseMode.TREE_SUMMARIZE,
    ResponseMode.COMPACT_ACCUMULATE,
    ResponseMode.ACCUMULATE,
]


@pytest.mark.parametrize("mode", WORKING_MODES)
def test_a_query_engine_answers_in_every_mode(retriever, server: Emulator, mode: ResponseMode):
    engine = RetrieverQueryEngine.from_args(retriever, response_mode=mode)
    response = engine.query(QUESTION)
    assert "Lima" in str(response)
    assert response.source_nodes[0].node.metadata["country"] == "peru"
    assert "Lima" in str(asyncio.run(engine.aquery(QUESTION)))


def test_the_mode_without_context_asks_the_model_alone(retriever, server: Emulator):
    server.queue(Answer(text="Lima, I think."))
    engine = RetrieverQueryEngine.from_args(retriever, response_mode=ResponseMode.GENERATION)
    assert str(engine.query(QUESTION)) == "Lima, I think."


@pytest.mark.parametrize("mode", [ResponseMode.NO_TEXT, ResponseMode.CONTEXT_ONLY])
def test_a_mode_without_an_answer_asks_nothing(retriever, server: Emulator, mode: ResponseMode):
    response = RetrieverQueryEngine.from_args(retriever, response_mode=mode).query(QUESTION)
    assert response.source_nodes
    assert not server.requests


@pytest.mark.parametrize(
    "mode", [ResponseMode.REFINE, ResponseMode.COMPACT, ResponseMode.SIMPLE_SUMMARIZE, ResponseMode.TREE_SUMMARIZE]
)
def test_a_query_engine_streams(retriever, server: Emulator, mode: ResponseMode):
    engine = RetrieverQueryEngine.from_args(retriever, response_mode=mode, streaming=True)
    pieces = list(engine.query(QUESTION).response_gen)
    assert "Lima" in "".join(pieces)
    assert len(pieces) > 2

    async def gather() -> str:
        response = await engine.aquery(QUESTION)
        return "".join([piece async for piece in response.async_response_gen()])

    assert "Lima" in asyncio.run(gather())


@pytest.mark.skipif(
    "multimodal" not in signature(RetrieverQueryEngine.from_args).parameters,
    reason="query engines of this LlamaIndex do not send pictures yet",
)
@pytest.mark.parametrize("is_streaming", [False, True], ids=["whole", "streamed"])
def test_a_query_engine_sends_pictures(server: Emulator, is_streaming: bool):
    nodes = [TextNode(text=TEXTS["peru"]), ImageNode(image=base64.b64encode(png()).decode())]
    index = SummaryIndex(nodes)
    engine = RetrieverQueryEngine.from_args(index.as_retriever(), multimodal=True, streaming=is_streaming)
    assert "Lima" in str(engine.query(QUESTION))
    parts = server.last_body["messages"][-1]["content"]
    assert [part["type"] for part in parts].count("image_url") == 1


@pytest.mark.parametrize("mode", [ResponseMode.COMPACT, ResponseMode.TREE_SUMMARIZE, ResponseMode.REFINE])
def test_a_query_engine_answers_with_objects(retriever, llm, server: Emulator, mode: ResponseMode):
    server.queue(*[Answer(text='{"city": "Lima"}')] * 2)
    synthesizer = get_response_synthesizer(llm=llm, response_mode=mode, output_cls=Capital)
    response = RetrieverQueryEngine(retriever, response_synthesizer=synthesizer).query(QUESTION)
    assert response.response == Capital(city="Lima")


def test_a_structured_llm_serves_a_query_engine(retriever, llm, server: Emulator):
    server.queue(*[Answer(text='{"city": "Lima"}')] * 2)
    engine = RetrieverQueryEngine.from_args(retriever, llm=llm.as_structured_llm(Capital))
    assert engine.query(QUESTION).response == Capital(city="Lima")


def test_structured_filtering_refines_with_objects(retriever, llm, server: Emulator):
    refined = ToolCall("StructuredRefineResponse", {"answer": "Lima", "query_satisfied": True})
    server.queue(*[Answer(tool_calls=[refined])] * 4)
    synthesizer = get_response_synthesizer(llm=llm, structured_answer_filtering=True)
    assert "Lima" in str(RetrieverQueryEngine(retriever, response_synthesizer=synthesizer).query(QUESTION))
    assert server.last_body["tool_choice"] == "required"


def test_a_citation_engine_cites(retriever):
    response = CitationQueryEngine.from_args(SummaryIndex([]), retriever=retriever).query(QUESTION)
    assert "Lima" in str(response)
    assert response.source_nodes[0].node.get_content().startswith("Source 1")


@pytest.mark.parametrize("kind", [ContextChatEngine, CondensePlusContextChatEngine])
def test_a_chat_engine_answers_from_the_documents(retriever, server: Emulator, kind):
    server.reply("Lima.", when=lambda request: TEXTS["peru"] in str(request.messages))
    engine = kind.from_defaults(retriever=retriever)
    assert "Lima" in str(engine.chat(QUESTION))
    assert "Lima" in "".join(engine.stream_chat(QUESTION).response_gen)
    assert len(engine.chat_history) == 4


def test_a_condensing_chat_engine_answers_from_the_documents(retriever):
    engine = CondenseQuestionChatEngine.from_defaults(query_engine=RetrieverQueryEngine.from_args(retriever))
    assert "Lima" in str(engine.chat(QUESTION))


def _tools(retriever) -> list[QueryEngineTool]:
    engine = RetrieverQueryEngine.from_args(retriever)
    return [
        QueryEngineTool.from_defaults(engine, name="countries", description="Capitals and facts of countries."),
        QueryEngineTool.from_defaults(engine, name="recipes", description="Recipes for potatoes."),
    ]


@pytest.mark.parametrize(
    ("selector", "answer"),
    [
        (LLMSingleSelector, Answer(text='[{"choice": 1, "reason": "It is of countries."}]')),
        (LLMMultiSelector, Answer(text='[{"choice": 1, "reason": "It is of countries."}]')),
        (
            PydanticSingleSelector,
            Answer(tool_calls=[ToolCall("SingleSelection", {"index": 1, "reason": "It is of countries."})]),
        ),
    ],
)
def test_a_router_chooses(retriever, llm, server: Emulator, selector, answer: Answer):
    server.queue(answer)
    made = selector.from_defaults(llm=llm)
    response = RouterQueryEngine(selector=made, query_engine_tools=_tools(retriever)).query(QUESTION)
    assert "Lima" in str(response)
    assert "countries" in str(response.metadata["selector_result"].reasons)


def test_a_question_is_divided(retriever, llm, server: Emulator):
    questions = [
        {"sub_question": "What is the capital of Peru?", "tool_name": "countries"},
        {"sub_question": "What is the capital of Norway?", "tool_name": "countries"},
    ]
    server.queue(Answer(text="```json\n" + json.dumps({"items": questions}) + "\n```"))
    engine = SubQuestionQueryEngine.from_defaults(
        query_engine_tools=_tools(retriever),
        question_gen=LLMQuestionGenerator.from_defaults(llm=llm),
        verbose=False,
        use_async=True,
    )
    response = engine.query("Compare the capitals of Peru and Norway.")
    asked = str([request.json["messages"] for request in server.chat_requests])
    assert "What is the capital of Norway?" in asked
    assert {"Lima", "Oslo"} & set(str(response).replace(".", " ").split())


def test_a_counter_reports_what_a_pipeline_cost(retriever, make_llm, server: Emulator):
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = make_llm(callback_manager=CallbackManager([counter]))
    synthesizer = get_response_synthesizer(llm=llm, streaming=True, callback_manager=llm.callback_manager)
    engine = RetrieverQueryEngine(retriever, response_synthesizer=synthesizer, callback_manager=llm.callback_manager)
    usage = {"prompt_tokens": 1234, "completion_tokens": 567, "total_tokens": 1801}
    server.queue(Answer(text="Lima.", usage=usage))
    list(engine.query(QUESTION).response_gen)
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (1234, 567)
