"""Answering from a text: the sentences that fit a question best, word for word."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.findings import split_sentences

UNKNOWN = "I don't know: the context does not say."
ECHO = "You wrote:"
"""How an answer begins that only repeats the request."""

_NEW_BLOCK = re.compile(r"^\s*(?:[-*•+]\s|\d+[.)]\s|#{1,6}\s|\||>|```|Source \d+:|Document \d+:|-{3,})")
_METADATA = re.compile(
    r"^\s*(?:file_?path|file_?name|file_?type|file_?size|page_?label|creation_date|last_modified_date|document_id|"
    r"doc_id|source|url|id|Source \d+|Document \d+|Excerpt from document)\s*:",
    re.I,
)
_INSTRUCTION = re.compile(
    r"^\s*(?:you are|you're|you have access|use the|use only|answer|always|never|do not|don't|if you|respond|reply|"
    r"be |keep |given |please|your task|think|return|when |make sure|only |ensure|rules?:|some rules|instruction)\b",
    re.I,
)
_MARKUP = re.compile(r"^\s*(?:[-*•+]\s+|\d+[.)]\s+|>\s*)+")
_PRONOUN = re.compile(r"^(?:It|They|He|She|This|These|That|Those|Its|Their)\b")
_EXPECTS = (
    (
        re.compile(r"\bhow (?:many|much|long|far|old|big|large|often)\b", re.I),
        re.compile(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve)\b"),
    ),
    (re.compile(r"\bwhen\b|\bwhat (?:year|date|time)\b", re.I), re.compile(r"\d")),
    (re.compile(r"\bwho\b", re.I), re.compile(r"\b[A-Z][a-z]+\s+[A-Z]")),
)
_MOST = 3
_CLOSE = 0.6  # of the best sentence's score, for a further one


@dataclass(frozen=True)
class Sentence:
    """A sentence of a context, with the words of the headings above it."""

    text: str
    stems: frozenset[str]
    heading: frozenset[str] = frozenset()
    order: int = 0
    source: int = 0


def sentences_of(context: str) -> list[Sentence]:
    """Return the sentences of a context; lines that were wrapped are joined, headings are remembered."""
    found: list[Sentence] = []
    heading: frozenset[str] = frozenset()
    source = 0
    for block in _blocks(context):
        marked = re.match(r"\s*(?:Source|Document) (\d+):\s*", block)
        if marked:
            source = int(marked[1])
            block = block[marked.end() :]
        if _METADATA.match(block) or set(block.strip()) <= set("-=|:`# "):
            continue
        if re.match(r"\s*#{1,6}\s", block):
            heading = frozenset(words.stems(block))
            continue
        for text in split_sentences(_row(_MARKUP.sub("", block))):
            found.append(Sentence(text, frozenset(words.stems(text)), heading, len(found), source))
    return found


def pick(question: str, sentences: Sequence[Sentence], *, most: int = _MOST, least: float = 0.0) -> list[Sentence]:
    """Return the sentences that answer a question best, in the order of the context.

    Args:
        question: The question.
        sentences: The sentences to pick from.
        most: How many sentences at most.
        least: Which share of the question's words (by weight) the best sentence must have.
    """
    asked = set(words.stems(question))
    if not asked or not sentences:
        return []
    weights = _weights(asked, sentences)
    total = sum(weights.values()) or 1.0
    scores: list[float] = []
    for position, sentence in enumerate(sentences):
        shared = words.overlap(asked, sentence.stems)
        score = sum(weights[word] for word in shared)
        score += 0.4 * sum(weights[word] for word in words.overlap(asked - shared, sentence.heading))
        if score and any(ask.search(question) and has.search(sentence.text) for ask, has in _EXPECTS):
            score *= 1.25
        if position and _PRONOUN.match(sentence.text):
            score += 0.5 * sum(weights[w] for w in words.overlap(asked - shared, sentences[position - 1].stems))
        if sentence.text.endswith("?"):
            score *= 0.3
        scores.append(score / (1 + len(sentence.stems) / 60))
    ranked = sorted(range(len(sentences)), key=lambda position: (-scores[position], position))
    best = ranked[0]
    if scores[best] <= 0 or _share(asked, sentences[best], weights) / total < least:
        return []
    chosen = [best]
    covered = words.overlap(asked, sentences[best].stems)
    for position in ranked[1:]:
        fresh = words.overlap(asked, sentences[position].stems) - covered
        if len(chosen) >= most or scores[position] < _CLOSE * scores[best]:
            break
        if fresh and sentences[position].text not in {sentences[one].text for one in chosen}:
            chosen.append(position)
            covered |= fresh
    return [sentences[position] for position in sorted(chosen)]


def answer_from(context: str, question: str, *, least: float = 0.0, cite: bool = False) -> str | None:
    """Return the answer that a context gives to a question, None when it gives none."""
    sentences = [s for s in sentences_of(context) if not _INSTRUCTION.match(s.text)]
    chosen = pick(question, sentences, least=least)
    if not chosen:
        return None
    if cite:
        return " ".join(f"{_with_stop(s.text).rstrip('.')} [{s.source}]." if s.source else s.text for s in chosen)
    return " ".join(_with_stop(sentence.text) for sentence in chosen)


def summarize(text: str, most: int = 3) -> str:
    """Return the most central sentences of a text, in its order."""
    sentences = [sentence for sentence in sentences_of(text) if len(sentence.stems) > 2]
    if not sentences:
        return text.strip()
    frequency = Counter(word for sentence in sentences for word in sentence.stems)
    scores = {
        sentence.order: sum(frequency[word] for word in sentence.stems) / (len(sentence.stems) + 4)
        for sentence in sentences
    }
    best = sorted(sentences, key=lambda sentence: (-scores[sentence.order], sentence.order))[:most]
    return " ".join(_with_stop(s.text) for s in sorted(best, key=lambda sentence: sentence.order))


def keywords(text: str, most: int = 10) -> list[str]:
    """Return the most frequent telling words of a text as they are written there."""
    counts: Counter[str] = Counter()
    for word in words.split(" ".join(sentence.text for sentence in sentences_of(text))):
        if not word.isdigit() and word not in words.STOP_WORDS and len(word) > 2:
            counts[word] += 1
    return [word for word, _ in counts.most_common(most)]


def _weights(asked: set[str], sentences: Sequence[Sentence]) -> dict[str, float]:
    total = len(sentences)
    known = [sentence.stems | sentence.heading for sentence in sentences]
    return {
        word: math.log(1 + total / (1 + sum(bool(words.overlap([word], stems)) for stems in known))) + 0.1
        for word in asked
    }


def _share(asked: set[str], sentence: Sentence, weights: dict[str, float]) -> float:
    shared = words.overlap(asked, sentence.stems) | words.overlap(asked, sentence.heading)
    return sum(weights[word] for word in shared)


def _blocks(context: str) -> list[str]:
    """Return paragraphs, list items, rows and headings, each as one line."""
    found: list[str] = []
    open_block = False
    for line in context.splitlines():
        if not line.strip():
            open_block = False
        elif open_block and not _NEW_BLOCK.match(line) and not _METADATA.match(line):
            found[-1] += " " + line.strip()
        else:
            found.append(line.strip())
            open_block = not re.match(r"\s*(?:#|\||-{3,}|```)", line) and not _METADATA.match(line)
    return found


def _row(block: str) -> str:
    """Return a table's row as a line of its cells."""
    if not block.startswith("|"):
        return block
    return ", ".join(cell.strip() for cell in block.strip("|").split("|") if cell.strip())


def _with_stop(text: str) -> str:
    return text if text[-1:] in ".!?:;。\uff01\uff1f" else text + "."
