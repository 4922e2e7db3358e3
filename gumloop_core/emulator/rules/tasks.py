"""Prompts that want a list, a choice or a rewrite in a form of their own, as frameworks send them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.context import keywords, summarize
from gumloop_core.emulator.rules.findings import Findings
from gumloop_core.emulator.shapes import JsonObject

_CHOICES = re.compile(
    r"Some choices are given below\.(?P<head>.*?)-{6,}\s*\n(?P<choices>.*?)\n-{6,}\s*\n(?P<ask>.*)", re.S
)
_CHOICE = re.compile(r"\((\d+)\)\s*(.*?)(?=\n\s*\(\d+\)|\Z)", re.S)
_ASKED = re.compile(r"question:\s*'(?P<question>.*?)'\s*(?:\n|$)", re.S)
_AT_MOST = re.compile(r"no more than (\d+)")
_SUB_QUESTIONS = re.compile(
    r"output a list of relevant sub-questions.*<Tools>\s*```json\s*(?P<tools>.*?)```\s*"
    r"<User Question>\s*(?P<question>.*?)\s*<Output>\s*\Z",
    re.S,
)
_SUMMARIES = tuple(
    re.compile(pattern, re.S | re.I)
    for pattern in (
        r"<messages>\s*(?:Messages to summarize:)?(?P<messages>.*)</messages>",
        r"Write a (?:\w+ )?summary of the following[^\n]*\n(?P<text>.+?)\n\s*(?:CONCISE )?SUMMARY:",
        r"\bsummari[sz]e\b[^\n:]*:\s*(?P<text>.+)",
        r"\bsummari[sz]e\b[^\n]*\n\s*\n(?P<text>.+)",
    )
)
_KEYWORDS = re.compile(
    r"(?:extract up to|Give) (\d+)\s+(?:unique )?keywords.*?-{6,}\s*\n(?P<text>.*?)\n-{6,}.*KEYWORDS:", re.S
)
_QUERIES = re.compile(r"Generate (\d+) search queries.*?Query:\s*(?P<query>.*?)\s*\nQueries:", re.S)
_DOCUMENTS = re.compile(r"Let's try this now:\s*(?P<documents>.*?)\n\s*Question:\s*(?P<question>.*?)\n\s*Answer:", re.S)
_DOCUMENT = re.compile(r"Document (\d+):\s*\n(.*?)(?=\n\s*Document \d+:|\Z)", re.S)
_MOST_RELEVANT = 10


def special_task(text: str) -> str | None:
    """Return the answer to a prompt that wants a form of its own, None when it is not one of those."""
    for task in _TASKS:
        answer = task(text)
        if answer is not None:
            return answer
    return None


def selections(text: str) -> list[JsonObject] | None:
    """Return what a selector prompt wants chosen, with numbers as the prompt counts them."""
    match = _CHOICES.search(text)
    asked = _ASKED.search(match["ask"]) if match else None
    if match is None or asked is None:
        return None
    question = asked["question"]
    choices = [(int(number), body.strip()) for number, body in _CHOICE.findall(match["choices"])]
    ranked = _rank(question, choices)
    if not ranked:
        return None
    limit = _AT_MOST.search(match["ask"])
    most = int(limit[1]) if limit else 1
    best = ranked[0][1]
    kept = [pair for pair in ranked if pair[1] >= max(best * 0.6, 1)][:most] or ranked[:1]
    bodies = dict(choices)
    return [{"choice": number, "index": number, "reason": _why(question, bodies[number])} for number, _ in kept]


def _select(text: str) -> str | None:
    chosen = selections(text)
    if chosen is None:
        return None
    if "ANSWER: <number" in text:
        numbers = ", ".join(str(one["choice"]) for one in chosen)
        return f"ANSWER: {numbers}\n{chosen[0]['reason']}"
    return json.dumps([{"choice": one["choice"], "reason": one["reason"]} for one in chosen], ensure_ascii=False)


def _why(question: str, choice: str) -> str:
    shared = sorted(words.overlap(words.stems(question), words.stems(choice)))
    spoken = [word for word in words.split(question) if words.stem(word) in shared]
    return f"It is about {', '.join(dict.fromkeys(spoken))}." if spoken else "It is the closest of the choices."


def _sub_questions(text: str) -> str | None:
    match = _SUB_QUESTIONS.search(text)
    if match is None:
        return None
    try:
        tools = json.loads(match["tools"])
    except ValueError:
        return None
    question = match["question"].strip()
    items = [{"sub_question": asked, "tool_name": name} for name, asked in _asked_of(question, tools).items()]
    return f"```json\n{json.dumps({'items': items}, indent=4, ensure_ascii=False)}\n```"


def _asked_of(question: str, tools: Mapping[str, str]) -> dict[str, str]:
    """Return, by tool, what of a question it can answer."""
    asked = words.stems(question)
    known = {name: words.overlap(asked, words.stems(f"{name} {text}")) for name, text in tools.items()}
    common = set.intersection(*known.values()) if known else set()
    special = {name: found - common for name, found in known.items() if found - common}
    if len(special) < 2:
        best = max(known, key=lambda name: len(known[name]), default="")
        return {best: question} if best else {}
    everyone = set().union(*special.values())
    spoken = list(dict.fromkeys(word for word in re.findall(r"[\w-]+", question)))
    topic = [
        w
        for w in spoken
        if words.stems(w) and words.stem(w) not in everyone | {words.stem("compare"), words.stem("contrast")}
    ]
    result = {}
    for name, found in special.items():
        own = " ".join(word for word in spoken if words.stem(word) in found)
        result[name] = f"What is the {' '.join(topic)} of {own}?" if topic else f"What about {own}?"
    return result


def _summarize(text: str) -> str | None:
    for form in _SUMMARIES:
        match = form.search(text)
        if match is None:
            continue
        groups = match.groupdict()
        if groups.get("messages") is not None:
            return _session_summary(groups["messages"])
        return summarize(groups["text"].strip().strip('"')) if groups["text"].strip() else None
    return None


def _session_summary(messages: str) -> str:
    """Return the sections that LangChain's summarization asks for."""
    said = re.sub(r"</?message[^>]*>|^\s*(?:Human|AI|Tool|System)\s*:\s*", "\n", messages, flags=re.M)
    first = re.search(r"<message type=\"human\">\s*([^<\n]+)|^\s*Human\s*:\s*(.+)$", messages, re.M)
    intent = (first[1] or first[2]).strip() if first else "None"
    return (
        f"## SESSION INTENT\n{intent}\n\n## SUMMARY\n{summarize(said, most=5)}\n\n"
        "## ARTIFACTS\nNone\n\n## NEXT STEPS\nContinue with the user's request."
    )


