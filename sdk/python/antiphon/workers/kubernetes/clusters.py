"""The clusters that a worker uses: how they are found, and one client for each. It needs `kubernetes_asyncio`."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.exceptions import ApiException
from kubernetes_asyncio.config import ConfigException

from antiphon.blocks.kubernetes import KubernetesClusterConfig
from antiphon.exceptions import InfrastructureError
from antiphon.workers.kubernetes.api import Cluster

#: What reading credentials may raise.
_NO_CONFIG = (ConfigException, OSError, ApiException)

logger = logging.getLogger("antiphon.worker")


class Clusters:
    """Opens each cluster once, and keeps it open."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._opened = AsyncExitStack()
        self._clusters: dict[str, Cluster] = {}
        self._opening = asyncio.Lock()

    async def get(self, cluster_config: KubernetesClusterConfig | None) -> Cluster:
        """Return a cluster. Raises InfrastructureError where none is found."""
        key = ""
        if cluster_config is not None:
            key = json.dumps([cluster_config.context_name, cluster_config.config.get_secret_value()])
        async with self._opening:
            if key not in self._clusters:
                opened = connected(cluster_config, self._patience_seconds)
                self._clusters[key] = await self._opened.enter_async_context(opened)
            return self._clusters[key]

    async def close(self) -> None:
        """Close them all."""
        self._clusters.clear()
        await self._opened.aclose()


@asynccontextmanager
async def connected(cluster_config: KubernetesClusterConfig | None, patience_seconds: float) -> AsyncIterator[Cluster]:
    """Yield a cluster: of the block, else the one that this process runs in, else that of the kubeconfig file.

    Raises InfrastructureError where none is found.
    """
    configuration = client.Configuration()
    try:
        await _load(configuration, cluster_config)
    except _NO_CONFIG as error:
        raise InfrastructureError(
            f"No Kubernetes cluster is known here: {str(error).rstrip('.')}. Give a block `kubernetes-cluster-config` "
            "as the job variable `cluster_config`, run the worker in the cluster, or see that `kubectl get jobs` works "
            "here."
        ) from error
    # Each job holds three streams; the default would let few jobs keep out all others.
    configuration.connection_pool_maxsize = 0
    async with client.ApiClient(configuration) as api_client:
        yield Cluster(api_client, patience_seconds, partial(_renew, configuration, cluster_config))


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


async def _renew(configuration: Any, cluster_config: KubernetesClusterConfig | None) -> None:
    """Tokens are read with each request; so what is read now holds from the next one on."""
    try:
        await _load(configuration, cluster_config)
    except _NO_CONFIG as error:
        logger.warning("The credentials of the Kubernetes cluster could not be read anew: %s", error)
