"""Operations on runs: what the writer's transactions are made of."""

from dataclasses import dataclass

from antiphon.v1 import transition_pb2
from antiphon_server.application import transitions
from antiphon_server.application.proposals import proposal_from
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.errors import AntiphonError, FailedPrecondition
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.states import CANCELLING, DEFAULT_NAMES, TERMINAL, VerdictKind
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet


@dataclass(slots=True)
class ProposeTransition:
    """Decides a proposal; a unary caller that is told to WAIT asks again."""

    proposal: Proposal

    def needs(self, needs: Needs) -> None:
        transitions.needs_of(self.proposal, needs)

    def apply(self, working_set: WorkingSet) -> Verdict:
        return transitions.propose(working_set, self.proposal)


@dataclass(slots=True)
class ExplainTransition:
    """Says what would be decided and writes nothing."""

    proposal: Proposal

    def needs(self, needs: Needs) -> None:
        transitions.needs_of(self.proposal, needs)

    def apply(self, working_set: WorkingSet) -> Verdict:
        return transitions.explain(working_set, self.proposal)


@dataclass(slots=True)
class ProposeOnSession:
    """Decides a session's proposal; one that must wait is kept and decided again when its time has come."""

    proposal: Proposal
    sequence: int
    #: The serialized message.
    body: bytes

    def needs(self, needs: Needs) -> None:
        transitions.needs_of(self.proposal, needs)

    def apply(self, working_set: WorkingSet) -> Verdict:
        verdict = transitions.propose(working_set, self.proposal)
        if verdict.kind is VerdictKind.WAIT:
            working_set.put_wait(
                {
                    "transition_id": self.proposal.transition_id,
                    "run_id": self.proposal.run_id,
                    "session_id": self.proposal.session_id,
                    "sequence": self.sequence,
                    "until_time": verdict.wait_until,
                    "proposal": self.body,
                }
            )
        return verdict


@dataclass(slots=True)
class FinalVerdict:
    """What a session that waited is told in the end."""

    session_id: str
    sequence: int
    answer: Verdict | AntiphonError


@dataclass(slots=True)
class EndWait:
    """Decides a waiting proposal again. The answer is None where it still waits or was decided meanwhile."""

    transition_id: str
    run_kind: RunKind
    run_id: str

    def needs(self, needs: Needs) -> None:
        needs.transitions.add(self.transition_id)
        needs.run(self.run_kind, self.run_id)

    def apply(self, working_set: WorkingSet) -> FinalVerdict | None:
        waits = tables.waits
        here = waits.c.transition_id == self.transition_id
        row = working_set.connection.execute(waits.select().where(here)).one_or_none()
        if row is None:
            return None
        if working_set.transition(self.transition_id) is not None:
            working_set.end_waits(here)
            return None
        message = transition_pb2.Proposal.FromString(row.proposal)
        proposal = proposal_from(message, session_id=row.session_id, body=row.proposal)
        answer: Verdict | AntiphonError
        try:
            answer = ProposeOnSession(proposal, row.sequence, row.proposal).apply(working_set)
            if answer.kind is VerdictKind.WAIT:
                return None
        except AntiphonError as error:  # What can never be decided does not wait for ever.
            answer = error
        working_set.end_waits(here)
        return FinalVerdict(row.session_id, row.sequence, answer)


@dataclass(slots=True)
class CancelFlowRun:
    """Asks a run to stop. A run that is CANCELLING already is left so, without a verdict; one that has ended is an
    error."""

    run_id: str
    reason: str
    transition_id: str

    def needs(self, needs: Needs) -> None:
        needs.flow_runs.add(self.run_id)
        needs.transitions.add(self.transition_id)

    def apply(self, working_set: WorkingSet) -> Verdict | None:
        run = transitions.find_run(working_set, RunKind.FLOW_RUN, self.run_id)
        if run.state_type in TERMINAL:
            raise FailedPrecondition("RUN_TERMINAL", f"flow run {run.id} has ended already ({run.state_name})")
        if run.state_type == CANCELLING:
            return None
        state = State(CANCELLING, DEFAULT_NAMES[CANCELLING], message=self.reason)
        return transitions.propose(
            working_set, Proposal(self.transition_id, RunKind.FLOW_RUN, self.run_id, state, session_id=None)
        )
