"""Answering from tool results: each result is stated, word for word."""

from __future__ import annotations

import json

from gumloop_core.emulator.call import CallRecord
from gumloop_core.emulator.rules.context import answer_from
from gumloop_core.emulator.rules.request import HANDOFF, Done, Request

_LONG = 700  # characters of a result from which sentences are picked instead of quoting it


def answer_from_results(request: Request) -> str | None:
    """Return a text that states the results of this turn's calls, None when there are none."""
    told = [one for one in request.answered if one.record.name != HANDOFF]
    if not told:
        return None
    if request.expression and len(told) > 1:
        last = told[-1].result.strip()
        if _is_number(last):
            return f"{request.expression} = {last}."
    sentences = list(dict.fromkeys(_state(one, request.text) for one in told))
    return " ".join(sentences)


def _state(one: Done, question: str) -> str:
    result = one.result.strip()
    if not result:
        return f"{one.record.name} returned nothing."
    readable = _readable(result)
    if readable is not None:
        return f"{_call_text(one.record)} gave {readable}."
    if len(result) > _LONG:
        return answer_from(result, question) or result[:_LONG]
    if result[-1] in ".!?" or "\n" in result:
        return result
    if len(result.split()) > 5:
        return f"{result}."
    return f"The result of {_call_text(one.record)} is {result}."


def _call_text(record: CallRecord) -> str:
    arguments = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in record.arguments.items())
    return f"{record.name}({arguments})"


def _readable(result: str) -> str | None:
    """Return a JSON object or list as words, None when the result is neither."""
    try:
        value = json.loads(result)
    except ValueError:
        return None
    return _words(value) if isinstance(value, (dict, list)) else None


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{str(key).replace('_', ' ')}: {_words(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_words(item) for item in value) if value else "nothing"
    return value if isinstance(value, str) else json.dumps(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
