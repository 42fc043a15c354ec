"""Flow runs that found no slot: queued by a state, called in their turn with a slot kept for them, and called off."""

from typing import Any

import pytest

from antiphon_server.application.edits import Delete
from antiphon_server.application.operations import CancelFlowRun
from antiphon_server.domain.deadlines import CLAIM
from antiphon_server.domain.rules.retry_failed import SLOT_LEASE
from antiphon_server.domain.slots import SLOT_WAIT
from antiphon_server.domain.states import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    VerdictKind,
)
from antiphon_server.storage import tables
from limits import Limits, reclaim, speak
from writing import FLOW_RUN, RETRY_ONCE, SECOND, Writing, new_id

ACCEPT, REJECT, WAIT, ABORT = VerdictKind


class Runs:
    """Flow runs of one deployment, named by letters."""

    def __init__(self, writing: Writing, limits: Limits, slots: int = 1, **deployment: Any) -> None:
        self._writing = writing
        self.deployment = limits.deployment(slots, **deployment)
        self.limit = writing.row(tables.concurrency_limits, name=f"deployment:{self.deployment}").id
        self.ids: dict[str, str] = {}

    def claim(self, name: str, **more: Any) -> Any:
        """A worker takes a run, a new one where there is none of that name; gives the verdict."""
        if name not in self.ids:
            body = {key: more.pop(key) for key in ("priority", "work_queue_id", "retry_policy") if key in more}
            self.ids[name] = self._writing.flow_run(deployment_id=self.deployment, **body)
            self._writing.propose(self.ids[name], SCHEDULED)
        return self._writing.propose(self.ids[name], PENDING, **more)

    def row(self, name: str) -> Any:
        return self._writing.row(tables.flow_runs, id=self.ids[name])

    def state(self, name: str) -> str:
        return str(self.row(name).state_name)

    def ends(self, name: str) -> None:
        self._writing.propose(self.ids[name], COMPLETED)


@pytest.fixture
def runs(writing: Writing, limits: Limits) -> Runs:
    return Runs(writing, limits)


def test_who_finds_no_slot_is_queued_and_called_in_turn(writing: Writing, limits: Limits, runs: Runs) -> None:
    assert [runs.claim(name).kind for name in "abc"] == [ACCEPT, REJECT, REJECT]
    queued = runs.row("b")
    assert (queued.state_name, queued.state_type) == ("AwaitingConcurrencySlot", SCHEDULED)
    assert queued.next_scheduled_start_time == writing.now + SLOT_WAIT, "should nobody call it before"
    writing.now += SECOND
    runs.ends("a")
    called = runs.row("b")
    assert (called.state_name, called.next_scheduled_start_time) == ("Scheduled", writing.now)
    assert (called.holds_slots, limits.holders(runs.limit)) == (True, {runs.ids["b"]})
    assert runs.state("c") == "AwaitingConcurrencySlot"
    assert (runs.claim("d").kind, runs.state("d")) == (REJECT, "AwaitingConcurrencySlot"), "the slot is kept for b"
    assert runs.claim("b").kind is ACCEPT
    writing.propose(runs.ids["b"], RUNNING)
    (slot,) = writing.rows(tables.slots)
    assert (slot.holder_id, slot.expire_time) == (runs.ids["b"], None), "it has come for it"
    runs.ends("b")
    assert (runs.state("c"), runs.state("d")) == ("Scheduled", "AwaitingConcurrencySlot")


def test_priority_goes_first(writing: Writing, runs: Runs) -> None:
    for name, priority in (("a", 0), ("b", 0), ("c", 3)):
        runs.claim(name, priority=priority)
    runs.ends("a")
    assert (runs.state("b"), runs.state("c")) == ("AwaitingConcurrencySlot", "Scheduled")


