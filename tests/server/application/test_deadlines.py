"""What the server decides when nobody else does: on claims and cancellations, late runs and slots, each at its time."""

from typing import Any

import pytest

from antiphon.v1 import state_pb2, transition_pb2
from antiphon_server.application.deadlines import LATE_AFTER, ExpireDeadlines, MarkLateRuns, ReclaimSlots
from antiphon_server.application.operations import CancelFlowRun, ProposeOnSession
from antiphon_server.application.proposals import proposal_from
from antiphon_server.application.sessions import ForgiveDowntime, OpenSession
from antiphon_server.domain import limit_names
from antiphon_server.domain.deadlines import CLAIM, KILL, STOP
from antiphon_server.domain.facts import CollisionStrategy
from antiphon_server.domain.model import RetryPolicy, StateDetails
from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    CRASHED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    VerdictKind,
)
from antiphon_server.storage import tables
from writing import SECOND, TASK_RUN, Writing, new_id

TTL = 30 * SECOND
SUSPENDED = StateDetails(pause_reschedule=True)


def deployment(writing: Writing, *, slots: int | None = None, **columns: Any) -> str:
    """Gives its id."""
    id = new_id()
    row = {
        "id": id,
        "name": id,
        "flow_id": id,
        "paused": False,
        "collision_strategy": CollisionStrategy.ENQUEUE.value,
        "tags": "[]",
        "create_time": writing.now,
        "update_time": writing.now,
        "version": 1,
        **columns,
    }
    with writing.engine.begin() as connection:
        connection.execute(tables.deployments.insert(), row)
    if slots is not None:
        limit(writing, limit_names.of_deployment(id), slots)
    return id


def limit(writing: Writing, name: str, slots: int, **columns: Any) -> str:
    id = new_id()
    row = {
        "id": id,
        "name": name,
        "slots": slots,
        "active": True,
        "slot_decay_per_second": 0.0,
        "average_occupancy": 2 * SECOND,
        "create_time": writing.now,
        "update_time": writing.now,
        "version": 1,
        **columns,
    }
    with writing.engine.begin() as connection:
        connection.execute(tables.concurrency_limits.insert(), row)
    return id


def sweep(writing: Writing, at: int) -> bool:
    writing.now = at
    more: bool = writing.do(ExpireDeadlines(at))
    return more


def due(writing: Writing, run_id: str) -> int:
    time: int = flow(writing, run_id).deadline_time
    return time


def flow(writing: Writing, run_id: str) -> Any:
    return writing.row(tables.flow_runs, id=run_id)


def message_of(writing: Writing, run: Any) -> str:
    return str(writing.row(tables.transitions, id=run.state_id).message)


