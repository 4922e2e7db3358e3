"""Chunks and answers in, clean deltas and completions out: every oddity of the wire ends here. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from gumloop_core.answer import Completion, Delta, Image
from gumloop_core.errors import InvalidResponseError, ProviderError, StreamError, error_payload, status_error
from gumloop_core.gathered import GatheredFields
from gumloop_core.json_text import decode
from gumloop_core.payload import FIRST_INDEX, excerpt, first_choice, image_url, kind_of, read_parts
from gumloop_core.reasoning import ReasoningDetails, text_of
from gumloop_core.redaction import NO_SECRETS, Redactor
from gumloop_core.tool_calls import ToolCallAssembler
from gumloop_core.usage import read_usage
from gumloop_core.wire import JSONObject

_TOP_LEVEL_READ = frozenset({"id", "model", "object", "choices", "usage", "error"})
_CHOICE_READ = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "text"})
_MESSAGE_READ = frozenset(
    {"role", "content", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "function_call"}
    | {"images", "refusal", "gumloop_extensions"}
)
# Generated audio arrives as pieces of base64 text and of its transcript.
_JOINED_EXTRA = frozenset({"data", "transcript"})
_PLAIN_CHOICE = frozenset({"index", "delta", "finish_reason", "native_finish_reason", "logprobs"})
# Read one by one in the branch for plain text; `object` is the same word in every chunk.
_NOT_COMPARED = frozenset({"choices", "usage", "error", "object"})


class AnswerReader:
    """Reads one answer, streamed or unary, and holds what has arrived of it.

    Args:
        partial_images: Whether partial frames were asked for. Then an image in a stream is held to be a frame of a
            picture until a later one replaces it, and the last becomes the picture.
        redactor: Takes the credentials out of what errors show.
    """

    def __init__(self, *, partial_images: bool = False, redactor: Redactor = NO_SECRETS) -> None:
        self._partial_images = partial_images
        self._redactor = redactor
        self._id: str | None = None
        self._model: str | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._details = ReasoningDetails()
        self._tool_calls = ToolCallAssembler()
        self._images: list[Image] = []
        self._frames: dict[str, Image] = {}
        self._refusal: list[str] = []
        self._extensions = GatheredFields()
        self._usage: Any = None
        self._logprobs = GatheredFields()
        self._metadata: JSONObject = {}
        self._extra = GatheredFields(_JOINED_EXTRA)
        # The top level of the latest chunk that was read whole: one that repeats it has nothing new there.
        self._known_fields: frozenset[str] = frozenset()
        self._values_of: Callable[[JSONObject], Any] = _nothing
        self._known_values: Any = None
        self.finish_reason: str | None = None
        self.done = False
        self.started = False

    # -- streamed ------------------------------------------------------------------------------------------------

    def read_event(self, payload: bytes) -> Delta | None:
        """Read one event of a stream.

        Args:
            payload: The event's data.

        Returns:
            What is new in it, or ``None`` where it only updates what the last delta will tell. After ``[DONE]``,
            :attr:`done` is true.

        Raises:
            StreamError: If it is not a chunk.
            APIStatusError: If it is an error.
        """
        if payload == b"[DONE]":
            self.done = True
            return None
        try:
            chunk = decode(payload)
        except ValueError:
            self._read_odd_event(payload)
            return None
        # The branch for a chunk of plain text, which most chunks are.
        try:
            choice = chunk["choices"][0]
            delta = choice["delta"]
            text = delta["content"]
            if (
                text.__class__ is str
                and text
                and (len(delta) == 1 or (len(delta) == 2 and "role" in delta) or _has_only_text(delta))
                and choice.get("finish_reason") is None
                and choice.get("logprobs") is None
                and choice.get("native_finish_reason") is None
                and choice.get("index") in FIRST_INDEX
                and choice.keys() <= _PLAIN_CHOICE
                and chunk.keys() == self._known_fields
                and self._values_of(chunk) == self._known_values
                and chunk.get("usage") is None
                and chunk.get("error") is None
            ):
                self._text.append(text)
                self.started = True
                plain = Delta(chunk)
                plain.text = text
                return plain
        except (LookupError, TypeError, AttributeError):
            pass
        return self._read_chunk(chunk)

    def _read_odd_event(self, payload: bytes) -> None:
        stripped = payload.strip()
        if stripped == b"[DONE]":
            self.done = True
        elif stripped:
            raise StreamError(
                f"The stream made no sense: an event is not JSON: {excerpt(payload, self._redactor)}.",
                partial=self.partial(),
            )

    def _read_chunk(self, chunk: Any) -> Delta | None:
        if not isinstance(chunk, dict):
            raise StreamError(
                f"The stream made no sense: an event is {kind_of(chunk)}, not a chunk.", partial=self.partial()
            )
        self._take_top_level(chunk)
        self._remember_top_level(chunk)
        choice = first_choice(chunk)
        out = Delta(chunk)
        if choice is not None:
            self._take_choice(choice)
            message = choice.get("delta")
            if not isinstance(message, dict):
                message = choice.get("message")  # some gateways put whole messages into chunks
            if isinstance(message, dict):
                self._take_message(message, out, whole=False)
        # What came beside an error was sent before it: it belongs into `partial`.
        self._raise_for_error(chunk)
        if len(out.__dict__) == 1:
            return None
        self.started = True
        return out

    def _remember_top_level(self, chunk: JSONObject) -> None:
        # Of the ids the first is kept, and some providers give every chunk its own.
        compared = chunk.keys() - _NOT_COMPARED - ({"id"} if self._id is not None else set())
        self._known_fields = frozenset(chunk)
        self._values_of = itemgetter(*compared) if compared else _nothing
        self._known_values = self._values_of(chunk)

    def last_delta(self) -> Delta:
        """Close the stream.

        Returns:
            The last delta, with the whole answer.

        Raises:
            StreamError: If the stream ended with neither a finish reason nor ``[DONE]``.
        """
        if self.finish_reason is None and not self.done:
            raise StreamError(
                "The stream ended early, with neither a finish reason nor [DONE]"
                + (": what had arrived is in .partial." if self.started else ", before any of the answer had arrived."),
                partial=self.partial(),
            )
        out = Delta({})
        ids = self._tool_calls.missing_ids(self._id)
        if ids:
            out.tool_calls = ids
        if self._frames:
            out.images = tuple(self._frames.values())
            self._images.extend(out.images)
            self._frames.clear()
        out.completion = self._completion()
        self.started = True
        return out

    # -- unary ---------------------------------------------------------------------------------------------------

    def read_answer(self, payload: Any) -> Completion:
        """Read a unary answer.

        Args:
            payload: The parsed body.

        Raises:
            InvalidResponseError: If it is not a completion.
            APIStatusError: If it is an error.
        """
        self.read_whole(payload)
        completion = self._completion()
        completion.raw = payload
        return completion

    def read_whole(self, payload: Any) -> Delta:
        """Read a unary answer as one delta; :meth:`last_delta` follows it where a stream was asked for."""
        if not isinstance(payload, dict):
            raise InvalidResponseError(f"The answer made no sense: it is {kind_of(payload)}, not a completion.")
        self._take_top_level(payload)
        choice = first_choice(payload)
        out = Delta(payload)
        message = None
        if choice is not None:
            self._take_choice(choice)
            message = choice.get("message")
            if isinstance(message, dict):
                self._take_message(message, out, whole=True)
        self._raise_for_error(payload)
        if not isinstance(message, dict):
            fields = self._redactor.text(", ".join(repr(key[:40]) for key in sorted(payload)[:20]))
            raise InvalidResponseError(
                "The answer made no sense: it has no message in choices[0]"
                + (f", only the fields {fields}." if fields else ".")
            )
        ids = self._tool_calls.missing_ids(self._id)
        if ids:
            out.tool_calls += ids
        self.done = self.started = True
        return out

    # -- both ----------------------------------------------------------------------------------------------------

    def partial(self) -> Completion | None:
        """What has arrived so far, ``None`` if nothing has."""
        completion = self._completion()
        completion.images.extend(self._frames.values())
        has_content = completion.text or completion.reasoning or completion.reasoning_details or completion.tool_calls
        return completion if has_content or completion.images or completion.refusal or completion.extra else None

    def _completion(self) -> Completion:
        return Completion(
            id=self._id,
            model=self._model,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            reasoning_details=self._details.finished(),
            tool_calls=self._tool_calls.finished(),
            images=list(self._images),
            refusal="".join(self._refusal) or None,
            extensions=self._extensions.finished() or None,
            finish_reason=self.finish_reason,
            usage=read_usage(self._usage),
            logprobs=self._logprobs.finished() or None,
            metadata=dict(self._metadata),
            extra=self._extra.finished(),
        )

    def _take_top_level(self, payload: JSONObject) -> None:
        identity, model = payload.get("id"), payload.get("model")
        if self._id is None and isinstance(identity, str) and identity:
            self._id = identity
        if isinstance(model, str) and model:
            self._model = model
        if payload.get("usage") is not None:
            self._usage = payload["usage"]
        for key, value in payload.items():
            if key not in _TOP_LEVEL_READ and value is not None:
                self._metadata[key] = value

    def _take_choice(self, choice: JSONObject) -> None:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, dict):
            self._logprobs.take(logprobs)
        for key, value in choice.items():
            if key not in _CHOICE_READ and value is not None:
                self._metadata[key] = value

    def _take_message(self, message: JSONObject, out: Delta, *, whole: bool) -> None:
        content = message.get("content")
        images = message.get("images")
        images = list(images) if isinstance(images, list) else []
        if isinstance(content, list):
            content, more, others = read_parts(content)
            images = more + images
            if others:
                self._extra.take_field("content_parts", others)
        if isinstance(content, str) and content:
            self._text.append(content)
            out.text = content
        self._take_reasoning(message, out, whole=whole)
        calls = message.get("tool_calls")
        if isinstance(calls, list) and calls:
            if whole:  # a unary message lists its calls in order, whatever index they carry
                calls = [{**call, "index": place} for place, call in enumerate(calls) if isinstance(call, dict)]
            pieces = self._tool_calls.take(calls)
            if pieces:
                out.tool_calls = pieces
        if images:
            self._take_images(images, out, whole=whole)
        refusal = message.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refusal.append(refusal)
            out.refusal = refusal
        extensions = message.get("gumloop_extensions")
        if isinstance(extensions, dict) and extensions:
            self._extensions.take(extensions)
            out.extensions = extensions
        for key, value in message.items():
            if key not in _MESSAGE_READ and value is not None:
                self._extra.take_field(key, value)

    def _take_reasoning(self, message: JSONObject, out: Delta, *, whole: bool) -> None:
        details = message.get("reasoning_details")
        reasoning = message.get("reasoning")
        if not isinstance(reasoning, str):
            reasoning = message.get("reasoning_content")
        if isinstance(details, list) and details:
            self._details.take(details, whole=whole)
            if not isinstance(reasoning, str):
                reasoning = text_of(details)
        if isinstance(reasoning, str) and reasoning:
            self._reasoning.append(reasoning)
            out.reasoning = reasoning

    def _take_images(self, entries: list[Any], out: Delta, *, whole: bool) -> None:
        read: list[Image] = []
        for entry in entries:
            url = image_url(entry)
            if url is None:
                if entry:
                    self._extra.take_field("images", [entry])
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

    def _raise_for_error(self, payload: JSONObject) -> None:
        error = error_payload(payload)
        if error is not None:
            raise status_error(200, self._redactor.document(error), partial=self.partial())
        if self.finish_reason == "error":
            raise ProviderError(
                "The provider behind the model failed: the answer ended with the finish reason 'error'. "
                "Try again, or choose another model.",
                status_code=200,
                body=self._redactor.document(payload),
                partial=self.partial(),
            )


def _nothing(_chunk: JSONObject) -> None:
    """The values of a top level without any."""


def _has_only_text(delta: JSONObject) -> bool:
    return all(value is None or key == "content" or key == "role" for key, value in delta.items())