def test_who_does_not_come_for_its_slot_loses_it_to_the_next(writing: Writing, limits: Limits, runs: Runs) -> None:
    for name in "abc":
        runs.claim(name)
    runs.ends("a")
    assert writing.changes is not None
    assert writing.changes.slot_expiry == writing.now + CLAIM
    writing.now += CLAIM - 1
    writing.do(reclaim())
    assert runs.state("c") == "AwaitingConcurrencySlot"
    writing.now += 1
    assert writing.do(reclaim()) == [runs.ids["b"]]
    assert (runs.state("c"), limits.holders(runs.limit)) == ("Scheduled", {runs.ids["c"]})
    assert (runs.claim("b").kind, runs.state("b")) == (REJECT, "AwaitingConcurrencySlot"), "it stands at the end again"
    assert runs.claim("c").kind is ACCEPT


def test_the_deployment_says_how_long_a_slot_is_kept(writing: Writing, limits: Limits) -> None:
    runs = Runs(writing, limits, grace_period=5 * SECOND)
    for name in "ab":
        runs.claim(name)
    runs.ends("a")
    assert writing.row(tables.slots).expire_time == writing.now + 5 * SECOND


def test_who_is_claimed_before_its_turn_keeps_its_place(writing: Writing, limits: Limits, runs: Runs) -> None:
    for name in "abc":
        runs.claim(name)
    writing.now += SLOT_WAIT
    assert runs.claim("b").kind is REJECT
    assert limits.queued(runs.limit) == 2
    runs.ends("a")
    assert (runs.state("b"), runs.state("c")) == ("Scheduled", "AwaitingConcurrencySlot")


def test_sessions_and_queued_runs_stand_in_one_line(writing: Writing, runs: Runs) -> None:
    runs.claim("a")
    runs.claim("b")
    direct = writing.flow_run(deployment_id=runs.deployment, session_id="s")
    assert writing.do(speak(direct, RUNNING, FLOW_RUN)).kind is WAIT
    runs.claim("c")
    runs.ends("a")
    assert writing.changes is not None
    assert (runs.state("b"), writing.changes.final_verdicts) == ("Scheduled", [])
    runs.claim("b")
    runs.ends("b")
    ((session, _, _, answer),) = writing.changes.final_verdicts
    assert (session, answer.kind, runs.state("c")) == ("s", ACCEPT, "AwaitingConcurrencySlot")


@pytest.mark.parametrize("how", ["cancelled", "deleted", "forced to run"])
def test_who_goes_another_way_leaves_the_queue(writing: Writing, limits: Limits, runs: Runs, how: str) -> None:
    for name in "abc":
        runs.claim(name)
    run = runs.ids["b"]
    if how == "cancelled":
        assert writing.do(CancelFlowRun(run, "", new_id())).state.type is CANCELLED
    elif how == "deleted":
        writing.do(Delete("flow run", run, ""))
    else:
        writing.propose(run, RUNNING, force=True)
    assert limits.queued(runs.limit) == 1
    runs.ends("a")
    assert runs.state("c") == "Scheduled"


def test_a_called_run_that_is_cancelled_passes_its_slot_on(writing: Writing, limits: Limits, runs: Runs) -> None:
    for name in "abc":
        runs.claim(name)
    runs.ends("a")
    writing.do(CancelFlowRun(runs.ids["b"], "", new_id()))
    assert (runs.state("b"), runs.state("c")) == ("Cancelled", "Scheduled")
    assert limits.holders(runs.limit) == {runs.ids["c"]}


def test_a_deployment_may_cancel_what_collides(writing: Writing, limits: Limits) -> None:
    runs = Runs(writing, limits, collision_strategy=2)
    runs.claim("a")
    verdict = runs.claim("b")
    assert (verdict.kind, verdict.state.type) == (REJECT, CANCELLED)
    assert (runs.state("b"), limits.queued(runs.limit)) == ("Cancelled", 0)


