"""Chunks and answers in, clean deltas and completions out: every oddity of the wire ends here. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Set
from operator import itemgetter
from typing import Any

from gumloop_core.answer import Completion, Delta, ToolCallPiece
from gumloop_core.errors import APIStatusError, InvalidResponseError, ProviderError, StreamError
from gumloop_core.json_text import decode
from gumloop_core.reading.arguments import is_failure, read_arguments
from gumloop_core.reading.choice_reader import MESSAGE_READ, ChoiceReader
from gumloop_core.reading.choices import choices_of, index_of, message_of
from gumloop_core.reading.error_bodies import error_in
from gumloop_core.reading.fields import excerpt, kind_of, text_id
from gumloop_core.reading.padding import DOUBTFUL, PADDING, says_nothing
from gumloop_core.reading.sse import ErrorData
from gumloop_core.reading.status_errors import status_error
from gumloop_core.reading.usage import read_usage
from gumloop_core.secrets.redaction import NO_SECRETS, Redactor
from gumloop_core.wire import JSONObject

_TOP_LEVEL_READ = frozenset({"id", "model", "object", "choices", "usage", "error"})
# What chunks of plain text may differ in: what is read one by one, or not at all.
_NOT_COMPARED = PADDING | {"choices", "object"}
_NOT_COMPARED_IN_CHOICE = PADDING | {"delta", "text"}
_NOT_COMPARED_IN_DELTA = PADDING | {"content", "role"}
_NO_FIELDS: frozenset[str] = frozenset()
_NEVER = object()
"""Is equal to nothing: what must be read from each chunk."""


class AnswerReader:
    """Reads one answer, streamed or unary, and holds what has arrived of it.

    Args:
        partial_images: Whether partial frames were asked for. Then an image in a stream is held to be a frame of a
            picture until a later one replaces it, and the last becomes the picture.
        tool_names: The names of the tools that were sent.
        redactor: Takes the credentials out of what errors show.
    """

    def __init__(
        self,
        *,
        partial_images: bool = False,
        tool_names: frozenset[str] = frozenset(),
        redactor: Redactor = NO_SECRETS,
    ) -> None:
        self._redactor = redactor
        self._id: str | None = None
        self._model: str | None = None
        self._usage: Any = None
        self._metadata: JSONObject = {}
        self._answer = ChoiceReader(partial_images=partial_images, tool_names=tool_names)
        self._text = self._answer.text
        self._index: int | None = None  # of the choice that is the answer
        self._others: dict[tuple[int, int], ChoiceReader] = {}  # what reads the other choices
        # What the latest chunk of plain text that was read whole looked like: one that repeats it has nothing new.
        self._top_fields = self._choice_fields = self._delta_fields = _NO_FIELDS
        self._top_values_of: Callable[[JSONObject], Any] = _nothing
        self._choice_values_of: Callable[[JSONObject], Any] = _nothing
        self._delta_values_of: Callable[[JSONObject], Any] = _nothing
        self._top_values: Any = None
        self._choice_values: Any = None
        self._delta_values: Any = None
        self._delta_more: tuple[str, ...] = ()
        self._is_whole = False
        self.done = False
        self.started = False

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, ``None`` while it has not."""
        return self._answer.finish_reason

    # -- streamed ------------------------------------------------------------------------------------------------

    def read_event(self, document: bytes) -> Delta | None:
        """Read one event of a stream.

        Args:
            document: The event's data.

        Returns:
            What is new in it, or ``None`` where it only updates what the last delta will tell. After ``[DONE]``,
            :attr:`done` is true.

        Raises:
            StreamError: If it is not a chunk.
            APIStatusError: If it is an error.
        """
        if document == b"[DONE]":
            self.done = True
            return None
        if document.__class__ is ErrorData:
            raise self._named_error(document)
        try:
            chunk = decode(document)
        except ValueError:
            self._read_odd_event(document)
            return None
        # The branch for a chunk of plain text, which most chunks are.
        try:
            [choice] = chunk["choices"]
            delta = choice["delta"]
            text = delta["content"]
            if (
                text.__class__ is str
                and text
                and chunk.keys() == self._top_fields
                and choice.keys() == self._choice_fields
                and (len(delta) == 1 or (len(delta) == 2 and "role" in delta) or self._is_as_known(delta))
                and (
                    (
                        self._choice_values_of(choice) == self._choice_values
                        and self._top_values_of(chunk) == self._top_values
                    )
                    or self._read_changes(chunk, choice)
                )
            ):
                if self._delta_more:
                    self._read_more(delta)
                self._text.append(text)
                self.started = True
                plain = Delta(chunk)
                plain.text = text
                return plain
        except (LookupError, TypeError, AttributeError, ValueError):
            pass
        return self._read_chunk(chunk)

    def _is_as_known(self, delta: JSONObject) -> bool:
        """Whether a delta of plain text has the fields that the latest had, those of ours as empty as they were."""
        return delta.keys() == self._delta_fields and bool(self._delta_values_of(delta) == self._delta_values)

    def _read_more(self, delta: JSONObject) -> None:
        """Read the fields of a delta that have no place of their own."""
        for name in self._delta_more:
            if name in delta:
                self._answer.read_extra(name, delta[name])

    def _read_changes(self, chunk: JSONObject, choice: JSONObject) -> bool:
        """Read what changed beside plain text; ``False``, and nothing read, if the long way must."""
        if (
            chunk.get("error")
            or choice.get("error")
            or choice.get("finish_reason") is not None
            or index_of(choice) != self._index
        ):
            return False
        self._read_top_level(chunk)
        self._answer.read_choice(choice)
        self._top_values = self._top_values_of(chunk) if chunk.get("usage") is None else _NEVER
        self._choice_values = self._choice_values_of(choice) if choice.get("logprobs") is None else _NEVER
        return True

    def _read_odd_event(self, document: bytes) -> None:
        stripped = document.strip()
        if stripped == b"[DONE]":
            self.done = True
        elif stripped:
            raise StreamError(
                f"The stream made no sense: an event is not JSON: {excerpt(document, self._redactor)}.",
                partial=self.partial(),
            )

    def _named_error(self, document: bytes) -> APIStatusError:
        """The error for an event that is one by its name, whatever its data."""
        try:
            body = decode(document)
        except ValueError:
            body = document.decode("utf-8", "replace")
        if isinstance(body, dict):
            body = error_in(body) or body
        return status_error(200, self._redactor.document(body), partial=self.partial())

    def _read_chunk(self, chunk: Any) -> Delta | None:
        if chunk.__class__ is not dict:
            chunk = _unwrapped(chunk)
        if not isinstance(chunk, dict):
            raise StreamError(
                f"The stream made no sense: an event is {kind_of(chunk)}, not a chunk.", partial=self.partial()
            )
        out = Delta(chunk)
        choice = self._known_choice(chunk)
        is_known = choice is not None
        if choice is None:
            self._read_top_level(chunk)
            choice = self._choose(choices_of(chunk), ("delta", "message"))
            if choice is not None:
                self._answer.read_choice(choice)
        if choice is not None:
            message = message_of(choice, ("delta", "message"))  # some gateways put whole messages into chunks
            if message is not None:
                self._answer.read_message(message, out, self._id, whole=False)
            if self.finish_reason is None and len(out.__dict__) == 2:
                if not is_known:
                    self._remember_fields(chunk, choice)
                if out.text:
                    self._remember_delta(choice.get("delta"))
        # What came beside an error was sent before it: it belongs into `partial`.
        self._raise_for_error(chunk)
        if len(out.__dict__) == 1:
            return None
        self.started = True
        return out

    def _known_choice(self, chunk: JSONObject) -> JSONObject | None:
        """The choice of a chunk that differs from the latest in its delta only, or in what is read here too."""
        choices = chunk.get("choices")
        if choices.__class__ is not list or len(choices) != 1 or chunk.keys() != self._top_fields:
            return None
        choice: JSONObject = choices[0]
        if choice.__class__ is not dict or choice.keys() != self._choice_fields:
            return None
        is_same = (
            self._choice_values_of(choice) == self._choice_values and self._top_values_of(chunk) == self._top_values
        )
        return choice if is_same or self._read_changes(chunk, choice) else None

    def _choose(self, choices: list[JSONObject], names: tuple[str, str]) -> JSONObject | None:
        """The choice that is the answer: the one under index 0, or the only one. Others are read apart."""
        if not choices:
            return None
        if len(choices) == 1 and index_of(choices[0]) == self._index:
            return choices[0]
        indices = [index_of(choice) for choice in choices]
        if self._index is None or (0 in indices and not self.started and self.finish_reason is None):
            self._index = 0 if 0 in indices else indices[0]
        chosen = None
        for place, choice in enumerate(choices):
            index = indices[place]
            if chosen is None and index == self._index:
                chosen = choice
            else:
                self._read_other_choice((index, indices[:place].count(index)), choice, names)
        return chosen

    def _read_other_choice(self, key: tuple[int, int], choice: JSONObject, names: tuple[str, str]) -> None:
        other = self._others.setdefault(key, ChoiceReader())
        other.read_choice(choice)
        message = message_of(choice, names)
        if message is not None:
            other.read_message(message, Delta({}), self._id, whole=names[0] == "message")

    def _remember_fields(self, chunk: JSONObject, choice: JSONObject) -> None:
        """Note what a chunk looks like beside its delta."""
        # Of the ids the first is kept, and some providers give every chunk its own.
        self._top_fields, self._top_values_of = _fields_of(
            chunk, _NOT_COMPARED | ({"id"} if self._id is not None else set())
        )
        self._choice_fields, self._choice_values_of = _fields_of(choice, _NOT_COMPARED_IN_CHOICE)
        self._top_values = self._top_values_of(chunk) if chunk.get("usage") is None else _NEVER
        self._choice_values = self._choice_values_of(choice) if choice.get("logprobs") is None else _NEVER

    def _remember_delta(self, delta: Any) -> None:
        """Note what a delta of plain text looks like."""
        if not isinstance(delta, dict):
            return
        others = delta.keys() - _NOT_COMPARED_IN_DELTA
        if any(delta[name] for name in others & MESSAGE_READ):
            return
        self._delta_fields, self._delta_values_of = _fields_of(delta, delta.keys() - (others & MESSAGE_READ))
        self._delta_values = self._delta_values_of(delta)
        self._delta_more = tuple(others - MESSAGE_READ)

    def last_delta(self) -> Delta:
        """Close the stream.

        Returns:
            The last delta, with the whole answer.

        Raises:
            StreamError: If the stream ended without a finish reason, and without ``[DONE]``, any of the answer or the
                rest of a tool call.
        """
        if self.finish_reason is None and not self._is_whole:
            self._check_end()
        out = Delta({})
        pieces = self._finish_calls()
        if pieces:
            out.tool_calls = pieces
        pictures = self._answer.finish_frames()
        if pictures:
            out.images = pictures
        out.completion = self.known()
        self.started = True
        return out

    def _check_end(self) -> None:
        if not self.done:
            raise StreamError(
                "The stream ended early, with neither a finish reason nor [DONE]"
                + (": what had arrived is in .partial." if self.started else ", before any of the answer had arrived."),
                partial=self.partial(),
            )
        partial = self.partial()
        if partial is None:
            raise StreamError("The stream held no answer: [DONE] came, but no content and no finish reason before it.")
        if any(call.arguments and read_arguments(call.arguments, None)[0] is None for call in partial.tool_calls):
            raise StreamError(
                "The stream ended within a tool call, without a finish reason: what had arrived is in .partial.",
                partial=partial,
            )

    # -- unary ---------------------------------------------------------------------------------------------------

    def read_answer(self, document: Any) -> Completion:
        """Read a unary answer.

        Args:
            document: The parsed body.

        Raises:
            InvalidResponseError: If it is not a completion.
            APIStatusError: If it is an error.
        """
        self.read_whole(document)
        completion = self.known()
        completion.raw = _unwrapped(document)
        return completion

    def read_whole(self, document: Any) -> Delta:
        """Read a unary answer as one delta; :meth:`last_delta` follows it where a stream was asked for."""
        document = _unwrapped(document)
        if not isinstance(document, dict):
            raise InvalidResponseError(f"The answer made no sense: it is {kind_of(document)}, not a completion.")
        self._read_top_level(document)
        choice = self._choose(choices_of(document), ("message", "delta"))
        out = Delta(document)
        message = None
        if choice is not None:
            self._answer.read_choice(choice)
            message = message_of(choice, ("message", "delta"))
            if message is not None:
                self._answer.read_message(message, out, self._id, whole=True)
        self._raise_for_error(document)
        if message is None and self.finish_reason is None:
            fields = self._redactor.text(", ".join(repr(key[:40]) for key in sorted(document)[:20]))
            raise InvalidResponseError(
                "The answer made no sense: it has no message in choices[0]"
                + (f", only the fields {fields}." if fields else ".")
            )
        pieces = self._finish_calls()
        if pieces:
            out.tool_calls = pieces
        self._is_whole = self.done = self.started = True
        return out

    # -- both ----------------------------------------------------------------------------------------------------

    def partial(self) -> Completion | None:
        """What has arrived so far, ``None`` if nothing has."""
        completion = Completion()
        return self._fill(completion) if self._answer.fill(completion) else None

    def known(self) -> Completion:
        """What has arrived so far, the whole answer in the end; its usage too where nothing else has."""
        completion = Completion()
        self._answer.fill(completion)
        return self._fill(completion)

    def _fill(self, completion: Completion) -> Completion:
        """Put what is known beside the choice into a completion."""
        completion.id = self._id
        completion.model = self._model
        completion.usage = read_usage(self._usage) or read_usage(self._usage_elsewhere())
        completion.metadata = {**self._metadata, **self._answer.metadata}
        others = [other.as_param(index) for (index, _), other in sorted(self._others.items(), key=itemgetter(0))]
        if any(others):
            completion.metadata["other_choices"] = [other for other in others if other]
        return completion

    def _finish_calls(self) -> tuple[ToolCallPiece, ...]:
        for place, other in enumerate(self._others.values(), start=1):
            other.finish_calls(f"{self._id}_{place}" if self._id else None)
        return self._answer.finish_calls(self._id)

    def _usage_elsewhere(self) -> Any:
        """Usage that came in a place of the provider's own: a choice (Moonshot), ``x_groq`` (Groq)."""
        groq = self._metadata.get("x_groq")
        return self._answer.usage or (groq.get("usage") if isinstance(groq, dict) else None)

    def _read_top_level(self, document: JSONObject) -> None:
        identity, model = document.get("id"), document.get("model")
        if self._id is None:
            self._id = text_id(identity)
        if isinstance(model, str) and model:
            self._model = model
        if document.get("usage") is not None:
            self._usage = document["usage"]
        for key, value in document.items():
            if key not in _TOP_LEVEL_READ and value is not None and not (key in DOUBTFUL and says_nothing(key, value)):
                self._metadata[key] = value

    def _raise_for_error(self, document: JSONObject) -> None:
        error = error_in(document)
        if error is not None:
            raise status_error(200, self._redactor.document(error), partial=self.partial())
        if self.finish_reason is not None and is_failure(self.finish_reason):
            native = self._answer.metadata.get("native_finish_reason")
            reason = f"{self.finish_reason[:100]!r}" + (f" ({native[:100]})" if isinstance(native, str) else "")
            raise ProviderError(
                "The provider behind the model failed: the answer ended with the finish reason "
                f"{self._redactor.text(reason)}. Try again, or choose another model.",
                status_code=200,
                body=self._redactor.document(document),
                partial=self.partial(),
            )


def _nothing(_fields: JSONObject) -> Any:
    """The values of fields without any that count."""


def _fields_of(fields: JSONObject, ignored: Set[str]) -> tuple[frozenset[str], Callable[[JSONObject], Any]]:
    """The names of an object's fields, and what takes the values of those that are not ignored."""
    compared = fields.keys() - ignored
    return frozenset(fields), itemgetter(*compared) if compared else _nothing


def _unwrapped(document: Any) -> Any:
    """The object in a list of one: Google sends its errors so."""
    return document[0] if isinstance(document, list) and len(document) == 1 else document
