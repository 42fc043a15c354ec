"""The server's lists: how each is asked, which filters and orders it knows, how kinds of things refer to each other.

A list can be filtered by things that belong to its own: flow runs by their flow, deployment or task runs. Where the
server's filter has no word for it, the ids of what the other filter lets through are read first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import Message
from pydantic import BaseModel

from antiphon.client.filter_texts import all_of, checked_length, equals, filter_text
from antiphon.client.operation import ClientBase
from antiphon.client.paging import read_all, read_list
from antiphon.client.schemas.filters import (
    DeploymentFilter,
    FlowFilter,
    FlowRunFilter,
    TaskRunFilter,
    WorkPoolFilter,
    WorkQueueFilter,
)
from antiphon.engine.dual import Work
from antiphon.engine.server_calls import Method
from antiphon.v1.artifact_service_pb2 import (
    ListArtifactsRequest,
    ListArtifactsResponse,
    ListLatestArtifactsRequest,
    ListLatestArtifactsResponse,
)
from antiphon.v1.concurrency_limit_service_pb2 import ListConcurrencyLimitsRequest, ListConcurrencyLimitsResponse
from antiphon.v1.deployment_service_pb2 import ListDeploymentsRequest, ListDeploymentsResponse
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest, ListFlowRunsResponse
from antiphon.v1.flow_service_pb2 import ListFlowsRequest, ListFlowsResponse
from antiphon.v1.log_service_pb2 import ListLogsRequest, ListLogsResponse
from antiphon.v1.schedule_service_pb2 import ListSchedulesRequest, ListSchedulesResponse
from antiphon.v1.task_run_service_pb2 import ListTaskRunsRequest, ListTaskRunsResponse
from antiphon.v1.variable_service_pb2 import ListVariablesRequest, ListVariablesResponse
from antiphon.v1.work_pool_service_pb2 import (
    ListWorkPoolsRequest,
    ListWorkPoolsResponse,
    ListWorkQueuesRequest,
    ListWorkQueuesResponse,
)
from antiphon.v1.work_service_pb2 import ListWorkersRequest, ListWorkersResponse

__all__ = [
    "ARTIFACTS",
    "DEPLOYMENTS",
    "FLOWS",
    "FLOW_RUNS",
    "LATEST_ARTIFACTS",
    "LIMITS",
    "LOGS",
    "SCHEDULES",
    "TASK_RUNS",
    "VARIABLES",
    "WORKERS",
    "WORK_POOLS",
    "WORK_QUEUES",
    "Listing",
    "condition",
    "filters_of",
    "list_messages",
]

#: More things than this that a filter of another kind lets through do not fit the filter that names them.
MAX_RELATED: Final = 100


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """One List method."""

    #: What it lists, for people.
    noun: str
    method: Method
    request: Callable[..., Any]
    response: type[Message]
    #: The field of the answer that has the items.
    items: str
    #: The server's name for each field that the filter may name.
    fields: Mapping[str, str] = field(default_factory=dict)
    #: The server's order for each word of the sort.
    orders: Mapping[str, str] = field(default_factory=dict)


_BY_NAME: Final = {"NAME_ASC": "name", "NAME_DESC": "name desc"}
_BY_CREATION: Final = {"CREATED_DESC": "create_time desc", "UPDATED_DESC": "update_time desc", **_BY_NAME}
#: Ids of runs are made in the order of time.
_OF_RUNS: Final = {
    "ID_DESC": "create_time desc",
    "EXPECTED_START_TIME_ASC": "expected_start_time",
    "EXPECTED_START_TIME_DESC": "expected_start_time desc",
    **_BY_NAME,
    "NEXT_SCHEDULED_START_TIME_ASC": "next_scheduled_start_time",
    "END_TIME_DESC": "end_time desc",
}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


FLOWS: Final = Listing(
    "flows",
    lambda services: services.flows.ListFlows,
    ListFlowsRequest,
    ListFlowsResponse,
    "flows",
    _same("id", "name", "tags"),
    _BY_CREATION,
)
FLOW_RUNS: Final = Listing(
    "flow runs",
    lambda services: services.flow_runs.ListFlowRuns,
    ListFlowRunsRequest,
    ListFlowRunsResponse,
    "flow_runs",
    {
        **_same("id", "name", "tags", "deployment_id", "work_queue_name", "state.type", "state.name", "flow_version"),
        **_same("start_time", "end_time", "expected_start_time", "next_scheduled_start_time"),
        **_same("parent_flow_run_id", "parent_task_run_id", "idempotency_key"),
    },
    {**_OF_RUNS, "START_TIME_ASC": "start_time", "START_TIME_DESC": "start_time desc"},
)
TASK_RUNS: Final = Listing(
    "task runs",
    lambda services: services.task_runs.ListTaskRuns,
    ListTaskRunsRequest,
    ListTaskRunsResponse,
    "task_runs",
    {
        **_same("id", "name", "tags", "state.type", "state.name", "start_time", "end_time", "flow_run_id"),
        "subflow_runs": "task_key",
    },
    _OF_RUNS,
)
DEPLOYMENTS: Final = Listing(
    "deployments",
    lambda services: services.deployments.ListDeployments,
    ListDeploymentsRequest,
    ListDeploymentsResponse,
    "deployments",
    _same("id", "name", "tags", "work_queue_name", "concurrency_limit"),
    {
        **_BY_CREATION,
        "CONCURRENCY_LIMIT_ASC": "concurrency_limit",
        "CONCURRENCY_LIMIT_DESC": "concurrency_limit desc",
    },
)
WORK_POOLS: Final = Listing(
    "work pools",
    lambda services: services.work_pools.ListWorkPools,
    ListWorkPoolsRequest,
    ListWorkPoolsResponse,
    "work_pools",
    _same("id", "name", "type"),
)
WORK_QUEUES: Final = Listing(
    "work queues",
    lambda services: services.work_pools.ListWorkQueues,
    ListWorkQueuesRequest,
    ListWorkQueuesResponse,
    "work_queues",
    _same("id", "name"),
)
SCHEDULES: Final = Listing(
    "schedules",
    lambda services: services.schedules.ListSchedules,
    ListSchedulesRequest,
    ListSchedulesResponse,
    "schedules",
)
WORKERS: Final = Listing(
    "workers",
    lambda services: services.workers.ListWorkers,
    ListWorkersRequest,
    ListWorkersResponse,
    "workers",
)
LIMITS: Final = Listing(
    "concurrency limits",
    lambda services: services.concurrency_limits.ListConcurrencyLimits,
    ListConcurrencyLimitsRequest,
    ListConcurrencyLimitsResponse,
    "concurrency_limits",
)
LOGS: Final = Listing(
    "logs",
    lambda services: services.logs.ListLogs,
    ListLogsRequest,
    ListLogsResponse,
    "logs",
    {
        **_same("level", "flow_run_id", "task_run_id"),
        **{"name": "logger", "timestamp": "create_time", "text": "message"},
    },
    {"TIMESTAMP_ASC": "create_time", "TIMESTAMP_DESC": "create_time desc"},
)


_OF_ARTIFACTS: Final = {
    "CREATED_DESC": "create_time desc",
    "UPDATED_DESC": "update_time desc",
    "ID_DESC": "create_time desc",
    "KEY_ASC": "key",
    "KEY_DESC": "key desc",
}
ARTIFACTS: Final = Listing(
    "artifacts",
    lambda services: services.artifacts.ListArtifacts,
    ListArtifactsRequest,
    ListArtifactsResponse,
    "artifacts",
    _same("id", "key", "flow_run_id", "task_run_id", "type"),
    _OF_ARTIFACTS,
)
LATEST_ARTIFACTS: Final = Listing(
    "latest artifacts",
    lambda services: services.artifacts.ListLatestArtifacts,
    ListLatestArtifactsRequest,
    ListLatestArtifactsResponse,
    "artifacts",
    {**_same("key", "flow_run_id", "task_run_id", "type"), "latest_id": "id"},
    _OF_ARTIFACTS,
)
VARIABLES: Final = Listing(
    "variables",
    lambda services: services.variables.ListVariables,
    ListVariablesRequest,
    ListVariablesResponse,
    "variables",
    _same("id", "name", "tags"),
)


@dataclass(frozen=True, slots=True)
class _Relation:
    """How a list is filtered by another kind of thing."""

    #: The list's field that names the other thing, and that thing's field with the same id.
    own: str
    other: str = "id"
    #: What the list's own filter can ask of the other thing.
    direct: Mapping[str, str] = field(default_factory=dict)
    #: A third kind of thing that refers to the other one, where the list's own does not.
    through: Listing | None = None


_ARTIFACTS_RELATIONS: Final = {
    FLOW_RUNS: _Relation("flow_run_id", direct={"id": "flow_run_id"}),
    TASK_RUNS: _Relation("task_run_id", direct={"id": "task_run_id"}),
}
#: List -> kind of the other filter -> relation.
_RELATIONS: Final[Mapping[Listing, Mapping[Listing, _Relation]]] = {
    FLOWS: {
        FLOW_RUNS: _Relation("id", "flow_id"),
        TASK_RUNS: _Relation("id", "flow_id", through=FLOW_RUNS),
        DEPLOYMENTS: _Relation("id", "flow_id"),
        WORK_QUEUES: _Relation("id", "flow_id", through=DEPLOYMENTS),
        WORK_POOLS: _Relation("id", "flow_id", through=DEPLOYMENTS),
    },
    FLOW_RUNS: {
        FLOWS: _Relation("flow_id", direct={"id": "flow_id", "name": "flow_name"}),
        TASK_RUNS: _Relation("id", "flow_run_id"),
        DEPLOYMENTS: _Relation("deployment_id", direct={"id": "deployment_id"}),
        WORK_QUEUES: _Relation("work_queue_id", direct={"id": "work_queue_id", "name": "work_queue_name"}),
        WORK_POOLS: _Relation("work_queue_id", through=WORK_QUEUES),
    },
    TASK_RUNS: {
        FLOWS: _Relation("flow_run_id", through=FLOW_RUNS),
        FLOW_RUNS: _Relation("flow_run_id", direct={"id": "flow_run_id"}),
        DEPLOYMENTS: _Relation("flow_run_id", through=FLOW_RUNS),
    },
    DEPLOYMENTS: {
        FLOWS: _Relation("flow_id", direct={"id": "flow_id", "name": "flow_name"}),
        FLOW_RUNS: _Relation("id", "deployment_id"),
        TASK_RUNS: _Relation("id", "deployment_id", through=FLOW_RUNS),
        WORK_QUEUES: _Relation("work_queue_id", direct={"id": "work_queue_id", "name": "work_queue_name"}),
        WORK_POOLS: _Relation("work_queue_id", through=WORK_QUEUES),
    },
    ARTIFACTS: _ARTIFACTS_RELATIONS,
    LATEST_ARTIFACTS: _ARTIFACTS_RELATIONS,
    WORK_QUEUES: {
        WORK_POOLS: _Relation("work_pool_id", direct={"id": "work_pool_id", "name": "work_pool_name"}),
    },
}


def filters_of(
    flows: FlowFilter | None = None,
    flow_runs: FlowRunFilter | None = None,
    task_runs: TaskRunFilter | None = None,
    deployments: DeploymentFilter | None = None,
    work_pools: WorkPoolFilter | None = None,
    work_queues: WorkQueueFilter | None = None,
) -> Mapping[Listing, BaseModel | None]:
    """Return filters by the lists that they are of."""
    return {
        FLOWS: flows,
        FLOW_RUNS: flow_runs,
        TASK_RUNS: task_runs,
        DEPLOYMENTS: deployments,
        WORK_POOLS: work_pools,
        WORK_QUEUES: work_queues,
    }


def list_messages(
    client: ClientBase,
    listing: Listing,
    filter: str,
    *,
    sort: str | None = None,
    limit: int | None = None,
    offset: int | None = 0,
) -> Work[list[Any]]:
    """Gives the messages of a list; limit and offset as in `read_list`."""
    request = listing.request(filter=filter, order_by=listing.orders[sort] if sort is not None else "")
    found = read_list(client, listing.method, request, listing.response, listing.items, limit=limit, offset=offset)
    return (yield from found)


def condition(client: ClientBase, listing: Listing, filters: Mapping[Listing, BaseModel | None]) -> Work[str]:
    """Gives the text for a list of what fits all of `filters`: its own and those of other kinds.

    Raises ValueError where so many things of another kind fit that they cannot be named, ObjectUnsupported for a field
    that the server cannot look for, and as `ClientBase.call`.
    """
    parts: list[str] = []
    for kind, filter in filters.items():
        if filter is None:
            continue
        if kind is listing:
            parts.append(filter_text(filter, listing.fields))
        else:
            parts.append((yield from _related(client, listing, kind, filter)))
    return checked_length(all_of(parts))


def _related(client: ClientBase, listing: Listing, kind: Listing, filter: BaseModel) -> Work[str]:
    relation = _RELATIONS[listing][kind]
    if relation.through is None and _asked(filter) <= set(relation.direct):
        return filter_text(filter, relation.direct)
    source = relation.through or kind
    text = yield from condition(client, source, {kind: filter})
    if not text:
        return ""
    request = source.request(filter=text)
    found = yield from read_all(client, source.method, request, source.response, source.items)
    ids = dict.fromkeys(id for each in found if (id := getattr(each, relation.other)))
    if len(ids) > MAX_RELATED:
        raise ValueError(
            f"The filter of {kind.noun} lets {len(ids):,} {source.noun} through; {listing.noun} can be looked for by "
            f"at most {MAX_RELATED}. Narrow it down, or ask in several calls."
        )
    return equals(relation.own, map(UUID, ids))


def _asked(filter: BaseModel) -> set[str]:
    return {name for name in type(filter).model_fields if name != "operator" and getattr(filter, name) is not None}