class TestClaims:
    def test_one_without_a_session_has_a_deadline(self, writing: Writing) -> None:
        run = writing.flow_run()
        writing.propose(run, PENDING)
        assert flow(writing, run).deadline_time == writing.now + CLAIM
        writing.propose(run, RUNNING)
        assert flow(writing, run).deadline_time is None

    def test_the_deployment_may_give_another(self, writing: Writing) -> None:
        run = writing.flow_run(deployment_id=deployment(writing, grace_period=7 * SECOND))
        writing.propose(run, PENDING)
        assert flow(writing, run).deadline_time == writing.now + 7 * SECOND

    def test_a_session_answers_for_its_own(self, writing: Writing) -> None:
        session = writing.do(OpenSession("test", TTL)).id
        run = writing.flow_run(session_id=session)
        writing.propose(run, PENDING, session_id=session)
        assert flow(writing, run).deadline_time is None

    def test_one_from_a_deployment_is_taken_from_a_session_that_lives(self, writing: Writing) -> None:
        worker, other = (writing.do(OpenSession("test", TTL)).id for _ in range(2))
        run = writing.flow_run(deployment_id=deployment(writing, slots=1))
        token = writing.propose(run, PENDING, session_id=worker).fencing_token
        sweep(writing, due(writing, run))
        given_back = flow(writing, run)
        assert (given_back.state_type, given_back.session_id) == (SCHEDULED, None)
        assert [row.kind for row in writing.rows(tables.commands, session_id=worker)] == ["revoke_run"]
        assert writing.propose(run, PENDING, session_id=other).kind is VerdictKind.ACCEPT
        assert writing.propose(run, RUNNING, session_id=worker, fencing_token=token).kind is VerdictKind.ABORT

    def test_an_overdue_one_is_given_back(self, writing: Writing) -> None:
        run = writing.flow_run(deployment_id=deployment(writing, slots=1))
        writing.propose(run, PENDING)
        end = due(writing, run)
        sweep(writing, end - 1)
        assert flow(writing, run).state_type == PENDING
        sweep(writing, end)
        given_back = flow(writing, run)
        assert given_back.state_type == SCHEDULED
        assert given_back.next_scheduled_start_time == writing.now
        assert "did not run in time" in message_of(writing, given_back)
        assert given_back.deadline_time is None
        assert not given_back.holds_slots
        assert writing.rows(tables.slots) == []

    def test_the_late_claimer_is_fenced_out(self, writing: Writing) -> None:
        run = writing.flow_run(deployment_id=deployment(writing))
        token = writing.propose(run, PENDING).fencing_token
        sweep(writing, due(writing, run))
        again = writing.propose(run, PENDING).fencing_token
        assert again == token + 1
        late = writing.propose(run, RUNNING, fencing_token=token)
        assert late.kind is VerdictKind.ABORT
        assert late.findings[-1][0] == "FencedOut"
        assert writing.propose(run, RUNNING, fencing_token=again).kind is VerdictKind.ACCEPT

    def test_what_nobody_else_would_run_has_crashed(self, writing: Writing) -> None:
        run, task = writing.flow_run(), writing.task_run(None)
        writing.propose(run, PENDING)
        writing.propose(task, PENDING, TASK_RUN)
        sweep(writing, due(writing, run))
        assert flow(writing, run).state_type == CRASHED
        assert writing.row(tables.task_runs, id=task).state_type == CRASHED

    def test_a_deferred_task_run_waits_for_another_worker(self, writing: Writing) -> None:
        task = writing.task_run(None)
        details = StateDetails(deferred=True, task_parameters_id="P1")
        writing.propose(task, SCHEDULED, TASK_RUN, details=details)
        writing.propose(task, PENDING, TASK_RUN, details=StateDetails(deferred=True))
        sweep(writing, writing.row(tables.task_runs, id=task).deadline_time)
        row = writing.row(tables.task_runs, id=task)
        assert row.state_type == SCHEDULED
        again = writing.propose(task, PENDING, TASK_RUN, details=StateDetails(deferred=True))
        assert again.kind is VerdictKind.ACCEPT

    def test_the_slot_goes_to_the_next_in_the_same_transaction(self, writing: Writing) -> None:
        at = deployment(writing, slots=1)
        first, second = writing.flow_run(deployment_id=at), writing.flow_run(deployment_id=at)
        writing.propose(first, PENDING)
        assert writing.propose(second, PENDING).state.name == "AwaitingConcurrencySlot"
        sweep(writing, due(writing, first))
        assert flow(writing, second).state_name == "Scheduled"
        assert [slot.holder_id for slot in writing.rows(tables.slots)] == [second]

    def test_many_are_done_in_portions(self, writing: Writing) -> None:
        for _ in range(101):
            writing.propose(writing.flow_run(), PENDING)
        end = writing.now + CLAIM
        assert sweep(writing, end)
        assert not sweep(writing, end)
        assert {row.state_type for row in writing.rows(tables.flow_runs)} == {CRASHED}


