"""The use case that everything else leads to: decide a proposal on the facts and write what follows."""

from copy import copy

from uuid_utils import uuid7

from antiphon_server.application.fact_finding import facts_for, note_needs
from antiphon_server.application.proposals import digest_of
from antiphon_server.application.slot_moves import move_slots
from antiphon_server.application.stopping import stopped_by
from antiphon_server.application.verdicts import Verdict, findings_of, from_decision, from_memory
from antiphon_server.domain.bookkeeping import enter, remember
from antiphon_server.domain.deadlines import KILL, deadline_of
from antiphon_server.domain.decision import (
    Decision,
    EndPutOff,
    KeepInCache,
    MirrorToParent,
    Queued,
    Remember,
    Restart,
    StopBelow,
    StopOthers,
    TellHolder,
)
from antiphon_server.domain.errors import AlreadyExists, not_found
from antiphon_server.domain.facts import Facts
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.policy import Policy, decide
from antiphon_server.domain.rules import policy_of
from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT, PENDING, TERMINAL, Origin, VerdictKind
from antiphon_server.storage.records import Transition
from antiphon_server.storage.surroundings import CacheEntry
from antiphon_server.storage.waiting import Claimant
from antiphon_server.storage.working_set import Needs, WorkingSet


def needs_of(proposal: Proposal, needs: Needs) -> None:
    needs.transitions.add(proposal.transition_id)
    needs.run(proposal.kind, proposal.run_id)
    note_needs(policy_of(proposal), proposal, needs)


def propose(working_set: WorkingSet, proposal: Proposal, policy: Policy | None = None) -> Verdict:
    """Decides and writes. A proposal that was decided before gets its verdict again; WAIT writes nothing.

    `policy` is the one for such proposals unless a service has its own. Raises NotFound for an unknown run,
    AlreadyExists (TRANSITION_ID_REUSED) for a known id with another body.
    """
    known = decided_before(working_set, proposal)
    if known is not None:
        return from_memory(working_set, known)
    return _decide(working_set, proposal, policy or policy_of(proposal))[0]


def attempt(working_set: WorkingSet, proposal: Proposal) -> Verdict:
    """The same for a proposal that the server makes again and again, each time under a new id. Nobody will ask what
    became of it, so a refusal that leaves the run as it is is not kept."""
    return _decide(working_set, proposal, policy_of(proposal), keep_refusal=False)[0]


def propose_on_session(working_set: WorkingSet, proposal: Proposal, sequence: int, body: bytes) -> Verdict:
    """The same for a session, which hears of the end of a WAIT: the proposal is kept until then. `body` is the
    serialized message and `sequence` the number of its frame."""
    known = decided_before(working_set, proposal)
    if known is not None:
        return from_memory(working_set, known)
    verdict, run, decision = _decide(working_set, proposal, policy_of(proposal))
    if decision.verdict is VerdictKind.WAIT:
        row = {
            "transition_id": proposal.transition_id,
            "run_id": proposal.run_id,
            "session_id": proposal.session_id,
            "sequence": sequence,
            # The time of a wait for slots is a guess; who frees one calls.
            "until_time": None if decision.wait_for else decision.wait_until,
            "proposal": body,
        }
        working_set.waiting.put(row, run, decision.wait_for)
    return verdict


def _decide(
    working_set: WorkingSet, proposal: Proposal, policy: Policy, *, keep_refusal: bool = True
) -> tuple[Verdict, Run, Decision]:
    run = find_run(working_set, proposal.kind, proposal.run_id)
    facts = facts_for(working_set, policy, run, proposal)
    decision = decide(policy, facts, proposal, working_set.now)
    if decision.state is not None or (keep_refusal and decision.verdict is not VerdictKind.WAIT):
        _write(working_set, facts, proposal, decision)
    if working_set.changes.tally is not None:
        working_set.changes.tally.note(proposal, decision)
    return from_decision(working_set, proposal.transition_id, run, decision), run, decision


def decided_before(working_set: WorkingSet, proposal: Proposal) -> Transition | None:
    """What was decided on this very proposal. Raises AlreadyExists (TRANSITION_ID_REUSED) where another one has its
    id, decided or waiting."""
    known = working_set.transition(proposal.transition_id)
    if known is not None:
        if known.run_id == proposal.run_id and known.digest == proposal.digest:
            return known
        raise _reused(proposal)
    waiting = working_set.waiting.proposals.get(proposal.transition_id)
    if waiting is not None and digest_of(waiting) != proposal.digest:
        raise _reused(proposal)
    return None


def _reused(proposal: Proposal) -> AlreadyExists:
    return AlreadyExists(
        "TRANSITION_ID_REUSED",
        f"transition {proposal.transition_id} was proposed before with another body; make a new id (UUIDv7)",
        field="proposal.transition_id",
    )


def find_run(working_set: WorkingSet, kind: RunKind, run_id: str) -> Run:
    run = working_set.run(kind, run_id)
    if run is None:
        raise not_found(kind.noun, run_id)
    return run


