"""What the contract lets people list: the fields of filters and orders, which the protos document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

from antiphon_server.domain.bulk import BulkState, BulkVerb
from antiphon_server.domain.filter_tree import FilterField, FilterFields, Kind
from antiphon_server.domain.ordering import OrderFields
from antiphon_server.domain.states import StateType
from antiphon_server.storage import sources
from antiphon_server.storage.sources import Source


@dataclass(frozen=True, slots=True)
class Listing:
    """One List method."""

    #: Its name, to which page tokens are bound.
    method: str
    source: Source
    order: OrderFields
    filters: FilterFields = field(default_factory=lambda: MappingProxyType({}))


def _fields(**columns: Kind) -> dict[str, FilterField]:
    """Fields whose public name is that of the column."""
    return {name: FilterField(kind, name) for name, kind in columns.items()}


def _order(default: str, *names: str) -> OrderFields:
    return OrderFields({name: name for name in names}, default)


def _words(enum: type[IntEnum], prefix: str) -> Mapping[str, int]:
    """The words of an enum of the contract, with and without their prefix."""
    return MappingProxyType({f"{start}{each.name}": int(each) for start in ("", prefix) for each in enum})


_STATE_TYPES = _words(StateType, "STATE_TYPE_")
_STATE_FIELDS: FilterFields = {
    "state.type": FilterField(Kind.ENUM, "state_type", _STATE_TYPES),
    "state.name": FilterField(Kind.STRING, "state_name"),
}

#: When a run is meant to start, started and ended.
_RUN_TIMES = ("start_time", "end_time", "expected_start_time", "next_scheduled_start_time")

_TRUTH: Mapping[str, int] = MappingProxyType({"true": 1, "false": 0})


def _flag(name: str) -> dict[str, FilterField]:
    return {name: FilterField(Kind.ENUM, name, _TRUTH)}


FLOWS = Listing(
    "ListFlows",
    sources.FLOWS,
    _order("create_time desc", "create_time", "update_time", "name"),
    _fields(id=Kind.UUID, name=Kind.STRING, tags=Kind.TAGS, create_time=Kind.TIME),
)
FLOW_RUNS = Listing(
    "ListFlowRuns",
    sources.FLOW_RUNS,
    _order("create_time desc", "create_time", *_RUN_TIMES, "name"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, flow_id=Kind.UUID, flow_name=Kind.STRING, tags=Kind.TAGS),
        **_STATE_FIELDS,
        **_fields(parent_task_run_id=Kind.UUID, parent_flow_run_id=Kind.UUID, deployment_id=Kind.UUID),
        **_fields(work_queue_id=Kind.UUID, work_queue_name=Kind.STRING),
        **_fields(flow_version=Kind.STRING, idempotency_key=Kind.STRING),
        **_fields(schedule_id=Kind.UUID, operation_id=Kind.UUID),
        **_flag("auto_scheduled"),
        **_fields(**dict.fromkeys((*_RUN_TIMES, "create_time"), Kind.TIME), run_count=Kind.INT),
    },
)
TASK_RUNS = Listing(
    "ListTaskRuns",
    sources.TASK_RUNS,
    _order("create_time desc", "create_time", *_RUN_TIMES, "name"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, flow_run_id=Kind.UUID, task_key=Kind.STRING, tags=Kind.TAGS),
        **_STATE_FIELDS,
        **_fields(**dict.fromkeys((*_RUN_TIMES, "create_time"), Kind.TIME), run_count=Kind.INT),
    },
)
LOGS = Listing(
    "ListLogs",
    sources.LOGS,
    _order("create_time", "create_time"),
    {
        **_fields(id=Kind.UUID, flow_run_id=Kind.UUID, task_run_id=Kind.UUID, logger=Kind.STRING, level=Kind.INT),
        **_fields(message=Kind.STRING, create_time=Kind.TIME),
    },
)
OPERATIONS = Listing(
    "ListOperations",
    sources.OPERATIONS,
    _order("create_time desc", "create_time"),
    {
        **_fields(id=Kind.UUID, create_time=Kind.TIME, end_time=Kind.TIME),
        "verb": FilterField(Kind.ENUM, "verb", _words(BulkVerb, "OPERATION_VERB_")),
        "state": FilterField(Kind.ENUM, "state", _words(BulkState, "OPERATION_STATE_")),
    },
)
SESSIONS = Listing("ListSessions", sources.SESSIONS, _order("create_time desc", "create_time"))
FLOW_RUN_STATES = Listing("ListFlowRunStates", sources.STATES, _order("create_time", "create_time"))
FLOW_RUN_COMMANDS = Listing("ListFlowRunCommands", sources.COMMANDS, _order("create_time", "create_time"))
TASK_RUN_STATES = Listing("ListTaskRunStates", sources.STATES, _order("create_time", "create_time"))
CONCURRENCY_LIMITS = Listing(
    "ListConcurrencyLimits",
    sources.CONCURRENCY_LIMITS,
    _order("create_time desc", "create_time", "name"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, create_time=Kind.TIME),
        **_flag("active"),
        "limit": FilterField(Kind.INT, "slots"),
    },
)
DEPLOYMENTS = Listing(
    "ListDeployments",
    sources.DEPLOYMENTS,
    _order("create_time desc", "create_time", "update_time", "name", "concurrency_limit"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, flow_id=Kind.UUID, flow_name=Kind.STRING),
        **_flag("paused"),
        **_fields(work_queue_id=Kind.UUID, work_queue_name=Kind.STRING, work_pool_name=Kind.STRING),
        **_fields(concurrency_limit=Kind.INT, tags=Kind.TAGS, create_time=Kind.TIME),
        "version": FilterField(Kind.STRING, "version_name"),
    },
)
DEPLOYMENT_VERSIONS = Listing(
    "ListDeploymentVersions", sources.DEPLOYMENT_VERSIONS, _order("create_time desc", "create_time")
)
WORKERS = Listing(
    "ListWorkers",
    sources.WORKERS,
    _order("create_time desc", "create_time", "name"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, work_pool_id=Kind.UUID, work_pool_name=Kind.STRING),
        **_flag("online"),
        **_fields(create_time=Kind.TIME),
    },
)
SCHEDULES = Listing(
    "ListSchedules",
    sources.SCHEDULES,
    _order("create_time", "create_time"),
    {
        **_fields(id=Kind.UUID, deployment_id=Kind.UUID, slug=Kind.STRING, create_time=Kind.TIME),
        **_flag("paused"),
    },
)
CALENDARS = Listing(
    "ListCalendars",
    sources.CALENDARS,
    _order("name", "name", "create_time"),
    _fields(id=Kind.UUID, name=Kind.STRING, create_time=Kind.TIME),
)
WORK_POOLS = Listing(
    "ListWorkPools",
    sources.WORK_POOLS,
    _order("create_time desc", "create_time", "name"),
    {**_fields(id=Kind.UUID, name=Kind.STRING, type=Kind.STRING, create_time=Kind.TIME), **_flag("paused")},
)
WORK_QUEUES = Listing(
    "ListWorkQueues",
    sources.WORK_QUEUES,
    _order("create_time desc", "create_time", "name", "priority"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, work_pool_id=Kind.UUID, work_pool_name=Kind.STRING),
        **_flag("paused"),
        **_fields(priority=Kind.INT, create_time=Kind.TIME),
    },
)


def _artifacts(method: str, source: Source) -> Listing:
    return Listing(
        method,
        source,
        _order("create_time desc", "create_time", "update_time", "key", "type"),
        {
            **_fields(id=Kind.UUID, key=Kind.STRING, type=Kind.STRING, flow_run_id=Kind.UUID, task_run_id=Kind.UUID),
            **_fields(create_time=Kind.TIME, update_time=Kind.TIME),
        },
    )


ARTIFACTS = _artifacts("ListArtifacts", sources.ARTIFACTS)
ARTIFACTS_WITHOUT_DATA = _artifacts("ListArtifacts", sources.ARTIFACTS_WITHOUT_DATA)
LATEST_ARTIFACTS = _artifacts("ListLatestArtifacts", sources.LATEST_ARTIFACTS)
LATEST_ARTIFACTS_WITHOUT_DATA = _artifacts("ListLatestArtifacts", sources.LATEST_ARTIFACTS_WITHOUT_DATA)
VARIABLES = Listing(
    "ListVariables",
    sources.VARIABLES,
    _order("create_time desc", "create_time", "update_time", "name"),
    _fields(id=Kind.UUID, name=Kind.STRING, tags=Kind.TAGS, create_time=Kind.TIME, update_time=Kind.TIME),
)
BLOCK_TYPES = Listing(
    "ListBlockTypes",
    sources.BLOCK_TYPES,
    _order("create_time desc", "create_time", "name", "slug"),
    {
        **_fields(id=Kind.UUID, slug=Kind.STRING, name=Kind.STRING, create_time=Kind.TIME),
        **_flag("is_protected"),
    },
)
BLOCK_SCHEMAS = Listing(
    "ListBlockSchemas",
    sources.BLOCK_SCHEMAS,
    _order("create_time desc", "create_time"),
    {
        **_fields(id=Kind.UUID, checksum=Kind.STRING, block_type_id=Kind.UUID, block_type_slug=Kind.STRING),
        "version": FilterField(Kind.STRING, "class_version"),
        **_fields(capabilities=Kind.TAGS, create_time=Kind.TIME),
    },
)
BLOCK_DOCUMENTS = Listing(
    "ListBlockDocuments",
    sources.BLOCK_DOCUMENTS,
    _order("create_time desc", "create_time", "name", "block_type_slug"),
    {
        **_fields(id=Kind.UUID, name=Kind.STRING, block_type_id=Kind.UUID, block_type_slug=Kind.STRING),
        **_fields(block_schema_id=Kind.UUID, create_time=Kind.TIME),
        **_flag("is_anonymous"),
    },
)
