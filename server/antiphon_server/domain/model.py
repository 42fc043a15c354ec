"""What the policy talks about: runs as they are and states as they are proposed.

All times are microseconds since the epoch, all spans microseconds. Types that are made for each transition have slots
and are not frozen, since freezing doubles the cost of making one; only `bookkeeping` and the working set change them.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from antiphon_server.domain.states import StateType

#: The end of the year 9999: no later time can be stored and told.
LAST_TIME = 253_402_300_799_999_999


class RunKind(StrEnum):
    """Which of the two families a run belongs to."""

    FLOW_RUN = "flow_run"
    TASK_RUN = "task_run"

    # That of enums is Python code, and runs are looked up by their kind all the time.
    __hash__ = str.__hash__

    @property
    def noun(self) -> str:
        """As people call it."""
        return self.value.replace("_", " ")


class RetryType(StrEnum):
    """How a run comes to its next attempt, after Prefect's `retry_type`."""

    #: The process that failed tries again, so the run keeps its slots.
    IN_PROCESS = "in_process"
    #: Somebody scheduled the ended run anew.
    RESCHEDULE = "reschedule"


@dataclass(slots=True)
class StateDetails:
    """Facts about a state that some rule reads; the fields of `antiphon.v1.StateDetails`."""

    scheduled_time: int | None = None
    child_flow_run_id: str = ""
    retriable: bool | None = None
    #: PAUSED: when the pause fails the run; None never does.
    pause_expire_time: int | None = None
    #: PAUSED: the process ends meanwhile, and the run is scheduled anew to go on.
    pause_reschedule: bool = False
    #: PAUSED: a run pauses at most once for one key.
    pause_key: str = ""
    #: PAUSED: the JSON schema of what `ResumeFlowRun` must bring; empty asks for nothing.
    input_schema: str = ""
    cache_key: str = ""
    #: COMPLETED: until when the result may be handed out for `cache_key`; None for ever.
    cache_expire_time: int | None = None
    #: RUNNING: do not look into the cache.
    refresh_cache: bool = False
    #: The task run waits for a worker instead of its caller.
    deferred: bool = False
    #: Where the arguments of a deferred task run are kept.
    task_parameters_id: str = ""


@dataclass(slots=True)
class State:
    """A state as proposed or written. `time` is 0 until it is written."""

    type: StateType
    name: str
    message: str = ""
    details: StateDetails | None = None
    #: A serialized payload, or None; never looked into.
    data: bytes | None = None
    id: str = ""
    time: int = 0

    @property
    def scheduled_time(self) -> int | None:
        return self.details.scheduled_time if self.details is not None else None


@dataclass(slots=True, frozen=True)
class RetryPolicy:
    """How often and how soon a failed run may try again."""

    max_retries: int
    #: Microseconds before each retry; the last repeats, none means at once.
    delays: tuple[int, ...] = ()
    jitter_factor: float = 0.0


#: Of a state that said nothing; never changed.
NO_DETAILS = StateDetails()


@dataclass(slots=True)
class Run:
    """A run as it stands, with what rules and bookkeeping need of it. `version` counts its writes.

    The fields up to `create_digest` are columns of both families' tables under the same names.
    """

    id: str
    run_count: int = 0
    state_id: str | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    state_time: int | None = None
    state_scheduled_time: int | None = None
    state_has_data: bool = False
    start_time: int | None = None
    end_time: int | None = None
    expected_start_time: int | None = None
    next_scheduled_start_time: int | None = None
    total_run_time: int = 0
    session_id: str | None = None
    #: Rises with each claim (entry into PENDING); who was claimed for must name it.
    fencing_token: int = 0
    #: When the sweeper decides on a run that is PENDING, CANCELLING or PAUSED; None where nothing is to be decided.
    deadline_time: int | None = None
    #: Whether it has rows in `slots`.
    holds_slots: bool = False
    update_time: int = 0
    version: int = 0
    create_digest: bytes = b""
    #: Of the state that holds.
    details: StateDetails = field(default_factory=lambda: NO_DETAILS)
    retry_policy: RetryPolicy | None = None
    #: Among those that wait for a slot, a higher number is served first.
    priority: int = 0
    #: Flow runs: the task run in the parent that mirrors this one.
    parent_task_run_id: str | None = None
    deployment_id: str | None = None
    work_queue_id: str | None = None
    #: Flow runs: what runs them, as a worker named it; empty until one did.
    infrastructure_pid: str = ""
    #: Flow runs: the session that claimed the run, where another one runs it.
    launcher_session_id: str | None = None
    #: Flow runs: made by a schedule, and by which one.
    auto_scheduled: bool = False
    schedule_id: str | None = None
    #: Flow runs: left its pause, or was told to, and is not RUNNING yet, so the next RUNNING is no new attempt.
    resuming: bool = False
    retry_type: RetryType | None = None
    #: Flow runs: keys of the pauses that it took since it was last started afresh.
    pause_keys: tuple[str, ...] = ()
    #: Task runs: the flow run around it, and how often that had run when this one last ran.
    flow_run_id: str | None = None
    flow_run_run_count: int = 0
    #: Task runs; flow runs have theirs in the database only, since no rule asks for them.
    tags: tuple[str, ...] = ()
    #: Task runs: the code that they run.
    task_key: str = ""
    #: From when on a worker may take the run; None unless it waits for one.
    queue_time: int | None = None
    kind: RunKind = RunKind.FLOW_RUN


@dataclass(slots=True)
class Proposal:
    """A wish to move one run, and who utters it."""

    transition_id: str
    kind: RunKind
    run_id: str
    state: State
    expected_state_id: str = ""
    force: bool = False
    #: The session that speaks; None for a unary caller or the server itself.
    session_id: str | None = None
    #: Of the proposal's bytes, to tell a replay from a clash; empty where the server itself proposes.
    digest: bytes = b""
    #: The claim that the proposer acts on; 0 names none.
    fencing_token: int = 0
    #: PENDING: taken for a worker, so deployment, work pool and work queue must be open.
    claim: bool = False
    #: Whether the session can be told to WAIT; not where the server proposes for it.
    waits: bool = True
    #: The span of the proposer, as W3C Trace Context writes it; empty for none.
    traceparent: str = ""
