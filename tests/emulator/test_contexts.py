"""Answers from a context, in the prompts of LlamaIndex and LangChain and in plain ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.chat_engine import condense_plus_context, condense_question, context
from llama_index.core.output_parsers.selection import FORMAT_STR
from llama_index.core.postprocessor.llm_rerank import DEFAULT_CHOICE_SELECT_PROMPT
from llama_index.core.prompts import chat_prompts, default_prompts
from llama_index.core.question_gen.output_parser import SubQuestionOutputParser
from llama_index.core.question_gen.prompts import DEFAULT_SUB_QUESTION_PROMPT_TMPL
from llama_index.core.retrievers.fusion_retriever import QUERY_GEN_PROMPT
from llama_index.core.selectors import prompts as selectors

from gumloop_core.emulator.rules.context import UNKNOWN, answer_from, keywords, sentences_of, summarize
from tests.emulator.support import ask, calls_of, tool, user

CATS = "Cats sleep for 12 to 16 hours each day."
DOGS = "Dogs were domesticated by humans over 14,000 years ago."
SMELL = "A dog's sense of smell is up to 100,000 times better than a human's."
DOCUMENTS = """file_path: docs/animals.md

# Cats
The cat (Felis catus) is a small carnivorous mammal. Cats sleep for 12 to 16 hours
each day. They are kept as pets in many countries.

# Dogs
Dogs were domesticated by humans over 14,000 years ago. A dog's sense of smell is
up to 100,000 times better than a human's.

| animal | legs |
|--------|------|
| spider | eight legs |