class TestCancellations:
    def running(self, writing: Writing, **body: Any) -> str:
        run = writing.flow_run(**body)
        writing.propose(run, RUNNING, session_id=body.get("session_id"))
        writing.do(CancelFlowRun(run, "enough", new_id()))
        assert flow(writing, run).state_type == CANCELLING
        return run

    def test_one_that_nobody_confirms_is_cancelled(self, writing: Writing) -> None:
        run = self.running(writing)
        end = due(writing, run)
        assert end == flow(writing, run).state_time + STOP
        sweep(writing, end - 1)
        assert flow(writing, run).state_type == CANCELLING
        sweep(writing, end)
        assert flow(writing, run).state_type == CANCELLED
        assert "did not confirm in time" in message_of(writing, flow(writing, run))

    def test_a_silent_holder_is_told_that_the_run_is_not_its_own_any_more(self, writing: Writing) -> None:
        session = writing.do(OpenSession("test", TTL)).id
        run = self.running(writing, session_id=session)
        sweep(writing, due(writing, run))
        assert flow(writing, run).state_type == CANCELLED
        assert session in message_of(writing, flow(writing, run))
        assert [row.kind for row in writing.rows(tables.commands)] == ["cancel_run", "revoke_run"]

    def test_what_is_known_to_run_it_is_killed_first(self, writing: Writing) -> None:
        worker, process = (writing.do(OpenSession(name, TTL)).id for name in ("worker", "process"))
        run = writing.flow_run(session_id=worker, infrastructure_pid="host:17", deployment_id=deployment(writing))
        token = writing.propose(run, PENDING, session_id=worker).fencing_token
        started = writing.propose(run, RUNNING, session_id=process, fencing_token=token)
        assert started.kind is VerdictKind.ACCEPT
        assert flow(writing, run).session_id == process
        assert writing.rows(tables.commands) == []
        writing.do(CancelFlowRun(run, "enough", new_id()))

        sweep(writing, due(writing, run))
        assert flow(writing, run).state_type == CANCELLING
        kill = writing.row(tables.commands, kind="kill_infrastructure")
        assert (kill.session_id, kill.flow_run_id, kill.infrastructure_pid) == (worker, run, "host:17")

        assert due(writing, run) == writing.now + KILL
        sweep(writing, due(writing, run))
        assert flow(writing, run).state_type == CANCELLED
        assert len(writing.rows(tables.commands, kind="kill_infrastructure")) == 1

    def test_a_worker_that_is_gone_kills_nothing(self, writing: Writing) -> None:
        worker, process = (writing.do(OpenSession(name, TTL)).id for name in ("worker", "process"))
        run = writing.flow_run(session_id=worker, infrastructure_pid="host:17")
        token = writing.propose(run, PENDING, session_id=worker).fencing_token
        writing.propose(run, RUNNING, session_id=process, fencing_token=token)
        with writing.engine.begin() as connection:
            sessions = tables.sessions
            connection.execute(sessions.update().where(sessions.c.id == worker).values(status=3))
        writing.do(CancelFlowRun(run, "enough", new_id()))
        sweep(writing, due(writing, run))
        assert flow(writing, run).state_type == CANCELLED

    @pytest.mark.parametrize("left", [[(FAILED, None)], [(PAUSED, SUSPENDED), (SCHEDULED, None), (PENDING, None)]])
    def test_a_worker_kills_nothing_that_runs_since_without_it(self, writing: Writing, left: Any) -> None:
        worker, process = (writing.do(OpenSession(name, TTL)).id for name in ("worker", "process"))
        run = writing.flow_run(session_id=worker, infrastructure_pid="host:17", deployment_id=deployment(writing))
        token = writing.propose(run, PENDING, session_id=worker).fencing_token
        writing.propose(run, RUNNING, session_id=process, fencing_token=token)
        assert flow(writing, run).launcher_session_id == worker
        for state, details in left:
            verdict = writing.propose(run, state, details=details, session_id=process if state != PENDING else None)
            assert verdict.kind is VerdictKind.ACCEPT
        writing.propose(run, RUNNING, session_id=writing.do(OpenSession("by hand", TTL)).id)
        writing.do(CancelFlowRun(run, "enough", new_id()))
        sweep(writing, due(writing, run))
        assert flow(writing, run).state_type == CANCELLED
        assert writing.rows(tables.commands, kind="kill_infrastructure") == []

    def test_one_that_was_confirmed_is_left_alone(self, writing: Writing) -> None:
        run = self.running(writing)
        end = due(writing, run)
        writing.propose(run, CANCELLED)
        held = flow(writing, run)
        sweep(writing, end)
        assert flow(writing, run) == held


