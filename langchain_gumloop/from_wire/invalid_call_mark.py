"""A mark behind the arguments of a call that cannot be read, so that nobody takes them for arguments.

LangChain reads the arguments of chunks leniently wherever it makes a chunk: it closes what is open and leaves out what
it cannot read. A sum of our own chunks is read to the letter, but a chunk may have been written down and read again (a
checkpoint, a queue, another process) or be added to a chunk of another class, and then LangChain's reading is all there
is. It gives up at one thing alone, a bracket that closes what is not open; so the stream ends such a call with one.
"""

from __future__ import annotations

import re

_WORDS = " <no whole JSON object>"
_MARK = re.escape(_WORDS) + r'"?[\]}]\Z'
_CLOSED_BY = {"{": "}", "[": "]"}


def invalid_call_mark(arguments: str) -> str:
    """What to add to arguments that are not a JSON object for LangChain not to read one out of them."""
    expected: list[str] = []
    within_text = escaped = False
    for character in arguments:
        if within_text:
            if character == '"' and not escaped:
                within_text = False
            escaped = character == "\\" and not escaped
        elif character == '"':
            within_text, escaped = True, False
        elif character in _CLOSED_BY:
            expected.append(_CLOSED_BY[character])
        elif expected and character == expected[-1]:
            expected.pop()
    quote = '"' if within_text else ""
    return _WORDS + quote + ("}" if expected and expected[-1] == "]" else "]")


def without_invalid_call_mark(arguments: str | None) -> str | None:
    """The arguments as the model wrote them."""
    if not arguments or _WORDS not in arguments[-len(_WORDS) - 2 :]:
        return arguments
    return re.sub(_MARK, "", arguments)