def _extract_keywords(text: str) -> str | None:
    match = _KEYWORDS.search(text)
    return f"KEYWORDS: {', '.join(keywords(match['text'], int(match[1])))}" if match else None


def _search_queries(text: str) -> str | None:
    match = _QUERIES.search(text)
    if match is None:
        return None
    query = match["query"].strip()
    terms = " ".join(keywords(query))
    forms = [terms, f"{terms} explained", f"{terms} details", f"{terms} examples", f"about {terms}"]
    return "\n".join(forms[position % len(forms)] for position in range(int(match[1])))


def _rerank(text: str) -> str | None:
    match = _DOCUMENTS.search(text)
    if match is None:
        return None
    documents = [(int(number), body.strip()) for number, body in _DOCUMENT.findall(match["documents"])]
    ranked = [pair for pair in _rank(match["question"], documents) if pair[1] > 0]
    best = ranked[0][1] if ranked else 1
    return "\n".join(
        f"Doc: {number}, Relevance: {max(1, round(_MOST_RELEVANT * score / best))}" for number, score in ranked
    )


def _title(text: str) -> str | None:
    if not re.search(r"\btitle\b[^\n]*\bTitle:\s*\Z", text, re.S):
        return None
    names = [span.value for span in Findings(text).names if span.value not in ("Context", "Title", "Give", "Based")]
    return ", ".join(dict.fromkeys(names[:3])) or " ".join(keywords(text, 4)).title()


def _rank(question: str, numbered: Sequence[tuple[int, str]]) -> list[tuple[int, float]]:
    """Return the numbers with their scores, the best first: shared words, the rare ones counting more."""
    asked = set(words.stems(question))
    stems = {number: set(words.stems(body)) for number, body in numbered}
    weights = {word: 1 / max(1, sum(bool(words.overlap([word], own)) for own in stems.values())) for word in asked}
    scores = {number: sum(weights[word] for word in words.overlap(asked, own)) for number, own in stems.items()}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


_TASKS: Sequence[Callable[[str], str | None]] = (
    _select,
    _sub_questions,
    _rerank,
    _extract_keywords,
    _search_queries,
    _title,
    _summarize,
)
