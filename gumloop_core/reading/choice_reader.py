"""One choice of an answer: its message, streamed or whole, and what stands beside it. No I/O."""

from __future__ import annotations

from typing import Any

from gumloop_core.answer import Completion, Delta, Image, ToolCallPiece
from gumloop_core.reading.fields import image_url, read_parts
from gumloop_core.reading.merging import MergedFields
from gumloop_core.reading.padding import DOUBTFUL, says_nothing
from gumloop_core.reading.reasoning import ReasoningDetails, ReasoningText, detail_of, plain_text, text_of
from gumloop_core.reading.tool_calls import ToolCallAssembler
from gumloop_core.wire import JSONObject

CHOICE_READ = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "text", "usage", "error"})
"""Fields of a choice that have a place of their own."""

MESSAGE_READ = frozenset(
    {"role", "content", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "function_call"}
    | {"images", "refusal", "gumloop_extensions", "error"}
)
"""Fields of a message that have one."""

_OF_REASONING = MESSAGE_READ & {"reasoning", "reasoning_content", "reasoning_details"}

# Generated audio arrives as pieces of base64 text and of its transcript.
_JOINED_EXTRA = frozenset({"data", "transcript"})


class ChoiceReader:
    """Reads one choice, and holds what has arrived of it.

    Args:
        partial_images: Whether partial frames were asked for. Then an image in a stream is held to be a frame of a
            picture until a later one replaces it, and the last becomes the picture.
        tool_names: The names of the tools that were sent.

    Attributes:
        text: The pieces of the text.
        finish_reason: Why the choice ended, in the server's word.
        metadata: Other fields of the choice.
        usage: A usage object that stands in the choice, as Moonshot's does.
    """

    def __init__(self, *, partial_images: bool = False, tool_names: frozenset[str] = frozenset()) -> None:
        self.text: list[str] = []
        self.finish_reason: str | None = None
        self.metadata: JSONObject = {}
        self.usage: Any = None
        self._partial_images = partial_images
        self._reasoning: list[str] = []
        self._reasoning_text = ReasoningText()
        self._details = ReasoningDetails()
        self._thinking = ReasoningDetails()  # reasoning that came as parts of the content
        self._tool_calls = ToolCallAssembler(tool_names)
        self._has_legacy_call = False
        self._images: list[Image] = []
        self._frames: dict[str, Image] = {}
        self._refusal: list[str] = []
        self._extensions = MergedFields()
        self._logprobs = MergedFields()
        self._extra = MergedFields(_JOINED_EXTRA)

    def read_choice(self, choice: JSONObject) -> None:
        """Read what stands beside the message."""
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):
            self.finish_reason = reason
        logprobs = choice.get("logprobs")
        if logprobs and isinstance(logprobs, dict):
            self._logprobs.merge(logprobs)
        if "usage" in choice:
            self.usage = choice["usage"] or self.usage
        for key, value in choice.items():
            if key not in CHOICE_READ and value is not None and not (key in DOUBTFUL and says_nothing(key, value)):
                self.metadata[key] = value

    def read_message(self, message: JSONObject, out: Delta, answer_id: str | None, *, whole: bool) -> None:
        """Read a message, or a piece of one.

        Args:
            message: The delta of a stream, or the message of a unary answer.
            out: Where to put what is new.
            answer_id: The answer's id, of which ids are made up for calls without one.
            whole: Whether it is a unary answer's.
        """
        content = message.get("content")
        images: list[Any] = []
        thinking: list[JSONObject] = []
        if content.__class__ is dict:
            content = [content]
        if content.__class__ is list:
            content, thinking, images, others = read_parts(content)
            if others:
                self._extra.merge_field("content_parts", others)
        if content and isinstance(content, str):
            self.text.append(content)
            out.text = content
        if thinking or not _OF_REASONING.isdisjoint(message):
            self._read_reasoning(message, thinking, out, whole=whole)
        if "tool_calls" in message or "function_call" in message:
            self._read_calls(message, out, answer_id, whole=whole)
        if "images" in message and isinstance(message["images"], list):
            images = images + message["images"]
        if images:
            self._read_images(images, out, whole=whole)
        if "refusal" in message:
            refusal = message["refusal"]
            if refusal and isinstance(refusal, str):
                self._refusal.append(refusal)
                out.refusal = refusal
        if "gumloop_extensions" in message:
            extensions = message["gumloop_extensions"]
            if extensions and isinstance(extensions, dict):
                self._extensions.merge(extensions)
                out.extensions = extensions
        for key, value in message.items():
            if key not in MESSAGE_READ and value is not None:
                self.read_extra(key, value)

    def read_extra(self, name: str, value: Any) -> None:
        """Read a field of the message that has no place of its own."""
        if value is not None and not (name in DOUBTFUL and says_nothing(name, value)):
            is_one = name == "annotations" and not isinstance(value, list)
            self._extra.merge_field(name, [value] if is_one else value)

    def _read_calls(self, message: JSONObject, out: Delta, answer_id: str | None, *, whole: bool) -> None:
        calls, legacy = message.get("tool_calls"), message.get("function_call")
        if isinstance(calls, dict):
            calls = [calls]
        if not isinstance(calls, list):
            calls = []
        if isinstance(legacy, dict) and any(legacy.values()):
            if calls or (self._tool_calls and not self._has_legacy_call):
                # Some servers repeat the first of the calls in the older form.
                self._extra.merge_field("function_call", legacy)
            else:
                self._has_legacy_call = True
                calls = [{"function": legacy}]
        if not calls:
            return
        if whole:
            self._tool_calls.add_whole(calls)
            return
        pieces = self._tool_calls.add(calls, answer_id)
        if pieces:
            out.tool_calls = pieces

    def _read_reasoning(self, message: JSONObject, parts: list[JSONObject], out: Delta, *, whole: bool) -> None:
        details = message.get("reasoning_details")
        if isinstance(details, dict):
            details = [details]
        of_details = ""
        if isinstance(details, list) and details:
            self._details.add(details, whole=whole)
            of_details = text_of(details)
        if parts:
            self._thinking.add([detail_of(part) for part in parts], whole=whole)
        plain = message.get("reasoning") or message.get("reasoning_content")
        if plain or parts:
            plain = (
                plain_text(message.get("reasoning"))
                or plain_text(message.get("reasoning_content"))
                or "".join(map(plain_text, parts))
            )
        if plain or of_details:
            reasoning = self._reasoning_text.add(plain or "", of_details)
            if reasoning:
                self._reasoning.append(reasoning)
                out.reasoning = reasoning

    def _read_images(self, entries: list[Any], out: Delta, *, whole: bool) -> None:
        read: list[Image] = []
        for entry in entries:
            url = image_url(entry)
            if url is None:
                if entry:
                    self._extra.merge_field("images", [entry])
                continue
            image = Image(url)
            read.append(image)
            if self._partial_images and not whole:
                self._frames[str(entry.get("index")) if isinstance(entry, dict) else "None"] = image
        if not read:
            return
        if self._partial_images and not whole:
            out.partial_images = tuple(read)
        else:
            self._images.extend(read)
            out.images = tuple(read)

    def finish_calls(self, answer_id: str | None) -> tuple[ToolCallPiece, ...]:
        """Say that no more comes of the tool calls, and give back what was held of them."""
        return self._tool_calls.finish(answer_id)

    def finish_frames(self) -> tuple[Image, ...]:
        """Say that no more frames come: the last of each picture is the picture."""
        final = tuple(self._frames.values())
        self._images.extend(final)
        self._frames.clear()
        return final

    def fill(self, completion: Completion) -> bool:
        """Put what has arrived into a completion.

        Returns:
            Whether anything has: content, or something beside it that is more than a word.
        """
        completion.text = "".join(self.text)
        completion.reasoning = "".join(self._reasoning)
        completion.reasoning_details = self._details.finished()
        if self._thinking.must_go_back:
            completion.reasoning_details += self._thinking.finished()
        completion.tool_calls = self._tool_calls.finished()
        completion.images = [*self._images, *self._frames.values()]
        completion.refusal = "".join(self._refusal) or None
        completion.extensions = self._extensions.finished() or None
        completion.finish_reason = self.finish_reason
        completion.logprobs = self._logprobs.finished() or None
        completion.extra = self._extra.finished()
        return bool(
            completion.text
            or completion.reasoning
            or completion.reasoning_details
            or completion.tool_calls
            or completion.images
            or completion.refusal
            or completion.extensions
            or any(isinstance(value, (list, dict)) for value in completion.extra.values())
        )

    def as_param(self, index: int) -> JSONObject | None:
        """The choice in the wire's form, ``None`` if nothing has arrived of it."""
        completion = Completion()
        if not self.fill(completion) and self.finish_reason is None:
            return None
        message: JSONObject = {**completion.extra, "role": "assistant", "content": completion.text or None}
        if completion.reasoning:
            message["reasoning"] = completion.reasoning
        if completion.reasoning_details:
            message["reasoning_details"] = completion.reasoning_details
        if completion.tool_calls:
            message["tool_calls"] = [call.as_param() for call in completion.tool_calls]
        if completion.images:
            message["images"] = [{"type": "image_url", "image_url": {"url": image.url}} for image in completion.images]
        if completion.refusal is not None:
            message["refusal"] = completion.refusal
        if completion.extensions is not None:
            message["gumloop_extensions"] = completion.extensions
        return {**self.metadata, "index": index, "finish_reason": self.finish_reason, "message": message}
