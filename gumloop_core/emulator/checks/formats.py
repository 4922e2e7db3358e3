"""The forms that an answer can be asked to have: structured output, modalities, pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gumloop_core.emulator.call import ImageConfig, ResponseFormat
from gumloop_core.emulator.checks import fields
from gumloop_core.emulator.failures import ApiError, FieldError
from gumloop_core.emulator.models import Model
from gumloop_core.emulator.rules.bitmaps import FORMATS
from gumloop_core.emulator.schema.strictness import check_schema, check_strict

_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
_SIZE = re.compile(r"^(?:auto|\d{1,4}x\d{1,4}|[124]K)$")
_RATIO = re.compile(r"^[1-9]\d?:[1-9]\d?$")
_MODALITIES = ("text", "image", "audio")


def parse_response_format(body: Mapping[str, Any]) -> ResponseFormat:
    """Check `response_format` and return it."""
    if "response_format" not in body:
        return ResponseFormat()
    raw = body["response_format"]
    if not isinstance(raw, dict):
        raise FieldError("response_format must be an object.", "response_format")
    kind = raw.get("type")
    if kind in ("grammar", "python"):
        raise ApiError(501, f"The resolved provider does not support response_format {kind}.")
    if kind == "text":
        return ResponseFormat()
    if kind == "json_object":
        return ResponseFormat("json_object")
    if kind != "json_schema":
        raise FieldError(f"Unknown response_format type {kind!r}.", "response_format.type")
    where = "response_format.json_schema"
    wrapper = fields.mapping(raw, "json_schema", param=where)
    if wrapper is None:
        raise FieldError("response_format json_schema needs json_schema.", where)
    name = fields.string(wrapper, "name", param=f"{where}.name", required=True) or ""
    if not _NAME.match(name):
        raise FieldError(
            f"The schema name {name!r} must have 1 to 64 letters, digits, underscores or dashes.",
            f"{where}.name",
        )
    fields.string(wrapper, "description", param=f"{where}.description")
    strict = fields.boolean(wrapper, "strict", param=f"{where}.strict")
    schema = fields.mapping(wrapper, "schema", param=f"{where}.schema")
    if schema is None:
        raise FieldError("response_format json_schema needs a schema.", f"{where}.schema")
    check_schema(schema, f"{where}.schema")
    if strict:
        check_strict(schema, f"{where}.schema")
    return ResponseFormat("json_schema", name, schema)


def parse_modalities(body: Mapping[str, Any], model: Model) -> list[str]:
    """Check the output modalities against what the model can do, and return them."""
    modalities = fields.strings(body, "modalities") or []
    if "modalities" in body and not modalities:
        raise FieldError("modalities must be a list that is not empty.", "modalities")
    for position, modality in enumerate(modalities):
        if modality not in _MODALITIES:
            raise FieldError(f"Unknown modality {modality!r}.", f"modalities[{position}]")
    if "audio" in modalities:
        raise ApiError(501, "The resolved provider does not answer with audio.")
    if model.kind == "chat" and "image" in modalities:
        raise FieldError(f"{model.slug} is a chat model and cannot answer with images.", "modalities")
    if model.draws_only and modalities == ["text"]:
        raise FieldError(f"{model.slug} answers with images only.", "modalities")
    return modalities


def parse_image_config(body: Mapping[str, Any], model: Model) -> ImageConfig:
    """Check `image_config` and return it; chat models ignore what it says."""
    config = fields.mapping(body, "image_config")
    if "image_config" in body and config is None:
        raise FieldError("image_config must be an object.", "image_config")
    if not config or model.kind == "chat":
        return ImageConfig()
    size = fields.string(config, "size", param="image_config.size")
    if size is not None and not _SIZE.match(size):
        raise FieldError("image_config.size must look like 1024x1024, or be auto.", "image_config.size")
    ratio = fields.string(config, "aspect_ratio", param="image_config.aspect_ratio")
    if ratio is not None and not _RATIO.match(ratio):
        raise FieldError("image_config.aspect_ratio must look like 16:9.", "image_config.aspect_ratio")
    partial = fields.integer(config, "partial_images", 0, 3, param="image_config.partial_images")
    for name in ("quality", "background"):
        fields.string(config, name, param=f"image_config.{name}")
    output_format = fields.string(config, "output_format", param="image_config.output_format")
    output_format = "png" if output_format is None else output_format
    if output_format not in FORMATS:
        raise FieldError(f"image_config.output_format must be {', '.join(FORMATS)}.", "image_config.output_format")
    return ImageConfig(size, ratio, partial or 0, output_format)
