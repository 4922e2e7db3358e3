"""What the endpoint accepts, as `contract.json` says it: compiled for pydantic, and its errors told as the vendor does.

Of JSON Schema it knows what that file uses. `oneOf` goes by OpenAPI's `discriminator`, or by the values' types;
`anyOf` says which fields may not all be missing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, SchemaValidator, ValidationError
from pydantic_core import core_schema as core

from gumloop_core.wire import JSONObject
from gumloop_core.writing.schema import pointed_at
from gumloop_core.writing.strict_subset import fault_in
from gumloop_emulator.failures import Refused, invalid

MAX_IMAGE_BYTES = 20 * 1024 * 1024
SHAPES: JSONObject = json.loads((files(__package__) / "contract.json").read_text("utf-8"))["$defs"]

_KEYWORDS: JSONObject = SHAPES["SchemaObject"]["properties"]
_INNER: JSONObject = {"$ref": "#/$defs/Schema"}
_MARK = "|"  # begins the tags of unions, which are no part of a field's path
_NO_ALTERNATIVE = "no_alternative:"
_TYPES = {str: "string", bool: "boolean", list: "array", dict: "object", type(None): "null"}
_DATA_URL = re.compile(r"data:image/(?P<type>jpeg|jpg|png|gif|webp);base64,", re.IGNORECASE)
_PICTURE = re.compile(
    rb"(?s)(?P<png>\x89PNG\r\n\x1a\n)|(?P<jpeg>\xff\xd8\xff)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF....WEBP)"
)


def read(shape: str, value: Any, where: str = "") -> Any:
    """Return a part of a request that must be one of `$defs`, or raise the refusal; `where` is its path."""
    try:
        return validator(shape).validate_python(value, strict=True)
    except ValidationError as error:
        raise _refusal(error.errors()[0], value, where) from None


@lru_cache
def validator(shape: str) -> SchemaValidator:
    """Return what validates one of `$defs`."""
    definitions = [{**_compiled(definition), "ref": name} for name, definition in SHAPES.items()]
    schema = core.definitions_schema(core.definition_reference_schema(shape), definitions)  # type: ignore[arg-type]
    return SchemaValidator(schema)


def _compiled(schema: JSONObject) -> CoreSchema:
    if "$ref" in schema:
        return core.definition_reference_schema(schema["$ref"].removeprefix("#/$defs/"))
    if "oneOf" in schema:
        return _union(schema["oneOf"], schema.get("discriminator"))
    if "enum" in schema:
        return core.literal_schema(schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, list):
        return core.nullable_schema(_compiled({**schema, "type": kind[0]}))
    low, high = schema.get("minimum"), schema.get("maximum")
    if kind == "string":
        text = core.str_schema(pattern=schema.get("pattern"), min_length=schema.get("minLength"))
        check = _FORMATS.get(schema.get("format", ""))
        return core.no_info_after_validator_function(check, text) if check else text
    if kind == "number":
        return core.float_schema(ge=low, le=high, gt=schema.get("exclusiveMinimum"), allow_inf_nan=False)
    if kind == "integer":
        return core.no_info_before_validator_function(_whole, core.int_schema(ge=low, le=high))
    if kind == "array":
        return core.list_schema(_compiled(schema.get("items", {})), min_length=schema.get("minItems"))
    if kind == "object":
        return _object(schema)
    if kind == "boolean":
        return core.bool_schema()
    return core.none_schema() if kind == "null" else core.any_schema()


def _object(schema: JSONObject) -> CoreSchema:
    if "properties" not in schema:
        return core.dict_schema(core.str_schema(), _compiled(schema.get("additionalProperties", {})))
    required = schema.get("required", ())
    fields = {
        name: core.typed_dict_field(_compiled(part), required=name in required)
        for name, part in schema["properties"].items()
    }
    shape = core.typed_dict_schema(fields, extra_behavior="allow")
    names = [alternative["required"][0] for alternative in schema.get("anyOf", ())]

    def has_one(value: JSONObject) -> JSONObject:
        if not any(value.get(name) is not None for name in names):
            raise _fault(f"one of {', '.join(names)} is needed", names[0])
        return value

    return core.no_info_after_validator_function(has_one, shape) if names else shape


def _union(alternatives: list[JSONObject], discriminator: JSONObject | None) -> CoreSchema:
    if discriminator is not None:
        field, mapping = discriminator["propertyName"], discriminator["mapping"]
        choices = {name: _compiled({"$ref": shape}) for name, shape in mapping.items()}
        says = f"{field} must be one of {', '.join(mapping)}"
    else:
        field, choices = "", {_kind_of(alternative): _compiled(alternative) for alternative in alternatives}
        says = f"it must be of type {' or '.join(choices)}"

    def tag(value: Any) -> str | None:
        found = _TYPES.get(type(value)) if not field else value.get(field) if isinstance(value, dict) else None
        return _MARK + found if isinstance(found, str) and found in choices else None

    marked = {_MARK + name: choice for name, choice in choices.items()}
    return core.tagged_union_schema(marked, tag, custom_error_type=_NO_ALTERNATIVE + field, custom_error_message=says)


def _kind_of(schema: JSONObject) -> str:
    schema = SHAPES[schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema
    return str(schema.get("type") or "string")  # an enumeration of texts


def _fault(message: str, field: str = "") -> PydanticCustomError:
    return PydanticCustomError("contract", "{message}", {"message": message, "field": field})


def _refusal(error: ErrorDetails, value: Any, where: str) -> Refused:
    path, current = where, value
    field = error.get("ctx", {}).get("field") or error["type"].partition(_NO_ALTERNATIVE)[2]
    steps = [step for step in error["loc"] if not (isinstance(step, str) and step.startswith(_MARK))]
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
        try:
            current = current[step]
        except (LookupError, TypeError):
            current = None
    if field and isinstance(current, dict):  # what should have been an object may be none, and has no fields then
        path += f".{field}" if path else field
    return invalid(f"{path or 'The body'}: {error['msg']}.", path or None)


def _whole(value: Any) -> Any:
    # JSON has one kind of number: the vendor's SDK writes the 2 of `partial_images` as 2.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_image_url(url: str) -> str:
    """Raise when a picture cannot be used; http(s) URLs are believed, nothing is fetched."""
    if not url[:5].lower().startswith("data:"):
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https") or not parts.netloc:
            raise _fault("an image's url must be an http(s) URL or a base64 data URL")
        return url
    match = _DATA_URL.match(url)
    if match is None:
        raise _fault("an image's data URL must be base64, and JPEG, PNG, GIF or WebP")
    if (len(url) - match.end()) * 3 // 4 - 2 > MAX_IMAGE_BYTES:
        raise _fault("an image may have at most 20 MB")
    try:
        data = base64.b64decode(url[match.end() :], validate=True)
    except ValueError:
        raise _fault("the image is not valid base64") from None
    declared, found = match["type"].lower().replace("jpg", "jpeg"), _PICTURE.match(data)
    if found is None or found.lastgroup != declared:
        raise _fault(f"the image is declared as {declared}, but its bytes are not")
    return url


def _check_json_object(text: str) -> str:
    try:
        fits = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise _fault("it must be the JSON text of an object")
    return text


def _check_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        # A pattern of another dialect may still be meant, so only what is no pattern anywhere is refused.
        if any(word in str(error) for word in ("unterminated", "unbalanced", "nothing to repeat")):
            raise _fault(f"it is not a regular expression: {error}") from None
    return pattern


_FORMATS = {"image-url": _check_image_url, "json-object": _check_json_object, "regex": _check_regex}


def check_schema(schema: JSONObject, where: str, *, strict: bool) -> None:
    """Raise the refusal of a schema that cannot be meant, or breaks the rules of strict mode; `where` is its path."""
    read("SchemaObject", schema, where)
    for reference, place in _references(schema, where):
        if pointed_at(reference, schema) is None:
            raise invalid(f"The reference {reference!r} leads nowhere.", place)
    fault = fault_in(schema) if strict else None
    if fault is not None:
        raise invalid(f"{where}{fault.path}: {fault.reason}.", where + fault.path)


def _references(schema: object, where: str) -> Iterator[tuple[str, str]]:
    """Yield the references in a checked schema, each with its path."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield schema["$ref"], f"{where}.$ref"
    for key in _KEYWORDS.keys() & schema.keys():
        kind, value = _KEYWORDS[key], schema[key]
        if kind == _INNER:
            yield from _references(value, f"{where}.{key}")
        elif kind.get("items") == _INNER:
            for position, child in enumerate(value):
                yield from _references(child, f"{where}.{key}[{position}]")
        elif kind.get("additionalProperties") == _INNER:
            for name, child in value.items():
                yield from _references(child, f"{where}.{key}.{name}")