- An octopus has three hearts.
"""


def said(prompt: str | list[dict[str, Any]]) -> str:
    text = ask(prompt).text
    assert text is not None
    return text


def system(prompt: str, question: str) -> str:
    return said([{"role": "system", "content": prompt}, user(question)])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long do cats sleep each day?", CATS),
        ("How many hours does a cat sleep?", CATS),
        ("When were dogs domesticated?", DOGS),
        ("How good is a dog's sense of smell?", SMELL),
        ("How many legs has a spider?", "spider, eight legs."),
        ("How many hearts does an octopus have?", "An octopus has three hearts."),
        ("Which mammal is carnivorous?", "The cat (Felis catus) is a small carnivorous mammal."),
    ],
)
def test_picks_the_sentence_word_for_word(question: str, answer: str) -> None:
    assert answer_from(DOCUMENTS, question) == answer


def test_two_questions_take_two_sentences() -> None:
    answer = answer_from(DOCUMENTS, "How long do cats sleep and when were dogs domesticated?")
    assert answer == f"{CATS} {DOGS}"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("When was the bridge opened?", "The bridge was opened in 1932."),
        ("Who opened the bridge?", "The bridge was opened by Jack Lang."),
        ("How long is the bridge?", "The long bridge measures 1,149 metres."),
    ],
)
def test_the_kind_of_question_decides_between_equals(question: str, answer: str) -> None:
    told = (
        "The bridge was opened with a party. The bridge was opened in 1932. The bridge was opened by Jack Lang. "
        "The long bridge is grey. The long bridge measures 1,149 metres."
    )
    assert answer_from(told, question) == answer


def test_what_the_context_does_not_say() -> None:
    assert answer_from(DOCUMENTS, "What is the boiling point of tungsten?") is None
    template = default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL
    assert said(template.format(context_str=DOCUMENTS, query_str="Tungsten?")) == UNKNOWN


def test_lines_are_joined_and_metadata_is_left_out() -> None:
    texts = [sentence.text for sentence in sentences_of(DOCUMENTS)]
    assert CATS in texts
    assert not any("file_path" in text or text.startswith(("#", "|", "-")) for text in texts)


def test_a_pronoun_belongs_to_the_sentence_before() -> None:
    told = "Ada Lovelace wrote the first program. She was born in 1815. Alan Turing was born in 1912."
    assert answer_from(told, "When was Ada Lovelace born?") == (
        "Ada Lovelace wrote the first program. She was born in 1815."
    )


@pytest.mark.parametrize(
    "template",
    [
        default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL,
        default_prompts.DEFAULT_TREE_SUMMARIZE_TMPL,
        "Use the following pieces of retrieved context to answer the question. Use three sentences.\n"
        "Question: {query_str} \nContext: {context_str} \nAnswer:",
        "Answer the question based only on the following context:\n{context_str}\n\nQuestion: {query_str}\n",
        "Use the following pieces of context to answer the question at the end.\n\n{context_str}\n\n"
        "Question: {query_str}\nHelpful Answer:",
        "<context>\n{context_str}\n</context>\n\nQuestion: {query_str}",
        "<documents>{context_str}</documents>\n{query_str}",
    ],
)
@pytest.mark.parametrize(
    ("question", "answer"), [("How long do cats sleep?", CATS), ("When were dogs domesticated?", DOGS)]
)
def test_question_prompts(template: str, question: str, answer: str) -> None:
    assert said(template.format(context_str=DOCUMENTS, query_str=question)) == answer


@pytest.mark.parametrize(
    "template",
    [
        condense_plus_context.DEFAULT_CONTEXT_PROMPT_TEMPLATE,
        context.DEFAULT_CONTEXT_TEMPLATE,
        "Use the given context to answer the question. Context: {context_str}",
        "You are a helpful assistant that answers from these documents:\n\n{context_str}",
        "You answer questions.\n<context>{context_str}</context>",
    ],
)
def test_contexts_in_the_system_message(template: str) -> None:
    assert system(template.format(context_str=DOCUMENTS), "When were dogs domesticated?") == DOGS


def test_instructions_are_no_context() -> None:
    prompt = "You are a helpful assistant. Answer with the information that you have.\nNever mention dogs."
    assert "Never" not in system(prompt, "When were dogs domesticated?")
    assert system(prompt, "Capital of Canada?") == "Ottawa."


REFINE = default_prompts.DEFAULT_REFINE_PROMPT_TMPL
CHAT_REFINE = chat_prompts.CHAT_REFINE_PROMPT_TMPL_MSGS[0].content or ""


@pytest.mark.parametrize("template", [REFINE, CHAT_REFINE])
@pytest.mark.parametrize(
    ("context_msg", "existing", "expected"),
    [
        ("The moon is made of rock.", CATS, CATS),
        (DOCUMENTS, UNKNOWN, CATS),
        (DOCUMENTS, "Cats sleep.", CATS),
        (DOCUMENTS, CATS, CATS),
    ],
)
def test_refining(template: str, context_msg: str, existing: str, expected: str) -> None:
    query = "How many hours do cats sleep each day?"
    assert said(template.format(context_msg=context_msg, query_str=query, existing_answer=existing)) == expected


@pytest.mark.parametrize(
    "template", [context.DEFAULT_REFINE_TEMPLATE, condense_plus_context.DEFAULT_CONTEXT_REFINE_PROMPT_TEMPLATE]
)
def test_refining_in_the_system_message(template: str) -> None:
    kept = template.format(context_msg="The moon is made of rock.", existing_answer=CATS)
    assert system(kept, "How many hours do cats sleep?") == CATS
    better = template.format(context_msg=DOCUMENTS, existing_answer="I do not know.")
    assert system(better, "How many hours do cats sleep?") == CATS


@pytest.mark.parametrize(
    "template", [condense_plus_context.DEFAULT_CONDENSE_PROMPT_TEMPLATE, condense_question.DEFAULT_TEMPLATE]
)
@pytest.mark.parametrize(
    ("question", "standalone"),
    [
        ("When was she born?", "When was Ada Lovelace born?"),
        ("What is her profession?", "What is Ada Lovelace's profession?"),
        ("What is the capital of Peru?", "What is the capital of Peru?"),
    ],
)
def test_condensing(template: str, question: str, standalone: str) -> None:
    history = "user: Who was Ada Lovelace?\nassistant: A mathematician."
    assert said(template.format(chat_history=history, question=question)) == standalone


def test_condensing_as_langchain_asks_for_it() -> None:
    instruction = "Given a chat history and the latest user question, formulate a standalone question."
    messages = [
        {"role": "system", "content": instruction},
        user("Who was Ada Lovelace?"),
        {"role": "assistant", "content": "A mathematician."},
        user("When was she born?"),
    ]
    assert said(messages) == "When was Ada Lovelace born?"


CHOICES = "(1) Useful for questions about cats\n\n(2) Useful for questions about dogs\n\n(3) Useful for cars"


def test_selectors() -> None:
    single = selectors.DEFAULT_SINGLE_SELECT_PROMPT_TMPL.format(
        num_choices=3, context_list=CHOICES, query_str="Do dogs bark?"
    )
    assert [one["choice"] for one in json.loads(said(f"{single}\n\n{FORMAT_STR}"))] == [2]
    multiple = selectors.DEFAULT_MULTI_SELECT_PROMPT_TMPL.format(
        num_choices=3, max_outputs=2, context_list=CHOICES, query_str="Do cats and dogs sleep?"
    )
    assert [one["choice"] for one in json.loads(said(f"{multiple}\n\n{FORMAT_STR}"))] == [1, 2]
    tree = default_prompts.DEFAULT_QUERY_PROMPT_TMPL.format(
        num_chunks=3, context_list=CHOICES, query_str="Which cars are fast?"
    )
    assert said(tree).startswith("ANSWER: 3\n")


def test_selectors_by_tool() -> None:
    select = tool(
        "SingleSelection", "A single selection of a choice.", index={"type": "integer"}, reason={"type": "string"}
    )
    prompt = selectors.DEFAULT_SINGLE_PYD_SELECT_PROMPT_TMPL.format(
        num_choices=3, context_list=CHOICES, query_str="Do dogs bark?"
    )
    ((_, arguments),) = calls_of(ask(prompt, tools=[select], tool_choice="required"))
    assert arguments["index"] == 2
    assert "dogs" in arguments["reason"]


def test_sub_questions() -> None:
    tools = json.dumps({"cats_docs": "Information about cats", "dogs_docs": "Information about dogs"}, indent=4)
    prompt = DEFAULT_SUB_QUESTION_PROMPT_TMPL.replace("{tools_str}", tools)
    prompt = prompt.replace("{query_str}", "Compare the sleep of cats and dogs")
    parsed = SubQuestionOutputParser().parse(said(prompt)).parsed_output
    assert [(one.tool_name, one.sub_question) for one in parsed] == [
        ("cats_docs", "What is the sleep of cats?"),
        ("dogs_docs", "What is the sleep of dogs?"),
    ]


def test_reranking() -> None:
    documents = f"Document 1:\nThe moon is made of rock.\n\nDocument 2:\n{DOGS}"
    prompt = DEFAULT_CHOICE_SELECT_PROMPT.format(context_str=documents, query_str="When were dogs domesticated?")
    assert said(prompt) == "Doc: 2, Relevance: 10"


def test_keywords_and_queries() -> None:
    template = default_prompts.DEFAULT_KEYWORD_EXTRACT_TEMPLATE_TMPL
    answer = said(template.format(max_keywords=3, text="Cats chase mice. Cats sleep. Mice hide."))
    assert answer == "KEYWORDS: cats, mice, chase"
    assert keywords(DOCUMENTS, 2)
    queries = said(QUERY_GEN_PROMPT.format(num_queries=3, query="How long do cats sleep?")).splitlines()
    assert len(queries) == len(set(queries)) == 3
    assert all("cats" in query for query in queries)


@pytest.mark.parametrize(
    "template",
    [
        default_prompts.DEFAULT_SUMMARY_PROMPT_TMPL,
        'Write a concise summary of the following:\n\n\n"{context_str}"\n\n\nCONCISE SUMMARY:',
        "Summarize this text in three sentences:\n\n{context_str}",
    ],
)
def test_summaries_are_sentences_of_the_text(template: str) -> None:
    answer = said(template.format(context_str=DOCUMENTS))
    flat = " ".join(DOCUMENTS.split())
    assert answer == summarize(DOCUMENTS)
    assert all(part.strip(". ") in flat for part in answer.split(". "))
    assert len(answer) < len(flat) / 1.5


def test_the_summary_of_a_session() -> None:
    messages = '<message type="human">I live in Rome.</message>\n<message type="ai">Nice.</message>'
    answer = said(f"<role>x</role>\n<messages>\nMessages to summarize:\n{messages}\n</messages>")
    assert answer.startswith("## SESSION INTENT\nI live in Rome.\n\n## SUMMARY\n")
    assert "## NEXT STEPS" in answer


def test_citations() -> None:
    prompt = (
        "Please provide an answer based solely on the provided sources. When referencing information, cite the "
        f"appropriate source(s).\nBelow are several numbered sources:\n------\nSource 1:\nThe moon is rock.\n\n"
        f"Source 2:\n{CATS}\n------\nQuery: How long do cats sleep?\nAnswer: "
    )
    assert said(prompt) == "Cats sleep for 12 to 16 hours each day [2]."


def test_a_megabyte_is_read() -> None:
    """Within the time that any test may take, which quadratic rules would not keep."""
    filler = "".join(
        f"Number {n} is a number in a row of numbers, and nothing else. (x-y) a: b\n" for n in range(14_000)
    )
    prompt = default_prompts.DEFAULT_TEXT_QA_PROMPT_TMPL.format(
        context_str=f"{filler}\n{CATS}", query_str="How long do cats sleep?"
    )
    reply = ask(prompt, model="gemini-2.5-flash")
    assert reply.text == CATS


@pytest.mark.parametrize("unit", ["-", "{", "(", "a ", '"', "1 + ", "\n", "a:", "Aa ", "<context>", "Question: ", "é'"])
def test_hostile_prompts_end(unit: str) -> None:
    weather = tool("get_weather", "The weather.", city={"type": "string"}, days={"type": "integer"})
    hostile = unit * (40_000 // len(unit))
    for fields in ({}, {"tools": [weather], "tool_choice": "required"}, {"response_format": {"type": "json_object"}}):
        assert ask(hostile, **fields).finish_reason in ("stop", "tool_calls")
