"""What both adapters' chat models have in common: their fields, and the clients that are made from them.

:class:`ChatModelFields` is a base beside the framework's own, so that a field has one name, one meaning and one
default in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from pydantic import (
    BaseModel,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from gumloop_core.argument_names import RENAMED
from gumloop_core.boundary import Boundary
from gumloop_core.errors import ConfigurationError, GumloopError
from gumloop_core.field_errors import hide_secrets, of_validation
from gumloop_core.http.async_client import AsyncGumloopClient
from gumloop_core.http.client import GumloopClient
from gumloop_core.http.endpoint import Endpoint
from gumloop_core.http.headers import checked_headers
from gumloop_core.http.settings import UNSET, ClientSettings
from gumloop_core.http.timeouts import UnsetSeconds, checked_seconds, checked_timeout, written_down
from gumloop_core.named_arguments import NamedArguments
from gumloop_core.options import BODY_OPTIONS, CLIENT_OPTIONS, AccessOptions, BodyOptions, RequestOptions
from gumloop_core.secrets.credentials import Credentials, EnvironmentKey, hidden, travelling
from gumloop_core.shown import named

if TYPE_CHECKING:
    from gumloop_core.model_facts import ModelFacts
    from gumloop_core.reading.model_list import ModelGroup

_FIELD_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "api_key": hidden,
    "access_token": hidden,
    "default_headers": lambda headers: None if headers is None else checked_headers(headers),
    "timeout": checked_timeout,
    "stream_idle_timeout": lambda seconds: checked_seconds(seconds, "stream_idle_timeout"),
    "http_client": lambda client: _checked_client(client, "http_client"),
    "http_async_client": lambda client: _checked_client(client, "http_async_client"),
    "limits": lambda limits: _checked_limits(limits),
}
"""How a field's value is taken, wherever it comes from: the constructor, an assignment, a copy with other values."""

_NOT_PICKLED = ("api_key", "access_token", "default_headers", "http_client", "http_async_client")


def _checked_limits(limits: Any) -> Any:
    if limits is None:
        return limits
    from gumloop_core.concurrency.limits import Limits  # most pass none

    if isinstance(limits, Limits):
        return limits
    raise ConfigurationError(f"limits must be RedisLimits(…), RayLimits(…) or None, not {named(limits)}.")


def _checked_client(client: Any, argument: str) -> Any:
    if client is None:
        return None
    from gumloop_core.http.base_client import checked_client

    return checked_client(client, argument)


