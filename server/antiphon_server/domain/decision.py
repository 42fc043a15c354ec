"""What the policy says: findings of single rules, and the decision that follows from them."""

from dataclasses import dataclass
from enum import Enum

from antiphon_server.domain.model import State
from antiphon_server.domain.states import VerdictKind


class Tell(Enum):
    """What the holder of a run is told; the values are field names of `antiphon.v1.Command`."""

    CANCEL = "cancel_run"
    REVOKE = "revoke_run"


@dataclass(frozen=True, slots=True)
class TellHolder:
    """Effect: the session that holds the run gets a command."""

    session_id: str
    what: Tell
    reason: str


@dataclass(frozen=True, slots=True)
class MirrorToParent:
    """Effect: the task run that stands for this subflow in its parent enters the same state."""

    task_run_id: str


Effect = TellHolder | MirrorToParent


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's word. ACCEPT, REJECT, WAIT and ABORT end the asking; a rewrite (kind None) changes the proposed state
    and lets the next rule speak."""

    rule: str
    kind: VerdictKind | None
    reason: str
    #: REJECT: the state to enter instead, or None to stay. A rewrite: the proposed state as it is now.
    state: State | None = None
    #: WAIT: when the answer will be another one.
    wait_until: int | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a proposal, with all that must be written in one transaction."""

    verdict: VerdictKind
    #: The state to write; None leaves the run as it is.
    state: State | None
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    wait_until: int | None = None
    effects: tuple[Effect, ...] = ()
