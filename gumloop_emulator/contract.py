"""What the contract of a request is written with, and how pydantic's errors become the vendor's `param`.

A shape says what a JSON value must be. Values stay plain JSON: `Annotated[JSONObject, checked(shape(...))]`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    ValidationError,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from typing_extensions import NotRequired, TypedDict

from gumloop_emulator.failures import Refused, invalid

_MARK = "|"  # begins the tags of unions, which are no part of a field's path
_NO_ALTERNATIVE = "no_alternative:"

Shape = Any
"""A type for pydantic, made at run time."""


class Contract(BaseModel):
    """An object whose known fields must be right, at every depth; unknown ones are let through."""

    model_config = ConfigDict(strict=True, extra="allow")


def _whole(value: Any) -> Any:
    # JSON has one kind of number: the vendor's SDK writes the 2 of `partial_images` as 2.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class checked:  # noqa: N801 - it reads as an annotation
    """Have a value checked against a shape."""

    shape: Shape

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the shape's schema in place of the annotated type's."""
        return handler.generate_schema(self.shape)


def shape(**fields: Shape) -> Shape:
    """Return the shape of an object with these fields."""
    return TypedDict("shape", fields)  # type: ignore[misc]


def optional(kind: Shape) -> Shape:
    """Return the shape of a field that may be missing or null."""
    return NotRequired[Union[kind, None]]  # noqa: UP007


def choose(tag: Callable[[Any], str | None], message: str, field: str = "", **shapes: Shape) -> Shape:
    """Return a shape that is one of several.

    Args:
        tag: Gives the name of the shape that a value is meant for, None when it fits none.
        message: What is said then.
        field: The field of the value that is at fault then.
        shapes: The shapes by name.
    """
    shapes.setdefault("", None)  # pydantic wants a union to have two members; this one is never meant
    members = tuple(Annotated[kind, Tag(_MARK + name)] for name, kind in shapes.items())

    def marked(value: Any) -> str | None:
        name = tag(value)
        return _MARK + name if name else None

    # The field goes with the error's type: a context would make the discriminator unhashable, which types must not be.
    told_apart = Discriminator(marked, custom_error_type=_NO_ALTERNATIVE + field, custom_error_message=message)
    return Annotated[Union[members], told_apart]  # noqa: UP007 - the members are known at run time only


def by_field(field: str, **shapes: Shape) -> Shape:
    """Return the shape of objects that differ by the value of one field."""

    def tag(value: Any) -> str | None:
        found = value.get(field) if isinstance(value, dict) else None
        return found if isinstance(found, str) and found in shapes else None

    return choose(tag, f"{field} must be one of {', '.join(shapes)}", field, **shapes)


def by_type(message: str, **shapes: Shape) -> Shape:
    """Return the shape of values that differ by their type; it goes by its name in Python."""
    return choose(lambda value: type(value).__name__ if type(value).__name__ in shapes else None, message, **shapes)


def fault(message: str, field: str = "") -> PydanticCustomError:
    """Return an error for a validator to raise, about one field of what is validated."""
    return PydanticCustomError("contract", "{message}", {"message": message, "field": field})


def read(kind: type[ModelT], value: Any, where: str = "") -> ModelT:
    """Return a part of a request, or raise the refusal that names the offending field.

    Args:
        kind: What it shall be.
        value: What was sent.
        where: Its path in the body.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _refusal(error.errors()[0], value, where) from None


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
    message = error["msg"][0].upper() + error["msg"][1:]
    return invalid(f"{path or 'The body'}: {message}.", path or None)