class TestDowntime:
    def test_nobody_is_overdue_by_what_the_server_missed(self, writing: Writing) -> None:
        run = writing.flow_run(deployment_id=deployment(writing, slots=1))
        writing.propose(run, PENDING)
        writing.now += 2 * CLAIM
        writing.do(ForgiveDowntime(TTL))
        assert flow(writing, run).deadline_time == writing.now + TTL
        sweep(writing, writing.now + TTL - 1)
        assert flow(writing, run).state_type == PENDING

    def test_later_deadlines_stay(self, writing: Writing) -> None:
        run = writing.flow_run()
        writing.propose(run, PENDING)
        end = due(writing, run)
        writing.do(ForgiveDowntime(TTL))
        assert due(writing, run) == end


class TestLate:
    def scheduled(self, writing: Writing, **body: Any) -> str:
        run = writing.flow_run(**{"deployment_id": deployment(writing), **body})
        writing.propose(run, SCHEDULED, due=writing.now)
        return run

    def mark(self, writing: Writing, after: int) -> bool:
        writing.now += after
        more: bool = writing.do(MarkLateRuns(writing.now))
        return more

    def test_a_run_that_nobody_claims_is_late(self, writing: Writing) -> None:
        run = self.scheduled(writing)
        start = writing.now
        self.mark(writing, LATE_AFTER)
        assert flow(writing, run).state_name == "Scheduled"
        self.mark(writing, 1)
        late = flow(writing, run)
        assert (late.state_name, late.state_scheduled_time) == ("Late", start)
        assert writing.propose(run, PENDING).kind is VerdictKind.ACCEPT

    def test_it_is_marked_once(self, writing: Writing) -> None:
        run = self.scheduled(writing)
        self.mark(writing, LATE_AFTER + 1)
        held = flow(writing, run)
        self.mark(writing, LATE_AFTER)
        assert flow(writing, run) == held

    @pytest.mark.parametrize("body", [{"deployment_id": None}, {"session_id": "holder"}])
    def test_what_no_worker_would_claim_is_not(self, writing: Writing, body: dict[str, Any]) -> None:
        run = writing.flow_run(**{"deployment_id": deployment(writing), **body})
        writing.propose(run, SCHEDULED, due=writing.now, session_id=body.get("session_id"))
        self.mark(writing, LATE_AFTER + 1)
        assert flow(writing, run).state_name == "Scheduled"

    def test_it_is_cancelled_where_new_runs_that_collide_are(self, writing: Writing) -> None:
        at = deployment(writing, slots=1, collision_strategy=CollisionStrategy.CANCEL_NEW.value)
        running, late = writing.flow_run(deployment_id=at), self.scheduled(writing, deployment_id=at)
        writing.propose(running, PENDING)
        writing.propose(running, RUNNING)
        self.mark(writing, LATE_AFTER + 1)
        assert flow(writing, late).state_type == CANCELLED

    def test_many_are_done_in_portions(self, writing: Writing) -> None:
        at = deployment(writing)
        runs = [self.scheduled(writing, deployment_id=at) for _ in range(101)]
        assert self.mark(writing, LATE_AFTER + 1)
        assert not self.mark(writing, 0)
        assert {flow(writing, run).state_name for run in runs} == {"Late"}


