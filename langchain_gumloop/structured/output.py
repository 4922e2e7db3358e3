"""``with_structured_output``: what is asked for, and how the answer becomes an object."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from enum import EnumMeta
from typing import Any, Literal, TypeAlias, cast, get_origin

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import BaseTransformOutputParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import AddableDict, Runnable, RunnableConfig, RunnableGenerator, RunnableMap
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from gumloop_core.errors import InvalidRequestError
from gumloop_core.json_text import encode
from gumloop_core.reading.arguments import was_cut_off
from gumloop_core.reading.nulls import without_added_nulls
from gumloop_core.structured import Problem, Wanted, read_document
from gumloop_core.wire import JSONObject, ResponseFormat
from gumloop_core.writing.body import json_schema_format
from gumloop_core.writing.schema import safe_name, with_root
from gumloop_core.writing.strict_schema import strict_form
from gumloop_core.writing.strict_subset import TYPES, fault_in
from gumloop_core.writing.thinking import NO_FORCED_CALL
from langchain_gumloop.errors import LengthLimitError, RefusalError
from langchain_gumloop.structured.partial_objects import GrowingObject, awith_whole, whole_of, with_whole

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
        validate: Makes an object of a JSON document, or raises; ``None`` where the document is the answer.
    """

    name: str
    description: str | None
    schema: JSONObject
    validate: Callable[[bytes], Any] | None = None


_targets: weakref.WeakKeyDictionary[type, Target] = weakref.WeakKeyDictionary()

_HINT = "Pass a Pydantic class, a TypedDict, a dataclass, a JSON Schema or an OpenAI function"


def target_of(schema: Any) -> Target:
    """Read what the caller gave: a Pydantic, TypedDict or dataclass class, a JSON Schema, or an OpenAI function.

    Raises:
        InvalidRequestError: If it is none of these. It says what to pass.
    """
    if isinstance(schema, type) and get_origin(schema) is None:  # Python 3.10 takes list[X] for a class
        known = _targets.get(schema)
        if known is None:
            known = _targets[schema] = _target_of_class(schema)
        return known
    if isinstance(schema, Mapping):
        return _target_of_dict(dict(schema))
    if isinstance(schema, BaseModel) or is_basemodel_subclass(type(schema)) or is_dataclass(schema):
        raise InvalidRequestError(
            f"The schema is an object of {type(schema).__name__}, not the class: pass {type(schema).__name__}."
        )
    if get_origin(schema) is not None:
        raise InvalidRequestError(
            f"{schema} is no class, and an answer is an object. {_HINT}: a class with a field of that type, "
            f"class Answer(BaseModel): value: {schema}"
        )
    raise InvalidRequestError(f"A schema must be a Pydantic class or the like, not {schema!r:.200}. {_HINT}.")


def _target_of_dict(schema: JSONObject) -> Target:
    kind = schema.get("type")
    function = schema.get(kind) if kind in ("function", "json_schema") else schema
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        inner = function.get("parameters", function.get("schema", function.get("input_schema")))
        if inner is None or isinstance(inner, dict):
            inner = with_root(inner or {"type": "object", "properties": {}})
            return Target(safe_name(function["name"]), _text(function.get("description")), inner)
    return Target(safe_name(schema.get("title")), _text(schema.get("description")), with_root(schema))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _target_of_class(schema: type) -> Target:
    if isinstance(schema, EnumMeta):
        raise InvalidRequestError(
            f"{schema.__name__} is an Enum, and an answer is an object: put it into a field of a Pydantic class."
        )
    name = safe_name(schema.__name__)
    try:
        if issubclass(schema, BaseModel):
            # Its own schema keeps references, which classes that refer to themselves need.
            return _validated_target(name, schema.model_json_schema(), schema.model_validate_json)
        if is_basemodel_subclass(schema):  # pydantic.v1
            function = convert_to_openai_function(schema)
            return Target(
                name, _text(function.get("description")), function["parameters"], cast("Any", schema).parse_raw
            )
        if is_dataclass(schema):
            adapter: TypeAdapter[Any] = TypeAdapter(schema)
            return _validated_target(name, adapter.json_schema(), adapter.validate_json)
        if not is_typeddict(schema):
            raise InvalidRequestError(f"{schema.__name__} cannot be turned into a schema. {_HINT}.")
        json_schema = convert_to_json_schema(schema)
    except InvalidRequestError:
        raise
    except Exception as error:
        raise InvalidRequestError(f"{schema.__name__} cannot be turned into a schema: {error}") from error
    return Target(name, _text(json_schema.get("description")), json_schema)


