"""The client of the server's services, in two faces: for async code and for sync code."""

import warnings
from typing import Any, Literal, overload

from antiphon.client.artifact_operations import ArtifactOperations
from antiphon.client.block_document_operations import BlockDocumentOperations
from antiphon.client.block_type_operations import BlockTypeOperations
from antiphon.client.deployment_operations import DeploymentOperations
from antiphon.client.flow_operations import FlowOperations
from antiphon.client.flow_run_input_operations import FlowRunInputOperations
from antiphon.client.flow_run_operations import FlowRunOperations
from antiphon.client.limit_operations import LimitOperations
from antiphon.client.log_operations import LogOperations
from antiphon.client.operation import AsyncFace, SyncFace
from antiphon.client.schedule_operations import ScheduleOperations
from antiphon.client.server_operations import ServerOperations
from antiphon.client.task_run_operations import TaskRunOperations
from antiphon.client.variable_operations import VariableOperations
from antiphon.client.work_pool_operations import WorkPoolOperations
from antiphon.client.worker_operations import WorkerOperations

__all__ = ["AntiphonClient", "SyncAntiphonClient", "get_client"]


class _Operations(
    FlowOperations,
    FlowRunOperations,
    FlowRunInputOperations,
    TaskRunOperations,
    DeploymentOperations,
    ScheduleOperations,
    LimitOperations,
    WorkPoolOperations,
    WorkerOperations,
    LogOperations,
    ArtifactOperations,
    VariableOperations,
    BlockTypeOperations,
    BlockDocumentOperations,
    ServerOperations,
):
    """All that a client can do; a class for each kind of thing."""


class AntiphonClient(_Operations, AsyncFace):
    """A client whose methods are awaited. Use it with `async with`.

    Every method raises ServerUnreachable where no server answers, and ServerError where it refuses. Ids may be UUIDs or
    texts; ValueError says which one is neither.
    """


class SyncAntiphonClient(_Operations, SyncFace):
    """A client whose methods block until they are done. Use it with `with`; raises as AntiphonClient."""


@overload
def get_client(httpx_settings: dict[str, Any] | None = ..., sync_client: Literal[False] = ...) -> AntiphonClient: ...


@overload
def get_client(httpx_settings: dict[str, Any] | None = ..., *, sync_client: Literal[True]) -> SyncAntiphonClient: ...


@overload
def get_client(httpx_settings: dict[str, Any] | None, sync_client: Literal[True]) -> SyncAntiphonClient: ...


def get_client(
    httpx_settings: dict[str, Any] | None = None, sync_client: bool = False
) -> AntiphonClient | SyncAntiphonClient:
    """Return a client of the server that the settings name.

        async with get_client() as client:
            runs = await client.read_flow_runs(limit=5)

        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs(limit=5)

    `httpx_settings` mean nothing to a gRPC client; it warns where some are given.
    """
    if httpx_settings:
        warnings.warn(
            "httpx_settings have no effect: the client speaks gRPC. The server's address is the setting "
            "ANTIPHON_API_URL; see `antiphon config view`.",
            stacklevel=2,
        )
    return SyncAntiphonClient() if sync_client else AntiphonClient()
