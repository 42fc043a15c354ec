"""Claims of workers: runs are claimed for them before they are offered, given back, and reported on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from uuid_utils import uuid7

from antiphon_server.application import transitions
from antiphon_server.application.workers import Claim, own_run
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    CRASHED,
    DEFAULT_NAMES,
    PAUSED,
    PENDING,
    SCHEDULED,
    VerdictKind,
)
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(frozen=True, slots=True)
class Pick:
    """A run, and who is to have it: the session of a worker, and its name for people."""

    flow_run_id: str
    session_id: str
    taker: str


class Claimed(NamedTuple):
    """What became of picks. The runs of all others have changed meanwhile, are queued for a slot now, or were cancelled
    for want of one."""

    claims: list[Claim]
    #: Runs that wait as before and cannot be had for now.
    refused: list[str]


@dataclass(slots=True)
class ClaimRuns:
    """Claims runs for workers, one after the other."""

    picks: Sequence[Pick]
    _proposals: list[Proposal] = field(default_factory=list)

    def __post_init__(self) -> None:
        for pick in self.picks:
            state = State(PENDING, DEFAULT_NAMES[PENDING], f"taken by {pick.taker}")
            self._proposals.append(
                Proposal(
                    str(uuid7()),
                    RunKind.FLOW_RUN,
                    pick.flow_run_id,
                    state,
                    session_id=pick.session_id,
                    claim=True,
                    waits=False,
                )
            )

    def needs(self, needs: Needs) -> None:
        for proposal in self._proposals:
            transitions.needs_of(proposal, needs)
            if proposal.session_id is not None:
                needs.sessions.add(proposal.session_id)

    def apply(self, working_set: WorkingSet) -> Claimed:
        claimed = Claimed([], [])
        for proposal in self._proposals:
            session = working_set.sessions.get(proposal.session_id or "")
            run = working_set.run(proposal.kind, proposal.run_id)
            # Either may have changed since the look that this came of.
            if session is None or session.status != SessionStatus.ACTIVE or run is None or run.queue_time is None:
                continue
            held = run.state_id
            verdict = transitions.attempt(working_set, proposal)
            if verdict.kind is VerdictKind.ACCEPT:
                claimed.claims.append(Claim(run.id, verdict.fencing_token))
            elif run.state_id == held:
                claimed.refused.append(run.id)
        return claimed


@dataclass(slots=True)
class GiveBack:
    """Has a claimed run wait for a worker again; nothing happens where the claim is over."""

    session_id: str
    claim: Claim
    why: str

    def needs(self, needs: Needs) -> None:
        needs.flow_runs.add(self.claim.flow_run_id)
        needs.limited_flow_runs.add(self.claim.flow_run_id)

    def apply(self, working_set: WorkingSet) -> None:
        run = own_run(working_set, self.claim, self.session_id)
        if run is None or run.state_type != PENDING:
            return
        due = max(working_set.now, run.state_scheduled_time or 0)
        state = State(SCHEDULED, DEFAULT_NAMES[SCHEDULED], self.why, StateDetails(scheduled_time=due))
        _let_go(working_set, run, state)


@dataclass(slots=True)
class NoteStart:
    """Stores what runs a run."""

    session_id: str
    claim: Claim
    infrastructure_pid: str

    def needs(self, needs: Needs) -> None:
        needs.flow_runs.add(self.claim.flow_run_id)

    def apply(self, working_set: WorkingSet) -> None:
        run = own_run(working_set, self.claim, self.session_id)
        if run is not None and run.infrastructure_pid != self.infrastructure_pid:
            run.infrastructure_pid = self.infrastructure_pid
            run.version, run.update_time = run.version + 1, working_set.now
            working_set.touch(run)


@dataclass(slots=True)
class NoteExit:
    """Ends a run whose process is gone; nothing happens where it has ended, waits for another worker, or is somebody
    else's."""

    session_id: str
    claim: Claim
    #: For people: what was gone, and why.
    why: str

    def needs(self, needs: Needs) -> None:
        needs.flow_runs.add(self.claim.flow_run_id)
        needs.limited_flow_runs.add(self.claim.flow_run_id)

    def apply(self, working_set: WorkingSet) -> None:
        run = own_run(working_set, self.claim, self.session_id)
        if run is None:
            return
        if run.session_id is None and run.state_type in (SCHEDULED, PAUSED):
            return  # It was suspended, or is to be run again.
        type_ = CANCELLED if run.state_type == CANCELLING else CRASHED
        _let_go(working_set, run, State(type_, DEFAULT_NAMES[type_], self.why))


def _let_go(working_set: WorkingSet, run: Run, state: State) -> None:
    """Moves a run that its holder has no more to do with, and need not be told of."""
    run.session_id = None
    transitions.propose(working_set, Proposal(str(uuid7()), run.kind, run.id, state, force=True))
