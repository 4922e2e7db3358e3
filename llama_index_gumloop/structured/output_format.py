"""How an object of a class is asked for, by ``response_format``, a tool or the prompt, and where its answer has it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, get_origin

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.program.function_program import get_function_tool
from pydantic import BaseModel

from gumloop_core.errors import InvalidRequestError
from gumloop_core.reading.arguments import read_arguments, was_cut_off
from gumloop_core.shown import shown
from gumloop_core.wire import JSONObject, ResponseFormat
from gumloop_core.writing.body import json_schema_format
from gumloop_core.writing.schema import with_root
from llama_index_gumloop.errors import StructuredOutputError
from llama_index_gumloop.from_wire.answers import is_last
from llama_index_gumloop.structured.parser import make_object, read_object
from llama_index_gumloop.tools import tool_param

_FOR_TOOLS = frozenset({"tools", "tool_choice", "tool_required", "allow_parallel_tool_calls", "parallel_tool_calls"})


class AnswerFormat(ABC):
    """How the objects of a class are read.

    Args:
        output_cls: A pydantic class.
    """

    def __init__(self, output_cls: type[BaseModel]) -> None:
        self.output_cls = pydantic_class(output_cls)

    @abstractmethod
    def text_of(self, response: ChatResponse) -> str:
        """The text that is to be the object's document, as far as it has arrived."""

    @abstractmethod
    def read(self, response: ChatResponse) -> BaseModel:
        """The object in a response that is whole."""


class OutputFormat(AnswerFormat):
    """How a class is asked for, and its objects read.

    Args:
        output_cls: A pydantic class.

    Raises:
        InvalidRequestError: If it has no JSON Schema, or one that is not of an object.
    """

    def __init__(self, output_cls: type[BaseModel]) -> None:
        super().__init__(output_cls)
        try:
            schema = output_cls.model_json_schema()
        except Exception as error:
            raise InvalidRequestError(f"{output_cls.__name__} cannot be asked for: {error}") from error
        self._schema = with_root(schema)
        if self._schema.get("type") != "object":
            raise InvalidRequestError(
                f"{output_cls.__name__} cannot be asked for: an answer must be an object, and its JSON Schema is of "
                f"{self._schema.get('type') or 'no one type'}. Make it a field of a class."
            )
        self._is_strict, self.response_format = self._response_format(optional_as_null=True)

    def _response_format(self, *, optional_as_null: bool) -> tuple[bool, ResponseFormat]:
        from gumloop_core.writing.strict_schema import strict_form

        strict, _ = strict_form(self._schema, optional_as_null=optional_as_null, is_checked=True)
        return strict is not None, json_schema_format(
            self.output_cls.__name__,
            self._schema if strict is None else strict,
            strict=strict is not None,
            description=self._schema.get("description"),
        )

    @cached_property
    def response_format_for_others(self) -> ResponseFormat:
        """The format of an answer that somebody else reads: it must fit the class without help."""
        return self._response_format(optional_as_null=False)[1]

    def text_of(self, response: ChatResponse) -> str:
        """The text that is to be the object's document."""
        return response.message.content or ""

    def read(self, response: ChatResponse) -> BaseModel:
        """The object in a response.

        Raises:
            RefusalError: If the model refused, or a filter stopped it.
            LengthLimitError: If the answer was cut off.
            StructuredOutputError: If it is not an object of the class.
        """
        value = read_object(self.output_cls, response, self.text_of(response))
        if self._is_strict:
            from gumloop_core.reading.nulls import without_added_nulls

            value = without_added_nulls(value, self._schema)
        return make_object(self.output_cls, response, value)


class TextFormat(AnswerFormat):
    """Has the object as the text of an answer, which the prompt asks for."""

    def text_of(self, response: ChatResponse) -> str:
        """The text that is to be the object's document."""
        return response.message.content or ""

    def read(self, response: ChatResponse) -> BaseModel:
        """The object in a response; see :meth:`OutputFormat.read`."""
        return make_object(self.output_cls, response, read_object(self.output_cls, response, self.text_of(response)))


