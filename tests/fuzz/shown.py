"""What the frameworks show of an answer, in a form that can be compared."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from langchain_core.messages import AIMessage
from llama_index.core.base.llms.types import (
    ChatResponse,
    CompletionResponse,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from gumloop_core.errors import GumloopError
from tests.security.shown import KEY, chain

_MADE_UP = re.compile(r"call_[0-9a-f]{32}")


def plain(value: Any) -> Any:
    """A value without what differs between two readings of the same: order of keys, made-up ids, NaN, classes."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, str):
        return _MADE_UP.sub("call_made_up", value)
    if isinstance(value, float) and value != value:
        return "NaN"
    if value is None or isinstance(value, (bool, int, float, bytes)):
        return value
    if hasattr(value, "model_dump"):
        return {
            "class": type(value).__name__,
            **plain({name: getattr(value, name) for name in type(value).model_fields}),
        }
    return repr(value)


def langchain_face(message: AIMessage) -> dict[str, Any]:
    """What LangChain shows of an answer."""
    return plain(
        {
            "text": str(message.text),
            "content": message.content,
            "content_blocks": message.content_blocks,
            "tool_calls": message.tool_calls,
            "invalid_tool_calls": message.invalid_tool_calls,
            "usage_metadata": message.usage_metadata,
            "response_metadata": message.response_metadata,
            "additional_kwargs": message.additional_kwargs,
        }
    )


def llama_index_face(response: ChatResponse | CompletionResponse) -> dict[str, Any]:
    """What LlamaIndex shows of an answer, but for its last piece."""
    face: dict[str, Any] = {"additional_kwargs": response.additional_kwargs, "logprobs": response.logprobs}
    face["usage"] = (response.raw or {}).get("usage")
    if isinstance(response, CompletionResponse):
        face["text"] = response.text
    else:
        face["blocks"] = response.message.blocks
        face["message"] = response.message.additional_kwargs
        face["role"] = response.message.role
    return plain(face)


