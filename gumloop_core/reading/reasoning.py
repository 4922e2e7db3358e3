"""Reasoning: its text, which may come in several places at once, and its structured parts.

A thinking model checks its own parts on the next turn by their signature, so nothing may be lost, doubled or
reordered. Types on the wire: ``reasoning.text`` (``text``, ``signature``), ``reasoning.summary`` (``summary``) and
``reasoning.encrypted`` (``data``); each may carry ``id``, ``index`` and ``format``.
"""

from __future__ import annotations

from collections import deque
from typing import Any

_JOINED = ("text", "summary", "data")
_TEXT_FIELDS = ("thinking", "reasoning", "text", "content", "summary")


class ReasoningText:
    """The text of an answer's reasoning, told once though it may be sent twice.

    Providers send it plain, or within structured details, or both: in one chunk, or in chunks of their own, in either
    order. Plain text once seen, that of details is no text again. Where details came first, plain text is held
    against theirs, and only what goes beyond is new.
    """

    def __init__(self) -> None:
        self._has_plain = False
        self._ahead: deque[str] = deque()  # text of details that was handed out and may yet come plain
        self._told = 0  # characters of the first of them that have

    def add(self, plain: str, details: str) -> str:
        """Read what a chunk brought of both, and give back what is new."""
        if not plain:
            if self._has_plain or not details:
                return ""
            self._ahead.append(details)
            return details
        self._has_plain = True
        if plain == details:  # told side by side: this chunk is behind in nothing
            self._ahead.clear()
            self._told = 0
        return self._beyond(plain) if self._ahead else plain

    def _beyond(self, plain: str) -> str:
        """Plain text without what details told before; all of it where they told something else."""
        place, compared = self._told, 0
        for piece in self._ahead:
            length = min(len(piece) - place, len(plain) - compared)
            if piece[place : place + length] != plain[compared : compared + length]:
                self._ahead.clear()
                break
            compared += length
            place = 0
            if compared == len(plain):
                break
        if not self._ahead:
            self._told = 0
            return plain
        self._told += compared
        while self._ahead and len(self._ahead[0]) <= self._told:
            self._told -= len(self._ahead.popleft())
        return plain[compared:]


class ReasoningDetails:
    """Collects the ``reasoning_details`` of an answer.

    A piece continues the latest part if type and index agree, and neither names another id nor brings a second
    signature. Text fields are joined; of the others the latest value that is not null stands.
    """

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []
        self._pieces: list[dict[str, list[str]]] = []
        self._latest: dict[tuple[Any, Any], int] = {}  # the place of the latest part of each type and index

    def add(self, details: list[Any], *, whole: bool) -> None:
        """Read the ``reasoning_details`` of a delta, or of a unary message.

        Args:
            details: The list as received.
            whole: Whether each entry is a part of its own, as in a unary answer.
        """
        for detail in details:
            if not isinstance(detail, dict):
                continue
            place = None if whole else self._place_for(detail)
            if place is None:
                if not whole:
                    self._latest[_key(detail)] = len(self._parts)
                self._parts.append(dict(detail))
                self._pieces.append({key: [detail[key]] for key in _JOINED if isinstance(detail.get(key), str)})
            else:
                self._continue(self._parts[place], self._pieces[place], detail)

    def _place_for(self, detail: dict[str, Any]) -> int | None:
        place = self._latest.get(_key(detail))
        if place is None or (detail.get("index") is None and place != len(self._parts) - 1):
            return None  # without an index only neighbours belong together
        part = self._parts[place]
        same_id = detail.get("id") is None or part.get("id") is None or part["id"] == detail["id"]
        signature = detail.get("signature")
        second = part.get("signature") and (
            signature not in (None, part["signature"]) or any(detail.get(key) for key in _JOINED)
        )
        return place if same_id and not second else None

    @staticmethod
    def _continue(part: dict[str, Any], pieces: dict[str, list[str]], detail: dict[str, Any]) -> None:
        for key, value in detail.items():
            if key in _JOINED and isinstance(value, str):
                pieces.setdefault(key, []).append(value)
                part.setdefault(key, "")
            elif value is not None or key not in part:
                part[key] = value

    @property
    def must_go_back(self) -> bool:
        """Whether there is a part that the provider checks: signed or encrypted."""
        return any(part.get("signature") or part.get("data") for part in self._parts)

    def finished(self) -> list[dict[str, Any]]:
        """The parts as they stand."""
        return [
            {**part, **{key: "".join(text) for key, text in pieces.items()}}
            for part, pieces in zip(self._parts, self._pieces, strict=True)
        ]


def _key(detail: dict[str, Any]) -> tuple[Any, Any]:
    kind, index = detail.get("type"), detail.get("index")
    # A list or an object is no type and no index, and cannot be looked up.
    return str(kind), index if isinstance(index, (int, str)) else str(index)


def plain_text(value: Any) -> str:
    """The text of a reasoning field: text, or parts of it as in Mistral's ``thinking``."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(plain_text, value))
    if isinstance(value, dict):
        return next(filter(None, (plain_text(value.get(name)) for name in _TEXT_FIELDS)), "")
    return ""


def is_reasoning_part(part: dict[str, Any]) -> bool:
    """Whether a part of an answer's content is reasoning: ``thinking``, ``reasoning``, ``redacted_thinking`` …."""
    kind = part.get("type")
    return isinstance(kind, str) and ("thinking" in kind or "reasoning" in kind)


def detail_of(part: dict[str, Any]) -> dict[str, Any]:
    """A reasoning part of the content as an entry of ``reasoning_details``, in which form the wire takes it back."""
    if isinstance(part.get("data"), str):
        return {"type": "reasoning.encrypted", "data": part["data"]}
    detail = {"type": "reasoning.text", "text": plain_text(part)}
    if isinstance(part.get("signature"), str) and part["signature"]:
        detail["signature"] = part["signature"]
    return detail


def text_of(details: list[Any]) -> str:
    """The readable text in a list of details, for answers that have the details alone."""
    texts = []
    for detail in details:
        if isinstance(detail, dict):
            text = detail.get("text") if detail.get("type") == "reasoning.text" else detail.get("summary")
            if isinstance(text, str):
                texts.append(text)
    return "".join(texts)