def _validated_target(name: str, schema: JSONObject, validate: Callable[[bytes], Any]) -> Target:
    schema = with_root(schema)
    return Target(name, _text(schema.get("description")), schema, validate)


def can_be_noted(schema: Any) -> bool:
    """Whether LangChain, which notes in each trace what was asked for, can read a schema: it stumbles over odd ones."""
    try:
        convert_to_json_schema(schema)
    except ValueError:
        return True  # which it leaves out itself
    except Exception:
        return False
    return True


def strict_schema(target: Target, strict: bool | None) -> JSONObject | None:
    """The schema that the endpoint is asked to keep to to the letter; ``None`` where it is not asked to.

    Args:
        target: What is wanted.
        strict: Whether it must; ``None`` for wherever that is possible.

    Raises:
        InvalidRequestError: If it must, and strict mode cannot say what the schema says.
    """
    if strict is False:
        return None
    schema, fault = strict_form(target.schema, is_checked=target.validate is not None)
    if schema is None and strict:
        raise _cannot_be_strict(target.name, fault)
    return schema


def _cannot_be_strict(name: Any, fault: str) -> InvalidRequestError:
    return InvalidRequestError(f"The schema {name!r} cannot be strict: {fault}. Change that part, or leave strict out.")


def response_format_of(target: Target, strict: JSONObject | None) -> ResponseFormat:
    """The body's ``response_format`` for a target.

    Args:
        target: What is wanted.
        strict: Its schema as :func:`strict_schema` gives it.
    """
    schema = target.schema if strict is None else strict
    return json_schema_format(target.name, schema, strict=strict is not None, description=target.description)


def as_response_format(given: Any) -> Any:
    """What callers pass as ``response_format``: the wire's dict, a class or a bare schema.

    The answer is parsed by others, so it must fit the schema as it was given, without help. Where the wire's dict asks
    for strictness, as that of LangChain's ``ProviderStrategy(City, strict=True)`` does, its schema is made strict-safe.

    Raises:
        InvalidRequestError: If it is none of these, or is to be strict and cannot be.
    """
    if isinstance(given, Mapping) and isinstance(given.get("type"), str) and given["type"] not in _OF_SCHEMAS:
        return _made_strict(dict(given))
    target = target_of(given)
    schema, _ = strict_form(target.schema, optional_as_null=False, is_checked=target.validate is not None)
    return response_format_of(target, schema)


_OF_SCHEMAS = TYPES | {"function"}


def _made_strict(response_format: JSONObject) -> JSONObject:
    described = response_format.get("json_schema")
    if not isinstance(described, dict) or described.get("strict") is not True:
        return response_format
    given = described.get("schema")
    if not isinstance(given, dict) or fault_in(given) is None:
        return response_format
    schema, fault = strict_form(given, optional_as_null=False, is_checked=True)
    if schema is None:
        raise _cannot_be_strict(described.get("name"), fault)
    return {**response_format, "json_schema": {**described, "schema": schema}}


