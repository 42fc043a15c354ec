"""Slots that came free go to those who wait, in the same transaction: first by priority, then by the order of asking.

A proposal that waits is decided anew and its final verdict is pushed. A run that could not wait on a line is given the
slot and scheduled for now; it has some time to be claimed before the next one is called. A lease that is waited for is
given, and the call that waits is answered once that is committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from uuid_utils import uuid7

from antiphon.v1 import transition_pb2
from antiphon_server.application import leasing, transitions
from antiphon_server.application.fact_finding import facts_for
from antiphon_server.application.proposals import known_proposal_from
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain import limit_names
from antiphon_server.domain.deadlines import claim_time
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.facts import Deployment
from antiphon_server.domain.model import Proposal, Run, RunKind, State, StateDetails
from antiphon_server.domain.rules import policy_of
from antiphon_server.domain.slots import full, wanted
from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT, DEFAULT_NAMES, PENDING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from antiphon_server.storage.waiting import Unserved, Waiter, WaiterKind
from antiphon_server.storage.working_set import FinalVerdict, Needs, WorkingSet

#: Waiters that are looked at in one transaction, so that no verdict waits long for it.
MOST = 50


def hand_over(working_set: WorkingSet, limit_ids: Iterable[str], *, everyone: bool = False) -> None:
    """Serves those who wait for these limits as far as there are slots; a limit that is gone or closed lets all of them
    be decided anew. So does `everyone`, for a limit that they may be subject to no longer.

    What is more than `MOST` of them is left in `changes.unserved`, for `HandOn`.
    """
    working_set.changes.room_for_work = True
    _serve_some(working_set, [Unserved(limit_id, None, everyone) for limit_id in limit_ids], MOST)


def serve_queue(working_set: WorkingSet, queue: Unserved, most: int) -> Unserved | None:
    """Serves at most so many of a queue. Gives what is left of it, None at its end."""
    rest, _ = _serve_in_turn(working_set, [queue], most)
    return rest[0] if rest else None


def hand_over_freed(working_set: WorkingSet) -> None:
    """The same for all limits of which slots came free in this transaction so far."""
    freed, most = working_set.slots.freed, MOST
    while freed:
        queues = [Unserved(limit_id, None, everyone=False) for limit_id in freed]
        working_set.changes.slots_for_work |= any(_bounds_work(working_set, limit_id) for limit_id in freed)
        freed.clear()
        most = _serve_some(working_set, queues, most)


def _bounds_work(working_set: WorkingSet, limit_id: str) -> bool:
    """Whether a limit is that of a work pool or a work queue, of which workers look for room."""
    limit = working_set.slots.limit(limit_id)
    return limit is not None and limit.name.startswith((limit_names.WORK_POOL, limit_names.WORK_QUEUE))


def _serve_some(working_set: WorkingSet, queues: Sequence[Unserved], most: int) -> int:
    rest, most = _serve_in_turn(working_set, queues, most)
    working_set.changes.unserved += rest
    return most


def _serve_in_turn(working_set: WorkingSet, queues: Sequence[Unserved], most: int) -> tuple[Sequence[Unserved], int]:
    """Serves at most so many of several queues as if they were one: who waits in two of them may not overtake, in the
    second, those who have waited longer for that alone. Gives what is left of the queues and of `most`."""
    while True:
        firsts = [(first, queue) for queue in queues if (first := _first(working_set, queue)) is not None]
        if not firsts or not most:
            return [queue for _, queue in firsts], most
        waiter, queue = min(firsts, key=_turn)
        _serve(working_set, waiter, queue.limit_id)
        # The other queues have nobody before this one.
        queues, most = [replace(each, after=waiter) for _, each in firsts], most - 1


def _first(working_set: WorkingSet, queue: Unserved) -> Waiter | None:
    """Whom to look at next in a queue; None where nobody is left, or nobody can have a slot."""
    if not queue.everyone and _exhausted(working_set, queue.limit_id):
        return None
    waiter = working_set.waiting.next_for(queue.limit_id, after=queue.after)
    if waiter is None or queue.everyone or _may_pass(working_set, queue.limit_id, waiter):
        return waiter
    return None


def _turn(first: tuple[Waiter, Unserved]) -> tuple[int, int, str]:
    waiter, _ = first
    return waiter.rank, waiter.position, waiter.id


def _exhausted(working_set: WorkingSet, limit_id: str) -> bool:
    limit = working_set.slots.limit(limit_id)
    return limit is not None and limit.active and limit.slots > 0 and not limit.room


def _may_pass(working_set: WorkingSet, limit_id: str, waiter: Waiter) -> bool:
    """Whether a waiter finds as many slots as it needs, or must hear that it never will. Nobody passes one that does
    not: it would be overtaken for ever."""
    limit = working_set.slots.limit(limit_id)
    return limit is None or not limit.active or waiter.count <= limit.room or waiter.count > limit.slots


def _serve(working_set: WorkingSet, waiter: Waiter, limit_id: str) -> None:
    match waiter.kind:
        case WaiterKind.PROPOSAL:
            decide_again(working_set, waiter.id)
        case WaiterKind.RUN:
            _call(working_set, waiter)
        case WaiterKind.LEASE:
            leasing.serve(working_set, waiter, looking_at=limit_id)


def decide_again(working_set: WorkingSet, transition_id: str) -> None:
    """Decides a waiting proposal anew; a final verdict is left for the session that waits for it."""
    waits = tables.waits
    here = waits.c.transition_id == transition_id
    row = working_set.connection.execute(waits.select().where(here)).one_or_none()
    if row is None:
        working_set.waiting.leave(transition_id)
        return
    message = transition_pb2.Proposal.FromString(row.proposal)
    proposal = known_proposal_from(message, session_id=row.session_id, body=row.proposal)
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
    working_set.changes.final_verdicts.append(FinalVerdict(row.session_id, row.sequence, transition_id, answer))


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
    working_set.slots.take(run.id, limit_ids, expire_time=working_set.now + claim_time(deployment))
    run.holds_slots = True
    working_set.touch(run)
