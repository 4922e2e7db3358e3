"""Prompts of known form: a context with a question, an answer to refine, a question to rewrite.

Everything here reads a prompt once from left to right, since a prompt may be a megabyte of documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gumloop_core.emulator.rules import words
from gumloop_core.emulator.rules.context import UNKNOWN, answer_from
from gumloop_core.emulator.rules.findings import Findings

_RULE = re.compile(r"^[ \t]*-{6,}[ \t]*$", re.M)
_QUESTION = re.compile(r"^[ \t]*(?:Query|Question|User question|Input)[ \t]*:[ \t]*", re.I | re.M)
_ANSWER = re.compile(r"\n[ \t]*(?:Helpful |New |Refined )?Answer[ \t]*:[ \t]*(?:\n|\Z)", re.I)
_CONTEXT = re.compile(
    r"^[ \t]*(?:new )?(?:context|documents?|sources?|passages?|text|article)\b[^\n:]{0,80}(?::|\.?[ \t]*$)"
    r"|\b(?:context|documents?)\b[^\n]{0,200}(?::|\.)[ \t]*$",
    re.I | re.M,
)
_LABELLED_CONTEXT = re.compile(r"^[ \t]*(?:context|documents?|sources?)[ \t]*:[ \t]*", re.I | re.M)
_OPENING = re.compile(r"<(context|documents?)>", re.I)
_SYSTEM_CONTEXT = re.compile(
    r"^[^\n]*\b(?:context|documents?|sources|information|knowledge|excerpts)\b[^\n]*[:.][ \t]*\n"
    r"|\bcontext[ \t]*:[ \t]*",
    re.I | re.M,
)
_DOCUMENTS_OF_CHAT = "relevant documents for the context:"
_EXISTING = "Existing Answer:"
_CONDENSE_LABELS = (
    ("Chat History:", ("Follow Up Input:", "Follow Up Question:"), "Standalone question:"),
    ("<Chat History>", ("<Follow Up Message>",), "<Standalone question>"),
)
_PRONOUN = re.compile(r"\b(?:it|they|them|he|she|him|this|that|there|one)\b", re.I)
_POSSESSIVE = re.compile(r"\b(?:its|their|his|her)\b", re.I)
_ROLE = re.compile(r"^\s*(?:user|human|assistant|ai|system)\s*:\s*", re.I | re.M)
_CITES = re.compile(r"\bcit(?:e|ing|ations?)\b", re.I)
_LEAST_CONTEXT = 20  # characters, below which a text is no context
_UNCERTAIN_SHARE = 0.3  # of a question's words that a text must have which may not be a context


@dataclass(frozen=True)
class ContextPrompt:
    """A question about a context.

    Attributes:
        context: The text to answer from.
        question: The question.
        existing: An answer to be refined.
        cites: Whether the answer shall name its sources.
        certain: Whether it is sure that the text is meant as a context.
    """

    context: str
    question: str
    existing: str | None = None
    cites: bool = False
    certain: bool = True


def read_context(user: str, system: str) -> ContextPrompt | None:
    """Return the context and the question of a prompt, None when it carries no context."""
    return _refine_prompt(user) or _question_prompt(user) or _system_prompt(user, system)


def answer_prompt(prompt: ContextPrompt) -> str | None:
    """Return the answer to a context prompt; None when the context may not have been one."""
    least = 0.0 if prompt.certain else _UNCERTAIN_SHARE
    answer = answer_from(prompt.context, prompt.question, least=least, cite=prompt.cites)
    if prompt.existing is None:
        return answer if answer is not None or not prompt.certain else UNKNOWN
    if answer is None:
        return prompt.existing
    return _refined(prompt, prompt.existing, answer)


def standalone_question(user: str, system: str, earlier: Sequence[str]) -> str | None:
    """Return the standalone form of a follow-up question, None when none is asked for.

    Args:
        user: The last user message.
        system: The system messages.
        earlier: The texts of the messages before.
    """
    for head, labels, end in _CONDENSE_LABELS:
        history = _between(user, head, labels[0]) or _between(user, head, labels[-1])
        question = _between(user, labels[0], end) or _between(user, labels[-1], end)
        if history is not None and question is not None:
            lines = [line for line in _ROLE.sub("", history).splitlines() if line.strip()]
            return _standalone(question.strip(), lines)
    if "standalone question" in system.lower():
        return _standalone(user.strip(), list(earlier))
    return None


def _refine_prompt(user: str) -> ContextPrompt | None:
    question = _between(user, "original query is as follows:", "\nWe have provided an existing answer:")
    existing = _between(user, "We have provided an existing answer:", "\nWe have the opportunity")
    if question is not None and existing is not None:
        return ContextPrompt(_ruled(user), question.strip(), existing.strip())
    if "Original Answer:" in user and "New Context:" in user:
        before, _, after = user.rpartition("\nOriginal Answer:")
        context, _, question = before.rpartition("\nQuery:")
        existing = after.partition("\nNew Answer:")[0]
        context = context.partition("New Context:")[2]
        return ContextPrompt(_ruled(context) or context, question.strip(), existing.strip())
    return None


def _question_prompt(user: str) -> ContextPrompt | None:
    tagged = _tagged(user)
    labels = list(_QUESTION.finditer(user))
    cites = bool(_CITES.search(user[:1000]))
    if tagged:
        context, before, after = tagged
        own = list(_QUESTION.finditer(after))
        question = _ANSWER.split((after[own[-1].end() :] if own else after) + "\n")[0].strip() or before.strip()
        return ContextPrompt(context, question, cites=cites)
    if not labels:
        return None
    label = labels[-1]
    before, rest = user[: label.start()], _ANSWER.split(user[label.end() :] + "\n")[0]
    marker = _LABELLED_CONTEXT.search(rest)
    if marker:
        return _long_enough(ContextPrompt(rest[marker.end() :], rest[: marker.start()].strip(), cites=cites))
    marker = _CONTEXT.search(before)
    if marker:
        context = _ruled(before) or before[marker.end() :]
        return _long_enough(ContextPrompt(context, rest.strip(), cites=cites))
    return None


def _system_prompt(user: str, system: str) -> ContextPrompt | None:
    existing = _between(system, _EXISTING, "------") or _between(system, _EXISTING, "Instruction:")
    existing = existing.strip() if existing is not None else None
    if _DOCUMENTS_OF_CHAT in system:
        context = system.partition(_DOCUMENTS_OF_CHAT)[2].rpartition("Instruction:")[0].partition(_EXISTING)[0]
        return ContextPrompt(context, user, existing)
    if "context information below" in system or _EXISTING in system:
        return ContextPrompt(_ruled(system).partition(_EXISTING)[0], user, existing)
    tagged = _tagged(system)
    if tagged:
        return ContextPrompt(tagged[0], user)
    marker = _SYSTEM_CONTEXT.search(system)
    if marker:
        return _long_enough(ContextPrompt(system[marker.end() :], user, certain=False))
    return None


def _tagged(text: str) -> tuple[str, str, str] | None:
    """Return what stands inside the first `<context>` or `<documents>`, before it and after it."""
    opening = _OPENING.search(text)
    if opening is None:
        return None
    closing = re.compile(f"</{opening[1]}>", re.I).search(text, opening.end())
    if closing is None:
        return None
    return text[opening.end() : closing.start()].strip(), text[: opening.start()], text[closing.end() :]


def _long_enough(prompt: ContextPrompt) -> ContextPrompt | None:
    return prompt if len(prompt.context.strip()) >= _LEAST_CONTEXT and prompt.question else None


def _ruled(text: str) -> str:
    """Return what stands between the first and the last line of dashes."""
    rules = list(_RULE.finditer(text))
    return text[rules[0].end() : rules[-1].start()] if len(rules) > 1 else ""


def _between(text: str, start: str, end: str) -> str | None:
    _, found, rest = text.partition(start)
    inside, closed, _ = rest.partition(end)
    return inside if found and closed else None


def _refined(prompt: ContextPrompt, existing: str, answer: str) -> str:
    """Return the existing answer, unless the new one says more about the question."""
    asked = set(words.stems(prompt.question))
    had = words.overlap(asked, words.stems(existing))
    has = words.overlap(asked, words.stems(answer))
    if existing == UNKNOWN or not had:
        return answer
    if answer in existing or not has - had:
        return existing
    return answer if has > had else f"{existing} {answer}"


def _standalone(question: str, history: Sequence[str]) -> str:
    if not history or not (_PRONOUN.search(question) or _POSSESSIVE.search(question)):
        return question
    subject = _subject(history)
    if subject is None:
        return question
    if _POSSESSIVE.search(question):
        return _POSSESSIVE.sub(lambda match: f"{subject}'s", question, count=1)
    return _PRONOUN.sub(lambda match: subject, question, count=1)


def _subject(history: Sequence[str]) -> str | None:
    """Return what a conversation was last about: the last name in a question, else the last name."""
    newest_first = list(reversed(history))
    for line in [*(line for line in newest_first if "?" in line), *newest_first]:
        names = Findings(line).names
        if names:
            return names[-1].value
    return None
