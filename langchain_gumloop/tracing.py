"""What tracers are told of a model, where they look for it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
else:
    BaseChatModel = object  # a further pydantic class would cost milliseconds at import


class Traced(BaseChatModel):
    """Has a chat model also tell its cap on tokens by the older name.

    OpenTelemetry's instrumentation of LangChain (OpenLLMetry) reads ``max_tokens`` among the keywords of a serialized
    model; other tracers read it among the parameters of a call.
    """

    @cached_property
    def _serialized(self) -> dict[str, Any]:
        try:
            serialized = dict(super()._serialized)
        except RecursionError:  # of a field that is nested too deep, which the request refuses by its name
            return {"lc": 1, "type": "not_implemented", "id": self.lc_id()}
        tokens = getattr(self, "max_completion_tokens", None)
        if tokens is not None and isinstance(serialized.get("kwargs"), dict):
            serialized["kwargs"] = {**serialized["kwargs"], "max_tokens": tokens}
        return serialized

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        params = super()._get_invocation_params(stop, **kwargs)
        tokens = kwargs.get("max_completion_tokens", getattr(self, "max_completion_tokens", None))
        if tokens is not None:
            params.setdefault("max_tokens", tokens)
        return params
