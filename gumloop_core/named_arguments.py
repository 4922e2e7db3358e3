"""The arguments of a chat model, by whichever of their names they come; others are refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from pydantic import AliasChoices, BaseModel, model_validator

from gumloop_core.argument_names import HOLDING_OTHERS, PARTS, RENAMED, hint_for
from gumloop_core.errors import ConfigurationError
from gumloop_core.options import AccessOptions, BodyOptions, Options, RequestOptions, SecretSource
from gumloop_core.wire import JSONObject


class NamedArguments(Options):
    """What a constructor takes beside the fields' own names, and what the fields can be read by too.

    Below is what type checkers see of :mod:`gumloop_core.argument_names`; they do not read aliases.
    """

    if TYPE_CHECKING:
        model_name: str = ""
        gumloop_api_key: SecretSource | None = None
        gumloop_api_base: str | None = None
        api_base: str | None = None
        max_tokens: int | None = None
        stop_sequences: str | list[str] | None = None
        openrouter_provider: JSONObject | None = None
        extra_headers: dict[str, str] | None = None
        request_timeout: Any = None
        async_http_client: Any = None
        reasoning_effort: str | None = None
        stream_usage: bool | None = None
        order: list[str] | None = None
        allow_fallbacks: bool | None = None
        model_kwargs: JSONObject | None = None
        additional_kwargs: JSONObject | None = None

    @model_validator(mode="before")
    @classmethod
    def _settle_arguments(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            values = cls._by_our_names(values)
            problem = cls._unknown_argument(values)
            if problem is not None:
                raise problem
        return values

    @classmethod
    def _by_our_names(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        known = _arguments_of(cls)
        if values.keys() <= known and "max_tokens" not in values:
            return dict(values)
        from gumloop_core.settled_arguments import settled_arguments

        return settled_arguments(values, known, _FIELDS, cls.__name__)

    @classmethod
    def _unknown_argument(cls, values: Mapping[str, Any]) -> ConfigurationError | None:
        known = _arguments_of(cls)
        for name in values:
            if name not in known:
                return ConfigurationError(f"{cls.__name__} has no argument {name!r}: {hint_for(str(name), known)}")
        return None


def _part(field: str, key: str, model: NamedArguments) -> Any:
    whole = getattr(model, field)
    return whole.get(key) if isinstance(whole, Mapping) else None


for _name, _field in (*RENAMED.items(), *((holder, "extra_body") for holder in HOLDING_OTHERS)):
    setattr(NamedArguments, _name, property(attrgetter(_field)))
for _name, (_field, _key) in PARTS.items():
    setattr(NamedArguments, _name, property(partial(_part, _field, _key)))

_FIELDS = frozenset({*AccessOptions.model_fields, *BodyOptions.model_fields, *RequestOptions.model_fields})

_ARGUMENTS: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()
"""What the constructors take, so that it is not read off for every model."""


def _arguments_of(kind: type[BaseModel]) -> frozenset[str]:
    known = _ARGUMENTS.get(kind)
    if known is None:
        known = _ARGUMENTS[kind] = frozenset(_names_of_fields(kind))
    return known


def _names_of_fields(kind: type[BaseModel]) -> set[str]:
    known: set[str] = set()
    for name, field in kind.model_fields.items():
        known.add(name)
        known.update(alias for alias in (field.alias,) if alias)
        choices = field.validation_alias
        known.update(map(str, choices.choices if isinstance(choices, AliasChoices) else [choices or name]))
    return known
