"""What a long-running operation does with the runs of one chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from antiphon_server.application import transitions
from antiphon_server.application.operations import CancelFlowRun
from antiphon_server.application.run_deletion import delete_runs
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.bulk import BulkVerb, Outcome, Refusal, arrived
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.model import Proposal, RunKind, State
from antiphon_server.domain.rules.retry_failed import AWAITING_RETRY
from antiphon_server.domain.states import CANCELLING, SCHEDULED, TERMINAL, StateType
from antiphon_server.storage.working_set import WorkingSet

#: What is known of a run after it was handled.
Handled = tuple[str, Outcome | Refusal]


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, by which operation."""

    operation_id: str
    verb: BulkVerb
    reason: str
    #: SET_STATE: what to propose.
    state: State | None
    force: bool


def transition_of(operation_id: str, run_id: str) -> str:
    """The id of the transition that an operation proposes for a run: always the same, so that a redo is a replay."""
    return str(uuid5(UUID(operation_id), run_id))


def handle(working_set: WorkingSet, order: Order, run_ids: Sequence[str]) -> Iterator[Handled]:
    """Does what is ordered with runs that are there. An error is about its run alone."""
    if order.verb is BulkVerb.DELETE:
        working_set.flush()
        delete_runs(working_set, RunKind.FLOW_RUN, run_ids)
        yield from ((run_id, Outcome.SUCCEEDED) for run_id in run_ids)
        return
    act = {BulkVerb.CANCEL: _cancel, BulkVerb.RETRY: _retry, BulkVerb.SET_STATE: _set_state}[order.verb]
    for run_id in run_ids:
        try:
            yield run_id, act(working_set, order, run_id)
        except AntiphonError as error:
            yield run_id, Refusal(error.reason, error.message)


def _cancel(working_set: WorkingSet, order: Order, run_id: str) -> Outcome | Refusal:
    run = transitions.find_run(working_set, RunKind.FLOW_RUN, run_id)
    if run.state_type in TERMINAL:
        return Outcome.SKIPPED
    cancel = CancelFlowRun(run_id, order.reason, transition_of(order.operation_id, run_id))
    verdict = cancel.apply(working_set)
    return Outcome.SKIPPED if verdict is None else _outcome(CANCELLING, verdict)


def _retry(working_set: WorkingSet, order: Order, run_id: str) -> Outcome | Refusal:
    run = transitions.find_run(working_set, RunKind.FLOW_RUN, run_id)
    if run.state_type not in TERMINAL:
        return Outcome.SKIPPED
    return _propose(working_set, order, run_id, State(SCHEDULED, AWAITING_RETRY))


def _set_state(working_set: WorkingSet, order: Order, run_id: str) -> Outcome | Refusal:
    assert order.state is not None
    return _propose(working_set, order, run_id, order.state)


def _propose(working_set: WorkingSet, order: Order, run_id: str, state: State) -> Outcome | Refusal:
    transition_id = transition_of(order.operation_id, run_id)
    # Each run gets a state of its own: what is written of one must not show in another.
    details = replace(state.details) if state.details is not None else None
    proposed = replace(state, id=transition_id, details=details)
    proposal = Proposal(transition_id, RunKind.FLOW_RUN, run_id, proposed, force=order.force)
    return _outcome(state.type, transitions.propose(working_set, proposal))


def _outcome(wanted: StateType, verdict: Verdict) -> Outcome | Refusal:
    held = verdict.state
    if arrived(wanted, verdict.kind, held.type if held is not None else None):
        return Outcome.SUCCEEDED
    rule = verdict.findings[-1][0] if verdict.findings else verdict.kind.name
    return Refusal(rule, verdict.reason)
