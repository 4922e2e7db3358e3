"""What a chat model is made from: who asks where, fields of the body, and how requests are made.

The lists of names that others go by follow from these fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr

from gumloop_core.http.settings import (
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_STREAM_IDLE_TIMEOUT,
    DEFAULT_TIMEOUT,
    Road,
)
from gumloop_core.http.timeouts import UnsetSeconds
from gumloop_core.wire import JSONObject

if TYPE_CHECKING:
    from gumloop_core.concurrency.limits import Limits

    SecretSource: TypeAlias = SecretStr | str | Callable[[], Any]
else:
    Limits = Any  # a model looks at it itself
    SecretSource = SecretStr | Callable[[], Any]
"""A secret, or a callable (for async calls also an async one) that gives it at each request. A text may be given, and
becomes a secret at once."""


class Options(BaseModel):
    """Fields of a chat model. Those left at ``None`` are not sent."""

    model_config = ConfigDict(
        defer_build=True,  # building a validator takes milliseconds, and no object is made of this class
        arbitrary_types_allowed=True,
        populate_by_name=True,
        protected_namespaces=(),
        # A validation error shows its input otherwise, and the input holds the key.
        hide_input_in_errors=True,
        allow_inf_nan=False,  # which JSON cannot say
    )


class AccessOptions(Options):
    """Which model is asked, by whom, and where."""

    model: str
    """The model's id, from the model list, or a preset route. Also spelled ``model_name``."""

    api_key: SecretSource | None = Field(default=None, repr=False)
    """A personal or team API key. From ``GUMLOOP_API_KEY`` if neither this nor ``access_token`` is given."""

    access_token: SecretSource | None = Field(default=None, repr=False, exclude=True)
    """An OAuth 2.0 access token; wins over a key. From ``GUMLOOP_ACCESS_TOKEN``, read again at each request."""

    user_id: str | None = None
    """Sent as ``x-auth-key``; a personal key needs it. From ``GUMLOOP_USER_ID``."""

    team_id: str | None = None
    """The team that a team key is validated against. From ``GUMLOOP_TEAM_ID``."""

    base_url: str | None = None
    """The API host's base. From ``GUMLOOP_BASE_URL``, else the vendor's. Chat goes to the same base, unless it is the
    vendor's, whose chat host follows from it. Also spelled ``api_base``."""

    stream_base_url: str | None = None
    """The chat host's base, where it does not follow from ``base_url``. From ``GUMLOOP_STREAM_BASE_URL``."""

    allow_insecure: bool = False
    """Whether plain http to a host other than loopback is let through. The key travels in the clear then."""


class BodyOptions(Options):
    """Fields of the body. A call's own keyword wins over the field."""

    temperature: float | None = None
    """Sampling temperature."""

    max_completion_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("max_completion_tokens", "max_tokens")
    )
    """Cap on completion tokens. Also spelled ``max_tokens``."""

    top_p: float | None = None
    """Nucleus sampling: the share of probability that is sampled from, 0 to 1."""

    top_k: int | None = None
    """How many of the likeliest tokens are sampled from."""

    min_p: float | None = None
    """The least probability of a token, as a share of the likeliest one's, 0 to 1."""

    seed: int | None = None
    """Makes sampling repeatable where the provider can."""

    stop: str | list[str] | None = None
    """Where to stop writing."""

    frequency_penalty: float | None = None
    """Penalty on tokens by how often they occurred, -2 to 2."""

    presence_penalty: float | None = None
    """Penalty on tokens that occurred at all, -2 to 2."""

    logit_bias: dict[str | int, float] | None = None
    """What is added to the scores of tokens, by their ids, -100 to 100."""

    logprobs: bool | None = None
    """Whether the answer tells the tokens' log probabilities."""

    top_logprobs: int | None = None
    """Of how many likeliest tokens at each place, 0 to 20. Needs ``logprobs``."""

    parallel_tool_calls: bool | None = None
    """Whether the model may ask for several tool calls at once. Sent only along with tools."""

    reasoning: JSONObject | None = None
    """How to think first: ``{"effort": "low" | "medium" | "high"}``, ``{"max_tokens": …}`` and more.
    ``reasoning_effort="low"`` is ``{"effort": "low"}``."""

    verbosity: str | None = None
    """How long the answer should be: ``"low"``, ``"medium"``, ``"high"``."""

    modalities: list[str] | None = None
    """What the answer may be: ``"text"``, ``"image"`` or both."""

    image_config: JSONObject | None = None
    """How to draw: ``size``, ``quality``, ``aspect_ratio``, ``background``, ``output_format``, ``partial_images``."""

    provider: JSONObject | None = None
    """OpenRouter's routing preferences: ``order``, ``only``, ``sort``, ``allow_fallbacks`` and more."""

    models: list[str] | None = None
    """Models to fall back to."""

    plugins: list[JSONObject] | None = None
    """The endpoint's plugins, web search for example."""

    user: str | None = None
    """Who asks, of your own users: for the provider, which looks out for abuse. Not ``user_id``, who calls."""

    session_id: str | None = None
    """What groups requests that belong together."""

    trace: JSONObject | None = None
    """What tools that observe the endpoint are told: ``trace_id``, ``span_name`` and more."""

    service_tier: str | None = None
    """The provider's tier of service, such as ``"flex"`` or ``"priority"``."""

    cache_control: JSONObject | None = None
    """How the prompt is cached, by the providers that ask: ``{"type": "ephemeral"}``."""

    stream_options: JSONObject | None = None
    """What a stream tells. ``{"include_usage": True}`` is sent with every stream that says nothing else."""

    extra_body: JSONObject | None = None
    """Any other field of the body; laid on last. ``model_kwargs`` and ``additional_kwargs`` become this."""


