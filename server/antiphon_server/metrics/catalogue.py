"""Every metric that a server exports: its name, type, labels and meaning. docs/monitoring.md is made from this.

No label has what users name, nor an id: their values are those of this program, so that there is a bounded number of
series whatever people do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Type(Enum):
    """As Prometheus has it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """`name` is without the `_total` that counters are exported with."""

    name: str
    type: Type
    meaning: str
    #: Label -> what its values are.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: Upper bounds of a histogram.
    buckets: Sequence[float] = ()

    @property
    def exported(self) -> str:
        """The name in queries; a histogram has `_bucket`, `_sum` and `_count` behind it."""
        return f"{self.name}_total" if self.type is Type.COUNTER else self.name


_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OPERATIONS = tuple(float(2**power) for power in range(9))

_KIND = "`flow_run` or `task_run`"
_METHOD = "service and method, such as `FlowRunService/GetFlowRun`"
_GATE = "a kind of calls, see overload.md, such as `writes`"
_SERVICE = "as `antiphon server services ls` shows them"

TRANSITIONS = Metric(
    "antiphon_transitions",
    Type.COUNTER,
    "Decisions on proposed transitions that were committed. A proposal that is told to wait counts each time that it is"
    " decided.",
    {
        "kind": _KIND,
        "verdict": "`accept`, `reject`, `wait` or `abort`",
        "rule": "the rule of the policy that decided, see policy.md; `none` where no rule spoke against the move",
    },
)
STATES = Metric(
    "antiphon_states_entered",
    Type.COUNTER,
    "States that runs entered.",
    {"kind": _KIND, "state": "the type of the state, such as `RUNNING`"},
)
COMMIT_SECONDS = Metric(
    "antiphon_commit_duration_seconds",
    Type.HISTOGRAM,
    "How long a transaction of the writer took: reading the facts, deciding, writing, and the commit to the disk.",
    buckets=_SECONDS,
)
COMMIT_OPERATIONS = Metric(
    "antiphon_commit_operations",
    Type.HISTOGRAM,
    "Operations in a transaction of the writer. One is a unary call, or one message of a session with all its frames.",
    buckets=_OPERATIONS,
)
COMMIT_FAULTS = Metric(
    "antiphon_commit_faults",
    Type.COUNTER,
    "Transactions that the database did not take: a full disk, a lock, a lost connection.",
)
WRITER_QUEUE = Metric(
    "antiphon_writer_queue_operations",
    Type.GAUGE,
    "Operations that wait for their transaction.",
    {"lane": "`urgent`, or `bulk` for lines of logs and chores"},
)
WRITER_QUEUE_SECONDS = Metric(
    "antiphon_writer_queue_seconds",
    Type.HISTOGRAM,
    "How long the operation that waited longest for a transaction did so.",
    buckets=_SECONDS,
)
CALLS_REFUSED = Metric(
    "antiphon_calls_refused",
    Type.COUNTER,
    "Calls that were turned away since the server has too much to do (SERVER_BUSY). They are in no other figure.",
    {"kind": _GATE},
)
CALLS_ADMITTED = Metric(
    "antiphon_calls_under_way",
    Type.GAUGE,
    "Calls that were taken in and are not over, by what they have to share room with.",
    {"kind": _GATE},
)
CALLS_LIMIT = Metric(
    "antiphon_calls_limit",
    Type.GAUGE,
    "How many of them may be under way. For `reads`, `writes` and `arrivals of sessions` it follows the speed at which"
    " they are answered.",
    {"kind": _GATE},
)
HELD_BYTES = Metric(
    "antiphon_held_bytes",
    Type.GAUGE,
    "Bytes of messages in the server's memory, over all clients.",
    {"direction": "`incoming` for what is not answered, `outgoing` for what waits to be sent"},
)
REQUESTS = Metric(
    "antiphon_grpc_requests",
    Type.COUNTER,
    "Calls that have ended, streams too.",
    {"method": _METHOD, "code": "the gRPC status, such as `OK`"},
)
REQUEST_SECONDS = Metric(
    "antiphon_grpc_request_duration_seconds",
    Type.HISTOGRAM,
    "How long unary calls took. Those that wait for something by their nature, such as AwaitFlowRun, are among them.",
    {"method": _METHOD},
    _SECONDS,
)
REQUESTS_IN_FLIGHT = Metric(
    "antiphon_grpc_requests_in_flight", Type.GAUGE, "Calls that are under way, streams too.", {"method": _METHOD}
)
SESSIONS = Metric(
    "antiphon_sessions_active",
    Type.GAUGE,
    "Sessions in the database that may still speak. All servers of a database see the same.",
)
STREAMS = Metric("antiphon_streams_attached", Type.GAUGE, "Sessions whose control stream is attached to this server.")
WAITS = Metric(
    "antiphon_proposals_waiting",
    Type.GAUGE,
    "Proposals of sessions that were told to wait, for a time or for a slot. All servers of a database see the same.",
)
SLOT_WAITERS = Metric(
    "antiphon_slot_waiters",
    Type.GAUGE,
    "Places in the queues for slots. All servers of a database see the same.",
    {"waiter": "`flow_run` or `task_run`, or `lease` for calls of AcquireSlots"},
)
SLOTS_TAKEN = Metric(
    "antiphon_slots_taken",
    Type.GAUGE,
    "Slots of concurrency limits that are held. All servers of a database see the same.",
    {"limit": "what the limits belong to: `tag`, `deployment`, `schedule`, `work_pool`, `work_queue`, or `named`"},
)
RUNS_DUE = Metric(
    "antiphon_runs_due",
    Type.GAUGE,
    "Runs that are due and wait for a worker, counted up to 100,000. All servers of a database see the same.",
    {"kind": _KIND},
)
RUNS_DUE_AGE = Metric(
    "antiphon_runs_due_oldest_seconds",
    Type.GAUGE,
    "How long the one of them waits that is due for longest; 0 where none is.",
    {"kind": _KIND},
)
SERVICE_ROUNDS = Metric(
    "antiphon_service_rounds", Type.COUNTER, "Rounds of a background service.", {"service": _SERVICE}
)
SERVICE_FAILURES = Metric(
    "antiphon_service_failures", Type.COUNTER, "Rounds of a background service that failed.", {"service": _SERVICE}
)
SERVICE_LAG = Metric(
    "antiphon_service_lag_seconds",
    Type.GAUGE,
    "How late the last round of a background service began.",
    {"service": _SERVICE},
)
SERVICE_INTERVAL = Metric(
    "antiphon_service_interval_seconds",
    Type.GAUGE,
    "Seconds between two rounds of a background service; 0 where it works whenever there is something to do.",
    {"service": _SERVICE},
)
SERVICE_LAST_ROUND = Metric(
    "antiphon_service_last_round_time_seconds",
    Type.GAUGE,
    "When the last round of a background service ended, in seconds since 1970; 0 where there was none.",
    {"service": _SERVICE},
)
SERVICE_LEADING = Metric(
    "antiphon_service_leading",
    Type.GAUGE,
    "Whether this server does the rounds of a service: 1 or 0. Of several servers on one database one does.",
    {"service": _SERVICE},
)
READERS_IN_USE = Metric("antiphon_readers_in_use", Type.GAUGE, "Connections for queries that are in use.")
READERS = Metric(
    "antiphon_readers", Type.GAUGE, "Connections for queries that may be in use at once; 0 before the first query."
)
WATCHES = Metric("antiphon_watches", Type.GAUGE, "Watches of runs, logs, deployments and workers on this server.")
LOOP_LAG = Metric(
    "antiphon_event_loop_lag_seconds",
    Type.GAUGE,
    "How long the server's event loop took to come to this scrape: what any caller waits beside the work itself.",
)
BUILD = Metric(
    "antiphon_build_info",
    Type.GAUGE,
    "Always 1.",
    {"version": "the version of the server", "schema": "the revision of its database"},
)
UNREAD = Metric(
    "antiphon_scrapes_incomplete",
    Type.COUNTER,
    "Scrapes without what is read at the time: everything but the counters and histograms. The database or the event"
    " loop did not answer in time.",
)

ALL = (
    TRANSITIONS,
    STATES,
    COMMIT_SECONDS,
    COMMIT_OPERATIONS,
    COMMIT_FAULTS,
    WRITER_QUEUE,
    WRITER_QUEUE_SECONDS,
    CALLS_REFUSED,
    CALLS_ADMITTED,
    CALLS_LIMIT,
    HELD_BYTES,
    REQUESTS,
    REQUEST_SECONDS,
    REQUESTS_IN_FLIGHT,
    SESSIONS,
    STREAMS,
    WAITS,
    SLOT_WAITERS,
    SLOTS_TAKEN,
    RUNS_DUE,
    RUNS_DUE_AGE,
    SERVICE_ROUNDS,
    SERVICE_FAILURES,
    SERVICE_LAG,
    SERVICE_INTERVAL,
    SERVICE_LAST_ROUND,
    SERVICE_LEADING,
    READERS_IN_USE,
    READERS,
    WATCHES,
    LOOP_LAG,
    BUILD,
    UNREAD,
)
