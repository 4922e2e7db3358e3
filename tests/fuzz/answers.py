"""Answers whose meaning is known, in the many ways in which providers write them down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fuzz.deal import Deal
from tests.fuzz.shown import plain

Document = dict[str, Any]


@dataclass
class Call:
    """A tool call; ``arguments`` is what the model wrote, JSON or not."""

    id: str
    name: str
    arguments: str

    @property
    def value(self) -> Any:
        """The arguments as an object, ``None`` where they are none."""
        if self.arguments.strip() in ("", "null"):
            return {}
        try:
            value = json.loads(self.arguments)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


@dataclass
class Said:
    """What an answer says, whatever its form."""

    text: str = ""
    reasoning: str = ""
    calls: list[Call] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    annotations: list[Document] = field(default_factory=list)
    details: list[Document] = field(default_factory=list)
    refusal: str = ""
    tool_results: list[Any] = field(default_factory=list)
    finish_reason: str = "stop"
    usage: Document | None = None

    @property
    def good_calls(self) -> list[Call]:
        """The calls that may run: those with a whole object. What was cut off before its arguments has none."""
        is_cut_off = self.finish_reason in ("length", "content_filter")
        return [
            call
            for call in self.calls
            if call.value is not None and (call.arguments.strip() not in ("", "null") or not is_cut_off)
        ]

    @property
    def has_something_to_send(self) -> bool:
        """Whether there is more than reasoning, which alone is no message that every provider takes back."""
        return bool(self.text or self.calls or self.images or self.refusal)

    @property
    def meaning(self) -> Document:
        """What both adapters must say of the answer, in the words of :mod:`tests.fuzz.shown`."""
        good = [call for call in self.calls if call in self.good_calls]
        return plain(
            {
                "text": self.text,
                "reasoning": self.reasoning,
                "calls": [(call.id, call.name, call.value) for call in good],
                "invalid calls": [(call.id, call.name, call.arguments) for call in self.calls if call not in good],
                "images": len(self.images),
                "cited": [note["url_citation"]["url"] for note in self.annotations],
                "refusal": self.refusal,
                "details": self.details,
                "extensions": {"tool_results": self.tool_results} if self.tool_results else {},
                "finish_reason": self.finish_reason,
                "tokens": (self.usage or {}).get("total_tokens"),
            }
        )


PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
WORDS = [
    "",
    "Yes.",
    "A longer text, in two sentences. ",
    " leading",
    "trailing\n",
    "ß日本🎉",
    "{}",
    "<b>",
    "0",
    "\u2028\x85",
]
NAMES = ["get_weather", "add", "f", "delete_path"]
VALUES: list[Any] = [
    "Köln 🎉",
    1,
    None,
    True,
    -5,
    10**18,
    0.5,
    "",
    [],
    {},
    [1, ["a"]],
    {"a": {"b c": None}},
    "}{",
    '"\\',
]
USAGE: Document = {
    "prompt_tokens": 20,
    "completion_tokens": 12,
    "total_tokens": 32,
    "prompt_tokens_details": {"cached_tokens": 8, "cache_write_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 5},
    "cost": 0.00125,
    "is_byok": False,
}
TOP: Document = {"id": "gen-1", "created": 1_750_000_000, "model": "m-served"}


def text(deal: Deal) -> str:
    """Some text, empty at times."""
    return deal.one(WORDS) + (deal.one(WORDS) if deal.chance(3) else "")


def citation(deal: Deal) -> Document:
    """An annotation of a text."""
    note: Document = {"url": deal.one(["https://example.org/a", "https://example.org/b?q=1"])}
    note |= deal.one([{}, {"title": "A"}]) | deal.one([{}, {"start_index": 0, "end_index": 2}])
    return {"type": "url_citation", "url_citation": note}


def arguments(deal: Deal, *, broken: bool) -> str:
    """The text of a call's arguments."""
    value = {name: deal.one(VALUES) for name in deal.few(["city", "path", "a", ""], 3)}
    whole = json.dumps(value, ensure_ascii=deal.chance(2), indent=deal.one([None, None, 1]))
    if not broken:
        return whole
    ending = whole[: deal.number(len(whole) - 1)]
    return deal.one([ending, "[1]", "5", "{nope", whole + "}", "null", '{"a": tru', "{'a': 1}"])


def calls(deal: Deal, count: int, *, broken: bool) -> list[Call]:
    """Some calls, one in five of them broken if any is to be."""
    return [
        Call(f"call-{place}", deal.one(NAMES), arguments(deal, broken=broken and deal.chance(5)))
        for place in range(count)
    ]


