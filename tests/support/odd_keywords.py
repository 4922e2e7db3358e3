"""Keywords of a call that make no sense, and what either adapter says of them."""

from __future__ import annotations

from typing import Any

ODD_KEYWORDS: list[tuple[dict[str, Any], str]] = [
    ({"timeout": "x"}, "timeout must be"),
    ({"extra_headers": 5}, "extra_headers must be"),
    ({"extra_headers": {"Host": "x"}}, "the header 'Host'"),
    ({"stop": 5}, "stop must be"),
    ({"tools": 5}, "tools must be"),
    ({"model": 5}, "model must be"),
    ({"temperature": object()}, "temperature is an object"),
    ({"extra_body": {"a": {1}}}, r"extra_body\.a is a set"),
    ({"openai_api_key": "x"}, "did you mean 'api_key'"),
]
