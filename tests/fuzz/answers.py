"""Answers whose meaning is known, in the many ways in which providers write them down."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

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
        if not self.arguments.strip():
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
        return [call for call in self.calls if call.value is not None and (call.arguments.strip() or not is_cut_off)]

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
WORDS = st.one_of(
    st.sampled_from(
        ["Yes.", "A longer text, in two sentences. ", " leading", "trailing\n", "ß日本🎉", "{}", "<b>", "0"]
    ),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=12),
)
NAMES = st.sampled_from(["get_weather", "add", "f", "delete_path"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 10**18), st.just(0.5), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["a", "b c", ""]), inner)),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.sampled_from(["city", "path", "a", ""]), VALUES, max_size=3)
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
CITATION = st.builds(
    lambda url, title, places: {"type": "url_citation", "url_citation": {"url": url, **title, **places}},
    st.sampled_from(["https://example.org/a", "https://example.org/b?q=1"]),
    st.sampled_from([{}, {"title": "A"}]),
    st.sampled_from([{}, {"start_index": 0, "end_index": 2}]),
)


@st.composite
def arguments(draw: st.DrawFn, *, broken: bool) -> str:
    """The text of a call's arguments."""
    whole = json.dumps(draw(OBJECTS), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, None, 1])))
    if not broken:
        return whole
    ending = whole[: draw(st.integers(0, len(whole) - 1))]
    return draw(st.sampled_from([ending, "[1]", "5", "{nope", whole + "}", "null", '{"a": tru', "{'a': 1}"]))


@st.composite
def said(draw: st.DrawFn, *, broken: bool = True) -> Said:
    """What some answer says."""
    calls: list[Call] = []
    for place in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        is_broken = broken and draw(st.integers(0, 4)) == 0
        text = draw(arguments(broken=is_broken))
        calls.append(Call(f"call-{place}", draw(NAMES), text))
    # The last call is what the end of the answer is missing of.
    ends = ["tool_calls", "stop"] if calls else ["stop", "length", "content_filter", "end_turn"]
    finish_reason = draw(st.sampled_from([*ends, "length", "content_filter"]))
    out = Said(
        text=draw(st.one_of(st.just(""), WORDS)),
        reasoning=draw(st.one_of(st.just(""), WORDS)),
        calls=calls,
        images=draw(st.sampled_from([[], [], [], [PIXEL], [PIXEL, "https://example.org/a.png"]])),
        refusal=draw(st.sampled_from(["", "", "", "I cannot."])),
        tool_results=draw(st.sampled_from([[], [], [], [{"name": "search", "result": "x"}]])),
        finish_reason=finish_reason,
        usage=draw(st.sampled_from([None, USAGE, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}])),
    )
    if out.text:
        out.annotations = draw(st.lists(CITATION, max_size=2))
    if out.reasoning and draw(st.booleans()):
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


MANNERS = st.builds(
    Manner,
    reasoning=st.sampled_from(["reasoning", "reasoning_content", "both", "empty beside", "thinking parts"]),
    content_parts=st.booleans(),
    call_index=st.sampled_from(["counted", "counted", "counted", "from 1", "with gaps", "none"]),
    call_id=st.sampled_from(["first", "first", "every", "empty after", "null after"]),
    call_name=st.sampled_from(["first", "first", "every", "empty after", "null after"]),
    padding=st.sampled_from([{}, {}, {"p": "abc"}, {"obfuscation": "xK"}, {"service_tier": None}, {"new_field": "x"}]),
    choice_padding=st.sampled_from(
        [{}, {}, {"logprobs": None}, {"native_finish_reason": None}, {"content_filter_results": {}}]
    ),
    delta_padding=st.sampled_from([{}, {}, {"refusal": None}, {"token_id": 5}, {"tool_calls": None}, {"audio": None}]),
    finish=st.sampled_from(["own chunk", "last chunk", "twice", "empty after"]),
    usage=st.sampled_from(["own chunk", "finish chunk", "every chunk", "with choice"]),
    done=st.booleans(),
    role=st.sampled_from(["first", "every", "never", "own chunk"]),
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


def _cut(draw: st.DrawFn, text: str) -> list[str]:
    if len(text) < 2:
        return [text]
    cuts = sorted(draw(st.sets(st.integers(1, len(text) - 1), max_size=3)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def _call_pieces(draw: st.DrawFn, place: int, call: Call, manner: Manner) -> list[Document]:
    pieces: list[Document] = []
    texts = _cut(draw, call.arguments)
    if draw(st.booleans()):
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


def _pieces_of_calls(draw: st.DrawFn, calls: list[Call], manner: Manner) -> list[Document]:
    """The pieces of all calls: one call after the other, or all begun in order and then continued in any."""
    lanes = [_call_pieces(draw, place, call, manner) for place, call in enumerate(calls)]
    if manner.call_index == "none" or len(lanes) < 2 or draw(st.booleans()):
        return [piece for lane in lanes for piece in lane]
    return [lane.pop(0) for lane in lanes] + _shuffled_together(draw, [lane for lane in lanes if lane])


def _shuffled_together(draw: st.DrawFn, lanes: list[list[Document]]) -> list[Document]:
    """Several lists as one, each in its own order."""
    out: list[Document] = []
    while lanes:
        lane = draw(st.sampled_from(lanes)) if len(lanes) > 1 else lanes[0]
        out.append(lane.pop(0))
        lanes = [left for left in lanes if left]
    return out


@st.composite
def deltas(draw: st.DrawFn, answer: Said, manner: Manner) -> list[Document]:
    """The answer in pieces; pieces of several kinds may share a delta."""
    reasoning = [_content("", text, manner) for text in _cut(draw, answer.reasoning) if text]
    text = [_content(piece, "", manner) for piece in _cut(draw, answer.text) if piece]
    calls = [{"tool_calls": [piece]} for piece in _pieces_of_calls(draw, answer.calls, manner)]
    rest = _rest(answer)
    others = [{name: value} for name, value in rest.items()]
    # The details repeat the text that was plain before, or come without any.
    if answer.details and draw(st.booleans()):
        reasoning = [{"reasoning_details": answer.details}]
    elif answer.details:
        reasoning.append({"reasoning_details": answer.details})
    # Text comes before the calls, after them, or between their pieces.
    lanes = [lane for lane in (reasoning, text, calls, others) if lane]
    in_turn = draw(st.booleans())
    ordered = [piece for lane in lanes for piece in lane] if in_turn else _shuffled_together(draw, lanes)
    out: list[Document] = []
    for piece in ordered:
        if out and draw(st.integers(0, 3)) == 0:
            if not out[-1].keys() & piece.keys():
                out[-1] = {**out[-1], **piece}
                continue
            if "tool_calls" in piece and "tool_calls" in out[-1]:
                out[-1] = {**out[-1], "tool_calls": out[-1]["tool_calls"] + piece["tool_calls"]}
                continue
        out.append(piece)
    return out


@st.composite
def chunks(draw: st.DrawFn, answer: Said, manner: Manner) -> list[Document]:
    """The answer as the documents of a stream."""
    steps = draw(deltas(answer, manner))
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