def said(deal: Deal, *, broken: bool = True) -> Said:
    """What some answer says."""
    called = calls(deal, deal.one([0, 0, 1, 1, 2, 3]), broken=broken)
    # The last call is what the end of the answer is missing of.
    ends = ["tool_calls", "stop"] if called else ["stop", "length", "content_filter", "end_turn"]
    out = Said(
        text=text(deal),
        reasoning=text(deal),
        calls=called,
        images=deal.one([[], [], [], [PIXEL], [PIXEL, "https://example.org/a.png"]]),
        refusal=deal.one(["", "", "", "I cannot."]),
        tool_results=deal.one([[], [], [], [{"name": "search", "result": "x"}]]),
        finish_reason=deal.one([*ends, "length", "content_filter"]),
        usage=deal.one([None, USAGE, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}]),
    )
    if out.text:
        out.annotations = [citation(deal) for _ in range(deal.number(2))]
    if out.reasoning and deal.chance(2):
        out.details = [{"type": "reasoning.text", "text": out.reasoning, "signature": "s", "index": 0}]
    if not (out.text or out.calls or out.images or out.reasoning or out.refusal):
        out.text = "x"
    return out


@dataclass
class Manner:
    """How a provider writes an answer down."""

    reasoning: str = "reasoning"
    content_parts: bool = False
    call_index: str = "counted"
    call_id: str = "first"
    call_name: str = "first"
    leading_braces: bool = False
    padding: Document = field(default_factory=dict)
    choice_padding: Document = field(default_factory=dict)
    delta_padding: Document = field(default_factory=dict)
    finish: str = "own chunk"
    usage: str = "own chunk"
    done: bool = True
    role: str = "first"


def manner(deal: Deal) -> Manner:
    """Some manner."""
    return Manner(
        reasoning=deal.one(["reasoning", "reasoning_content", "both", "empty beside", "thinking parts"]),
        content_parts=deal.chance(2),
        call_index=deal.one(["counted", "counted", "counted", "from 1", "with gaps", "none"]),
        call_id=deal.one(["first", "first", "every", "empty after", "null after"]),
        call_name=deal.one(["first", "first", "every", "empty after", "null after"]),
        padding=deal.one([{}, {}, {"p": "abc"}, {"obfuscation": "xK"}, {"service_tier": None}, {"new_field": "x"}]),
        choice_padding=deal.one(
            [{}, {}, {"logprobs": None}, {"native_finish_reason": None}, {"content_filter_results": {}}]
        ),
        delta_padding=deal.one([{}, {}, {"refusal": None}, {"token_id": 5}, {"tool_calls": None}, {"audio": None}]),
        finish=deal.one(["own chunk", "last chunk", "twice", "empty after"]),
        usage=deal.one(["own chunk", "finish chunk", "every chunk", "with choice"]),
        done=not deal.chance(2),
        role=deal.one(["first", "every", "never", "own chunk"]),
    )


def _reasoning_fields(text: str, manner: Manner) -> Document:
    if manner.reasoning == "both":
        return {"reasoning": text, "reasoning_content": text}
    if manner.reasoning == "empty beside":
        return {"reasoning": "", "reasoning_content": text}
    return {"reasoning" if manner.reasoning == "thinking parts" else manner.reasoning: text}


def _content(text: str, reasoning: str, manner: Manner) -> Document:
    """Content and reasoning, which share a field where reasoning is a part of the content."""
    fields: Document = {}
    parts: list[Any] = []
    if reasoning:
        if manner.reasoning == "thinking parts":
            parts.append({"type": "thinking", "thinking": [{"type": "text", "text": reasoning}]})
        else:
            fields |= _reasoning_fields(reasoning, manner)
    if text and (parts or manner.content_parts):
        parts.append({"type": "text", "text": text})
    if parts:
        fields["content"] = parts
    elif text:
        fields["content"] = text
    return fields


def whole(answer: Said, manner: Manner) -> Document:
    """The answer as a unary document."""
    message: Document = {"role": "assistant", "content": None, **_content(answer.text, answer.reasoning, manner)}
    if answer.details:
        message["reasoning_details"] = answer.details
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    message |= _rest(answer)
    choice = {"index": 0, "finish_reason": answer.finish_reason, "message": message, **manner.choice_padding}
    document = {**TOP, **manner.padding, "object": "chat.completion", "choices": [choice]}
    return {**document, "usage": answer.usage} if answer.usage is not None else document


def _rest(answer: Said) -> Document:
    rest: Document = {}
    if answer.images:
        rest["images"] = [{"type": "image_url", "image_url": {"url": url}} for url in answer.images]
    if answer.refusal:
        rest["refusal"] = answer.refusal
    if answer.annotations:
        rest["annotations"] = answer.annotations
    if answer.tool_results:
        rest["gumloop_extensions"] = {"tool_results": answer.tool_results}
    return rest


