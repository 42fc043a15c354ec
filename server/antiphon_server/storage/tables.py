"""The tables. Times are integers of microseconds since the epoch (UTC), spans integers of microseconds.

Ids are UUIDs in their 36-character text form, made by clients or by the server. Tags and retry policies are JSON text;
payloads are serialized `antiphon.v1.Payload` messages that the server never looks into.
"""

from collections.abc import Mapping

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

from antiphon_server.domain.model import RunKind
from antiphon_server.storage.enumerations import Enumerated

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

Id = String(36)
Digest = LargeBinary(16)
Micros = BigInteger


def _index_where_set(*columns: str, unique: bool = False) -> Index:
    """An index over the rows in which the last of `columns` is set."""
    condition = text(f"{columns[-1]} IS NOT NULL")
    return Index(None, *columns, unique=unique, sqlite_where=condition)


def _run_columns() -> list[Column[object]]:
    """What flow runs and task runs share: the facts that every rule may ask for."""
    return [
        Column("id", Id, primary_key=True),
        Column("name", Text, nullable=False),
        Column("tags", Text, nullable=False),
        # JSON: {"max_retries": int, "delays": [microseconds], "jitter_factor": float}; NULL means no retries.
        Column("retry_policy", Text),
        Column("run_count", Integer, nullable=False),
        # The state that holds, repeated from its row in `transitions` so that rules and filters need no join.
        Column("state_id", Id),
        Column("state_type", Enumerated),
        Column("state_name", Text),
        Column("state_time", Micros),
        Column("state_scheduled_time", Micros),
        Column("state_has_data", Boolean, nullable=False),
        Column("start_time", Micros),
        Column("end_time", Micros),
        Column("expected_start_time", Micros),
        Column("next_scheduled_start_time", Micros),
        Column("total_run_time", Micros, nullable=False),
        # A serialized antiphon.v1.StateDetails; NULL where the state says nothing.
        Column("state_details", LargeBinary),
        # The session that holds the run; NULL once it has ended.
        Column("session_id", Id),
        # Counts claims, see domain/rules/fenced_out.py.
        Column("fencing_token", Integer, nullable=False, server_default="0"),
        # When the sweeper decides on a run that is PENDING, CANCELLING or PAUSED.
        Column("deadline_time", Micros),
        # Whether it has rows in `slots`, so that those that have none need no look there.
        Column("holds_slots", Boolean, nullable=False, server_default=false()),
        # Among waiters for a slot, a higher number is served first.
        Column("priority", Integer, nullable=False, server_default="0"),
        Column("create_time", Micros, nullable=False),
        Column("update_time", Micros, nullable=False),
        # Counts writes; the etag.
        Column("version", Integer, nullable=False),
        # Of the request that created the run, so that a replay is told from a clash.
        Column("create_digest", Digest, nullable=False),
    ]


meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", LargeBinary, nullable=False))

