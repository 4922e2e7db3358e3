"""What tracers, callbacks and caches are told of a model and its calls, where they look for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from langchain_core.language_models.base import LangSmithParams

from gumloop_core.boundary import Boundary
from gumloop_core.http.headers import call_headers
from gumloop_core.http.sending_options import settle_names, with_hidden_headers
from langchain_gumloop.errors import as_langchain
from langchain_gumloop.from_wire.answers import PROVIDER

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    class Base(BaseChatModel):
        """What a traced model is."""

        model: str
        temperature: float | None
        max_completion_tokens: int | None
        stop: str | list[str] | None

        def _body_options(self) -> dict[str, Any]: ...
else:
    Base = object  # a further pydantic class would cost milliseconds at import


class Traced(Base):
    """Tells tracers and caches of a chat model. Headers show to none of them.

    OpenTelemetry's instrumentation of LangChain (OpenLLMetry) reads the cap on tokens by its older name,
    ``max_tokens``, among the keywords of a serialized model; other tracers read it among the parameters of a call.
    """

    @cached_property
    def _serialized(self) -> dict[str, Any]:
        try:
            serialized = dict(super()._serialized)
        except RecursionError:  # of a field that is nested too deep, which the request refuses by its name
            return {"lc": 1, "type": "not_implemented", "id": self.lc_id()}
        tokens = self.max_completion_tokens
        if tokens is not None and isinstance(serialized.get("kwargs"), dict):
            serialized["kwargs"] = {**serialized["kwargs"], "max_tokens": tokens}
        return serialized

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        """What callbacks are told of a call."""
        with Boundary(as_langchain):
            kwargs = with_hidden_headers(kwargs)
            settle_names(kwargs)
        stops = kwargs.pop("stop", None)
        stop = stops if stop is None else stop
        params = super()._get_invocation_params(stop, **kwargs)
        tokens = kwargs.get("max_completion_tokens", self.max_completion_tokens)
        if tokens is not None:
            params.setdefault("max_tokens", tokens)
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        """What a cache is told of a call, and may write into a file."""
        if kwargs.get("extra_headers"):
            kwargs = {**kwargs, "extra_headers": call_headers(kwargs["extra_headers"]).without_secrets}
        return super()._get_llm_string(stop, **kwargs)

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, **self._body_options()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        with Boundary(as_langchain):
            settle_names(kwargs)
        params = LangSmithParams(ls_provider=PROVIDER, ls_model_type="chat")
        params["ls_model_name"] = kwargs.get("model") or self.model
        temperature = kwargs.get("temperature", self.temperature)
        if temperature is not None:
            params["ls_temperature"] = temperature
        tokens = kwargs.get("max_completion_tokens", kwargs.get("max_tokens", self.max_completion_tokens))
        if tokens is not None:
            params["ls_max_tokens"] = tokens
        stops = stop if stop is not None else kwargs.get("stop", self.stop)
        if stops and isinstance(stops, (str, Sequence)):  # what is neither is for the endpoint to refuse
            params["ls_stop"] = [stops] if isinstance(stops, str) else list(stops)
        return params