class ChatModelFields(NamedArguments, RequestOptions, BodyOptions, AccessOptions):
    """What both adapters' chat models are: the options, how they are kept, and the clients that are made from them."""

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
            name = RENAMED.get(name, name)
            if name in _FIELD_CONVERTERS:
                values = {name: value}
                del value  # tracebacks show variables
                self._convert_fields(values)
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
        problem: Exception | None
        try:
            values = self._by_our_names(values)
            problem = self._unknown_argument(values)
        except ConfigurationError as error:
            problem = error
        if problem is not None:
            values.clear()  # tracebacks show variables
            raise self._as_raised(problem)
        if "max_tokens" in values:
            values["max_completion_tokens"] = values.pop("max_tokens")
        self._convert_fields(values)
        copied = super().model_copy(update=values, deep=deep)
        if "model" in values and "profile" not in values:
            copied._follow_model()
        return copied

    @classmethod
    def _convert_fields(cls, values: dict[str, Any]) -> None:
        """Put fields' values as they are kept in the place of what was passed; where one is refused, none is left."""
        problem: Exception | None = None
        try:
            for name in _FIELD_CONVERTERS.keys() & values:
                values[name] = _FIELD_CONVERTERS[name](values[name])
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
        "timeout", "stream_idle_timeout", "default_headers", "http_client", "http_async_client", "limits", mode="plain"
    )
    @classmethod
    def _convert_field(cls, value: Any, info: ValidationInfo) -> Any:
        return _FIELD_CONVERTERS[str(info.field_name)](value)

    @field_serializer("timeout", "stream_idle_timeout")
    def _write_timeout(self, value: Any) -> Any:
        return written_down(value)

    @field_serializer("api_key", when_used="json")
    def _write_api_key(self, value: Any) -> Any:
        return None if callable(value) else value

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        self._endpoint()
        if not self.model.strip():
            raise ConfigurationError("model is blank: it must be the id of a model, or of a preset route.")
        return self

    def refresh_models(self) -> list[ModelGroup]:
        """Ask the endpoint which models it serves, and keep what it says of them for all models of this process.

        Its word (windows, limits, abilities) comes before what this package knows; see ``docs/models.md``.

        Returns:
            The list, as the endpoint arranges it.

        Raises:
            GumloopError: See :mod:`gumloop_core.errors`.
        """
        with Boundary(self._as_left):
            return self._keep_served(self._sync().models())

    async def arefresh_models(self) -> list[ModelGroup]:
        """As :meth:`refresh_models`."""
        with Boundary(self._as_left):
            return self._keep_served(await self._async().models())

    def _as_left(self, error: GumloopError) -> GumloopError:
        """The error to leave with: an adapter's kind of it."""
        return error

    def _keep_served(self, groups: list[ModelGroup]) -> list[ModelGroup]:
        from gumloop_core.served_models import keep

        keep(self._endpoint().models_url, groups)
        self._follow_model()
        return groups

    def _known_facts(self) -> ModelFacts | None:
        """What is known of the model, ``None`` if nothing is. Never raises."""
        from gumloop_core.served_models import has_any, known_facts

        models_url = None
        if has_any():
            try:
                models_url = self._endpoint().models_url
            except Exception:  # a field that was set to something odd: a call refuses it
                models_url = None
        return known_facts(self.model, models_url)

    def _endpoint(self) -> Endpoint:
        return Endpoint.resolve(self.base_url, self.stream_base_url, allow_insecure=self.allow_insecure)

    def _body_options(self) -> dict[str, Any]:
        """The fields that go into the body, where set."""
        fields = self.__dict__
        return {name: fields[name] for name in BODY_OPTIONS if fields[name] is not None}

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
            retry_unanswered=self.retry_unanswered,
            max_concurrency=self.max_concurrency,
            slot_timeout=self.slot_timeout,
            limits=self.limits,
            default_headers=self.default_headers,
            max_response_bytes=self.max_response_bytes,
            transport=self.transport,
        )

    def _has_idle_timeout(self) -> bool:
        # Not by pydantic's set of fields: a configurable model is made again of all its fields.
        return self.stream_idle_timeout.__class__ is not UnsetSeconds

    def _client_values(self, http_client: Any) -> tuple[Any, ...]:
        # A copy of the model with other values must not send with the first one's client.
        fields = self.__dict__
        headers = tuple(self.default_headers.items()) if self.default_headers else ()
        return (http_client, headers, self._has_idle_timeout(), *[fields[name] for name in CLIENT_OPTIONS])

    def _sync(self) -> GumloopClient:
        """The client for synchronous calls."""
        values = self._client_values(self.http_client)
        made = self._client
        if made is None or made[0] != values:
            made = (values, GumloopClient(self._settings(), self.http_client), 0)
        if made[2] != id(self):
            made[1].users[id(self)] = self
            self._client = made = (values, made[1], id(self))
        return made[1]

    def _async(self) -> AsyncGumloopClient:
        """The client for asynchronous calls."""
        values = self._client_values(self.http_async_client)
        made = self._async_client
        if made is None or made[0] != values:
            made = (values, AsyncGumloopClient(self._settings(), self.http_async_client), 0)
        if made[2] != id(self):
            made[1].users[id(self)] = self
            self._async_client = made = (values, made[1], id(self))
        return made[1]

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