class StructuredAnswerParser(BaseTransformOutputParser[Any]):
    """Makes the object of an answer, and of each step of a streamed one as far as it is there.

    Attributes:
        target: What to make; ``None`` for any JSON.
        tool_name: The tool whose arguments are the answer; ``None`` if it is the text.
        strict: Whether the schema was sent in its strict form, where optional values come as null.
        is_unforced: Whether the model could not be made to call the tool.
    """

    target: Target | None = None
    tool_name: str | None = None
    strict: bool = False
    is_unforced: bool = False

    @property
    def _type(self) -> str:
        return "gumloop-structured-answer"

    def parse(self, text: str) -> Any:
        """Parse a text."""
        return self._read(text, None, None)

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer.

        Raises:
            RefusalError: If the model refused, or a filter stopped it.
            LengthLimitError: If the answer was cut off at the token limit.
            OutputParserException: If the answer does not fit the schema.
        """
        generation = result[0]
        message = generation.message if isinstance(generation, ChatGeneration) else None
        if not isinstance(message, AIMessage):
            return self.parse(generation.text)
        refusal = message.additional_kwargs.get("refusal")
        reason = message.response_metadata.get("finish_reason")
        if self.tool_name is None:
            text = str(message.text)
            if not text and not refusal and message.tool_calls:
                return None  # it called one of the tools that were given beside the schema
            return self._read(text, reason, refusal)
        if refusal:
            return self._read("", reason, refusal)
        return self._object_of_call(message, reason)

    def _read(self, text: str, finish_reason: str | None, refusal: str | None) -> Any:
        document = read_document(text, finish_reason, refusal=refusal, wanted=self.wanted)
        if document.problem is not None:
            raise _PROBLEMS.get(document.problem, OutputParserException)(
                document.reason, llm_output=refusal if refusal else text
            )
        return self._object_of(document.value, text)

    def _object_of_call(self, message: AIMessage, finish_reason: str | None) -> Any:
        for call in message.tool_calls:
            if call["name"] == self.tool_name:
                return self._object_of(call["args"], str(call["args"]))
        if was_cut_off(finish_reason):
            return self._read("", finish_reason, None)
        for invalid in message.invalid_tool_calls:
            if invalid["name"] == self.tool_name or not message.tool_calls:
                raise OutputParserException(
                    f"The model's arguments for {self.tool_name!r} are not a JSON object: {invalid['error']}",
                    llm_output=invalid["args"],
                )
        if message.tool_calls:
            return None  # it called another of the tools that were given beside the schema
        text = str(message.text)
        hint = f". {NO_FORCED_CALL}" if self.is_unforced else ""
        raise OutputParserException(
            f"The model answered with text instead of calling {self.tool_name!r}: {text[:500]!r}{hint}",
            llm_output=text,
        )

    @property
    def wanted(self) -> Wanted:
        """What the document must be at its root."""
        kind = self.target.schema.get("type") if self.target is not None else None
        return cast("Wanted", kind) if kind in ("object", "array") else None

    def _object_of(self, value: Any, text: str) -> Any:
        if self.strict and self.target is not None:
            value = without_added_nulls(value, self.target.schema)
        return self.validated(value, text)

    def validated(self, value: Any, text: str) -> Any:
        """Make the object of a document without added nulls.

        Raises:
            OutputParserException: If it does not fit the schema.
        """
        target = self.target
        if target is None or target.validate is None:
            return value
        try:
            return target.validate(encode(value))
        except Exception as error:  # a class's own validators raise what they like
            raise OutputParserException(
                f"The model's answer does not fit {target.name}: {error}", llm_output=text
            ) from error

    def transform(
        self, input: Iterator[str | BaseMessage], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        """Yield the object as it grows, and at the end the whole one; see :meth:`parse_result`."""
        yield from super().transform(cast("Any", with_whole(input)), config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[str | BaseMessage], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """As :meth:`transform`, for asynchronous calls."""
        async for made in super().atransform(cast("Any", awith_whole(input)), config, **kwargs):
            yield made

    def _transform(self, input: Iterator[Any]) -> Iterator[Any]:
        growing = GrowingObject(self)
        for chunk in input:
            yield from growing.feed(chunk)

    async def _atransform(self, input: AsyncIterator[Any]) -> AsyncIterator[Any]:
        growing = GrowingObject(self)
        async for chunk in input:
            for made in growing.feed(chunk):
                yield made


_PROBLEMS: dict[Problem, type[OutputParserException]] = {
    "refusal": RefusalError,
    "content_filter": RefusalError,
    "length": LengthLimitError,
}


def with_raw(model: Runnable[Any, Any], parser: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The runnable for ``include_raw``: the message, the object, and the error in place of raising it."""

    def parsed(answers: Iterator[Any], config: RunnableConfig) -> Iterator[AddableDict]:
        raw = whole_of([answer["raw"] for answer in answers])
        yield AddableDict(raw=raw)
        try:
            made = parser.invoke(raw, config)
        except Exception as error:  # also what a class's own validators raise
            yield AddableDict(parsed=None, parsing_error=error)
        else:
            yield AddableDict(parsed=made, parsing_error=None)

    async def aparsed(answers: AsyncIterator[Any], config: RunnableConfig) -> AsyncIterator[AddableDict]:
        raw = whole_of([answer["raw"] async for answer in answers])
        yield AddableDict(raw=raw)
        try:
            made = await parser.ainvoke(raw, config)
        except Exception as error:
            yield AddableDict(parsed=None, parsing_error=error)
        else:
            yield AddableDict(parsed=made, parsing_error=None)

    # Functions that stream: LangChain's own fallbacks only hold up to the first part of a streamed answer.
    return RunnableMap(raw=model) | RunnableGenerator[Any, Any](cast("Any", parsed), cast("Any", aparsed))