class RequestOptions(Options):
    """How requests are made."""

    replay_reasoning: bool = True
    """Whether ``reasoning_details`` of earlier answers are sent back. A thinking model needs its own on tool turns."""

    default_headers: dict[str, str] | None = Field(default=None, repr=False, exclude=True)
    """Headers for every request. Those that carry the credentials cannot be set here."""

    timeout: Any = DEFAULT_TIMEOUT
    """Seconds until an answer begins, and until a unary one is whole; a ``Timeout`` of httpx or httpx2 sets the
    phases apart; ``None`` waits without end."""

    stream_idle_timeout: float | None = UnsetSeconds(DEFAULT_STREAM_IDLE_TIMEOUT)
    """Seconds that a stream may be silent once it has begun; ``None`` waits without end. While this is not set, a
    shorter ``timeout`` holds here too."""

    max_retries: int = Field(default=2, ge=0)
    """Further attempts after one that failed in a way that may pass, never after something was handed out."""

    retry_unanswered: bool = True
    """Whether such an attempt may be made where the request was sent and no answer came: it may have run, and be billed
    twice then. ``False`` leaves the decision to you."""

    max_concurrency: int | None = Field(default=None, gt=0)
    """Calls of the account that may be in flight at once in this process; the others wait for their turn. ``None`` to
    learn the bound from what the endpoint refuses."""

    slot_timeout: float | None = Field(default=None, gt=0)
    """Seconds that a call may wait for its turn; ``None`` waits without end. No other time limit runs meanwhile."""

    limits: Limits | None = Field(default=None, exclude=True)
    """Where the account's slots are kept: ``RedisLimits`` or ``RayLimits`` for several processes or machines that share
    them; ``None`` for this process's memory."""

    max_response_bytes: int = Field(default=DEFAULT_MAX_RESPONSE_BYTES, gt=0)
    """Bytes of one answer that are read at most."""

    http_client: Any = Field(default=None, repr=False, exclude=True)
    """An ``httpx.Client`` or ``httpx2.Client`` to send with. It is yours to close. ``None`` for a pool that the process
    shares."""

    http_async_client: Any = Field(default=None, repr=False, exclude=True)
    """An ``httpx.AsyncClient`` or ``httpx2.AsyncClient`` to send with. It is yours to close. ``None`` for a pool that
    the event loop shares."""

    transport: Road | None = None
    """What sends requests: ``"httpx"``, or ``"httptools"``, which is faster and needs the extra ``fast``. ``None`` for
    httptools where it is installed. Proxies, and clients that you pass, are httpx's whatever is said here."""


BODY_OPTIONS = tuple(BodyOptions.model_fields)
"""Fields of a model that go into the body."""

MODEL_ARGUMENTS = {*AccessOptions.model_fields, *RequestOptions.model_fields, "streaming"} - {"model", "timeout"}
"""Arguments of a model that a call has none of. In a call they would land in the body, a key among them."""

CLIENT_OPTIONS = tuple(
    name
    for name in (*AccessOptions.model_fields, *RequestOptions.model_fields)
    if name not in {"model", "replay_reasoning", "default_headers", "http_client", "http_async_client"}
)
"""Fields of a model that the clients of both kinds are made from, but for the headers, which are a dict."""
