"""Unary calls of the server as an engine's part, so that one text serves sync and async code."""

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from antiphon.call_retries import with_request_id
from antiphon.engine.effects import Ask, Await, Effect
from antiphon.engine.scopes import RunScope, scope_around
from antiphon.given_clients import AnyClient, service_client_of
from antiphon.grpc_target import is_several
from antiphon.server_errors import from_rpc_error
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.shared_client import opened_client, shared_client
from antiphon.telemetry.tracing import call_metadata

Response = TypeVar("Response", bound=Message)

#: Seconds that an answer may take after the time that the server was told to wait.
_SLACK = 2.0

#: Which method of which service: `lambda client: client.flows.GetFlow`.
Method = Callable[[ServiceClient], Any]


def _nothing(_: ServiceClient) -> None:
    """A call that changes nothing leaves nothing behind."""


def call_server(
    method: Method,
    request: Message,
    kind: type[Response],
    *,
    timeout: float | None = None,
    client: AnyClient = None,
) -> Generator[Effect, Any, Response]:
    """Gives the server's answer, which is a `kind`. `timeout` in seconds is that of one try; None means the setting
    `api.request_timeout`. Without a `client` the server is that of the settings; TypeError says what is none.

    A mutation gets a `request_id`, so that it is done once. In a run, a server that went away is waited for as long as
    the run itself would wait. Raises ServerUnreachable, ObjectNotFound, ObjectAlreadyExists or ServerError; the run's
    signal where that is stopped meanwhile.
    """
    given = service_client_of(client)
    response: Response = yield from _tries(method, request, timeout, _Away(given, over_all=True), _nothing, given)
    return response


def wait_at_server(
    method: Method,
    request: Message,
    kind: type[Response],
    wait: float,
    abandoned: Callable[[ServiceClient], object] = _nothing,
    *,
    client: AnyClient = None,
) -> Generator[Effect, Any, Response]:
    """The same for a call that the server answers when something happens, or after `wait` seconds, which `request`
    tells it. A server that goes away in between is asked again, in what is left of that time.

    Where the caller is interrupted and nobody will hear the answer, `abandoned` is called. Raises as `call_server`, and
    ServerError with the code DEADLINE_EXCEEDED where the time is over before a server that went away is back.
    """
    given = service_client_of(client)
    response: Response = yield from _tries(
        method, request, wait + _SLACK, _Away(given, over_all=False), abandoned, given
    )
    return response


def _tries(
    method: Method,
    request: Message,
    timeout: float | None,
    away: "_Away",
    abandoned: Callable[[ServiceClient], object],
    client: ServiceClient | None,
) -> Generator[Effect, Any, Any]:
    named = with_request_id(request)
    around = scope_around()
    client = client or opened_client() or (yield Ask(shared_client))
    end = time.monotonic() + (timeout or client.timeout)
    tries = client.retries.begin()
    while True:
        seconds = (timeout or client.timeout) if away.over_all else max(end - time.monotonic(), 0)
        answer = method(client).future(named, timeout=seconds, **call_metadata())
        try:
            yield Await([answer], around or RunScope())
        except BaseException:
            answer.cancel()
            abandoned(client)
            raise
        try:
            response = answer.result()
        except grpc.RpcError as error:
            problem = from_rpc_error(error, client.target)
            left = away.left()
            # One server that is away is waited for, if it may be; of several, another one is asked at once.
            alone = left > 0 and not is_several(client.target)
            delay = None if alone else tries.delay(problem, seconds)
            # The deadline was the caller's own.
            if delay is None and (left <= 0 or problem.code == "DEADLINE_EXCEEDED" or not problem.may_pass):
                raise problem from error
        else:
            client.retries.succeeded()
            return response
        if delay is not None:
            yield Await([], around or RunScope(), timeout=delay)
        else:
            yield Ask(partial(client.wait_out, problem, left))
            tries = client.retries.begin()


class _Away:
    """For how long a server that does not answer is waited for."""

    def __init__(self, client: ServiceClient | None, *, over_all: bool) -> None:
        """A server of the caller's own `client` is not ours to start."""
        #: Counted from the first try on; else from each failure.
        self.over_all = over_all
        self._patience = _patience(in_run=scope_around() is not None, may_start=client is None)
        self._deadline = time.monotonic() + self._patience

    def left(self) -> float:
        return self._deadline - time.monotonic() if self.over_all else self._patience


def _patience(*, in_run: bool, may_start: bool) -> float:
    """Seconds to wait for a server that does not answer. The embedded one leaves when idle, and is started anew."""
    settings = get_current_settings()
    if in_run:
        return settings.client.reconnect_timeout_seconds
    return settings.server.ephemeral.startup_timeout_seconds if may_start and not settings.api.url else 0.0
