"""What is wrong with a model's arguments, without what was passed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError, field_validator

from gumloop_core.errors import ConfigurationError
from gumloop_core.field_errors import hide_secrets, of_validation
from gumloop_core.http.headers import HiddenHeaders

CANARY = "gl-canary-4d1e"


class Fields(BaseModel):
    size: int | float
    name: str = ""

    @field_validator("name")
    @classmethod
    def check(cls, name: str) -> str:
        if name == "ours":
            raise ConfigurationError("name cannot be ours.")
        if name == "theirs":
            raise ValueError("name is theirs")
        return name


def error_of(**values: Any) -> Exception:
    with pytest.raises((ValidationError, ConfigurationError)) as caught:
        Fields(**values)
    assert isinstance(caught.value, ValidationError)
    return of_validation("Fields", caught.value)


def test_each_field_is_listed_once_with_its_reasons() -> None:
    said = str(error_of(size=CANARY, name="theirs"))
    assert said.startswith("Fields cannot be made. size: ")
    assert ", or: " in said
    assert said.endswith("; name: name is theirs.")
    assert CANARY not in said


def test_an_argument_that_is_missing_is_named() -> None:
    assert "size: Field required" in str(error_of())


def test_secrets_are_put_out_of_sight() -> None:
    values: dict[str, Any] = {
        "api_key": CANARY,
        "apikey": CANARY,
        "access_token": CANARY,
        "model": "a-token-model",
        "user": "someone",
        "default_headers": {"X-Key": CANARY},
        "extra_headers": {"X-Key": CANARY},
        "model_kwargs": (held := {"api_key": CANARY, "default_headers": {"X-Key": CANARY}, "seed": 1}),
    }
    hide_secrets(values)
    assert (held["api_key"], values["model_kwargs"]["seed"]) == (CANARY, 1)  # the caller's own stays as it is
    assert CANARY not in repr(values)
    assert isinstance(values["api_key"], SecretStr)
    assert isinstance(values["default_headers"], HiddenHeaders)
    assert (values["model"], values["user"]) == ("a-token-model", "someone")
