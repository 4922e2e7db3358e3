"""What hypothesis feeds the core: bytes, JSON, and chunks that are nearly right."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

# Words that mean something on the wire, so that random documents hit the branches that read them.
WORDS = st.sampled_from(
    ["", "stop", "error", "tool_calls", "a", "{", "}", '{"x":1}', "reasoning.text", "text", "image_url", "user", "402"]
)
NUMBERS = st.one_of(
    st.integers(-2, 3), st.integers(), st.floats(), st.sampled_from([10**30, 429, 402, float("nan"), float("inf")])
)
TEXT = st.one_of(WORDS, st.text(max_size=5))
FIELDS = st.sampled_from(
    [
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "error",
        "index",
        "delta",
        "message",
        "finish_reason",
        "native_finish_reason",
        "logprobs",
        "role",
        "content",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "tool_calls",
        "images",
        "refusal",
        "gumloop_extensions",
        "annotations",
        "audio",
        "type",
        "text",
        "signature",
        "data",
        "summary",
        "format",
        "function",
        "name",
        "arguments",
        "image_url",
        "url",
        "prompt_tokens",
        "total_tokens",
        "cost",
        "prompt_tokens_details",
        "cached_tokens",
        "code",
        "param",
        "metadata",
        "raw",
        "transcript",
        "provider",
        "function_call",
        "thinking",
        "detail",
        "status",
        "errors",
        "base_resp",
        "success",
        "obfuscation",
        "token_id",
        "content_filter_results",
        "filtered",
        "x_groq",
    ]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(FIELDS, TEXT), inner, max_size=4)),
    max_leaves=8,
)


def nearly(strategy: st.SearchStrategy[Any], chance: int = 12) -> st.SearchStrategy[Any]:
    """Mostly what it should be, sometimes anything."""
    return st.integers(0, chance).flatmap(lambda roll: ANYTHING if roll == 0 else strategy)


def document(required: dict[str, Any] | None = None, **optional: Any) -> st.SearchStrategy[Any]:
    """An object with some of its fields."""
    return nearly(
        st.fixed_dictionaries(
            {name: nearly(value) for name, value in (required or {}).items()},
            optional={name: nearly(value) for name, value in optional.items()},
        )
    )


TOOL_CALL = document(
    index=st.integers(0, 2),
    id=st.sampled_from(["a", "b", ""]),
    type=st.just("function"),
    function=document(
        name=st.sampled_from(["f", "g", ""]), arguments=st.sampled_from(["", "{", "}", '{"x":', "1}", "{}"])
    ),
)
REASONING_DETAIL = document(
    type=st.sampled_from(["reasoning.text", "reasoning.summary", "reasoning.encrypted"]),
    text=TEXT,
    summary=TEXT,
    data=TEXT,
    signature=st.sampled_from([None, "s1", "s2"]),
    id=st.sampled_from([None, "r1"]),
    index=st.integers(0, 2),
    format=WORDS,
)
IMAGE = document(
    type=st.just("image_url"),
    index=st.integers(0, 1),
    image_url=document(url=st.sampled_from(["data:image/png;base64,AA==", "https://x.example/a.png", ""])),
)
MESSAGE = document(
    role=st.just("assistant"),
    content=st.one_of(
        TEXT,
        st.none(),
        st.lists(document(type=st.sampled_from(["text", "thinking", "new"]), text=TEXT, thinking=TEXT), max_size=2),
    ),
    reasoning=TEXT,
    reasoning_content=TEXT,
    function_call=document(name=st.sampled_from(["f", ""]), arguments=st.sampled_from(["", "{", "}", "{}"])),
    token_id=st.integers(0, 9),
    reasoning_details=st.lists(REASONING_DETAIL, max_size=3),
    tool_calls=st.lists(TOOL_CALL, max_size=3),
    images=st.lists(IMAGE, max_size=2),
    refusal=TEXT,
    gumloop_extensions=document(tool_results=st.lists(TEXT, max_size=2)),
    annotations=st.lists(TEXT, max_size=2),
    audio=document(data=TEXT, transcript=TEXT),
)
USAGE = document(
    prompt_tokens=NUMBERS,
    completion_tokens=NUMBERS,
    total_tokens=NUMBERS,
    cost=NUMBERS,
    prompt_tokens_details=document(cached_tokens=NUMBERS),
)
ERROR = document(code=st.sampled_from([402, "429", "x", None]), message=TEXT, metadata=document(raw=TEXT), param=TEXT)
FINISH = st.sampled_from([None, None, None, "stop", "error", "length"])
TOP = {
    "id": st.sampled_from(["gen-1", "gen-2", None, ""]),
    "model": st.sampled_from(["m", "n"]),
    "provider": st.sampled_from(["P", None]),
    "created": st.integers(0, 1),
    "usage": st.one_of(st.none(), USAGE),
}


def _choice(key: str) -> st.SearchStrategy[Any]:
    return document(
        {key: MESSAGE},
        index=st.sampled_from([0, 0, 0, 0, 1, "0", None]),
        finish_reason=FINISH,
        native_finish_reason=WORDS,
        logprobs=st.one_of(st.none(), document(content=st.lists(TEXT, max_size=1))),
    )


CHUNK = document({"choices": st.lists(_choice("delta"), max_size=2)}, **TOP)
PLAIN_CHUNK = st.builds(
    lambda text, top: {**top, "choices": [{"index": 0, "delta": {"content": text}}]},
    st.text(max_size=3),
    st.fixed_dictionaries({}, optional=TOP),
)
ERROR_CHUNK = document({"error": ERROR, "choices": st.lists(_choice("delta"), max_size=1)})
COMPLETION = document({"choices": st.lists(_choice("message"), min_size=1, max_size=2)}, **TOP)
EVENT_DATA = st.one_of(*[PLAIN_CHUNK] * 4, *[CHUNK] * 4, ERROR_CHUNK, ANYTHING, st.just("[DONE]"))

LINE_END = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])


@st.composite
def stream_bytes(draw: st.DrawFn) -> bytes:
    """The bytes of a stream, nearly right."""
    out = bytearray(draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf", b"\n", b": hi\n\n", b" \n\xef\xbb\xbf"])))
    for data in draw(st.lists(EVENT_DATA, max_size=6)):
        end = draw(LINE_END)
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=draw(st.booleans()))
        out += b"data:" + draw(st.sampled_from([b" ", b""]))
        out += text.encode("utf-8", "surrogatepass").replace(b"\n", end + b"data: ") + end + end
        out += draw(st.sampled_from([b"", b"", b"", b": c\n\n", b"event: x\n", b"\n", b"junk\n"]))
    out += draw(st.sampled_from([b"data: [DONE]\n\n", b"data: [DONE]", b"", b"data: {", b"\xff", b"data: [DONE]\r"]))
    return bytes(out)


@st.composite
def cut(draw: st.DrawFn, content: bytes) -> list[bytes]:
    """Content in pieces."""
    if draw(st.integers(0, 3)) == 0:
        return [content[place : place + 1] for place in range(len(content))]
    places = sorted(draw(st.lists(st.integers(0, len(content)), max_size=6)))
    return [content[start:end] for start, end in zip([0, *places], [*places, len(content)], strict=True)]


# -- true answers, in both forms ---------------------------------------------------------------------------------------

PROSE = st.text(alphabet='ab {}[]"\\\né🍁', max_size=12)


@st.composite
def pieces_of(draw: st.DrawFn, text: str) -> list[str]:
    """A text in pieces."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@st.composite
