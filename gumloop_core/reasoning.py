"""Structured reasoning: its pieces in a stream, joined into the parts that a unary answer has.

A thinking model checks its own parts on the next turn by their signature, so nothing may be lost, doubled or
reordered. Types on the wire: ``reasoning.text`` (``text``, ``signature``), ``reasoning.summary`` (``summary``) and
``reasoning.encrypted`` (``data``); each may carry ``id``, ``index`` and ``format``.
"""

from __future__ import annotations

from typing import Any

_JOINED = ("text", "summary", "data")


class ReasoningDetails:
    """Collects the ``reasoning_details`` of an answer.

    A piece continues the latest part if type and index agree, and neither names another id nor brings a second
    signature. Text fields are joined; of the others the latest value that is not null stands.
    """

    def __init__(self) -> None:
        self._parts: list[dict[str, Any]] = []
        self._pieces: list[dict[str, list[str]]] = []
        self._latest: dict[tuple[Any, Any], int] = {}  # the place of the latest part of each type and index

    def take(self, details: list[Any], *, whole: bool) -> None:
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


def text_of(details: list[Any]) -> str:
    """The readable text in a list of details, for answers that have the details alone."""
    texts = []
    for detail in details:
        if isinstance(detail, dict):
            text = detail.get("text") if detail.get("type") == "reasoning.text" else detail.get("summary")
            if isinstance(text, str):
                texts.append(text)
    return "".join(texts)
