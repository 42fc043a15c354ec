"""A task runs only while the flow run around it does; in a paused one it is put off."""

from dataclasses import dataclass

from antiphon_server.domain.bookkeeping import NOT_READY
from antiphon_server.domain.decision import Finding
from antiphon_server.domain.facts import Fact, Facts
from antiphon_server.domain.model import Proposal, State, StateDetails
from antiphon_server.domain.rule import Rule
from antiphon_server.domain.states import PAUSED, RUNNING, StateType, VerdictKind


@dataclass(frozen=True)
class FlowIsRunning(Rule):
    targets = frozenset({RUNNING})
    needs = frozenset({Fact.FLOW_RUN})

    def check(self, facts: Facts, proposal: Proposal, now: int) -> Finding | None:
        flow_run = facts.flow_run
        if flow_run is None or flow_run.state_type == RUNNING:
            return None
        held = "no state" if flow_run.state_type is None else StateType(flow_run.state_type).name
        said = (("flow run", flow_run.id), ("its state", flow_run.state_name or held))
        if flow_run.state_type == PAUSED:
            pause = flow_run.details
            details = StateDetails(pause_expire_time=pause.pause_expire_time, pause_reschedule=pause.pause_reschedule)
            put_off = State(PAUSED, NOT_READY, f"flow run {flow_run.id} is paused", details)
            reason = "the flow run is paused; its tasks run when it is resumed"
            remedy = f"resume flow run {flow_run.id}"
            return Finding(self.name, VerdictKind.REJECT, reason, put_off, facts=said, remedy=remedy)
        return Finding(self.name, VerdictKind.ABORT, f"the flow run around it is in {held}", facts=said)
