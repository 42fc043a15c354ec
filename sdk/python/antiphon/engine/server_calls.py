"""Unary calls of the server as an engine's part, so that one text serves sync and async code."""

import time
from collections.abc import Callable, Generator
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from antiphon.engine.effects import Ask, Await, Effect
from antiphon.engine.scopes import RunScope, scope_around
from antiphon.exceptions import ServerUnreachable
from antiphon.ids import new_id
from antiphon.server_errors import from_rpc_error
from antiphon.service_client import DEFAULT_TIMEOUT_SECONDS, ServiceClient
from antiphon.settings import get_current_settings
from antiphon.shared_client import opened_client, shared_client

Response = TypeVar("Response", bound=Message)

#: Which method of which service: `lambda client: client.flows.GetFlow`.
Method = Callable[[ServiceClient], Any]


def call_server(
    method: Method,
    request: Message,
    kind: type[Response],
    *,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    client: ServiceClient | None = None,
) -> Generator[Effect, Any, Response]:
    """Gives the server's answer, which is a `kind`. `timeout` in seconds is that of one try; without a `client` the one
    that the SDK shares is used.

    A mutation gets a `request_id`, so that it is done once. In a run, a server that went away is waited for as long as
    the run itself would wait. Raises ServerUnreachable, ObjectNotFound, ObjectAlreadyExists or ServerError; the run's
    signal where that is stopped meanwhile.
    """
    _name_request(request)
    around = scope_around()
    patience = _patience(in_run=around is not None, may_start=client is None)
    client = client or opened_client() or (yield Ask(shared_client))
    deadline = time.monotonic() + patience
    while True:
        answer = method(client).future(request, timeout=timeout)
        try:
            yield Await([answer], around or RunScope())
        except BaseException:
            answer.cancel()
            raise
        try:
            response: Response = answer.result()
            return response
        except grpc.RpcError as error:
            problem = from_rpc_error(error, client.target)
            left = deadline - time.monotonic()
            if not isinstance(problem, ServerUnreachable) or left <= 0:
                raise problem from error
        yield Ask(partial(client.reconnect, left))


def _name_request(request: Any) -> None:
    if "request_id" in request.DESCRIPTOR.fields_by_name and not request.request_id:
        request.request_id = new_id()


def _patience(*, in_run: bool, may_start: bool) -> float:
    """Seconds to wait for a server that does not answer. The embedded one leaves when idle, and is started anew."""
    settings = get_current_settings()
    if in_run:
        return settings.client_reconnect_timeout_seconds
    return settings.server_startup_timeout_seconds if may_start and not settings.api_url else 0.0