def _write(working_set: WorkingSet, facts: Facts, proposal: Proposal, decision: Decision) -> None:
    run, state = facts.run, decision.state
    held = run.state_id
    if state is not None:
        state.id = proposal.transition_id
        _enter(working_set, facts, proposal, decision, state)
    working_set.add_transition(
        Transition(
            id=proposal.transition_id,
            run_id=run.id,
            digest=proposal.digest,
            verdict=decision.verdict,
            reason=decision.reason,
            findings=findings_of(decision),
            run_count=run.run_count,
            fencing_token=run.fencing_token,
            create_time=working_set.now,
            state=state,
            held_state_id=held if state is None else None,
        )
    )
    if state is not None:
        _follow(working_set, run, state, decision)


def _enter(working_set: WorkingSet, facts: Facts, proposal: Proposal, decision: Decision, state: State) -> None:
    """Moves the run, and its slots with it."""
    run, before = facts.run, facts.run.state_type
    claimer = run.session_id
    recount(run, decision)
    if run.state_name == AWAITING_CONCURRENCY_SLOT != state.name:  # Who is told so again keeps its place.
        working_set.waiting.leave(run.id)
    enter(
        run,
        state,
        working_set.now,
        session_id=proposal.session_id,
        flow_run_run_count=facts.flow_run.run_count if facts.flow_run is not None else None,
    )
    run.launcher_session_id = _launcher_after(run, before, claimer)
    if run.state_type == PENDING != before and run.fencing_token > 1:
        run.infrastructure_pid = ""  # What ran it before is none of the new claimer's.
    run.deadline_time = deadline_of(run, facts.deployment)
    move_slots(working_set, run, before, decision.effects)
    working_set.touch(run)
    working_set.tell_of_run(run)


def _launcher_after(run: Run, before: Origin, claimer: str | None) -> str | None:
    """The session that had somebody else run what it claimed. A new claim, or an end, is the end of that: it must not
    be told to kill what somebody else runs."""
    if run.state_type in TERMINAL or (run.state_type == PENDING and before != PENDING):
        return None
    if before == PENDING and claimer is not None and run.session_id not in (None, claimer):
        return claimer
    return run.launcher_session_id


def recount(run: Run, decision: Decision) -> None:
    """Starts counting attempts anew where the decision says so; before the run enters the state."""
    if Restart() in decision.effects:
        run.run_count = 0


def _follow(working_set: WorkingSet, run: Run, state: State, decision: Decision) -> None:
    """What the state means for others."""
    for effect in decision.effects:
        match effect:
            case TellHolder():
                tell_holder(working_set, run.kind, run.id, effect)
            case MirrorToParent():
                _mirror(working_set, run, effect, state)
            case Remember():
                remember(run, effect)
            case KeepInCache():
                entry = CacheEntry(state.id, effect.cache_key, working_set.now, effect.expire_time)
                working_set.surroundings.keep(entry)
            case Queued():
                working_set.waiting.join(run.id, Claimant.of_run(run), effect.limit_ids)
            case StopBelow() | StopOthers() | EndPutOff():
                for stopped in stopped_by(working_set, run.id, effect):
                    propose(working_set, stopped)


def tell_holder(
    working_set: WorkingSet, kind: RunKind, run_id: str, effect: TellHolder, *, infrastructure_pid: str | None = None
) -> None:
    """Leaves a command for a session that holds, held or launched the run."""
    flow = kind is RunKind.FLOW_RUN
    working_set.add_command(
        {
            "id": str(uuid7()),
            "session_id": effect.session_id,
            "kind": effect.what.value,
            "flow_run_id": run_id if flow else None,
            "task_run_id": None if flow else run_id,
            "reason": effect.reason,
            "infrastructure_pid": infrastructure_pid,
            "state_id": effect.state_id,
            "stage": 0,
            "message": "",
            "create_time": working_set.now,
            "update_time": None,
        }
    )


def _mirror(working_set: WorkingSet, child: Run, effect: MirrorToParent, state: State) -> None:
    """The task run that stands for a subflow enters what the subflow entered; it has no will of its own."""
    parent = working_set.run(RunKind.TASK_RUN, effect.task_run_id)
    if parent is None:
        return
    details = copy(state.details) if state.details is not None else StateDetails()
    details.child_flow_run_id = child.id
    mirrored = State(state.type, state.name, state.message, details, state.data, id=str(uuid7()))
    around = working_set.run(RunKind.FLOW_RUN, parent.flow_run_id) if parent.flow_run_id is not None else None
    before = parent.state_type
    enter(
        parent,
        mirrored,
        working_set.now,
        session_id=child.session_id,
        flow_run_run_count=around.run_count if around is not None else None,
    )
    # The child's deadline decides for both; should the child be deleted before, nobody else would decide on this one.
    parent.deadline_time = child.deadline_time + KILL if child.deadline_time is not None else None
    move_slots(working_set, parent, before, ())
    working_set.touch(parent)
    working_set.tell_of_run(parent)
    working_set.add_transition(
        Transition(
            id=mirrored.id,
            run_id=parent.id,
            digest=b"",
            verdict=VerdictKind.ACCEPT,
            reason="",
            findings=(),
            run_count=parent.run_count,
            fencing_token=parent.fencing_token,
            create_time=working_set.now,
            state=mirrored,
            held_state_id=None,
        )
    )
    if working_set.changes.tally is not None:
        working_set.changes.tally.note_mirrored(parent.kind, mirrored.type)