def _call_pieces(deal: Deal, place: int, call: Call, manner: Manner) -> list[Document]:
    pieces: list[Document] = []
    texts = deal.cut_text(call.arguments)
    if deal.chance(2):
        texts.insert(0, "")
    if manner.leading_braces:
        texts.insert(0, "{}")
    index = {"counted": place, "from 1": place + 1, "with gaps": place * 3, "none": None}[manner.call_index]
    for number, text in enumerate(texts):
        function: Document = {"arguments": text}
        piece: Document = {"type": "function", "function": function}
        if index is not None:
            piece["index"] = index
        for word, value, target in (("id", call.id, piece), ("name", call.name, function)):
            how = manner.call_id if word == "id" else manner.call_name
            if number == 0 or how == "every":
                target[word] = value
            elif how != "first":
                target[word] = "" if how == "empty after" else None
        pieces.append(piece)
    return pieces


def _pieces_of_calls(deal: Deal, calls: list[Call], manner: Manner) -> list[Document]:
    """The pieces of all calls: one call after the other, or all begun in order and then continued in any."""
    lanes = [_call_pieces(deal, place, call, manner) for place, call in enumerate(calls)]
    if manner.call_index == "none" or len(lanes) < 2 or deal.chance(2):
        return [piece for lane in lanes for piece in lane]
    return [lane.pop(0) for lane in lanes] + _shuffled_together(deal, [lane for lane in lanes if lane])


def _shuffled_together(deal: Deal, lanes: list[list[Document]]) -> list[Document]:
    """Several lists as one, each in its own order."""
    out: list[Document] = []
    while lanes:
        lane = deal.one(lanes) if len(lanes) > 1 else lanes[0]
        out.append(lane.pop(0))
        lanes = [left for left in lanes if left]
    return out


def deltas(deal: Deal, answer: Said, manner: Manner) -> list[Document]:
    """The answer in pieces; pieces of several kinds may share a delta."""
    reasoning = [_content("", text, manner) for text in deal.cut_text(answer.reasoning) if text]
    text = [_content(piece, "", manner) for piece in deal.cut_text(answer.text) if piece]
    calls = [{"tool_calls": [piece]} for piece in _pieces_of_calls(deal, answer.calls, manner)]
    rest = _rest(answer)
    others = [{name: value} for name, value in rest.items()]
    # The details repeat the text that was plain before, or come without any.
    if answer.details and deal.chance(2):
        reasoning = [{"reasoning_details": answer.details}]
    elif answer.details:
        reasoning.append({"reasoning_details": answer.details})
    # Text comes before the calls, after them, or between their pieces.
    lanes = [lane for lane in (reasoning, text, calls, others) if lane]
    in_turn = deal.chance(2)
    ordered = [piece for lane in lanes for piece in lane] if in_turn else _shuffled_together(deal, lanes)
    out: list[Document] = []
    for piece in ordered:
        if out and deal.chance(4):
            if not out[-1].keys() & piece.keys():
                out[-1] = {**out[-1], **piece}
                continue
            if "tool_calls" in piece and "tool_calls" in out[-1]:
                out[-1] = {**out[-1], "tool_calls": out[-1]["tool_calls"] + piece["tool_calls"]}
                continue
        out.append(piece)
    return out


def chunks(deal: Deal, answer: Said, manner: Manner) -> list[Document]:
    """The answer as the documents of a stream."""
    steps = deltas(deal, answer, manner)
    if manner.role == "own chunk":
        steps.insert(0, {"role": "assistant", "content": ""})
    documents: list[Document] = []
    for number, step in enumerate(steps):
        delta = {**manner.delta_padding, **step}
        if manner.role == "every" or (manner.role == "first" and number == 0):
            delta = {"role": "assistant", **delta}
        documents.append(chunk(delta, manner=manner))
    if manner.finish == "last chunk" and documents:
        documents[-1]["choices"][0]["finish_reason"] = answer.finish_reason
    else:
        documents.append(chunk({}, answer.finish_reason, manner=manner))
        if manner.finish == "twice":
            documents.append(chunk({}, answer.finish_reason, manner=manner))
        elif manner.finish == "empty after":
            documents.append(chunk({"content": ""}, None, manner=manner))
    if answer.usage is not None:
        if manner.usage == "every chunk":
            for document in documents:
                document["usage"] = answer.usage
        elif manner.usage == "finish chunk":
            documents[-1]["usage"] = answer.usage
        elif manner.usage == "with choice":
            documents.append({**chunk({}, None, manner=manner), "usage": answer.usage})
        else:
            documents.append({**TOP, **manner.padding, "choices": [], "usage": answer.usage})
    return documents


def chunk(delta: Document, finish_reason: str | None = None, *, manner: Manner | None = None) -> Document:
    """One document of a stream."""
    manner = manner or Manner()
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, **manner.choice_padding}
    return {**TOP, **manner.padding, "object": "chat.completion.chunk", "choices": [choice]}