class ToolCallFormat(AnswerFormat):
    """Has the object as the arguments of a tool call.

    Args:
        output_cls: A pydantic class.
        is_unforced: Whether the model cannot be made to call the tool.
    """

    def __init__(self, output_cls: type[BaseModel], *, is_unforced: bool = False) -> None:
        super().__init__(output_cls)
        self._is_unforced = is_unforced
        try:
            self.tool: JSONObject = dict(tool_param(get_function_tool(output_cls)))
        except InvalidRequestError:
            raise
        except Exception as error:
            raise InvalidRequestError(f"{output_cls.__name__} cannot be asked for: {error}") from error
        self._name = self.tool["function"]["name"]

    def text_of(self, response: ChatResponse) -> str:
        """The arguments of the call, as far as they have arrived."""
        return self._arguments(response) or ""

    def _arguments(self, response: ChatResponse) -> str | None:
        for call in response.message.additional_kwargs.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, Mapping) else None
            if isinstance(function, Mapping) and function.get("name") == self._name:
                return str(function.get("arguments") or "")
        return None

    def read(self, response: ChatResponse) -> BaseModel:
        """The object in a response; see :meth:`OutputFormat.read`."""
        finish_reason = response.additional_kwargs.get("finish_reason")
        text = self._arguments(response)
        refusal = response.message.additional_kwargs.get("refusal")
        if text is not None and not refusal:
            arguments, fault = read_arguments(text, finish_reason)
            if arguments is not None:
                return make_object(self.output_cls, response, arguments)
            if not was_cut_off(finish_reason):
                raise StructuredOutputError(
                    f"The arguments for {self._name!r} are not a JSON object: {fault}", response=response
                )
        if refusal or was_cut_off(finish_reason):
            read_object(self.output_cls, response, "")  # raises
        from gumloop_core.writing.thinking import NO_FORCED_CALL

        said = response.message.content or ""
        advice = f" {NO_FORCED_CALL}" if self._is_unforced else ""
        raise StructuredOutputError(
            f"The model answered with text instead of calling {self._name!r}: {said[:300]!r}.{advice}",
            response=response,
        )


def as_response_format(given: Any) -> Any:
    """What callers pass as ``response_format`` of a chat: the wire's dict as it is, a pydantic class converted.

    Raises:
        InvalidRequestError: If it is neither.
    """
    return dict(given) if isinstance(given, Mapping) else output_format(given).response_format_for_others


def output_format(output_cls: Any) -> OutputFormat:
    """The format for a class; made once, as it takes a millisecond.

    Raises:
        InvalidRequestError: If it is no pydantic class, or none that can be asked for.
    """
    return _output_format(pydantic_class(output_cls))


def pydantic_class(output_cls: Any) -> type[BaseModel]:
    """What is asked for, if it is a pydantic class.

    Raises:
        InvalidRequestError: If it is not, with what to pass.
    """
    if isinstance(output_cls, type) and get_origin(output_cls) is None and issubclass(output_cls, BaseModel):
        return output_cls
    if isinstance(output_cls, BaseModel):
        name = type(output_cls).__name__
        raise InvalidRequestError(f"This is an object of {name}, where the class is wanted: pass {name}.")
    is_class = isinstance(output_cls, type) and get_origin(output_cls) is None
    given = output_cls.__name__ if is_class else shown(output_cls)
    raise InvalidRequestError(
        f"{given} is no pydantic class. Pass a class that derives from pydantic.BaseModel; put anything else into a "
        "field of one: class Answer(BaseModel): value: …"
    )


@lru_cache(maxsize=128)
def _output_format(output_cls: type[BaseModel]) -> OutputFormat:
    return OutputFormat(output_cls)


def chat_options(llm_kwargs: Mapping[str, Any] | None, output_cls: type[BaseModel]) -> dict[str, Any]:
    """The keywords of the chat call. Those that only a prediction by tool call has a use for are left out."""
    options = without_tool_options(llm_kwargs or {})
    options["response_format"] = output_format(output_cls).response_format
    return options


def without_tool_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a chat call without those that say which tools there are."""
    return {name: value for name, value in given.items() if name not in _FOR_TOOLS}


class StreamedObjects:
    """Makes objects of the responses of one streamed answer: partial ones, and at the end the valid one.

    Args:
        answer_format: How objects are read.
    """

    def __init__(self, answer_format: AnswerFormat) -> None:
        self._format = answer_format
        from llama_index_gumloop.structured.partial_objects import PartialObjects

        self._objects = PartialObjects(answer_format.output_cls)
        self._read = 0
        self._is_call = isinstance(answer_format, ToolCallFormat)

    def feed(self, response: ChatResponse) -> Any:
        """The object after a response, ``None`` if the response brought nothing new to it.

        Raises:
            StructuredOutputError: If the answer is whole and no valid object; see :meth:`OutputFormat.read`.
        """
        if is_last(response):
            return self._format.read(response)
        if not self._is_call:
            return self._objects.feed(response.delta) if response.delta else None
        text = self._format.text_of(response)
        if len(text) == self._read:
            return None
        piece, self._read = text[self._read :], len(text)
        return self._objects.feed(piece)
