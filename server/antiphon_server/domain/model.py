"""What the policy talks about: runs as they are, states as they are proposed, and the facts around them.

All times are microseconds since the epoch, all spans microseconds. Types that are made for each transition have slots
and are not frozen, since freezing doubles the cost of making one; only `bookkeeping` and the working set change them.
"""

from dataclasses import dataclass
from enum import StrEnum

from antiphon_server.domain.states import StateType


class RunKind(StrEnum):
    """Which of the two families a run belongs to."""

    FLOW_RUN = "flow_run"
    TASK_RUN = "task_run"

    @property
    def noun(self) -> str:
        """As people call it."""
        return self.value.replace("_", " ")


@dataclass(slots=True)
class StateDetails:
    """Facts about a state that some rule reads; the fields of `antiphon.v1.StateDetails`."""

    scheduled_time: int | None = None
    child_flow_run_id: str = ""
    retriable: bool | None = None


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


@dataclass(slots=True)
class Run:
    """A run as it stands, with what rules and bookkeeping need of it. `version` counts its writes.

    The fields up to `flow_run_run_count` are columns of its table under the same names.
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
    update_time: int = 0
    version: int = 0
    create_digest: bytes = b""
    retry_policy: RetryPolicy | None = None
    #: Flow runs: the task run in the parent that mirrors this one.
    parent_task_run_id: str | None = None
    #: Task runs: the flow run around it, and how often that had run when this one last ran.
    flow_run_id: str | None = None
    flow_run_run_count: int = 0
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


@dataclass(slots=True)
class Facts:
    """What a rule may look at."""

    run: Run
    #: The flow run around a task run, for rules that need it.
    flow_run: Run | None = None
    #: Whether the proposal was told to WAIT before.
    waited: bool = False
