"""How an object of a class is asked for with the endpoint's ``response_format``, and read from the answer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from llama_index.core.base.llms.types import ChatResponse
from pydantic import BaseModel, ValidationError

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import decode, encode
from gumloop_core.request import json_schema_format
from gumloop_core.schema import can_be_strict, strict_schema, with_root, without_added_nulls
from gumloop_core.wire import ResponseFormat
from llama_index_gumloop.errors import LengthLimitError, RefusalError, StructuredOutputError
from llama_index_gumloop.from_wire import is_last
from llama_index_gumloop.partial_objects import PartialObjects

_FOR_TOOLS = frozenset({"tools", "tool_choice", "tool_required", "allow_parallel_tool_calls", "parallel_tool_calls"})


class OutputFormat:
    """How a class is asked for, and its objects read.

    Args:
        output_cls: A pydantic class.

    Raises:
        InvalidRequestError: If it has no JSON Schema, or one that is not of an object.
    """

    def __init__(self, output_cls: type[BaseModel]) -> None:
        self._output_cls = output_cls
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
        self._strict = can_be_strict(self._schema)
        self.response_format: ResponseFormat = json_schema_format(
            output_cls.__name__,
            strict_schema(self._schema) if self._strict else self._schema,
            strict=self._strict,
            description=self._schema.get("description"),
        )

    def read(self, response: ChatResponse) -> BaseModel:
        """The object in a response.

        Raises:
            RefusalError: If the model refused, or a filter stopped it.
            LengthLimitError: If the answer was cut off.
            StructuredOutputError: If it is not an object of the class.
        """
        name = self._output_cls.__name__
        refusal = response.message.additional_kwargs.get("refusal")
        if refusal:
            raise RefusalError(f"The model refused to give a {name}: {refusal}", response=response)
        text = response.message.content or ""
        reason = response.additional_kwargs.get("finish_reason")
        try:
            value = _document(text)
        except ValueError:
            if reason == "length":
                raise LengthLimitError(
                    f"The answer was cut off at its token limit before the {name} was complete. "
                    "Raise max_completion_tokens.",
                    response=response,
                ) from None
            if reason == "content_filter":
                raise RefusalError(
                    f"A content filter stopped the answer before the {name} was complete.", response=response
                ) from None
            raise StructuredOutputError(
                f"The answer is not the {name} that was asked for: {_shown(text)}. Choose a model that keeps to "
                "schemas, or pydantic_program_mode='function'.",
                response=response,
            ) from None
        if self._strict:
            value = without_added_nulls(value, self._schema)
        try:
            return self._output_cls.model_validate_json(encode(value))
        except ValidationError as error:
            raise StructuredOutputError(
                f"The answer does not make a valid {name}: {error}", response=response
            ) from error


@lru_cache(maxsize=128)
def output_format(output_cls: type[BaseModel]) -> OutputFormat:
    """The format for a class; made once, as it takes a millisecond."""
    return OutputFormat(output_cls)


def chat_options(llm_kwargs: Mapping[str, Any] | None, output_cls: type[BaseModel]) -> dict[str, Any]:
    """The keywords of the chat call. Those that only a prediction by tool call has a use for are left out."""
    options = {name: value for name, value in (llm_kwargs or {}).items() if name not in _FOR_TOOLS}
    options["response_format"] = output_format(output_cls).response_format
    return options


def _document(text: str) -> Any:
    """The JSON document in an answer; models without native support put words or a fence around it."""
    try:
        return decode(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        begin, end = text.find("{"), text.rfind("}")
        if begin < 0 or end < begin:
            raise
        return decode(text[begin : end + 1].encode("utf-8", "surrogatepass"))


def _shown(text: str) -> str:
    if not text:
        return "it is empty"
    return repr(text) if len(text) <= 300 else f"{text[:300]!r} …"


class ObjectStream:
    """Makes objects of the responses of one streamed answer: partial ones, and at the end the valid one.

    Args:
        output_cls: The class of the object.
    """

    def __init__(self, output_cls: type[BaseModel]) -> None:
        self._output_cls = output_cls
        self._objects = PartialObjects(output_cls)

    def take(self, response: ChatResponse) -> Any:
        """The object after a response, ``None`` if the response brought nothing new to it.

        Raises:
            StructuredOutputError: If the answer is whole and no valid object; see :meth:`OutputFormat.read`.
        """
        if is_last(response):
            return output_format(self._output_cls).read(response)
        return self._objects.feed(response.delta) if response.delta else None
