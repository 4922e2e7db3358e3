"""Deltas as LangChain's content-block protocol (``stream_events(version="v3")``), without a detour over chunks.

Each block opens when its first piece arrives and closes at the end of the message, except for images, which arrive
whole. Numbers count blocks from 0 in the order of their first pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.utils.utils import LC_ID_PREFIX
from langchain_core.version import VERSION

from gumloop_core.wire import JSONObject
from langchain_gumloop.from_wire.answers import (
    PROVIDER,
    additional_kwargs,
    image_block,
    response_metadata,
    usage_metadata,
)
from langchain_gumloop.from_wire.citations import annotation_blocks
from langchain_gumloop.from_wire.content_blocks import (
    IMAGE_INDEX,
    REASONING_INDEX,
    TEXT_INDEX,
    TOOL_CALL_INDEX,
    with_extras,
)
from langchain_gumloop.from_wire.server_tools import count_results, server_tool_blocks
from langchain_gumloop.from_wire.tool_calls import read_call

if TYPE_CHECKING:
    from langchain_protocol.protocol import MessagesData

    from gumloop_core.answer import Completion, Delta, Image, ToolCallPiece

_KNOWS_TOOL_CALL_DELTA = tuple(int(part) for part in VERSION.split(".")[:2]) >= (1, 7)
"""Whether LangChain adds up pieces of arguments itself; before 1.7 it wants all of them so far each time."""


class EventMaker:
    """Makes the events of one streamed message.

    Args:
        run_id: The run that the message belongs to; its id follows from it.
    """

    def __init__(self, run_id: Any) -> None:
        self._message_id = "" if run_id is None else f"{LC_ID_PREFIX}-{run_id}"
        self._started = False
        self._open: dict[str, int] = {}  # LangChain's name of a block -> its number
        self._text_number = -1
        self._waiting: list[Image] = []
        self._images_sent = 0
        self._results_sent = 0
        self._arguments: dict[int, JSONObject] = {}

    def events(self, delta: Delta) -> Sequence[MessagesData]:
        """The events for a delta."""
        fields = delta.__dict__
        if len(fields) == 2 and self._text_number >= 0:
            text = fields.get("text")
            if text is not None:
                return (
                    {
                        "event": "content-block-delta",
                        "index": self._text_number,
                        "delta": {"type": "text-delta", "text": text},
                    },
                )
        made: list[JSONObject] = []
        if not self._started:
            self._started = True
            made.append(self._message_start(delta))
        if delta.reasoning:
            number = self._block(made, REASONING_INDEX, {"type": "reasoning", "reasoning": ""})
            made.append(_delta(number, {"type": "reasoning-delta", "reasoning": delta.reasoning}))
        if delta.extensions is not None:
            self._server_tools(made, delta.extensions)
        if delta.text:
            self._text_number = self._block(made, TEXT_INDEX, {"type": "text", "text": ""})
            made.append(_delta(self._text_number, {"type": "text-delta", "text": delta.text}))
        if delta.images:
            self._waiting.extend(delta.images)
        if self._waiting and self._text_number >= 0:
            self._images(made)
        for place, image in enumerate(delta.partial_images):
            self._frame(made, place, image)
        for piece in delta.tool_calls:
            self._piece(made, piece)
        if delta.completion is not None:
            self._finish(made, delta.completion)
        return cast("Sequence[MessagesData]", made)

    def _message_start(self, delta: Delta) -> JSONObject:
        metadata = {"provider": PROVIDER}
        model = delta.raw.get("model")
        if isinstance(model, str):
            metadata["model"] = model
        return {"event": "message-start", "role": "ai", "id": self._message_id, "metadata": metadata}

    def _block(self, made: list[JSONObject], name: str, content: JSONObject) -> int:
        """The number of a block, opened if need be."""
        number = self._open.get(name)
        if number is None:
            number = self._open[name] = len(self._open)
            made.append({"event": "content-block-start", "index": number, "content": content})
        return number

    def _images(self, made: list[JSONObject]) -> None:
        for image in self._waiting:
            name = f"{IMAGE_INDEX}{self._images_sent}"
            block = image_block(image)
            number = self._block(made, name, {key: value for key, value in block.items() if key != "base64"})
            made.append(_finish(number, {**block, "index": name}))
            self._images_sent += 1
        self._waiting.clear()

    def _server_tools(self, made: list[JSONObject], extensions: JSONObject) -> None:
        for block in server_tool_blocks(extensions, self._results_sent):
            number = self._block(made, block["index"], {**block})
            made.append(_finish(number, block))
        self._results_sent += count_results(extensions)

    def _frame(self, made: list[JSONObject], place: int, image: Image) -> None:
        """A frame replaces the one before; the picture itself closes the block."""
        block = image_block(image)
        number = self._block(made, f"{IMAGE_INDEX}{self._images_sent + place}", {"type": "image"})
        made.append(_delta(number, {"type": "block-delta", "fields": block}))

    def _piece(self, made: list[JSONObject], piece: ToolCallPiece) -> None:
        name = f"{TOOL_CALL_INDEX}{piece.index}"
        start = {"type": "tool_call_chunk", "id": piece.id, "name": piece.name, "args": "", "index": name}
        number = self._block(made, name, start)
        if _KNOWS_TOOL_CALL_DELTA:
            if piece.arguments:
                made.append(_delta(number, {"type": "tool-call-delta", "args": piece.arguments}))
            return
        known = self._arguments.setdefault(piece.index, dict(start))
        if piece.arguments:
            known["args"] += piece.arguments
            made.append(_delta(number, {"type": "block-delta", "fields": dict(known)}))

    def _finish(self, made: list[JSONObject], completion: Completion) -> None:
        self._images(made)
        kwargs = additional_kwargs(completion)
        text: JSONObject = {"type": "text", "text": completion.text, "index": TEXT_INDEX}
        annotations = annotation_blocks(kwargs.get("annotations"))
        if annotations:
            text["annotations"] = annotations
            self._block(made, TEXT_INDEX, {"type": "text", "text": ""})
        finished: dict[str, JSONObject] = {
            REASONING_INDEX: {"type": "reasoning", "reasoning": completion.reasoning, "index": REASONING_INDEX},
            TEXT_INDEX: text,
        }
        for place, call in enumerate(completion.tool_calls):
            read = read_call(call.id, call.name, call.arguments, completion.finish_reason)
            block = with_extras(dict(read), kwargs)
            if block.get("args") == "":
                block["args"] = _NoText()
            finished[f"{TOOL_CALL_INDEX}{place}"] = block
        for name, number in self._open.items():
            if name in finished:
                made.append(_finish(number, finished[name]))
        end: JSONObject = {"event": "message-finish", "metadata": response_metadata(completion)}
        usage = usage_metadata(completion.usage)
        if usage is not None:
            end["usage"] = usage
        if kwargs:
            end["additional_kwargs"] = kwargs  # beside the protocol, where LangChain's own bridge puts them too
        made.append(end)


class _NoText(str):
    """The empty text of a call without arguments. It counts as true: LangChain turns what does not into ``None``."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def _delta(number: int, delta: JSONObject) -> JSONObject:
    return {"event": "content-block-delta", "index": number, "delta": delta}


def _finish(number: int, content: JSONObject) -> JSONObject:
    return {"event": "content-block-finish", "index": number, "content": content}
