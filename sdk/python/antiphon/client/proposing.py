"""States that are proposed for a run, and what became of them."""

import math
from datetime import UTC, datetime
from uuid import UUID

from antiphon.client.conversions.values import uuid_text
from antiphon.client.operation import ClientBase
from antiphon.client.schemas.responses import (
    OrchestrationResult,
    SetStateStatus,
    StateAbortDetails,
    StateAcceptDetails,
    StateRejectDetails,
    StateWaitDetails,
)
from antiphon.engine.dual import Work
from antiphon.ids import new_id
from antiphon.state_core import State
from antiphon.state_protos import from_proto, to_proto
from antiphon.timestamps import read_timestamp
from antiphon.v1.transition_pb2 import Proposal, Verdict, VerdictKind
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest, ProposeTransitionResponse

__all__ = ["propose_flow_run_state", "propose_task_run_state"]


def propose_flow_run_state(
    client: ClientBase, flow_run_id: UUID | str, state: State, force: bool = False
) -> Work[OrchestrationResult]:
    """Gives what became of the state. Raises ObjectNotFound for an unknown run, and as `ClientBase.call`."""
    id = uuid_text(flow_run_id, "flow_run_id")
    proposal = Proposal(transition_id=new_id(), flow_run_id=id, state=to_proto(state), force=force)
    verdict = yield from _propose(client, proposal)
    held = from_proto(verdict.state, flow_run_id=id) if verdict.HasField("state") else None
    return _result(verdict, held, state)


def propose_task_run_state(
    client: ClientBase, task_run_id: UUID | str, state: State, force: bool = False
) -> Work[OrchestrationResult]:
    """The same for a task run."""
    id = uuid_text(task_run_id, "task_run_id")
    proposal = Proposal(transition_id=new_id(), task_run_id=id, state=to_proto(state), force=force)
    verdict = yield from _propose(client, proposal)
    held = from_proto(verdict.state, task_run_id=id) if verdict.HasField("state") else None
    return _result(verdict, held, state)


def _propose(client: ClientBase, proposal: Proposal) -> Work[Verdict]:
    # Which state it becomes says the proposal; its own id may have been used.
    proposal.state.ClearField("id")
    answer = yield from client.call(
        lambda services: services.transitions.ProposeTransition,
        ProposeTransitionRequest(proposal=proposal),
        ProposeTransitionResponse,
    )
    return answer.verdict


def _result(verdict: Verdict, held: State | None, proposed: State) -> OrchestrationResult:
    reason = verdict.reason or None
    details: StateAcceptDetails | StateRejectDetails | StateAbortDetails | StateWaitDetails
    if verdict.kind == VerdictKind.VERDICT_KIND_ACCEPT:
        status, details = SetStateStatus.ACCEPT, StateAcceptDetails()
        if held is not None and proposed.has_value():
            held.keep(proposed.kept_value())
    elif verdict.kind == VerdictKind.VERDICT_KIND_REJECT:
        status, details = SetStateStatus.REJECT, StateRejectDetails(reason=reason)
    elif verdict.kind == VerdictKind.VERDICT_KIND_WAIT:
        status, details = SetStateStatus.WAIT, StateWaitDetails(delay_seconds=_delay(verdict), reason=reason)
    else:
        status, details = SetStateStatus.ABORT, StateAbortDetails(reason=reason)
    return OrchestrationResult(state=held, status=status, details=details)


def _delay(verdict: Verdict) -> int:
    """Whole seconds until the answer will be another one; 1 where nobody knows."""
    if not verdict.HasField("wait_until_time"):
        return 1
    left = (read_timestamp(verdict.wait_until_time) - datetime.now(UTC)).total_seconds()
    return max(0, math.ceil(left))
