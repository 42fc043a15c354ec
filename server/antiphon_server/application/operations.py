"""Operations on runs: what the writer's transactions are made of."""

from dataclasses import dataclass

from antiphon_server.application import transitions
from antiphon_server.application.handing_over import decide_again
from antiphon_server.application.verdicts import Verdict, from_memory
from antiphon_server.domain.errors import FailedPrecondition
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.states import CANCELLING, DEFAULT_NAMES, TERMINAL
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
class ProposeOnSession:
    """Decides a session's proposal; one that must wait is kept and decided again when its time has come."""

    proposal: Proposal
    sequence: int
    #: The serialized message.
    body: bytes

    def needs(self, needs: Needs) -> None:
        transitions.needs_of(self.proposal, needs)

    def apply(self, working_set: WorkingSet) -> Verdict:
        return transitions.propose_on_session(working_set, self.proposal, self.sequence, self.body)


@dataclass(slots=True)
class EndWait:
    """Decides a waiting proposal again. Its final verdict, if there is one now, is among the changes."""

    transition_id: str
    run_kind: RunKind
    run_id: str

    def needs(self, needs: Needs) -> None:
        needs.transitions.add(self.transition_id)
        needs.run(self.run_kind, self.run_id)

    def apply(self, working_set: WorkingSet) -> None:
        decide_again(working_set, self.transition_id)


@dataclass(slots=True)
class RecallVerdict:
    """The verdict that a proposal has got; None where it is not remembered."""

    transition_id: str

    def needs(self, needs: Needs) -> None:
        needs.transitions.add(self.transition_id)

    def apply(self, working_set: WorkingSet) -> Verdict | None:
        known = working_set.transition(self.transition_id)
        return from_memory(working_set, known) if known is not None else None


@dataclass(slots=True)
class CancelFlowRun:
    """Asks a run to stop. A run that is CANCELLING already is left so, without a verdict; one that has ended is an
    error."""

    run_id: str
    reason: str
    transition_id: str

    def needs(self, needs: Needs) -> None:
        transitions.needs_of(self._proposal(), needs)

    def apply(self, working_set: WorkingSet) -> Verdict | None:
        run = transitions.find_run(working_set, RunKind.FLOW_RUN, self.run_id)
        if run.state_type in TERMINAL:
            raise FailedPrecondition("RUN_TERMINAL", f"flow run {run.id} has ended already ({run.state_name})")
        if run.state_type == CANCELLING:
            return None
        return transitions.propose(working_set, self._proposal())

    def _proposal(self) -> Proposal:
        state = State(CANCELLING, DEFAULT_NAMES[CANCELLING], message=self.reason)
        return Proposal(self.transition_id, RunKind.FLOW_RUN, self.run_id, state)
