"""Typed look-ups in a JSON object; each raises an `FieldError` that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gumloop_core.emulator.failures import FieldError
from gumloop_core.emulator.shapes import JsonObject


def number(body: Mapping[str, Any], name: str, low: float, high: float, *, param: str | None = None) -> float | None:
    """Return a number within its range, None when it is absent or null."""
    value = body.get(name)
    where = param or name
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FieldError(f"{where} must be a number.", where)
    if not low <= value <= high:
        raise FieldError(f"{where} must be between {low:g} and {high:g}, not {value:g}.", where)
    return float(value)


def integer(body: Mapping[str, Any], name: str, low: int, high: int, *, param: str | None = None) -> int | None:
    """Return an integer within its range, None when it is absent or null."""
    value = body.get(name)
    where = param or name
    if value is None:
        return None
    # JSON has one kind of number: the vendor's SDK writes the 2 of `partial_images` as 2.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldError(f"{where} must be an integer.", where)
    if not low <= value <= high:
        raise FieldError(f"{where} must be between {low} and {high}, not {value}.", where)
    return value


def boolean(body: Mapping[str, Any], name: str, *, param: str | None = None) -> bool | None:
    """Return a boolean, None when it is absent or null."""
    value = body.get(name)
    where = param or name
    if value is None or isinstance(value, bool):
        return value
    raise FieldError(f"{where} must be a boolean.", where)


def string(body: Mapping[str, Any], name: str, *, param: str | None = None, required: bool = False) -> str | None:
    """Return a string, None when it is absent or null and not required; a required one is not empty."""
    value = body.get(name)
    where = param or name
    if value is None and not required:
        return None
    if not isinstance(value, str):
        raise FieldError(f"{where} must be a string.", where)
    if required and not value:
        raise FieldError(f"{where} must not be empty.", where)
    return value


def mapping(body: Mapping[str, Any], name: str, *, param: str | None = None) -> JsonObject | None:
    """Return an object, None when it is absent or null."""
    value = body.get(name)
    where = param or name
    if value is None or isinstance(value, dict):
        return value
    raise FieldError(f"{where} must be an object.", where)


def strings(body: Mapping[str, Any], name: str, *, param: str | None = None) -> list[str] | None:
    """Return a list of strings, None when it is absent or null."""
    value = body.get(name)
    where = param or name
    if value is None:
        return None
    if not isinstance(value, list):
        raise FieldError(f"{where} must be a list.", where)
    for position, item in enumerate(value):
        if not isinstance(item, str) or not item:
            raise FieldError(f"{where}[{position}] must be a string.", f"{where}[{position}]")
    return value


def objects(body: Mapping[str, Any], name: str, *, param: str | None = None) -> list[JsonObject] | None:
    """Return a list of objects, None when it is absent or null."""
    value = body.get(name)
    where = param or name
    if value is None:
        return None
    if not isinstance(value, list):
        raise FieldError(f"{where} must be a list.", where)
    for position, item in enumerate(value):
        if not isinstance(item, dict):
            raise FieldError(f"{where}[{position}] must be an object.", f"{where}[{position}]")
    return value
