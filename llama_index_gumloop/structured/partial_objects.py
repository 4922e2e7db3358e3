"""Objects of a pydantic class while their JSON arrives.

A partial object has the class's attributes, nested ones too: what has not arrived is ``None``. It is not validated;
the whole object is, at the end.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from llama_index.core.program.utils import FlexibleModel
from pydantic import AliasChoices, BaseModel, RootModel, create_model

from gumloop_core.reading.partial_json import ANY, Shape
from gumloop_core.structured import PartialDocument


class PartialObjects:
    """Makes partial objects of a class from JSON text in pieces.

    Args:
        output_cls: The class.
    """

    def __init__(self, output_cls: type[BaseModel]) -> None:
        self._reader = PartialDocument("object", _model_shape(output_cls))

    def feed(self, piece: str) -> FlexibleModel | None:
        """Read the next piece.

        Returns:
            The object as far as it has arrived, ``None`` if the piece brought nothing to show.
        """
        if not self._reader.feed(piece):
            return None
        value = self._reader.snapshot()
        return value if isinstance(value, FlexibleModel) else None


class _ModelShape(Shape):
    """Makes partial objects of a class."""

    def __init__(self, model: type[BaseModel]) -> None:
        fields = model.model_fields
        definitions: dict[str, Any] = dict.fromkeys(fields, (Any, None))
        self._partial = create_model(f"Partial{model.__name__}", __base__=FlexibleModel, **definitions)
        self._names = {_json_name(name, field): name for name, field in fields.items()}
        self._annotations = {_json_name(name, field): field.annotation for name, field in fields.items()}
        self._shapes: dict[str, Shape] = {}
        self._nothing: dict[str, Any] = dict.fromkeys(fields)

    def at(self, key: str) -> Shape:
        shape = self._shapes.get(key)
        if shape is None:
            # Not before it is needed: a class may contain itself.
            shape = self._shapes[key] = _shape_of(self._annotations.get(key))
        return shape

    def make(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        names = self._names
        # Filled directly: all values are taken as they are, so there is nothing to validate.
        made = object.__new__(self._partial)
        known = {names[key]: entry for key, entry in value.items() if key in names}
        object.__setattr__(made, "__dict__", {**self._nothing, **known})
        object.__setattr__(made, "__pydantic_fields_set__", set(known))
        extra = {} if len(known) == len(value) else {key: entry for key, entry in value.items() if key not in names}
        object.__setattr__(made, "__pydantic_extra__", extra)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class _ListShape(Shape):
    """An array of things of one shape."""

    def __init__(self, item: Shape) -> None:
        self._item = item

    def items(self) -> Shape:
        return self._item


class _MappingShape(Shape):
    """An object with values of one shape."""

    def __init__(self, value: Shape) -> None:
        self._value = value

    def at(self, key: str) -> Shape:
        return self._value


@lru_cache(maxsize=128)
def _model_shape(model: type[BaseModel]) -> _ModelShape:
    return _ModelShape(model)


def _shape_of(annotation: Any) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape_of(arguments[0])
    if origin in (Union, types.UnionType):
        shapes = [_shape_of(argument) for argument in arguments if argument is not type(None)]
        return shapes[0] if len(shapes) == 1 else ANY  # which of several it will be shows only at the end
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, RootModel):
        return _model_shape(annotation)
    if isinstance(origin, type) and arguments:
        if issubclass(origin, Mapping):
            return _MappingShape(_shape_of(arguments[-1]))
        if issubclass(origin, tuple):
            return _ListShape(_shape_of(arguments[0])) if arguments[-1] is Ellipsis else ANY
        if issubclass(origin, Collection):
            return _ListShape(_shape_of(arguments[0]))
    return ANY


def _json_name(name: str, field: Any) -> str:
    """The name of a field in the JSON that is validated."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next((choice for choice in alias.choices if isinstance(choice, str)), None)
    return alias if isinstance(alias, str) else field.alias or name
