"""What a client's methods are made of: each is written once, as a generator of effects, and offered in two ways.

    class NoteOperations(ClientBase):
        @operation
        def read_note(self, note_id: UUID | str) -> Work[Note]:
            answer = yield from self.call(lambda services: services.notes.GetNote, ..., GetNoteResponse)
            return note_from(answer.note)

On a client that is an `AsyncFace`, `read_note(...)` gives a coroutine; on one that is a `SyncFace`, the Note.
"""

from collections.abc import Callable, Coroutine
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from google.protobuf.message import Message

from antiphon.engine.drivers import adrive, drive
from antiphon.engine.dual import Work
from antiphon.engine.effects import Ask
from antiphon.engine.server_calls import Method, call_server
from antiphon.service_client import ServiceClient
from antiphon.shared_client import shared_client

P = ParamSpec("P")
R = TypeVar("R")
Response = TypeVar("Response", bound=Message)


class ClientBase:
    """What operations of all kinds stand on: calls of one server."""

    def __init__(self, api: str | None = None) -> None:
        """`api` is a gRPC target, such as `127.0.0.1:4200`. None is the server that the settings name, embedded where
        they name none; its connection is shared by all clients of the process, and stays open when this one closes.
        """
        self._api = api
        self._own: ServiceClient | None = None

    @property
    def api_url(self) -> str | None:
        """The target that this client was made for; None where that is the settings' server."""
        return self._api

    def call(self, method: Method, request: Message, kind: type[Response]) -> Work[Response]:
        """Gives the server's answer. Raises as `call_server`."""
        return (yield from call_server(method, request, kind, client=self.service_client()))

    def service_client(self) -> ServiceClient | None:
        """The connection to the server that this client was made for; None where that is the settings' server."""
        if self._api is not None and self._own is None:
            self._own = ServiceClient(self._api)
        return self._own

    def _connect(self) -> Work[None]:
        """Starts the embedded server where that is meant, so that a client that was entered has somebody to talk to."""
        if self.service_client() is None:
            yield Ask(shared_client)

    def _close(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None


class AsyncFace(ClientBase):
    """A client whose operations are awaited."""

    def offer(self, work: Callable[P, Work[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @wraps(work)
        async def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result: R = await adrive(work(*args, **kwargs), None)
            return result

        return call

    async def __aenter__(self) -> Self:
        await adrive(self._connect(), None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __enter__(self) -> Self:
        raise RuntimeError(
            f"{type(self).__name__} is used with `async with`. In code that is not async, take "
            "`with get_client(sync_client=True) as client:`."
        )

    def __exit__(self, *_: object) -> None:
        """Beside `__enter__` for Python to call that; never called itself."""


class SyncFace(ClientBase):
    """A client whose operations block until they are done."""

    def offer(self, work: Callable[P, Work[R]]) -> Callable[P, R]:
        @wraps(work)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            result: R = drive(work(*args, **kwargs), None)
            return result

        return call

    def __enter__(self) -> Self:
        drive(self._connect(), None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def __aenter__(self) -> Self:
        raise RuntimeError(
            f"{type(self).__name__} is used with `with`. In async code, take `async with get_client() as client:`."
        )

    async def __aexit__(self, *_: object) -> None:
        """Beside `__aenter__` for Python to call that; never called itself."""


class operation(Generic[P, R]):
    """Makes of a generator method what the client's class offers: awaited on an AsyncFace, at once on a SyncFace."""

    def __init__(self, function: Callable[Concatenate[Any, P], Work[R]]) -> None:
        self._function = function
        self.__wrapped__ = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, client: AsyncFace, owner: Any = None) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __get__(self, client: SyncFace, owner: Any = None) -> Callable[P, R]: ...

    @overload
    def __get__(self, client: None, owner: Any = None) -> Self: ...

    def __get__(self, client: AsyncFace | SyncFace | None, owner: Any = None) -> Any:
        if client is None:
            return self
        return client.offer(self._function.__get__(client))
