"""Prompts of known form: a context with a question, an answer to refine, a question to rewrite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.context import UNKNOWN, answer_from
from gumloop_core.emulator.rules.findings import Findings

_RULE = r"\n?\s*-{6,}\s*\n"
_QUESTION = r"(?:Query|Question|User question|Input)\s*:\s*"
_FLAGS = re.S | re.I

# Where the context and the question are; the first form that matches wins.
_CONTEXT_FORMS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"context information.*?is (?:below|provided).*?{_RULE}(?P<context>.*){_RULE}.*?{_QUESTION}(?P<question>.*?)\s*(?:\n\s*Answer\s*:.*)?\Z",
        rf"<(?:context|documents?)>(?P<context>.*)</(?:context|documents?)>.*?{_QUESTION}(?P<question>.*?)\s*(?:\n\s*(?:Helpful )?Answer\s*:.*)?\Z",
        rf"<(?:context|documents?)>(?P<context>.*)</(?:context|documents?)>\s*(?P<question>.+)\Z",
        rf"{_QUESTION}(?P<question>[^\n]+?)\s*\n+\s*(?:Context|Documents|Sources)\s*:\s*(?P<context>.*?)\s*(?:\n\s*(?:Helpful )?Answer\s*:.*)?\Z",
        rf"(?:context|documents|sources|passages?|text|article)[^\n:]*:\s*\n?(?P<context>.{{40,}}?)\n\s*{_QUESTION}(?P<question>[^\n]+(?:\n(?!\s*(?:Helpful )?Answer)[^\n]+)*)\s*(?:\n\s*(?:Helpful )?Answer\s*:.*)?\Z",
        rf"(?:context|answer the question)[^\n]*\n\s*\n(?P<context>.{{40,}}?)\n\s*\n\s*{_QUESTION}(?P<question>[^\n]+)\s*(?:\n\s*(?:Helpful )?Answer\s*:.*)?\Z",
    )
)
_REFINE_FORMS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"original query is as follows:\s*(?P<question>.*?)\n\s*We have provided an existing answer:\s*(?P<existing>.*?)\n\s*We have the opportunity.*?{_RULE}(?P<context>.*){_RULE}",
        r"New Context:\s*(?P<context>.*)\n\s*Query:\s*(?P<question>.*?)\n\s*Original Answer:\s*(?P<existing>.*?)\n\s*New Answer:",
    )
)
_SYSTEM_REFINE_FORMS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"refine the following existing answer.*?{_RULE}(?P<context>.*?){_RULE}Existing Answer:\s*\n(?P<existing>.*?){_RULE}",
        r"relevant documents for the context:\s*(?P<context>.*?)\n\s*Existing Answer:\s*\n(?P<existing>.*?)\n\s*Instruction: Refine",
    )
)
_SYSTEM_CONTEXT_FORMS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        rf"context information below.*?{_RULE}(?P<context>.*){_RULE}",
        r"relevant documents for the context:\s*(?P<context>.*?)\n\s*Instruction:",
        r"<(?:context|documents?)>(?P<context>.*)</(?:context|documents?)>",
        r"(?:context|documents|sources|information|knowledge|excerpts)[^\n]*[:.]\s*\n\s*(?P<context>.{20,})\Z",
        r"\bcontext\s*:\s*(?P<context>.{20,})\Z",
    )
)
_CONDENSE_FORMS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, _FLAGS)
    for pattern in (
        r"Chat History:\s*\n(?P<history>.*?)\n\s*Follow Up (?:Input|Question):\s*(?P<question>.*?)\n\s*Standalone question:",
        r"<Chat History>\s*\n(?P<history>.*?)\n\s*<Follow Up Message>\s*\n(?P<question>.*?)\n\s*<Standalone question>",
    )
)
_CONDENSE_SYSTEM = re.compile(r"standalone question", re.I)
_PRONOUN = re.compile(r"\b(?:it|they|them|he|she|him|this|that|there|one)\b", re.I)
_POSSESSIVE = re.compile(r"\b(?:its|their|his|her)\b", re.I)
_ROLE = re.compile(r"^\s*(?:user|human|assistant|ai|system)\s*:\s*", re.I | re.M)
_CITES = re.compile(r"\bcit(?:e|ing|ations?)\b", re.I)


@dataclass(frozen=True)
class ContextPrompt:
    """A question about a context; `existing` is an answer to be refined."""

    context: str
    question: str
    existing: str | None = None
    cites: bool = False
    certain: bool = True


def read_context(user: str, system: str) -> ContextPrompt | None:
    """Return the context and the question of a prompt, None when it carries no context."""
    for form in _REFINE_FORMS:
        match = form.search(user)
        if match:
            return ContextPrompt(match["context"], match["question"].strip(), match["existing"].strip())
    for form in _CONTEXT_FORMS:
        match = form.search(user)
        if match:
            question = match["question"].strip()
            return ContextPrompt(match["context"], question, cites=bool(_CITES.search(user[: match.start("context")])))
    for form in _SYSTEM_REFINE_FORMS:
        match = form.search(system)
        if match:
            return ContextPrompt(match["context"], user, match["existing"].strip())
    for form in _SYSTEM_CONTEXT_FORMS:
        match = form.search(system)
        if match:
            return ContextPrompt(match["context"], user, certain=form in _SYSTEM_CONTEXT_FORMS[:3])
    return None


def answer_prompt(prompt: ContextPrompt) -> str | None:
    """Return the answer to a context prompt; None when the context may not have been one."""
    least = 0.0 if prompt.certain else 0.3
    answer = answer_from(prompt.context, prompt.question, least=least, cite=prompt.cites)
    if prompt.existing is None:
        return answer if answer is not None or not prompt.certain else UNKNOWN
    if answer is None:
        return prompt.existing
    return _refined(prompt, answer)


def _refined(prompt: ContextPrompt, answer: str) -> str:
    """Return the existing answer, unless the new one says more about the question."""
    asked = set(words.stems(prompt.question))
    existing = prompt.existing or ""
    had = words.overlap(asked, words.stems(existing))
    has = words.overlap(asked, words.stems(answer))
    if existing == UNKNOWN or not had:
        return answer
    if answer in existing or not has - had:
        return existing
    return answer if has > had else f"{existing} {answer}"


def standalone_question(user: str, system: str, earlier: Sequence[str]) -> str | None:
    """Return the standalone form of a follow-up question, None when none is asked for.

    Args:
        user: The last user message.
        system: The system messages.
        earlier: The texts of the messages before.
    """
    for form in _CONDENSE_FORMS:
        match = form.search(user)
        if match:
            history = [line for line in _ROLE.sub("", match["history"]).splitlines() if line.strip()]
            return _standalone(match["question"].strip(), history)
    if _CONDENSE_SYSTEM.search(system):
        return _standalone(user.strip(), list(earlier))
    return None


def _standalone(question: str, history: Sequence[str]) -> str:
    if not history or not (_PRONOUN.search(question) or _POSSESSIVE.search(question)):
        return question
    subject = _subject(history)
    if subject is None:
        return question
    if _POSSESSIVE.search(question):
        return _POSSESSIVE.sub(f"{subject}'s", question, count=1)
    return _PRONOUN.sub(subject, question, count=1)


def _subject(history: Sequence[str]) -> str | None:
    """Return what a conversation was last about: the last name in a question, else the last name."""
    for line in sorted(reversed(history), key=lambda line: "?" not in line):
        names = Findings(line).names
        if names:
            return names[-1].value
    return None
