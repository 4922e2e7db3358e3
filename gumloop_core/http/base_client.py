"""What the synchronous and the asynchronous client share: all that waits for nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from gumloop_core.errors import ConfigurationError
from gumloop_core.http.settings import ClientSettings
from gumloop_core.wire import ChatBody

if TYPE_CHECKING:
    from gumloop_core.http.exchange import Exchange
    from gumloop_core.http.observed_call import ObservedCall
    from gumloop_core.http.transport import Head
    from gumloop_core.observation import CallObserver
    from gumloop_core.reading.model_list import ModelGroup
    from gumloop_core.reading.route_decision import RouteDecision

Answer = TypeVar("Answer")
HttpClient = TypeVar("HttpClient")
AnyTransport = TypeVar("AnyTransport")

Read: TypeAlias = "Callable[[Head, bytes], Answer]"
"""Makes an answer of a response's head and body, or raises."""


class BaseClient(ABC, Generic[HttpClient, AnyTransport]):
    """Holds the settings and the transport, and makes the exchanges."""

    _client_argument: ClassVar[str]

    def __init__(self, settings: ClientSettings | None = None, http_client: HttpClient | None = None) -> None:
        self._settings = settings or ClientSettings()
        self._http_client: HttpClient | None = checked_client(http_client, self._client_argument)
        self._made_transport: list[AnyTransport] = []
        self.users: WeakValueDictionary[int, object] = WeakValueDictionary()
        """The models that share this, by ``id``; the last one that is done with it closes it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._settings, self._http_client)

    @abstractmethod
    def _make_transport(self) -> AnyTransport:
        """What sends the requests: the pool, or the caller's client."""

    @property
    def _transport(self) -> AnyTransport:
        """What sends the requests. It is made at the first one, so that importing an adapter imports no httpx."""
        made = self._made_transport
        if not made:
            made.append(self._make_transport())
        return made[0]  # of two threads that have made one, both use the first

    def _unused_transport(self, user: object) -> AnyTransport | None:
        """The transport, if it was used and no model is left that shares this, now that one is done with it."""
        self.users.pop(id(user), None)
        return self._made_transport[0] if self._made_transport and not self.users else None

    def _observed_call(
        self, exchange: Exchange, body: ChatBody, observers: Sequence[CallObserver]
    ) -> ObservedCall | None:
        """The call that begins with an exchange, ``None`` where nobody observes."""
        from gumloop_core.observation import current_observers

        observers = current_observers(observers)
        if not observers:
            return None
        from gumloop_core.http.observed_call import ObservedCall

        return ObservedCall(observers, exchange, body)

    def _models_call(self) -> tuple[Exchange, Read[list[ModelGroup]]]:
        from gumloop_core.reading.model_list import read_model_groups

        return self._api_call("GET", self._settings.endpoint.models_url, read_model_groups)

    def _route_call(
        self, input: str | list[dict[str, Any]], models: Sequence[str] | None, options: dict[str, Any]
    ) -> tuple[Exchange, Read[RouteDecision]]:
        from gumloop_core.reading.route_decision import read_route_decision
        from gumloop_core.writing.route_body import route_body

        settings = self._settings
        body = route_body(input, models, options, settings.credentials.team_id)
        return self._api_call("POST", settings.endpoint.route_url, read_route_decision, body)

    def _api_call(
        self, method: str, url: str, read: Callable[[Any], Answer], body: dict[str, Any] | None = None
    ) -> tuple[Exchange, Read[Answer]]:
        exchange = self._settings.api_exchange(method, url, body)
        return exchange, lambda response, content: read(exchange.document(response, content))


def checked_client(client: Any, name: str) -> Any:
    """A client that can send, or ``None``.

    Args:
        client: What was passed.
        name: The argument that it was passed as: ``http_client`` or ``http_async_client``.

    Raises:
        ConfigurationError: If it is something else; it says what to pass.
    """
    if client is None:
        return None
    from gumloop_core.http.http_library import library_of  # most pass none

    wanted, other = "Client", "AsyncClient"
    if name == "http_async_client":
        wanted, other = other, wanted
    library = library_of(client)
    if library is not None and isinstance(client, getattr(library, wanted)):
        return client
    kind = type(client)
    hint = ""
    if library is not None and isinstance(client, getattr(library, other)):
        hint = f" This one is for {'http_async_client' if name == 'http_client' else 'http_client'}."
    elif library is not None and isinstance(client, type) and issubclass(client, (library.Client, library.AsyncClient)):
        raise ConfigurationError(
            f"{name} must be an httpx.{wanted} or httpx2.{wanted}; this is a class. Pass an object: {wanted}()."
        )
    module = kind.__module__.partition(".")[0]
    shown = kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"
    raise ConfigurationError(f"{name} must be an httpx.{wanted} or httpx2.{wanted}, not {shown}.{hint}")
