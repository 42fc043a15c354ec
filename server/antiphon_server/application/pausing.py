"""Operations that pause a flow run and have it go on."""

from dataclasses import dataclass, replace

from antiphon.v1 import payload_pb2
from antiphon_server.application import transitions
from antiphon_server.application.explaining import explain
from antiphon_server.application.input_schemas import check_input
from antiphon_server.application.inputs import FlowRunInput, replace_input
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.bookkeeping import told_to_resume
from antiphon_server.domain.deadlines import overdue
from antiphon_server.domain.decision import Tell, TellHolder
from antiphon_server.domain.errors import Aborted, AntiphonError, FailedPrecondition
from antiphon_server.domain.model import LAST_TIME, Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.rules.leave_pause import RESUMING, is_over
from antiphon_server.domain.states import DEFAULT_NAMES, PAUSED, RUNNING, SCHEDULED, VerdictKind
from antiphon_server.storage.working_set import Needs, WorkingSet

SUSPENDED = "Suspended"


@dataclass(frozen=True, slots=True)
class Pause:
    """What is asked of a pause."""

    #: Microseconds, or None for ever.
    timeout: int | None
    key: str
    input_schema: str
    reason: str
    #: The process ends meanwhile.
    suspend: bool


@dataclass(slots=True)
class PauseFlowRun:
    """Pauses or suspends a run, for whoever asks. Raises FailedPrecondition (PAUSE_REFUSED, SUSPEND_REFUSED)."""

    run_id: str
    pause: Pause
    transition_id: str

    def needs(self, needs: Needs) -> None:
        transitions.needs_of(self._proposal(0), needs)

    def apply(self, working_set: WorkingSet) -> None:
        reason, what = ("SUSPEND_REFUSED", "suspended") if self.pause.suspend else ("PAUSE_REFUSED", "paused")
        _propose(working_set, self._proposal(working_set.now), reason, what)

    def _proposal(self, now: int) -> Proposal:
        pause = self.pause
        details = StateDetails(
            pause_expire_time=None if pause.timeout is None else min(now + pause.timeout, LAST_TIME),
            pause_reschedule=pause.suspend,
            pause_key=pause.key,
            input_schema=pause.input_schema,
        )
        name = SUSPENDED if pause.suspend else DEFAULT_NAMES[PAUSED]
        return Proposal(self.transition_id, RunKind.FLOW_RUN, self.run_id, State(PAUSED, name, pause.reason, details))


@dataclass(frozen=True, slots=True)
class CheckedInput:
    """An answer to a pause, and what the look at it said: it is too much work for the writer."""

    payload: payload_pb2.Payload | None
    #: The state whose schema it was checked against; None where the run was not paused, or was not there.
    state_id: str | None
    #: Why it does not fit, if so.
    error: AntiphonError | None = None


async def checked_input(payload: payload_pb2.Payload | None, state_id: str, schema: str) -> CheckedInput:
    """Looks whether an answer fits the schema of a pause; an empty schema takes anything."""
    try:
        if schema:
            await check_input(schema, payload, "input")
    except AntiphonError as error:
        return CheckedInput(payload, state_id, error)
    return CheckedInput(payload, state_id)


@dataclass(slots=True)
class ResumeFlowRun:
    """Ends a pause, and keeps the answer to it. One whose time is over fails its run instead, without an error.

    Raises FailedPrecondition (RUN_NOT_PAUSED, RESUME_REFUSED), Aborted (STATE_CHANGED), or what the input's check said.
    """

    run_id: str
    input: CheckedInput
    transition_id: str

    def needs(self, needs: Needs) -> None:
        for target in (SCHEDULED, RUNNING):
            transitions.needs_of(self._proposal(State(target, DEFAULT_NAMES[target])), needs)

    def apply(self, working_set: WorkingSet) -> None:
        run = transitions.find_run(working_set, RunKind.FLOW_RUN, self.run_id)
        if run.state_type != PAUSED or run.resuming:
            raise _not_paused(run)
        if is_over(run, working_set.now):
            failed = overdue(run, self.transition_id, working_set.now)
            assert failed is not None
            transitions.propose(working_set, failed)
            return
        if self.input.state_id != run.state_id:
            raise Aborted("STATE_CHANGED", f"flow run {run.id} was paused anew while it was looked at; ask again")
        if self.input.error is not None:
            raise self.input.error
        # The key is that of the pause that is left.
        key = run.details.pause_key or run.state_id or ""
        if run.details.pause_reschedule:
            details = StateDetails(scheduled_time=working_set.now)
            proposal = self._proposal(State(SCHEDULED, RESUMING, details=details))
            _propose(working_set, proposal, "RESUME_REFUSED", "resumed")
        elif run.session_id is None:
            running = State(RUNNING, DEFAULT_NAMES[RUNNING])
            _propose(working_set, self._proposal(running), "RESUME_REFUSED", "resumed")
        else:
            self._tell_holder(working_set, run, run.session_id)
        if self.input.payload is not None:
            value = self.input.payload.SerializeToString(deterministic=True)
            replace_input(working_set, FlowRunInput(run.id, key, value))

    def _tell_holder(self, working_set: WorkingSet, run: Run, holder: str) -> None:
        """The process that holds the run goes on by itself, since it may have to wait for a slot."""
        foreseen = self._proposal(State(RUNNING, DEFAULT_NAMES[RUNNING]))
        verdict = explain(working_set, replace(foreseen, session_id=holder)).verdict
        if verdict.kind not in (VerdictKind.ACCEPT, VerdictKind.WAIT):
            raise _refused(verdict, run.id, "RESUME_REFUSED", "resumed")
        told_to_resume(run, working_set.now)
        working_set.touch(run)
        tell = TellHolder(holder, Tell.RESUME, "", run.state_id)
        transitions.tell_holder(working_set, RunKind.FLOW_RUN, run.id, tell)

    def _proposal(self, state: State) -> Proposal:
        return Proposal(self.transition_id, RunKind.FLOW_RUN, self.run_id, state)


def _propose(working_set: WorkingSet, proposal: Proposal, reason: str, what: str) -> None:
    """Proposes what the policy will accept; raises FailedPrecondition, with nothing written, where it will not."""
    foreseen = explain(working_set, _copied(proposal)).verdict
    if foreseen.kind is not VerdictKind.ACCEPT:
        raise _refused(foreseen, proposal.run_id, reason, what)
    transitions.propose(working_set, proposal)


def _copied(proposal: Proposal) -> Proposal:
    """Explaining enters the state into a copy of the run, and that sets its time."""
    return replace(proposal, state=replace(proposal.state))


def _refused(verdict: Verdict, run_id: str, reason: str, what: str) -> FailedPrecondition:
    rule, remedy = (verdict.findings[-1][0], verdict.findings[-1][4]) if verdict.findings else ("", "")
    message = f"flow run {run_id} cannot be {what}: {verdict.reason}"
    if remedy:
        message += f". What would help: {remedy}"
    return FailedPrecondition(reason, message, metadata={"rule": rule})


def _not_paused(run: Run) -> FailedPrecondition:
    if run.state_type == PAUSED:
        what = "was resumed already and goes on as soon as its process can"
    else:
        what = f"is not paused but {run.state_name or 'without a state'}"
    return FailedPrecondition("RUN_NOT_PAUSED", f"flow run {run.id} {what}, so it cannot be resumed")