def langchain_meaning(message: AIMessage) -> dict[str, Any]:
    """What an answer says to who reads it in LangChain, in the same words as :func:`llama_index_meaning`."""
    blocks: list[Any] = message.content_blocks
    texts = [block for block in blocks if block["type"] == "text"]
    assert "".join(block["text"] for block in texts) == str(message.text), "the text is not that of the text blocks"
    calls = [(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    invalid = [(call["id"], call["name"] or "", call["args"]) for call in message.invalid_tool_calls]
    in_blocks = [block["id"] for block in blocks if block["type"] in ("tool_call", "invalid_tool_call")]
    assert sorted(in_blocks) == sorted(call[0] for call in calls + invalid), "the blocks have other calls"
    assert all(call["error"] for call in message.invalid_tool_calls), "an invalid call does not say why it is"
    return plain(
        {
            "text": str(message.text),
            "reasoning": "".join(block["reasoning"] for block in blocks if block["type"] == "reasoning"),
            "calls": calls,
            "invalid calls": invalid,
            "images": sum(block["type"] == "image" for block in blocks),
            "cited": [note["url"] for block in texts for note in block.get("annotations", []) if "url" in note],
            "refusal": message.additional_kwargs.get("refusal") or "",
            "details": message.additional_kwargs.get("reasoning_details") or [],
            "extensions": message.additional_kwargs.get("gumloop_extensions") or {},
            "finish_reason": message.response_metadata["finish_reason"],
            "tokens": (message.usage_metadata or {}).get("total_tokens"),
        }
    )


def llama_index_meaning(response: ChatResponse) -> dict[str, Any]:
    """What an answer says to who reads it in LlamaIndex."""
    blocks, extras = response.message.blocks, response.message.additional_kwargs
    thoughts = [block for block in blocks if isinstance(block, ThinkingBlock)]
    calls = [block for block in blocks if isinstance(block, ToolCallBlock)]
    written = [(call["id"], call["function"]["name"]) for call in extras.get("tool_calls", [])]
    assert written == [(block.tool_call_id, block.tool_name) for block in calls], "the blocks have other calls"
    return plain(
        {
            "text": "".join(block.text for block in blocks if isinstance(block, TextBlock)),
            "reasoning": "".join(block.content or "" for block in thoughts),
            "calls": [(b.tool_call_id, b.tool_name, b.tool_kwargs) for b in calls if isinstance(b.tool_kwargs, dict)],
            "invalid calls": [
                (b.tool_call_id, b.tool_name, b.tool_kwargs) for b in calls if isinstance(b.tool_kwargs, str)
            ],
            # An address that the framework's block does not take is kept beside the blocks.
            "images": sum(isinstance(block, ImageBlock) for block in blocks)
            + sum(map(_is_image, extras.get("unread_images", []))),
            "cited": [str(block.source) for block in blocks if block.block_type == "citation"],
            "refusal": extras.get("refusal") or "",
            "details": [one for b in thoughts for one in b.additional_information.get("reasoning_details") or []],
            "extensions": extras.get("gumloop_extensions") or {},
            "finish_reason": response.additional_kwargs["finish_reason"],
            "tokens": response.additional_kwargs.get("total_tokens"),
        }
    )


def meaning(result: Any) -> Any:
    """What a result says, whichever adapter it is from; a failure stands for itself."""
    if isinstance(result, Failed):
        return result
    return langchain_meaning(result) if isinstance(result, AIMessage) else llama_index_meaning(result)


class Failed:
    """An error as the caller sees it. It compares by kind and words, and by what had arrived."""

    def __init__(self, error: GumloopError) -> None:
        self.kind = type(error).__name__
        self.message = plain(error.message)
        self.partial = None if error.partial is None else plain(repr(error.partial))
        self.is_retryable = getattr(error, "is_retryable", None)

    def __repr__(self) -> str:
        return f"{self.kind}({self.message!r}, partial={self.partial})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failed) and (self.kind, self.message, self.partial) == (
            other.kind,
            other.message,
            other.partial,
        )

    __hash__ = None  # type: ignore[assignment]


_OURS = ("gumloop_core", "langchain_gumloop", "llama_index_gumloop")
_HANDS_ON = "langchain_gumloop.turns"  # a call as it was made, to the framework


def is_of_the_framework(error: BaseException) -> bool:
    """Whether an error is the framework's own word on what was passed.

    Either it was raised before any of our code was asked, so that no frame is ours but one that hands the call on as it
    was made; or LangChain said what cannot be made a message of, which it documents.
    """
    modules: list[str] = []
    traceback_ = error.__traceback__
    while traceback_ is not None:
        modules.append(_module(traceback_))
        traceback_ = traceback_.tb_next
    if isinstance(error, (ValueError, NotImplementedError)) and modules[-1].startswith("langchain_core.messages"):
        return True
    return not any(module.partition(".")[0] in _OURS for module in modules if module != _HANDS_ON)


def assert_shows_no_key(error: BaseException) -> None:
    """What loggers, tracers and debuggers print of an error does not hold the key: words, attributes, variables."""
    for current in chain(error):
        words = [repr(current), str(current), repr(current.args), *traceback.format_exception_only(current)]
        words += [_printed(value) for value in vars(current).values()]
        words += [_printed(value) for value in _variables(current)]
        for word in words:
            assert KEY not in word, f"the key shows in {type(current).__name__}: {word[:2000]}"


def _variables(error: BaseException) -> Iterator[Any]:
    """The variables of all frames but the tests' and the frameworks', which hold what the caller passes."""
    traceback_ = error.__traceback__
    while traceback_ is not None:
        if not _module(traceback_).startswith(("tests.", "langchain_core.", "llama_index", "_pytest", "hypothesis")):
            yield from traceback_.tb_frame.f_locals.values()
        traceback_ = traceback_.tb_next


def _module(traceback_: TracebackType) -> str:
    return str(traceback_.tb_frame.f_globals.get("__name__", ""))


def _printed(value: Any) -> str:
    try:
        return repr(value)
    except Exception:  # what was passed cannot always be printed
        return ""


_ORDER = ["reasoning", "text", "image"]


def in_one_order(result: Any) -> dict[str, Any] | Failed:
    """LangChain's face with its blocks in the order of a unary answer; events number them by when they began."""
    if isinstance(result, Failed):
        return result
    face = langchain_face(result)

    def place(block: Any) -> tuple[int, str]:
        kind = block["type"]
        return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), "" if kind in _ORDER else str(block.get("id")))

    sortable = {name: face[name] for name in ("content", "content_blocks") if isinstance(face[name], list)}
    return {**face, **{name: sorted(blocks, key=place) for name, blocks in sortable.items()}}


def _is_image(part: Any) -> bool:
    address = part.get("image_url") if isinstance(part, dict) else None
    return isinstance(address, dict) and isinstance(address.get("url"), str) and address["url"] != ""


def assert_same(one: dict[str, Any] | Failed, other: dict[str, Any] | Failed, which: str) -> None:
    """Two faces, or two failures, are the same; says in which fields they differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = differences(one, other)
        assert found == {}, f"{which}: {found}"
    else:
        assert one == other, f"{which}: {one} and {other}"


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields in which two faces differ. Empty content may be a text or a list."""
    return {
        name: (one.get(name), other.get(name))
        for name in sorted({*one, *other})
        if one.get(name) != other.get(name)
        and not (name == "content" and one[name] in ("", []) and other[name] in ("", []))
    }