def both_forms(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """An answer as a unary document, and the chunks of the same answer streamed."""
    text, reasoning, refusal = draw(PROSE), draw(PROSE), draw(st.sampled_from(["", "No."]))
    spelling = draw(st.sampled_from(["reasoning", "reasoning_content"]))
    signature = draw(st.sampled_from([None, "s1"]))
    form = draw(st.sampled_from(["plain", "details", "both", "details first", "part", "none"]))
    calls: list[dict[str, Any]] = [
        {
            "id": draw(st.sampled_from([f"id{place}", None, ""])),
            "type": "function",
            "function": {
                "name": draw(st.sampled_from(["f", "get_weather"])),
                "arguments": draw(st.sampled_from(["", "{}"]))
                + json.dumps(draw(st.dictionaries(st.sampled_from(["a", "}{"]), PROSE, min_size=1, max_size=2))),
            },
        }
        for place in range(draw(st.integers(0, 2)))
    ]
    notes = draw(st.lists(st.sampled_from(["n1", {"type": "url_citation", "url": "u"}]), max_size=2))
    extensions = draw(st.sampled_from([None, {"tool_results": [1, 2]}]))
    detail = {"type": "reasoning.text", "text": reasoning, "signature": signature, "index": 0}
    message: dict[str, Any] = {"role": "assistant", "content": text or None, "refusal": refusal or None}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    thoughts = draw(pieces_of(reasoning))
    detail_pieces = [{**detail, "text": piece, "signature": None} for piece in thoughts]
    detail_pieces.append({"type": "reasoning.text", "signature": signature, "index": 0})
    if form in ("plain", "both", "details first"):
        message[spelling] = reasoning
    if form in ("details", "both", "details first"):
        message["reasoning_details"] = [{**detail, "text": reasoning}]
    if form == "part":
        message["content"] = [{"type": "thinking", "thinking": [{"type": "text", "text": reasoning}]}]
        message["content"] += [{"type": "text", "text": text}]
        deltas += [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": t}]}]} for t in thoughts]
    if form == "plain":
        deltas += [{spelling: piece} for piece in thoughts]
    if form == "both":
        deltas += [{spelling: piece} for piece in thoughts] + [
            {"reasoning_details": [piece]} for piece in detail_pieces
        ]
    if form == "details":
        deltas += [{"reasoning_details": [piece]} for piece in detail_pieces]
    if form == "details first":
        deltas += [{"reasoning_details": [piece]} for piece in detail_pieces]
        deltas += [{spelling: piece} for piece in draw(pieces_of(reasoning))]
    deltas += [{"content": piece} for piece in draw(pieces_of(text))]
    deltas += [{"refusal": piece} for piece in draw(pieces_of(refusal)) if refusal]
    if calls:
        message["tool_calls"] = calls
    for place, call in enumerate(calls):
        names = draw(pieces_of(call["function"]["name"])) if call["id"] else [call["function"]["name"]]
        first = {**call, "index": place, "function": {"name": names[0], "arguments": ""}}
        pieces = [first, *({"index": place, "function": {"name": name}} for name in names[1:] if name)]
        pieces += [
            {"index": place, "function": {"arguments": piece}}
            for piece in draw(pieces_of(call["function"]["arguments"]))
        ]
        while pieces:
            count = draw(st.integers(1, len(pieces)))
            deltas.append({"tool_calls": pieces[:count]})
            pieces = pieces[count:]
    if notes:
        message["annotations"] = notes
        deltas += [{"annotations": [note]} for note in notes]
    if extensions:
        message["gumloop_extensions"] = extensions
        deltas += [{"gumloop_extensions": {"tool_results": [result]}} for result in extensions["tool_results"]]
    reason = draw(st.sampled_from(["stop", "length", "tool_calls"]))
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    top = {"id": "gen-1", "created": 1, "model": "m"}
    index = draw(st.sampled_from([0, 1, "0", None]))
    chunks: list[dict[str, Any]] = [
        {**top, "obfuscation": "x" * (place % 3), "choices": [{"index": index, "delta": delta, "finish_reason": None}]}
        for place, delta in enumerate(deltas)
    ]
    chunks.append({**top, "choices": [{"index": index, "delta": {}, "finish_reason": reason}]})
    chunks.append({**top, "choices": [], "usage": usage})
    unary = {**top, "choices": [{"index": index, "message": message, "finish_reason": reason}], "usage": usage}
    return unary, chunks


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    """JSON Schemas of objects as classes make them, with some parts that strict mode does not know."""
    return st.builds(_document, _objects(_parts()), _objects(_leaves()), _objects(_leaves()))


def _document(root: dict[str, Any], first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    return {**root, "$defs": {"First": first, "Second": second}}


def _leaves() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "description": "A text.", "default": "x"},
            {"type": "string", "minLength": 1},
            {"type": "string", "format": "uri"},
            {"type": "integer", "minimum": 0},
            {"type": "number"},
            {"type": "boolean", "title": "Flag"},
            {"type": "null"},
            {"enum": ["a", "b"], "type": "string"},
            {"enum": ["a", 1, None]},
            {"const": "k"},
            {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"type": ["string", "null"]},
            {},
            {"type": "object"},
            {"type": "array", "prefixItems": [{"type": "integer"}] * 2, "minItems": 2, "maxItems": 2},
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ]
    )


def _parts() -> st.SearchStrategy[dict[str, Any]]:
    references = st.sampled_from(["First", "Second"]).map(lambda name: {"$ref": f"#/$defs/{name}"})
    described = st.builds(lambda part, text: {**part, "description": text}, references, st.text(max_size=3))
    return st.recursive(
        _leaves() | references | described,
        lambda inner: (
            inner.map(lambda item: {"type": "array", "items": item})
            | _objects(inner)
            | st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options})
            | inner.map(lambda part: {"allOf": [part], "description": "wrapped"})
        ),
        max_leaves=5,
    )


def _objects(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.sampled_from(["a", "b", "c"])

    def build(properties: dict[str, Any], optional: set[str], is_closed: bool) -> dict[str, Any]:
        made: dict[str, Any] = {"type": "object", "properties": properties}
        required = [name for name in properties if name not in optional]
        if required:
            made["required"] = required
        if is_closed:
            made["additionalProperties"] = False
        return made

    return st.builds(build, st.dictionaries(names, parts, max_size=3), st.sets(names), st.booleans())
