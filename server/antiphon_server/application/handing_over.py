"""Slots that came free go to those who wait, in the same transaction: first by priority, then by the order of asking.

A proposal that waits is decided anew and its final verdict is pushed. A run that could not wait on a line is given the
slot and scheduled for now; it has some time to be claimed before the next one is called.
"""

from collections.abc import Iterable, Sequence

from uuid_utils import uuid7

from antiphon.v1 import transition_pb2
from antiphon_server.application import transitions
from antiphon_server.application.fact_finding import facts_for
from antiphon_server.application.proposals import proposal_from
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.deadlines import CLAIM
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.facts import Deployment
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.rules import policy_of
from antiphon_server.domain.rules.take_slot import AWAITING_CONCURRENCY_SLOT
from antiphon_server.domain.slots import full, wanted
from antiphon_server.domain.states import DEFAULT_NAMES, PENDING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from antiphon_server.storage.waiting import Waiter
from antiphon_server.storage.working_set import Needs, WorkingSet


def hand_over(working_set: WorkingSet, limit_ids: Iterable[str], *, everyone: bool = False) -> None:
    """Serves those who wait for these limits as far as there are slots; a limit that is gone or closed lets all of them
    be decided anew. So does `everyone`, for a limit that they may be subject to no longer."""
    for limit_id in limit_ids:
        waiter: Waiter | None = None
        while everyone or not _exhausted(working_set, limit_id):
            waiter = working_set.waiting.next_for(limit_id, after=waiter)
            if waiter is None:
                break
            _serve(working_set, waiter)


def hand_over_freed(working_set: WorkingSet) -> None:
    """The same for all limits of which slots came free in this transaction so far."""
    freed = working_set.slots.freed
    while freed:
        limit_id = next(iter(freed))
        del freed[limit_id]
        hand_over(working_set, (limit_id,))


def _exhausted(working_set: WorkingSet, limit_id: str) -> bool:
    limit = working_set.slots.limit(limit_id)
    return limit is not None and limit.active and 0 < limit.slots <= limit.taken


def _serve(working_set: WorkingSet, waiter: Waiter) -> None:
    if waiter.id == waiter.run_id:
        _call(working_set, waiter)
    else:
        decide_again(working_set, waiter.id)


def decide_again(working_set: WorkingSet, transition_id: str) -> None:
    """Decides a waiting proposal anew; a final verdict is left for the session that waits for it."""
    waits = tables.waits
    here = waits.c.transition_id == transition_id
    row = working_set.connection.execute(waits.select().where(here)).one_or_none()
    if row is None:
        working_set.waiting.leave(transition_id)
        return
    message = transition_pb2.Proposal.FromString(row.proposal)
    proposal = proposal_from(message, session_id=row.session_id, body=row.proposal)
    needs = Needs()
    transitions.needs_of(proposal, needs)
    working_set.load(needs)
    if working_set.transition(transition_id) is not None:
        working_set.waiting.end(here)
        return
    answer: Verdict | AntiphonError
    try:
        answer = transitions.propose_on_session(working_set, proposal, row.sequence, row.proposal)
        if answer.kind is VerdictKind.WAIT:
            return
    except AntiphonError as error:  # What can never be decided does not wait for ever.
        answer = error
    working_set.waiting.end(here)
    working_set.changes.final_verdicts.append((row.session_id, row.sequence, answer))


def _call(working_set: WorkingSet, waiter: Waiter) -> None:
    """Gives a queued run its slot and schedules it for now, if all its limits have one."""
    needs = Needs(flow_runs={waiter.run_id}, limited_flow_runs={waiter.run_id})
    working_set.load(needs)
    run = working_set.run(RunKind.FLOW_RUN, waiter.run_id)
    if run is None or run.state_name != AWAITING_CONCURRENCY_SLOT:
        working_set.waiting.leave(waiter.id)
        return
    claim = Proposal("", run.kind, run.id, State(PENDING, DEFAULT_NAMES[PENDING]), claim=True)
    facts = facts_for(working_set, policy_of(claim), run, claim)
    queues = working_set.waiting.limits_of(waiter.id)
    limits = [limit for limit in wanted(facts.limits) if limit.id in queues]
    if full(limits):
        return
    details = StateDetails(scheduled_time=working_set.now)
    state = State(SCHEDULED, DEFAULT_NAMES[SCHEDULED], "its turn has come: a slot is kept for it", details)
    called = Proposal(str(uuid7()), run.kind, run.id, state, expected_state_id=run.state_id or "", force=True)
    transitions.propose(working_set, called)
    # Not before: SCHEDULED gives slots back. Its next claimer finds them in the run's hand.
    _reserve(working_set, run, [limit.id for limit in limits], facts.deployment)


def _reserve(working_set: WorkingSet, run: Run, limit_ids: Sequence[str], deployment: Deployment | None) -> None:
    if not limit_ids:
        return
    grace = deployment.grace_period if deployment is not None else None
    until = working_set.now + (grace if grace is not None else CLAIM)
    working_set.slots.take(run.id, limit_ids, expire_time=until)
    run.holds_slots = True
    working_set.touch(run)