flows = Table(
    "flows",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("tags", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

flow_runs = Table(
    "flow_runs",
    metadata,
    *_run_columns(),
    Column("flow_id", Id, nullable=False),
    Column("flow_version", Text, nullable=False),
    Column("parameters", LargeBinary),
    Column("idempotency_key", Text),
    Column("parent_task_run_id", Id),
    Column("deployment_id", Id),
    Column("work_queue_id", Id),
    Column("infrastructure_pid", Text, nullable=False, server_default=""),
    # The session that claimed the run, where another one runs it.
    Column("launcher_session_id", Id),
    Column("auto_scheduled", Boolean, nullable=False, server_default=false()),
    # The schedule or the operation that made it.
    Column("schedule_id", Id),
    Column("operation_id", Id),
    # The number of the deployment's version.
    Column("deployment_version", Integer),
    # A JSON object; NULL without a deployment.
    Column("job_variables", Text),
    # Where workers look for it: its work queue or, without one, its deployment.
    Column("queue_key", Id),
    # From when on a worker may take it; NULL unless it waits for one.
    Column("queue_time", Micros),
    # Which workers may, as JSON; empty for any.
    Column("worker_affinity", Text, nullable=False, server_default=""),
    # What rules keep in mind, see domain/decision.py Remember. `pause_keys` is a JSON list.
    Column("resuming", Boolean, nullable=False, server_default=false()),
    Column("retry_type", Text),
    Column("pause_keys", Text, nullable=False, server_default="[]"),
    # The trace that it is part of, as W3C Trace Context writes it.
    Column("traceparent", Text),
    Index(None, "create_time", "id"),
    Index(None, "state_type", "create_time", "id"),
    _index_where_set("session_id"),
    Index(None, "flow_id", "create_time", "id"),
    _index_where_set("flow_id", "idempotency_key", unique=True),
    _index_where_set("parent_task_run_id"),
    _index_where_set("deadline_time"),
    _index_where_set("next_scheduled_start_time"),
    Index(None, "deployment_id", "create_time", "id", sqlite_where=text("deployment_id IS NOT NULL")),
    Index(None, "work_queue_id", "create_time", "id", sqlite_where=text("work_queue_id IS NOT NULL")),
    Index(None, "schedule_id", "next_scheduled_start_time", sqlite_where=text("schedule_id IS NOT NULL")),
    Index(None, "operation_id", "state_type", sqlite_where=text("operation_id IS NOT NULL")),
    Index(
        None,
        "queue_key",
        "worker_affinity",
        "priority",
        "queue_time",
        "id",
        sqlite_where=text("queue_time IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

task_runs = Table(
    "task_runs",
    metadata,
    *_run_columns(),
    Column("flow_run_id", Id),
    Column("task_key", Text, nullable=False),
    Column("dynamic_key", Text, nullable=False),
    Column("task_version", Text, nullable=False),
    # JSON list of ids.
    Column("upstream_task_run_ids", Text, nullable=False),
    Column("flow_run_run_count", Integer, nullable=False),
    # A serialized antiphon.v1.Payload: what a deferred run is called with.
    Column("parameters", LargeBinary),
    # From when on a worker may take the run; set while it waits for one.
    Column("queue_time", Micros),
    # As of flow runs.
    Column("traceparent", Text),
    Index(None, "create_time", "id"),
    Index(None, "flow_run_id", "create_time", "id"),
    Index(None, "task_key", "priority", "queue_time", "id", sqlite_where=text("queue_time IS NOT NULL")),
    _index_where_set("task_key", "queue_time"),
    _index_where_set("session_id"),
    _index_where_set("deadline_time"),
    sqlite_with_rowid=False,
)

RUNS: Mapping[RunKind, Table] = {RunKind.FLOW_RUN: flow_runs, RunKind.TASK_RUN: task_runs}

# History and memory of verdicts in one: a row for each proposal that was decided (WAIT is not). Where a state was
# written its columns are set and its id is the transition's; else `held_state_id` says which state held.
transitions = Table(
    "transitions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("run_id", Id, nullable=False),
    Column("digest", Digest),
    Column("verdict", Enumerated, nullable=False),
    Column("reason", Text, nullable=False),
    # JSON: [[rule, verdict, reason, {fact: value}, remedy], ...]
    Column("findings", Text, nullable=False),
    Column("run_count", Integer, nullable=False),
    Column("fencing_token", Integer, nullable=False, server_default="0"),
    Column("held_state_id", Id),
    Column("create_time", Micros, nullable=False),
    Column("wrote_state", Boolean, nullable=False),
    Column("state_type", Enumerated),
    Column("state_name", Text),
    Column("message", Text),
    # A serialized antiphon.v1.StateDetails.
    Column("details", LargeBinary),
    Column("data", LargeBinary),
    Index(None, "run_id", "create_time"),
    sqlite_with_rowid=False,
)

# Proposals whose answer is WAIT: decided again when `until_time` has come, or a slot that they wait for is free; also
# after a restart of the server.
waits = Table(
    "waits",
    metadata,
    Column("transition_id", Id, primary_key=True),
    Column("run_id", Id, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    # NULL where only somebody else can end the wait.
    Column("until_time", Micros),
    # A serialized antiphon.v1.Proposal.
    Column("proposal", LargeBinary, nullable=False),
    Index(None, "session_id"),
    Index(None, "run_id"),
    sqlite_with_rowid=False,
)

# Named bounds on how much happens at once: `tag:<tag>` on task runs, `deployment:<id>`, `work-queue:<id>` and
# `work-pool:<id>` on flow runs, any other name on whoever asks for its slots.
concurrency_limits = Table(
    "concurrency_limits",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("slots", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    # Slots that are free again each second by themselves; 0 leaves that to their holders.
    Column("slot_decay_per_second", Float, nullable=False),
    # How long slots were held lately: a moving average.
    Column("average_occupancy", Micros, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Slots in use. A run that holds one is its lease: it gives it back when it leaves the states that keep it, also when
# its session is lost or its deadline passes. `expire_time` is set where nothing else would.
slots = Table(
    "slots",
    metadata,
    Column("limit_id", Id, primary_key=True),
    # A run, or a lease of AcquireSlots.
    Column("holder_id", Id, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("acquire_time", Micros, nullable=False),
    Column("expire_time", Micros),
    # Set where they decay: the first is free at `expire_time`, and then one each so many microseconds.
    Column("decay_interval", Micros),
    Index(None, "holder_id"),
    _index_where_set("expire_time"),
    sqlite_with_rowid=False,
)

# What AcquireSlots was asked for and has given: who holds slots without being a run, and who waits for some.
slot_leases = Table(
    "slot_leases",
    metadata,
    Column("id", Id, primary_key=True),
    # JSON
    Column("names", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("strict", Boolean, nullable=False),
    Column("holder", Text, nullable=False),
    # The session that it ends with.
    Column("session_id", Id),
    Column("request_id", Id),
    Column("digest", Digest, nullable=False),
    # Microseconds that it lasts, given or renewed.
    Column("duration", Micros, nullable=False),
    # NULL while the call waits.
    Column("expire_time", Micros),
    Column("create_time", Micros, nullable=False),
    # The server at which it waits.
    Column("server_id", Id),
    # Until when it is given whatever another storage of leases says. NULL where the database alone keeps its time.
    Column("sure_time", Micros),
    _index_where_set("session_id"),
    _index_where_set("request_id", unique=True),
    _index_where_set("expire_time"),
    sqlite_with_rowid=False,
)

# Who waits for slots, a row for each limit: a proposal (see `waits`), a run that is scheduled when its turn comes, or a
# call of AcquireSlots (see `slot_leases`).
slot_waiters = Table(
    "slot_waiters",
    metadata,
    Column("limit_id", Id, primary_key=True),
    # A transition, a flow run in AwaitingConcurrencySlot, or a lease.
    Column("waiter_id", Id, primary_key=True),
    # flow_run, task_run or lease, and which one.
    Column("run_kind", Text, nullable=False),
    Column("run_id", Id, nullable=False),
    Column("count", Integer, nullable=False, server_default="1"),
    # The priority, negated, so that one index serves the order: rank, then position.
    Column("rank", Integer, nullable=False),
    # Counts who joined any queue.
    Column("position", BigInteger, nullable=False),
    Column("create_time", Micros, nullable=False),
    Index(None, "limit_id", "rank", "position", "waiter_id"),
    Index(None, "position"),
    Index(None, "waiter_id"),
    sqlite_with_rowid=False,
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("flow_id", Id, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("collision_strategy", Enumerated, nullable=False),
    # Microseconds that a claimed run has to come to RUNNING; NULL takes the server's own.
    Column("grace_period", Micros),
    Column("work_queue_id", Id),
    Column("tags", Text, nullable=False),
    # The one of `deployment_versions` that holds.
    Column("version_number", Integer, nullable=False, server_default="1"),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    # Counts writes; the etag.
    Column("version", Integer, nullable=False),
    Index(None, "flow_id", "name", unique=True),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

work_pools = Table(
    "work_pools",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    # JSON, as it was written; empty for none.
    Column("base_job_template", Text, nullable=False, server_default=""),
    Column("paused", Boolean, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

work_queues = Table(
    "work_queues",
    metadata,
    Column("id", Id, primary_key=True),
    Column("work_pool_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("paused", Boolean, nullable=False),
    # 1 is served first, as in Prefect.
    Column("priority", Integer, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "work_pool_id", "name", unique=True),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

# Which server does the rounds of a service, and until when.
service_leases = Table(
    "service_leases",
    metadata,
    Column("service", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expire_time", Micros, nullable=False),
    sqlite_with_rowid=False,
)

# Servers that are on this database now, where several may be.
servers = Table(
    "servers",
    metadata,
    Column("id", Id, primary_key=True),
    # With spaces between them.
    Column("addresses", Text, nullable=False),
    Column("start_time", Micros, nullable=False),
    Column("seen_time", Micros, nullable=False),
    sqlite_with_rowid=False,
)

# What each commit of the last minutes changed, for the other servers; see `change_words.py`. Numbers have no gaps.
changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("server_id", Id, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Who has taken runs from pools.
workers = Table(
    "workers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("work_pool_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    # JSON: a list of names, and an object of texts.
    Column("queue_names", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("client", Text, nullable=False),
    # The session that it came with last.
    Column("session_id", Id, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("version", Integer, nullable=False),
    Index(None, "work_pool_id", "name", unique=True),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

# Results that are handed out instead of being computed again; the newest that is still good counts.
cache_entries = Table(
    "cache_entries",
    metadata,
    # The transition whose state has the result.
    Column("id", Id, primary_key=True),
    Column("cache_key", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("expire_time", Micros),
    Index(None, "cache_key", "create_time"),
    _index_where_set("expire_time"),
    sqlite_with_rowid=False,
)

# What people and programs told a flow run, such as the answer to a pause.
flow_run_inputs = Table(
    "flow_run_inputs",
    metadata,
    Column("flow_run_id", Id, primary_key=True),
    Column("key", Text, primary_key=True),
    # A serialized antiphon.v1.Payload.
    Column("value", LargeBinary, nullable=False),
    Column("sender", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    # Counts inputs of all runs in the order of arrival.
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    Index(None, "flow_run_id", "sequence"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("client", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("status", Enumerated, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("create_time", Micros, nullable=False),
    Column("expire_time", Micros, nullable=False),
    # The server that it attached to last.
    Column("server_id", Id),
    Index(None, "status", "expire_time"),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

# What sessions were told to do, and how far they came.
commands = Table(
    "commands",
    metadata,
    Column("id", Id, primary_key=True),
    Column("session_id", Id, nullable=False),
    # The name of the field in antiphon.v1.Command, such as cancel_run.
    Column("kind", Text, nullable=False),
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Column("reason", Text, nullable=False),
    # What to kill.
    Column("infrastructure_pid", Text),
    Column("stage", Enumerated, nullable=False),
    Column("message", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    # When the stage was heard.
    Column("update_time", Micros),
    # The PAUSED state that pause_run, resume_run and suspend_run are about.
    Column("state_id", Id),
    Index(None, "session_id"),
    Index(None, "flow_run_id", "create_time"),
    Index(None, "create_time"),
    sqlite_with_rowid=False,
)

# Answers to unary mutations by request_id; a row goes after a day.
requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("method", Text, nullable=False),
    Column("digest", Digest, nullable=False),
    Column("response", LargeBinary, nullable=False),
    Column("create_time", Micros, nullable=False),
    Index(None, "create_time"),
    sqlite_with_rowid=False,
)

logs = Table(
    "logs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("flow_run_id", Id),
    Column("task_run_id", Id),
    Column("logger", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("create_time", Micros, nullable=False),
    Index(None, "flow_run_id", "create_time", "id"),
    Index(None, "task_run_id", "create_time", "id"),
    Index(None, "create_time", "id"),
    sqlite_with_rowid=False,
)

# Verbs over a filter that the server works through; a row goes a week after the operation has ended.
operations = Table(
    "operations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("verb", Enumerated, nullable=False),
    Column("filter", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # A serialized antiphon.v1.State.
    Column("proposed_state", LargeBinary),
    # A serialized antiphon.v1.BackfillDeploymentRequest.
    Column("backfill", LargeBinary),
    Column("force", Boolean, nullable=False),
    Column("state", Enumerated, nullable=False),
    # The last run, or time of a backfill, that was handled; NULL before the first.
    Column("cursor_time", Micros),
    Column("cursor_id", Id),
    Column("total_count", Integer, nullable=False),
    Column("succeeded_count", Integer, nullable=False),
    Column("failed_count", Integer, nullable=False),
    Column("skipped_count", Integer, nullable=False),
    # JSON: [[flow run id, reason, message], ...]
    Column("failures", Text, nullable=False),
    # JSON: [class of domain/errors.py, reason, message]; NULL unless the operation FAILED.
    Column("error", Text),
    Column("create_time", Micros, nullable=False),
    Column("update_time", Micros, nullable=False),
    Column("end_time", Micros),
    Index(None, "create_time", "id"),
    Index(None, "state", "end_time"),
    sqlite_with_rowid=False,
)
