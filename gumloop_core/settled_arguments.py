"""Arguments by our names, from any name that they come by. Imported where one comes by another name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gumloop_core.argument_names import (
    HOLDING_OTHERS,
    IMPLIED,
    IN_CALLS,
    PARTS,
    RENAMED,
    hint_for,
    is_fit_for_the_body,
    is_known_elsewhere,
)
from gumloop_core.errors import ConfigurationError, GumloopError, InvalidRequestError


def settled_arguments(
    values: Mapping[str, Any], known: Collection[str], fields: Collection[str], model: str
) -> dict[str, Any]:
    """A constructor's arguments by our names.

    Args:
        values: The arguments as they were passed.
        known: The arguments that the constructor has. What is none of them and no other name of one stays.
        fields: Those of them that are no framework's, which a dict of further arguments may hold too.
        model: The class's name, for the error.

    Raises:
        ConfigurationError: If two names of one argument have different values, or ``model_kwargs`` holds what is no
            field of the body.
    """
    foreign = [name for name in values if name not in known or RENAMED.get(name) in values]
    settling = _Settling({name: value for name, value in values.items() if name not in foreign}, ConfigurationError)
    for name in sorted(foreign, key=_wholes_first):
        value = values[name]
        if name in HOLDING_OTHERS:
            settling.open(name, value, fields, model)
        elif not settling.place(name, name, value) and not _says_nothing(name, value):
            settling.values[name] = value
    return settling.values


def settle_call(call: dict[str, Any]) -> None:
    """Have a call's keywords by our names, in place.

    Raises:
        InvalidRequestError: If two names of one option have different values.
    """
    settling = _Settling({name: value for name, value in call.items() if name not in IN_CALLS}, InvalidRequestError)
    for name in sorted(IN_CALLS & call.keys(), key=_wholes_first):
        settling.place(name, name, call[name])
    call.clear()
    call.update(settling.values)


class _Settling:
    """Puts values in their places.

    Attributes:
        values: What has been placed, by our names.
    """

    def __init__(self, values: dict[str, Any], error: type[GumloopError]) -> None:
        self.values = values
        self._error = error
        # How the caller wrote what is in a place, where that was another name.
        self._written: dict[str | tuple[str, str], str] = {}

    def place(self, written: str, name: str, value: Any) -> bool:
        """Put a value where its name leads; ``False`` if it leads nowhere."""
        if name in RENAMED:
            self._put(written, RENAMED[name], value)
        elif name in PARTS:
            self._put_part(written, *PARTS[name], value)
        else:
            return False
        return True

    def open(self, holder: str, held: Any, fields: Collection[str], model: str) -> None:
        """Put each entry of a dict of further arguments in its place."""
        if held is None:
            return
        if not isinstance(held, Mapping):
            raise self._error(f"{holder} must be a dict of fields of the body, not {type(held).__name__}.")
        for name, value in _entries(held):
            written = f"{holder}[{name!r}]"
            if self.place(written, name, value) or _says_nothing(name, value):
                continue
            if name in fields:
                self._put(written, name, value)
            elif is_fit_for_the_body(name):
                self._put_part(written, "extra_body", name, value)
            else:
                raise self._error(f"{model} has no argument {name!r}, which {holder} holds: {hint_for(name, fields)}")

    def _put(self, written: str, name: str, value: Any) -> None:
        present = self.values.get(name)
        if value is None and name in self.values:
            return
        if present is not None and not _same(present, value):
            raise self._contradiction(self._written.get(name, name), written)
        self.values[name] = value
        self._written[name] = written

    def _put_part(self, written: str, name: str, key: str, value: Any) -> None:
        whole = self.values.get(name)
        if value is None and name != "extra_body":
            self.values.setdefault(name, None)
            return
        if whole is not None and not isinstance(whole, Mapping):
            return  # refused by its name, for what it is
        if whole is not None and key in whole and not _same(whole[key], value):
            present = self._written.get((name, key)) or f"{self._written.get(name, name)}[{key!r}]"
            raise self._contradiction(present, written)
        self.values[name] = {**(whole or {}), key: value}
        self._written[name, key] = written

    def _contradiction(self, one: str, other: str) -> GumloopError:
        return self._error(f"{one} and {other} mean the same and have different values. Leave one of them out.")


def _wholes_first(name: str) -> int:
    """For sorting: an entry is added to what is there."""
    return 2 if name in HOLDING_OTHERS else 1 if name in PARTS else 0


def _entries(held: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in sorted(held, key=_wholes_first):
        value = held[name]
        if name == "extra_body" and isinstance(value, Mapping):
            yield from value.items()
        else:
            yield name, value


def _says_nothing(name: str, value: Any) -> bool:
    """Whether an argument that there is none of says what is the case anyway, or was left open."""
    if value is None:
        return is_known_elsewhere(name)
    implied = IMPLIED.get(name)
    return implied is not None and value.__class__ is implied.__class__ and value == implied


def _same(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # whatever a foreign object raises
        return False
