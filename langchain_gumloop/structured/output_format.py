"""What a structured answer is to be, and the ``response_format`` that asks the endpoint for it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from enum import EnumMeta
from typing import Any, cast, get_origin

from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_function
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from gumloop_core.errors import InvalidRequestError
from gumloop_core.wire import JSONObject, ResponseFormat
from gumloop_core.writing.body import json_schema_format
from gumloop_core.writing.schema import safe_name, with_root
from gumloop_core.writing.strict_schema import strict_form
from gumloop_core.writing.strict_subset import TYPES, fault_in


@dataclass(frozen=True)
class AnswerSchema:
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


_answer_schemas: weakref.WeakKeyDictionary[type, AnswerSchema] = weakref.WeakKeyDictionary()

_HINT = "Pass a Pydantic class, a TypedDict, a dataclass, a JSON Schema or an OpenAI function"


def answer_schema(schema: Any) -> AnswerSchema:
    """Read what the caller gave: a Pydantic, TypedDict or dataclass class, a JSON Schema, or an OpenAI function.

    Raises:
        InvalidRequestError: If it is none of these. It says what to pass.
    """
    if isinstance(schema, type):
        known = _answer_schemas.get(schema)
        if known is None:
            known = _answer_schemas[schema] = _schema_of_class(schema)
        return known
    if isinstance(schema, Mapping):
        return _schema_of_dict(dict(schema))
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


def _schema_of_dict(schema: JSONObject) -> AnswerSchema:
    kind = schema.get("type")
    function = schema.get(kind) if kind in ("function", "json_schema") else schema
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        inner = function.get("parameters", function.get("schema", function.get("input_schema")))
        if inner is None or isinstance(inner, dict):
            inner = with_root(inner or {"type": "object", "properties": {}})
            return AnswerSchema(safe_name(function["name"]), _text(function.get("description")), inner)
    return AnswerSchema(safe_name(schema.get("title")), _text(schema.get("description")), with_root(schema))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _schema_of_class(schema: type) -> AnswerSchema:
    if isinstance(schema, EnumMeta):
        raise InvalidRequestError(
            f"{schema.__name__} is an Enum, and an answer is an object: put it into a field of a Pydantic class."
        )
    name = safe_name(schema.__name__)
    try:
        if issubclass(schema, BaseModel):
            # Its own schema keeps references, which classes that refer to themselves need.
            return _validated_schema(name, schema.model_json_schema(), schema.model_validate_json)
        if is_basemodel_subclass(schema):  # pydantic.v1
            function = convert_to_openai_function(schema)
            return AnswerSchema(
                name, _text(function.get("description")), function["parameters"], cast("Any", schema).parse_raw
            )
        if is_dataclass(schema):
            adapter: TypeAdapter[Any] = TypeAdapter(schema)
            return _validated_schema(name, adapter.json_schema(), adapter.validate_json)
        if not is_typeddict(schema):
            raise InvalidRequestError(f"{schema.__name__} cannot be turned into a schema. {_HINT}.")
        json_schema = convert_to_json_schema(schema)
    except InvalidRequestError:
        raise
    except Exception as error:
        raise InvalidRequestError(f"{schema.__name__} cannot be turned into a schema: {error}") from error
    return AnswerSchema(name, _text(json_schema.get("description")), json_schema)


def _validated_schema(name: str, schema: JSONObject, validate: Callable[[bytes], Any]) -> AnswerSchema:
    schema = with_root(schema)
    return AnswerSchema(name, _text(schema.get("description")), schema, validate)


def can_be_traced(schema: Any) -> bool:
    """Whether LangChain, which traces what was asked for, can read a schema: it stumbles over odd ones."""
    try:
        convert_to_json_schema(schema)
    except ValueError:
        return True  # which it leaves out itself
    except Exception:
        return False
    return True


def strict_schema(wanted: AnswerSchema, strict: bool | None) -> JSONObject | None:
    """The schema that the endpoint is asked to keep to to the letter; ``None`` where it is not asked to.

    Args:
        wanted: What is wanted.
        strict: Whether it must; ``None`` for wherever that is possible.

    Raises:
        InvalidRequestError: If it must, and strict mode cannot say what the schema says.
    """
    if strict is False:
        return None
    schema, fault = strict_form(wanted.schema, is_checked=wanted.validate is not None)
    if schema is None and strict:
        raise _cannot_be_strict(wanted.name, fault)
    return schema


def _cannot_be_strict(name: Any, fault: str) -> InvalidRequestError:
    return InvalidRequestError(f"The schema {name!r} cannot be strict: {fault}. Change that part, or leave strict out.")


def response_format_of(wanted: AnswerSchema, strict: JSONObject | None) -> ResponseFormat:
    """The body's ``response_format`` for a wanted.

    Args:
        wanted: What is wanted.
        strict: Its schema as :func:`strict_schema` gives it.
    """
    schema = wanted.schema if strict is None else strict
    return json_schema_format(wanted.name, schema, strict=strict is not None, description=wanted.description)


def as_response_format(given: Any) -> Any:
    """What callers pass as ``response_format``: the wire's dict, a class or a bare schema.

    The answer is parsed by others, so it must fit the schema as it was given, without help. Where the wire's dict asks
    for strictness, as that of LangChain's ``ProviderStrategy(City, strict=True)`` does, its schema is made strict-safe.

    Raises:
        InvalidRequestError: If it is none of these, or is to be strict and cannot be.
    """
    if isinstance(given, Mapping) and isinstance(given.get("type"), str) and given["type"] not in _OF_SCHEMAS:
        return _made_strict(dict(given))
    wanted = answer_schema(given)
    schema, _ = strict_form(wanted.schema, optional_as_null=False, is_checked=wanted.validate is not None)
    return response_format_of(wanted, schema)


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
