"""A Kubernetes API server: how it is asked, and what its errors mean. It needs `kubernetes_asyncio`.

Answers are read as the JSON that they are: a worker looks at few of their fields.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientError, ClientTimeout
from kubernetes_asyncio import client

from antiphon.exceptions import InfrastructureError
from antiphon.workers.patience import Patience

#: One question that is answered at once.
ASK_TIMEOUT = ClientTimeout(total=60)
#: A stream that says nothing for this long is taken for dead: the server ends watches before.
WATCH_SECONDS = 240
STREAM_TIMEOUT = ClientTimeout(total=None, sock_connect=30, sock_read=WATCH_SECONDS + 60)

UNAUTHORIZED, FORBIDDEN = 401, 403
_RIGHTS = (
    "Give the worker's service account or user that right in the namespace of the job, by a Role and a RoleBinding; "
    "docs/workers-kubernetes.md has all that it needs."
)

#: What a lost connection is raised as.
LOST = (ClientError, OSError, asyncio.TimeoutError)


class ApiError(InfrastructureError):
    """The API server refused."""

    def __init__(self, status: int, reason: str, message: str, what: str) -> None:
        said = f"Kubernetes did not {what}: {message.rstrip('.')} ({status} {reason})."
        if status == FORBIDDEN and "quota" not in message:
            said = f"{said} {_RIGHTS}"
        super().__init__(said)
        self.status, self.reason, self.message = status, reason, message

    @property
    def may_pass(self) -> bool:
        """Whether the same question may be answered later."""
        return self.status in (UNAUTHORIZED, 408, 429) or self.status >= 500


class Unreachable(InfrastructureError):
    """The API server has not answered for too long."""


class Cluster:
    """Asks the API server of one cluster."""

    def __init__(self, api_client: Any, patience_seconds: float, renew: Callable[[], Awaitable[None]]) -> None:
        """`renew` reads the credentials anew."""
        self.batch = client.BatchV1Api(api_client)
        self.core = client.CoreV1Api(api_client)
        self.patience_seconds = patience_seconds
        self._renew = renew

    def patience(self) -> Patience:
        """Return a new patience."""
        return Patience(self.patience_seconds)

    async def ask(self, what: str, operation: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> Any:
        """Return the answer of one operation as JSON. Raises ApiError, or what a lost connection is raised as."""
        response = await operation(*arguments, **more, _preload_content=False, _request_timeout=ASK_TIMEOUT)
        async with response:
            return json.loads(await _body(response, what))

    async def ask_patiently(
        self, what: str, operation: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any
    ) -> Any:
        """Return the answer of an operation that may be repeated. Raises ApiError, Unreachable."""
        patience = self.patience()
        while True:
            try:
                return await self.ask(what, operation, *arguments, **more)
            except (ApiError, *LOST) as error:
                await self.rest(patience, error)

    async def rest(self, patience: Patience, error: Exception) -> None:
        """Wait before the next time. Raises the error where that is no use, Unreachable where it is too long.

        Credentials that are refused may have been replaced since they were read.
        """
        if isinstance(error, ApiError) and not error.may_pass:
            raise error
        if patience.over:
            raise Unreachable(
                f"The Kubernetes API server has not answered for {patience.seconds:g} seconds: "
                f"{str(error).rstrip('.') or type(error).__name__}. The job may still run: see `kubectl get jobs`."
            ) from error
        await asyncio.sleep(patience.pause())
        if isinstance(error, ApiError) and error.status == UNAUTHORIZED:
            await self._renew()

    @asynccontextmanager
    async def stream(
        self, what: str, operation: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yield the pieces of an answer as they come. Raises ApiError, or what a lost connection is raised as."""
        response = await operation(*arguments, **more, _preload_content=False, _request_timeout=STREAM_TIMEOUT)
        async with response:
            if not response.ok:
                await _body(response, what)
            yield response.content.iter_any()


async def _body(response: Any, what: str) -> bytes:
    data: bytes = await response.read()
    if response.ok:
        return data
    try:
        status = json.loads(data)
        message, reason = str(status.get("message") or ""), str(status.get("reason") or "")
    except (ValueError, AttributeError):
        message, reason = data.decode(errors="replace")[:500], ""
    raise ApiError(response.status, reason or str(response.reason), message or "it does not say why", what)
