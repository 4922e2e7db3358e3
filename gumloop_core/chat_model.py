"""The fields that both adapters' chat models have, and the clients that are made from them.

:class:`ChatModelFields` is a base beside the framework's own, so that a field has one name, one meaning and one
default in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from gumloop_core.errors import ConfigurationError, GumloopError
from gumloop_core.field_errors import hide_secrets, of_validation
from gumloop_core.http.async_client import AsyncGumloopClient
from gumloop_core.http.client import GumloopClient
from gumloop_core.http.endpoint import Endpoint
from gumloop_core.http.headers import checked_headers
from gumloop_core.http.settings import (
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_STREAM_IDLE_TIMEOUT,
    DEFAULT_TIMEOUT,
    UNSET,
    AsyncTransportName,
    ClientSettings,
)
from gumloop_core.http.timeouts import UnsetSeconds, checked_seconds, checked_timeout, written_down
from gumloop_core.secrets.credentials import Credentials, EnvironmentKey, hidden, travelling
from gumloop_core.wire import JSONObject
from gumloop_core.writing.body import CONNECTION_FIELDS

if TYPE_CHECKING:
    import httpx

    SecretSource: TypeAlias = SecretStr | str | Callable[[], Any]
else:
    SecretSource = SecretStr | Callable[[], Any]
"""A secret, or a callable (for async calls also an async one) that gives it at each request. A text may be given, and
becomes a secret at once."""

_BODY_FIELDS = (
    "temperature",
    "max_completion_tokens",
    "top_p",
    "seed",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "parallel_tool_calls",
    "reasoning",
    "modalities",
    "image_config",
    "provider",
    "models",
    "plugins",
    "extra_body",
)
_READ: dict[str, Callable[[Any], Any]] = {
    "api_key": hidden,
    "access_token": hidden,
    "default_headers": lambda headers: None if headers is None else checked_headers(headers),
    "timeout": checked_timeout,
    "stream_idle_timeout": lambda seconds: checked_seconds(seconds, "stream_idle_timeout"),
    "http_client": lambda client: _checked_client(client, "http_client"),
    "http_async_client": lambda client: _checked_client(client, "http_async_client"),
}
"""How a field's value is taken, wherever it comes from: the constructor, an assignment, a copy with other values."""

_NOT_PICKLED = ("api_key", "access_token", "default_headers", "http_client", "http_async_client")


def _checked_client(client: Any, argument: str) -> Any:
    if client is None:
        return None
    from gumloop_core.http.base_client import checked_client

    return checked_client(client, argument)


