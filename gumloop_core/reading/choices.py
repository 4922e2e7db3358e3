"""The choices of an answer: which one is the answer, and which are others. No I/O.

The endpoint is asked for one choice, under index 0. Gateways leave the index out, write it as text, give their only
choice another one, or send several.
"""

from __future__ import annotations

from gumloop_core.wire import JSONObject


def choices_of(document: JSONObject) -> list[JSONObject]:
    """The choices that a document has."""
    choices = document.get("choices")
    if choices.__class__ is list and len(choices) == 1 and choices[0].__class__ is dict:
        return choices  # the rule
    if isinstance(choices, dict):
        choices = [choices]
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def index_of(choice: JSONObject) -> int:
    """A choice's index; 0 where it is left out or none."""
    index = choice.get("index")
    if index.__class__ is int:
        return index
    if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 10:
        return int(index)
    return 0


def message_of(choice: JSONObject, names: tuple[str, str]) -> JSONObject | None:
    """What a choice says: under the first name, or the second, or as plain text of the older completions form."""
    message = choice.get(names[0])
    if message.__class__ is dict:
        return message
    message = choice.get(names[1])
    if isinstance(message, dict):
        return message
    text = choice.get("text")
    return {"content": text} if isinstance(text, str) and text else None
