"""``with_structured_output``: what is asked for, and how the answer becomes an object."""

from __future__ import annotations

import re
import weakref
from dataclasses import dataclass
from enum import EnumMeta
from operator import itemgetter
from typing import Any, Literal, TypeAlias, cast, get_origin

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_function
from langchain_core.utils.json import parse_partial_json
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ValidationError

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import decode
from gumloop_core.request import json_schema_format
from gumloop_core.schema import can_be_strict, safe_name, strict_schema, with_root, without_added_nulls
from gumloop_core.wire import JSONObject, ResponseFormat
from langchain_gumloop.errors import LengthLimitError, RefusalError

Method: TypeAlias = Literal["json_schema", "function_calling", "json_mode"]
"""How the answer is held to the schema: by the endpoint, as the arguments of a tool, or by asking for JSON alone."""

METHODS = ("json_schema", "function_calling", "json_mode")


@dataclass(frozen=True)
class Target:
    """What a structured answer is to become.

    Attributes:
        name: A name that the endpoint takes.
        description: What it is, for the model.
        schema: Its JSON Schema, as the caller wrote it.
        model: The Pydantic class to make objects of, if that was given.
    """

    name: str
    description: str | None
    schema: JSONObject
    model: type[Any] | None = None


_targets: weakref.WeakKeyDictionary[type, Target] = weakref.WeakKeyDictionary()


def target_of(schema: Any) -> Target:
    """Read what the caller gave: a Pydantic or TypedDict class, a JSON Schema, or an OpenAI function.

    Raises:
        InvalidRequestError: If it is none of these.
    """
    if isinstance(schema, type) and get_origin(schema) is None:  # Python 3.10 takes list[X] for a class
        known = _targets.get(schema)
        if known is None:
            known = _targets[schema] = _target_of_class(schema)
        return known
    if not isinstance(schema, dict):
        raise InvalidRequestError(
            f"A schema must be a Pydantic class, a TypedDict, a JSON Schema or an OpenAI function, not {schema!r}."
        )
    kind = schema.get("type")
    function = schema.get(kind) if kind in ("function", "json_schema") else schema
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        inner = function.get("parameters", function.get("schema", function.get("input_schema")))
        if inner is None or isinstance(inner, dict):
            inner = with_root(inner or {"type": "object", "properties": {}})
            return Target(safe_name(function["name"]), function.get("description"), inner)
    return Target(safe_name(schema.get("title")), schema.get("description"), with_root(schema))


def _target_of_class(schema: type) -> Target:
    if isinstance(schema, EnumMeta):
        raise InvalidRequestError(
            f"{schema.__name__} is an Enum, and an answer is an object: put it into a field of a Pydantic class."
        )
    name = safe_name(schema.__name__)
    try:
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            # Its own schema keeps references, which classes that refer to themselves need.
            json_schema = with_root(schema.model_json_schema())
            return Target(name, json_schema.get("description"), json_schema, schema)
        if is_basemodel_subclass(schema):  # pydantic.v1
            function = convert_to_openai_function(schema)
            return Target(name, function.get("description"), function["parameters"], schema)
        json_schema = convert_to_json_schema(schema)
    except Exception as error:
        raise InvalidRequestError(f"{schema.__name__} cannot be turned into a schema: {error}") from error
    return Target(name, json_schema.get("description"), json_schema)


def wants_strict(target: Target, strict: bool | None) -> bool:
    """Whether the endpoint is asked to keep to the schema to the letter: wherever that is possible, unless told not to.

    Raises:
        InvalidRequestError: If it was told to, and it is not possible.
    """
    is_object = target.schema.get("type") == "object" or "properties" in target.schema
    possible = is_object and can_be_strict(target.schema)
    if strict and not possible:
        reason = "it has an object that is open to any key. Name its properties" if is_object else "it is no object"
        raise InvalidRequestError(f"The schema {target.name!r} cannot be strict: {reason}, or leave strict out.")
    return possible if strict is None else strict


def response_format_of(target: Target, strict: bool) -> ResponseFormat:
    """The body's ``response_format`` for a target."""
    schema = strict_schema(target.schema) if strict else target.schema
    return json_schema_format(target.name, schema, strict=strict, description=target.description)


def as_response_format(given: Any) -> Any:
    """What callers pass as ``response_format``: the wire's dict as it is, a class or a bare schema converted."""
    if isinstance(given, dict) and given.get("type") in ("json_schema", "json_object", "text"):
        return given
    target = target_of(given)
    return strict_safe(
        json_schema_format(
            target.name, target.schema, strict=wants_strict(target, None), description=target.description
        )
    )


