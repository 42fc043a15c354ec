"""A Kubernetes API server: how it is found, asked, and what its errors mean. It needs `kubernetes_asyncio`.

Answers are read as the JSON that they are: a worker looks at few of their fields.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientError, ClientTimeout
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.config import ConfigException

from antiphon.blocks.kubernetes import KubernetesClusterConfig
from antiphon.exceptions import InfrastructureError
from antiphon.workers.patience import Patience

#: One question that is answered at once.
ASK_TIMEOUT = ClientTimeout(total=60)
#: A stream that says nothing for this long is taken for dead: the server ends watches before.
WATCH_SECONDS = 240
STREAM_TIMEOUT = ClientTimeout(total=None, sock_connect=30, sock_read=WATCH_SECONDS + 60)

#: What a lost connection is raised as.
LOST = (ClientError, OSError, asyncio.TimeoutError)


class ApiError(InfrastructureError):
    """The API server refused."""

    def __init__(self, status: int, reason: str, message: str, what: str) -> None:
        super().__init__(f"Kubernetes did not {what}: {message.rstrip('.')} ({status} {reason}).")
        self.status, self.reason, self.message = status, reason, message

    @property
    def may_pass(self) -> bool:
        """Whether the same question may be answered later. A token that has just expired is read anew."""
        return self.status in (401, 408, 429) or self.status >= 500


class Unreachable(InfrastructureError):
    """The API server has not answered for too long."""


class Cluster:
    """Asks the API server of one cluster."""

    def __init__(self, api_client: Any, patience_seconds: float) -> None:
        self.batch = client.BatchV1Api(api_client)
        self.core = client.CoreV1Api(api_client)
        self.patience_seconds = patience_seconds

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
        """Wait before the next time. Raises the error where that is no use, Unreachable where it is too long."""
        if isinstance(error, ApiError) and not error.may_pass:
            raise error
        if patience.over:
            raise Unreachable(
                f"The Kubernetes API server has not answered for {patience.seconds:g} seconds: "
                f"{str(error).rstrip('.') or type(error).__name__}. The job may still run: see `kubectl get jobs`."
            ) from error
        await asyncio.sleep(patience.pause())

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


@asynccontextmanager
async def connected(cluster_config: KubernetesClusterConfig | None, patience_seconds: float) -> AsyncIterator[Cluster]:
    """Yield a cluster: of the block, else the one that this process runs in, else that of the kubeconfig file.

    Raises InfrastructureError where none is found.
    """
    configuration = client.Configuration()
    try:
        await _load(configuration, cluster_config)
    except (ConfigException, OSError, ApiException) as error:
        raise InfrastructureError(
            f"No Kubernetes cluster is known here: {str(error).rstrip('.')}. Give a block `kubernetes-cluster-config` "
            "as the job variable `cluster_config`, run the worker in the cluster, or see that `kubectl get jobs` works "
            "here."
        ) from error
    # Each job holds three streams; the default would let few jobs keep out all others.
    configuration.connection_pool_maxsize = 0
    async with client.ApiClient(configuration) as api_client:
        yield Cluster(api_client, patience_seconds)


async def _load(configuration: Any, cluster_config: KubernetesClusterConfig | None) -> None:
    if cluster_config is not None:
        await config.load_kube_config_from_dict(
            config_dict=cluster_config.config.get_secret_value(),
            context=cluster_config.context_name,
            client_configuration=configuration,
        )
        return
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException:
        await config.load_kube_config(client_configuration=configuration)