def test_a_full_work_queue_is_no_collision(writing: Writing, limits: Limits) -> None:
    queue = limits.queue(1)
    runs = Runs(writing, limits, slots=5, collision_strategy=2)
    for name in "ab":
        runs.claim(name, work_queue_id=queue, claim=True)
    assert [runs.state(name) for name in "ab"] == ["Pending", "AwaitingConcurrencySlot"]


def test_a_raised_limit_calls_as_many(writing: Writing, limits: Limits, runs: Runs) -> None:
    for name in "abcd":
        runs.claim(name)
    limits.change(runs.limit, slots=3)
    assert [runs.state(name) for name in "bcd"] == ["Scheduled", "Scheduled", "AwaitingConcurrencySlot"]
    limits.delete(runs.limit)
    assert runs.state("d") == "Scheduled"


def test_a_limit_of_nothing_calls_nobody(writing: Writing, limits: Limits, runs: Runs) -> None:
    for name in "ab":
        runs.claim(name)
    limits.change(runs.limit, slots=0)
    runs.ends("a")
    assert runs.state("b") == "AwaitingConcurrencySlot"
    assert runs.claim("b").kind is ABORT
    limits.change(runs.limit, slots=1)
    assert runs.state("b") == "Scheduled"


def test_a_work_queue_bounds_what_is_claimed_from_it(writing: Writing, limits: Limits) -> None:
    queue = limits.queue(1)
    runs = Runs(writing, limits, slots=5)
    for name in "abc":
        runs.claim(name, work_queue_id=queue, claim=True)
    assert [runs.state(name) for name in "abc"] == ["Pending", "AwaitingConcurrencySlot", "AwaitingConcurrencySlot"]
    runs.ends("a")
    assert [runs.state(name) for name in "bc"] == ["Scheduled", "AwaitingConcurrencySlot"]
    assert len(writing.rows(tables.slots, holder_id=runs.ids["b"])) == 2, "a slot of each limit is kept for it"
    assert runs.claim("d", work_queue_id=queue, claim=True).kind is REJECT
    assert runs.claim("b", claim=True).kind is ACCEPT


def test_a_run_keeps_its_slot_from_claim_to_end(writing: Writing, limits: Limits, runs: Runs) -> None:
    runs.claim("a")
    run = runs.ids["a"]
    for type_ in (RUNNING, COMPLETED):
        assert limits.holders(runs.limit) == {run}
        writing.propose(run, type_)
    assert (limits.holders(runs.limit), runs.row("a").holds_slots) == (set(), False)


def test_a_pause_gives_the_slot_back_and_waits_for_it_again(writing: Writing, limits: Limits, runs: Runs) -> None:
    runs.claim("a")
    run = runs.ids["a"]
    writing.propose(run, RUNNING)
    writing.propose(run, PAUSED)
    assert limits.holders(runs.limit) == set()
    runs.claim("b")
    assert writing.propose(run, RUNNING).kind is WAIT, "it stays paused until it may go on"
    runs.ends("b")
    assert writing.propose(run, RUNNING).kind is ACCEPT
    assert limits.holders(runs.limit) == {run}


@pytest.mark.parametrize(("session", "leased"), [(None, True), ("s", False)])
def test_a_run_that_tries_again_keeps_its_slot_meanwhile(
    writing: Writing, limits: Limits, runs: Runs, session: str | None, leased: bool
) -> None:
    runs.claim("a", retry_policy=RETRY_ONCE, session_id=session)
    run = runs.ids["a"]
    writing.propose(run, RUNNING, session_id=session)
    failed = writing.propose(run, FAILED, session_id=session)
    assert failed.state.name == "AwaitingRetry"
    (slot,) = writing.rows(tables.slots)
    due = writing.now + 10 * SECOND
    assert (slot.holder_id, slot.expire_time) == (run, due + SLOT_LEASE if leased else None)
    writing.now = due
    assert writing.propose(run, RUNNING, session_id=session).kind is ACCEPT
    assert writing.row(tables.slots).expire_time is None
    writing.propose(run, FAILED, session_id=session)
    assert limits.holders(runs.limit) == set()