class TestSlotExpiry:
    def test_a_slot_that_is_kept_for_a_retry_is_free_again_in_the_end(self, writing: Writing) -> None:
        at = deployment(writing, slots=1)
        policy = RetryPolicy(1, (10 * SECOND,))
        first, second = writing.flow_run(deployment_id=at, retry_policy=policy), writing.flow_run(deployment_id=at)
        for type_ in (PENDING, RUNNING, FAILED):
            writing.propose(first, type_)
        assert flow(writing, first).state_name == "AwaitingRetry"
        assert flow(writing, first).holds_slots
        writing.propose(second, PENDING)
        expiry = writing.row(tables.slots).expire_time
        writing.now = expiry - 1
        assert writing.do(ReclaimSlots()) == expiry
        writing.now = expiry
        writing.do(ReclaimSlots())
        assert not flow(writing, first).holds_slots
        assert [slot.holder_id for slot in writing.rows(tables.slots)] == [second]

    def test_a_reservation_passes_on(self, writing: Writing) -> None:
        at = deployment(writing, slots=1, grace_period=5 * SECOND)
        first, second, third = (writing.flow_run(deployment_id=at) for _ in range(3))
        for run in (first, second, third):
            writing.propose(run, PENDING)
        writing.propose(first, CANCELLED)
        assert writing.row(tables.slots).holder_id == second
        assert writing.do(ReclaimSlots()) == writing.now + 5 * SECOND
        writing.now += 5 * SECOND
        writing.do(ReclaimSlots())
        assert writing.changes is not None
        assert writing.changes.slot_expiry == writing.now + 5 * SECOND
        assert writing.row(tables.slots).holder_id == third
        assert not flow(writing, second).holds_slots
        claimed = writing.propose(third, PENDING)
        assert claimed.kind is VerdictKind.ACCEPT
        assert writing.do(ReclaimSlots()) is None

    def test_a_limit_that_decays_frees_one_after_the_other(self, writing: Writing) -> None:
        limit(writing, limit_names.of_tag("api"), 2, slot_decay_per_second=0.5)
        tasks = [writing.task_run(None, tags=["api"]) for _ in range(4)]
        answers = [writing.propose(task, RUNNING, TASK_RUN).kind for task in tasks]
        assert answers == [VerdictKind.ACCEPT] * 2 + [VerdictKind.WAIT] * 2
        begun = writing.now
        assert writing.do(ReclaimSlots()) == begun + 2 * SECOND
        writing.now = begun + 2 * SECOND
        assert writing.do(ReclaimSlots()) == begun + 4 * SECOND
        assert writing.propose(tasks[2], RUNNING, TASK_RUN).kind is VerdictKind.ACCEPT
        assert writing.propose(tasks[3], RUNNING, TASK_RUN).kind is VerdictKind.WAIT

    def test_a_session_that_waits_is_called_when_a_slot_decays(self, writing: Writing) -> None:
        limit(writing, limit_names.of_tag("api"), 1, slot_decay_per_second=1.0)
        session = writing.do(OpenSession("test", TTL))
        first, second = (writing.task_run(None, tags=["api"]) for _ in range(2))
        writing.propose(first, RUNNING, TASK_RUN)
        asked = transition_pb2.Proposal(
            transition_id=new_id(), task_run_id=second, state=state_pb2.State(type=state_pb2.STATE_TYPE_RUNNING)
        )
        body = asked.SerializeToString()
        waits = ProposeOnSession(proposal_from(asked, session_id=session.id, body=body), 1, body)
        assert writing.do(waits).kind is VerdictKind.WAIT
        writing.now += SECOND
        writing.do(ReclaimSlots())
        assert writing.changes is not None
        ((told, sequence, _, verdict),) = writing.changes.final_verdicts
        assert (told, sequence, verdict.kind) == (session.id, 1, VerdictKind.ACCEPT)
        assert writing.row(tables.task_runs, id=second).state_type == RUNNING