class ChatModelFields(BaseModel):
    """What a chat model is made from.

    Fields left at ``None`` are not sent. A call's own keyword wins over the field.
    """

    model_config = ConfigDict(
        defer_build=True,  # building a validator takes milliseconds, and no object is made of this class
        arbitrary_types_allowed=True,
        populate_by_name=True,
        protected_namespaces=(),
        # A validation error shows its input otherwise, and the input holds the key.
        hide_input_in_errors=True,
        allow_inf_nan=False,  # which JSON cannot say
    )

    model: str
    """The model's id, from the model list, or a preset route."""

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
    vendor's, whose chat host follows from it."""

    stream_base_url: str | None = None
    """The chat host's base, where it does not follow from ``base_url``. From ``GUMLOOP_STREAM_BASE_URL``."""

    allow_insecure: bool = False
    """Whether plain http to a host other than loopback is let through. The key travels in the clear then."""

    temperature: float | None = None
    """Sampling temperature."""

    max_completion_tokens: int | None = Field(
        default=None, validation_alias=AliasChoices("max_completion_tokens", "max_tokens")
    )
    """Cap on completion tokens. Also spelled ``max_tokens``."""

    if TYPE_CHECKING:  # checkers do not read aliases
        max_tokens: int | None = None
    else:

        @property
        def max_tokens(self) -> int | None:
            """The cap by its other name."""
            return self.max_completion_tokens

    top_p: float | None = None
    """Nucleus sampling: the share of probability that is sampled from, 0 to 1."""

    seed: int | None = None
    """Makes sampling repeatable where the provider can."""

    stop: str | list[str] | None = None
    """Where to stop writing."""

    frequency_penalty: float | None = None
    """Penalty on tokens by how often they occurred, -2 to 2."""

    presence_penalty: float | None = None
    """Penalty on tokens that occurred at all, -2 to 2."""

    parallel_tool_calls: bool | None = None
    """Whether the model may ask for several tool calls at once. Sent only along with tools."""

    reasoning: JSONObject | None = None
    """How to think first: ``{"effort": "low" | "medium" | "high"}``, ``{"max_tokens": …}`` and more."""

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

    extra_body: JSONObject | None = None
    """Any other field of the body; laid on last."""

    replay_reasoning: bool = True
    """Whether ``reasoning_details`` of earlier answers are sent back. A thinking model needs its own on tool turns."""

    default_headers: dict[str, str] | None = Field(default=None, repr=False, exclude=True)
    """Headers for every request. Those that carry the credentials cannot be set here."""

    timeout: Any = DEFAULT_TIMEOUT
    """Seconds until an answer begins, and until a unary one is whole; an ``httpx.Timeout`` sets the phases apart;
    ``None`` waits without end."""

    stream_idle_timeout: float | None = UnsetSeconds(DEFAULT_STREAM_IDLE_TIMEOUT)
    """Seconds that a stream may be silent once it has begun; ``None`` waits without end. While this is not set, a
    shorter ``timeout`` holds here too."""

    max_retries: int = Field(default=2, ge=0)
    """Further attempts after one that failed in a way that may pass, never after something was handed out."""

    max_response_bytes: int = Field(default=DEFAULT_MAX_RESPONSE_BYTES, gt=0)
    """Bytes of one answer that are read at most."""

    http_client: Any = Field(default=None, repr=False, exclude=True)
    """An ``httpx.Client`` to send with. It is yours to close. ``None`` for a pool that the process shares."""

    http_async_client: Any = Field(default=None, repr=False, exclude=True)
    """An ``httpx.AsyncClient`` to send with. It is yours to close. ``None`` for a pool that the event loop shares."""

    async_transport: AsyncTransportName = "httpx"
    """What sends asynchronous requests: httpx's own transport, or ``"aiohttp"``, which reads faster and needs the extra
    of that name. An ``http_async_client`` sends by itself."""

    _left_behind: bool = PrivateAttr(default=False)
    # What a client was made from, the client, and which model has said that it uses it: a copy has the same client.
    _client: tuple[tuple[Any, ...], GumloopClient, int] | None = PrivateAttr(default=None)
    _async_client: tuple[tuple[Any, ...], AsyncGumloopClient, int] | None = PrivateAttr(default=None)

    if not TYPE_CHECKING:  # type checkers read the fields

        def __init__(self, *args: Any, **values: Any) -> None:
            """Check the arguments.

            Raises:
                ConfigurationError: If one is unknown or is not what it should be. It holds no argument's value.
            """
            hide_secrets(values)  # first, for tracebacks show the arguments all the way
            problem: Exception | None = None
            try:
                if args:
                    raise ConfigurationError(f"{type(self).__name__} takes its arguments by name: model=…")
                super().__init__(**values)
            except (ValidationError, GumloopError) as error:
                problem = self._as_raised(error)
            if problem is not None:
                values.clear()  # tracebacks show variables
                raise problem

        def __setattr__(self, name: str, value: Any) -> None:
            """Set a field. A secret goes out of sight; what says how to send is checked, all else when it is used."""
            if name in _READ:
                values = {name: value}
                del value  # tracebacks show variables
                self._read(values)
                value = values[name]
            super().__setattr__(name, value)
            if name == "model":
                self._follow_model()

        @classmethod
        def model_validate(cls, *args: Any, **options: Any) -> Self:
            """Make a model of a mapping; the errors are those of the constructor."""
            problem: Exception | None = None
            try:
                return super().model_validate(*args, **options)
            except (ValidationError, GumloopError) as error:
                problem = cls._as_raised(error)
            raise problem

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """Make a model of values that are known to be right; a secret still goes out of sight."""
        hide_secrets(values)
        return super().model_construct(_fields_set, **values)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with other values for some fields. It calls with these.

        Raises:
            ConfigurationError: If there is no such field.
        """
        if not update:
            return super().model_copy(deep=deep)
        values = dict(update)
        del update  # tracebacks show variables
        if "max_tokens" in values:
            values.setdefault("max_completion_tokens", values.pop("max_tokens"))
        self._read(values)
        problem = self._unknown_argument(values)
        if problem is not None:
            raise self._as_raised(problem)
        copied = super().model_copy(update=values, deep=deep)
        if "model" in values and "profile" not in values:
            copied._follow_model()
        return copied

    @classmethod
    def _read(cls, values: dict[str, Any]) -> None:
        """Put fields' values as they are kept in the place of what was passed; where one is refused, none is left."""
        problem: Exception | None = None
        try:
            for name in _READ.keys() & values:
                values[name] = _READ[name](values[name])
        except ConfigurationError as error:
            problem = cls._as_raised(error)
        if problem is not None:
            values.clear()  # tracebacks show variables
            raise problem

    def _follow_model(self) -> None:
        """Bring up to date what follows from the model's id."""

    @classmethod
    def _as_raised(cls, error: Exception) -> Exception:
        """The error to raise for one of a field's or an argument's: with our words, without its frames and inputs."""
        if isinstance(error, ValidationError):
            return of_validation(cls.__name__, error)
        error.__context__ = None
        return error.with_traceback(None)

    def model_post_init(self, context: Any, /) -> None:
        """Let the framework's base finish its own fields; pydantic's method for private attributes would end here."""
        super().model_post_init(context)

    @field_validator(
        "timeout", "stream_idle_timeout", "default_headers", "http_client", "http_async_client", mode="plain"
    )
    @classmethod
    def _read_field(cls, value: Any, info: ValidationInfo) -> Any:
        return _READ[str(info.field_name)](value)

    @field_serializer("timeout", "stream_idle_timeout")
    def _write_timeout(self, value: Any) -> Any:
        return written_down(value)

    @field_serializer("api_key", when_used="json")
    def _write_api_key(self, value: Any) -> Any:
        return None if callable(value) else value

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_arguments(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            problem = cls._unknown_argument(values)
            if problem is not None:
                raise problem
        return values

    @classmethod
    def _unknown_argument(cls, values: Mapping[str, Any]) -> ConfigurationError | None:
        known = _ARGUMENTS.get(cls)
        if known is None:
            known = _ARGUMENTS[cls] = _arguments_of(cls)
        for name in values:
            if name not in known:
                from gumloop_core.argument_names import hint_for

                return ConfigurationError(f"{cls.__name__} has no argument {name!r}: {hint_for(str(name), known)}")
        return None

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        self._endpoint()
        if not self.model.strip():
            raise ConfigurationError("model is blank: it must be the id of a model, or of a preset route.")
        return self

    def _endpoint(self) -> Endpoint:
        return Endpoint.resolve(self.base_url, self.stream_base_url, allow_insecure=self.allow_insecure)

    def _body_options(self) -> dict[str, Any]:
        """The fields that go into the body, where set."""
        fields = self.__dict__
        return {name: fields[name] for name in _BODY_FIELDS if fields[name] is not None}

    def _settings(self) -> ClientSettings:
        return ClientSettings(
            credentials=Credentials(
                api_key=self.api_key,
                access_token=self.access_token,
                user_id=self.user_id,
                team_id=self.team_id,
                key_from_environment=isinstance(self.api_key, EnvironmentKey),
                left_behind=self._left_behind,
            ),
            endpoint=self._endpoint(),
            timeout=self.timeout,
            stream_idle_timeout=self.stream_idle_timeout if self._has_idle_timeout() else UNSET,
            max_retries=self.max_retries,
            default_headers=self.default_headers,
            max_response_bytes=self.max_response_bytes,
            async_transport=self.async_transport,
        )

    def _has_idle_timeout(self) -> bool:
        # Not by pydantic's set of fields: a configurable model is made again of all its fields.
        return self.stream_idle_timeout.__class__ is not UnsetSeconds

    def _connection_values(self, http_client: Any) -> tuple[Any, ...]:
        # A copy of the model with other values must not send with the first one's client.
        fields = self.__dict__
        headers = tuple(self.default_headers.items()) if self.default_headers else ()
        return (http_client, headers, self._has_idle_timeout(), *[fields[name] for name in CONNECTION_FIELDS])

    def _sync(self) -> GumloopClient:
        """The client for synchronous calls."""
        values = self._connection_values(self.http_client)
        made = self._client
        if made is None or made[0] != values:
            client = GumloopClient(self._settings(), cast("httpx.Client | None", self.http_client))
        elif made[2] == id(self):
            return made[1]
        else:
            client = made[1]
        client.users[id(self)] = self
        self._client = (values, client, id(self))
        return client

    def _async(self) -> AsyncGumloopClient:
        """The client for asynchronous calls."""
        values = self._connection_values(self.http_async_client)
        made = self._async_client
        if made is None or made[0] != values:
            client = AsyncGumloopClient(self._settings(), cast("httpx.AsyncClient | None", self.http_async_client))
        elif made[2] == id(self):
            return made[1]
        else:
            client = made[1]
        client.users[id(self)] = self
        self._async_client = (values, client, id(self))
        return client

    def close(self) -> None:
        """Close the connections of synchronous calls, unless another model shares them. A later call opens new ones.

        Calls of this model that wait in other threads end with an error.
        """
        made = self._client
        if made is not None:
            self._client = (*made[:2], 0)
            made[1].close(self)

    async def aclose(self) -> None:
        """Close the running loop's connections, unless another model shares them. A later call opens new ones.

        Calls of this model that wait in other tasks end with an error.
        """
        made = self._async_client
        if made is not None:
            self._async_client = (*made[:2], 0)
            await made[1].aclose(self)

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out secrets and connections: whoever loads this reads the credentials from the environment.

        Raises:
            UnpicklableSecretError: If a secret comes from a callable that cannot be found again by its name.
        """
        state = BaseModel.__getstate__(self)
        secrets = {name: self._travelling(name) for name in ("api_key", "access_token")}
        fields = {**state["__dict__"], **dict.fromkeys(_NOT_PICKLED), **secrets}
        left_out = {name for name in _NOT_PICKLED if fields[name] is None}
        private = self._fresh_private(state["__pydantic_private__"])
        private["_left_behind"] = self._left_behind or any(
            state["__dict__"].get(name) is not None and value is None for name, value in secrets.items()
        )
        return {
            **state,
            "__dict__": fields,
            "__pydantic_fields_set__": state["__pydantic_fields_set__"] - left_out,
            "__pydantic_private__": private,
        }

    def _travelling(self, name: str) -> Any:
        try:
            return travelling(name, self.__dict__.get(name))
        except ConfigurationError as error:
            problem = self._as_raised(error)
        raise problem

    def __setstate__(self, state: dict[Any, Any]) -> None:
        BaseModel.__setstate__(self, state)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        memo = {} if memo is None else memo
        shared = [source for source in (self.api_key, self.access_token) if callable(source)]
        for kept in (self.http_client, self.http_async_client, *shared):
            if kept is not None:
                memo[id(kept)] = kept
        private = self.__pydantic_private__
        for made in (self._client, self._async_client):
            if made is not None:
                memo[id(made)] = None  # the copy makes its own
        copied = BaseModel.__deepcopy__(self, memo)
        object.__setattr__(copied, "__pydantic_private__", self._fresh_private(copied.__pydantic_private__ or private))
        return copied

    @staticmethod
    def _fresh_private(private: Mapping[str, Any] | None) -> dict[str, Any]:
        return {**(private or {}), "_client": None, "_async_client": None}


_ARGUMENTS: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()
"""What the constructors take, so that it is not gathered for every model."""


def _arguments_of(kind: type[BaseModel]) -> frozenset[str]:
    known: set[str] = set()
    for name, field in kind.model_fields.items():
        known.add(name)
        known.update(alias for alias in (field.alias,) if alias)
        choices = field.validation_alias
        known.update(map(str, choices.choices if isinstance(choices, AliasChoices) else [choices or name]))
    return frozenset(known)
