"""What the policy says: findings of single rules, and the decision that follows from them."""

from dataclasses import dataclass
from enum import Enum

from antiphon_server.domain.model import RetryType, State
from antiphon_server.domain.states import VerdictKind


class Tell(Enum):
    """What the holder of a run is told; the values are field names of `antiphon.v1.Command`."""

    CANCEL = "cancel_run"
    REVOKE = "revoke_run"
    PAUSE = "pause_run"
    RESUME = "resume_run"
    SUSPEND = "suspend_run"
    KILL = "kill_infrastructure"


@dataclass(frozen=True, slots=True)
class TellHolder:
    """Effect: the session that holds the run gets a command."""

    session_id: str
    what: Tell
    reason: str
    #: PAUSE, RESUME and SUSPEND: the PAUSED state that is meant.
    state_id: str | None = None


@dataclass(frozen=True, slots=True)
class MirrorToParent:
    """Effect: the task run that stands for this subflow in its parent enters the same state."""

    task_run_id: str


@dataclass(frozen=True, slots=True)
class StopBelow:
    """Effect: task runs and subflows of the flow run that have not ended are stopped as well. `holder` is the session
    that held it: it stops what it works on by itself. Others' task runs that are RUNNING may still end by themselves,
    until the stop is `final`."""

    reason: str
    holder: str | None
    final: bool


@dataclass(frozen=True, slots=True)
class EndPutOff:
    """Effect: task runs that were put off because this flow run was paused are ended: nobody asks for them again."""


@dataclass(frozen=True, slots=True)
class TakeSlots:
    """Effect: the run holds a slot of each of these limits from now on."""

    limit_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeepSlots:
    """Effect: the run keeps its slots in a state that would give them back, until `expire_time` at most."""

    expire_time: int


@dataclass(frozen=True, slots=True)
class Queued:
    """Effect: the run stands in the queue of each of these limits and is scheduled for now when its turn comes."""

    limit_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopOthers:
    """Effect: the runs that hold slots of this limit are cancelled."""

    limit_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Effect: what the run keeps in mind beyond its state."""

    resuming: bool
    retry_type: RetryType | None
    pause_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """Effect: attempts are counted from the start again."""


@dataclass(frozen=True, slots=True)
class KeepInCache:
    """Effect: the state that is entered is handed out for this key."""

    cache_key: str
    expire_time: int | None


Effect = (
    TellHolder
    | MirrorToParent
    | StopBelow
    | EndPutOff
    | TakeSlots
    | KeepSlots
    | Queued
    | StopOthers
    | Remember
    | Restart
    | KeepInCache
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's word. ACCEPT, REJECT, WAIT and ABORT end the asking; a rewrite (kind None) changes the proposed state
    and lets the next rule speak."""

    rule: str
    kind: VerdictKind | None
    reason: str
    #: REJECT: the state to enter instead, or None to stay. A rewrite: the proposed state as it is now, or None where
    #: only the effects matter.
    state: State | None = None
    #: WAIT: when the answer will be another one; where slots are waited for only a guess.
    wait_until: int | None = None
    #: WAIT: the limits whose slots are waited for.
    wait_for: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    #: What was looked at, for people: name and value.
    facts: tuple[tuple[str, str], ...] = ()
    #: What would have to change for another answer; empty where the reason says all.
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a proposal, with all that must be written in one transaction."""

    verdict: VerdictKind
    #: The state to write; None leaves the run as it is.
    state: State | None
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    wait_until: int | None = None
    wait_for: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