def strict_safe(response_format: Any) -> Any:
    """A ``response_format`` that asks for strictness, with a schema that strict mode takes; any other as it is.

    LangChain's ``ProviderStrategy(City, strict=True)`` asks so for the plain schema of a class. The answer is parsed
    by others, so it must fit the class without help.
    """
    described = response_format.get("json_schema") if isinstance(response_format, dict) else None
    if not isinstance(described, dict) or described.get("strict") is not True:
        return response_format
    schema = described.get("schema")
    if not isinstance(schema, dict) or not can_be_strict(schema):
        return response_format
    return {**response_format, "json_schema": {**described, "schema": strict_schema(schema, optional_as_null=False)}}


class StructuredAnswerParser(BaseCumulativeTransformOutputParser[Any]):
    """Makes the object of an answer, and of each step of a streamed one as far as it is there.

    Attributes:
        target: What to make; ``None`` for any JSON.
        tool_name: The tool whose arguments are the answer; ``None`` if it is the text.
        strict: Whether the schema was sent in its strict form, where optional values come as null.
    """

    target: Target | None = None
    tool_name: str | None = None
    strict: bool = False

    @property
    def _type(self) -> str:
        return "gumloop-structured-answer"

    def parse(self, text: str) -> Any:
        """Parse a text."""
        return self._object(_parse_whole(text), text)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, or as much of one as there is.

        Raises:
            RefusalError: If the model refused.
            LengthLimitError: If the answer was cut off at the token limit.
            OutputParserException: If the answer does not fit the schema.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if not isinstance(message, AIMessage):
            return self.parse(generation.text)
        if partial and isinstance(message, AIMessageChunk) and message.chunk_position != "last":
            return self._partial_object(message)
        _raise_if_incomplete(message)
        if self.tool_name is None:
            text = str(message.text)
            return self._object(_parse_whole(text), text)
        return self._object_of_call(message)

    def _partial_object(self, message: AIMessage) -> Any:
        value: Any = None
        if self.tool_name is None:
            try:
                value = parse_partial_json(str(message.text).lstrip().removeprefix("```json").removeprefix("```"))
            except ValueError:
                return None
        else:
            for call in message.tool_calls:
                if call["name"] == self.tool_name:
                    value = call["args"] or None
                    break
        if value is None:
            return None
        try:
            return self._object(value, "")
        except OutputParserException:
            return None

    def _object_of_call(self, message: AIMessage) -> Any:
        for call in message.tool_calls:
            if call["name"] == self.tool_name:
                return self._object(call["args"], str(call["args"]))
        if message.tool_calls:
            return None  # it called another of the tools that were given beside the schema
        for invalid in message.invalid_tool_calls:
            raise OutputParserException(
                f"The model's arguments for {self.tool_name!r} are not a JSON object: {invalid['error']}",
                llm_output=invalid["args"],
            )
        raise OutputParserException(
            f"The model answered with text instead of calling {self.tool_name!r}: {str(message.text)[:500]!r}",
            llm_output=str(message.text),
        )

    def _object(self, value: Any, text: str) -> Any:
        target = self.target
        if target is None:
            return value
        if self.strict:
            value = without_added_nulls(value, target.schema)
        if target.model is None:
            return value
        try:
            return (
                target.model.model_validate(value)
                if issubclass(target.model, BaseModel)
                else cast("Any", target.model).parse_obj(value)
            )
        except (ValidationError, ValueError) as error:
            raise OutputParserException(
                f"The model's answer does not fit {target.name}: {error}", llm_output=text
            ) from error


def _raise_if_incomplete(message: AIMessage) -> None:
    refusal = message.additional_kwargs.get("refusal")
    if refusal:
        raise RefusalError(f"The model refused: {refusal}", llm_output=refusal)
    reason = message.response_metadata.get("finish_reason")
    if reason == "length":
        raise LengthLimitError(
            "The answer was cut off at the token limit before its JSON was whole. Raise max_completion_tokens.",
            llm_output=str(message.text),
        )
    if reason == "content_filter":
        raise RefusalError("The provider's content filter stopped the answer.", llm_output=str(message.text))


_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)


def _parse_whole(text: str) -> Any:
    """The JSON of a text, also where a model that was given no schema put it into a Markdown fence."""
    fence = _FENCE.search(text)
    try:
        return _decoded(text)
    except ValueError:
        if fence is None:
            raise _not_json(text) from None
    try:
        return _decoded(fence.group(1))
    except ValueError:
        raise _not_json(text) from None


def _decoded(text: str) -> Any:
    return decode(text.encode("utf-8", "surrogatepass"))


def _not_json(text: str) -> OutputParserException:
    return OutputParserException(f"The model's answer is not JSON: {text[:500]!r}", llm_output=text)


def with_raw(model: Runnable[Any, Any], parser: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The runnable for ``include_raw``: the message, the object, and the error in place of raising it."""
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | parsed.with_fallbacks([failed], exception_key="parsing_error")
