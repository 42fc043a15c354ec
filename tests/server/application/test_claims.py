"""Claims for workers: what must be open and free, what a claim holds, and when it is given back."""

from typing import Any

import pytest

from antiphon_server.application.deployments import DeleteDeployment
from antiphon_server.application.sessions import OpenSession
from antiphon_server.application.worker_claims import ClaimRuns, Pick
from antiphon_server.domain import limit_names
from antiphon_server.domain.states import COMPLETED, PENDING, RUNNING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from writing import SECOND, Writing, new_id, propose


def insert(writing: Writing, table: Any, **columns: Any) -> str:
    times = {"create_time": writing.now, "update_time": writing.now, "version": 1}
    with writing.engine.begin() as connection:
        connection.execute(table.insert(), {"id": new_id(), **times, **columns})
        return str(connection.execute(table.select().order_by(table.c.id.desc())).first().id)  # type: ignore[union-attr]


def bound(writing: Writing, name: str, slots: int) -> None:
    columns = {"active": True, "slot_decay_per_second": 0.0, "average_occupancy": 0}
    insert(writing, tables.concurrency_limits, name=name, slots=slots, **columns)


class Site:
    """A pool with a queue, and a deployment whose runs go there."""

    def __init__(self, writing: Writing, **paused: bool) -> None:
        self.writing = writing
        pool = insert(writing, tables.work_pools, name=new_id(), type="process", paused=paused.get("pool", False))
        queue = {"name": "default", "paused": paused.get("queue", False), "priority": 1}
        self.pool, self.queue = pool, insert(writing, tables.work_queues, work_pool_id=pool, **queue)
        self.deployment = insert(
            writing,
            tables.deployments,
            name="nightly",
            flow_id=new_id(),
            paused=paused.get("deployment", False),
            collision_strategy=1,
            work_queue_id=self.queue,
            tags="[]",
        )

    def run(self, **body: Any) -> str:
        run = self.writing.flow_run(deployment_id=self.deployment, **body)
        self.writing.propose(run, SCHEDULED)
        return run

    def claim(self, run: str, **body: Any) -> Any:
        return self.writing.propose(run, PENDING, claim=True, **body)


def claims(writing: Writing, *runs: str) -> ClaimRuns:
    """Those of a worker that has just come."""
    session = writing.do(OpenSession("worker", 30 * SECOND))
    return ClaimRuns([Pick(run, session.id, "w") for run in runs])


def test_a_run_goes_to_the_queue_of_its_deployment(writing: Writing) -> None:
    site = Site(writing)
    assert writing.row(tables.flow_runs, id=site.run()).work_queue_id == site.queue


@pytest.mark.parametrize(
    ("closed", "named"),
    [("pool", "work pool"), ("queue", "work queue 'default'"), ("deployment", "deployment 'nightly'")],
)
def test_workers_get_nothing_from_what_is_paused(writing: Writing, closed: str, named: str) -> None:
    site = Site(writing, **{closed: True})
    run = site.run(auto_scheduled=True)
    refused = site.claim(run)
    assert (refused.kind, refused.findings[-1][0]) == (VerdictKind.REJECT, "OpenForWork")
    assert named in refused.reason
    assert refused.findings[-1][4].startswith(f"resume {named.split(' ')[0]}")
    assert writing.row(tables.flow_runs, id=run).state_type == SCHEDULED
    assert writing.propose(run, PENDING).kind is VerdictKind.ACCEPT, "by hand it may run"


def test_a_paused_deployment_holds_back_its_schedules_only(writing: Writing) -> None:
    site = Site(writing, deployment=True)
    assert site.claim(site.run()).kind is VerdictKind.ACCEPT


@pytest.mark.parametrize("what", ["queue", "pool"])
def test_queue_and_pool_have_slots_for_claims_alone(writing: Writing, what: str) -> None:
    site = Site(writing)
    of = {"queue": limit_names.of_work_queue(site.queue), "pool": limit_names.of_work_pool(site.pool)}
    bound(writing, of[what], 1)
    first, second, by_hand = site.run(), site.run(), site.run()
    assert site.claim(first).kind is VerdictKind.ACCEPT
    refused = site.claim(second)
    assert (refused.kind, refused.state.name) == (VerdictKind.REJECT, "AwaitingConcurrencySlot")
    assert f"work {what}" in refused.reason
    assert writing.propose(by_hand, PENDING).kind is VerdictKind.ACCEPT
    writing.propose(first, RUNNING)
    assert len(writing.rows(tables.slots)) == 1
    writing.propose(first, COMPLETED)
    assert writing.row(tables.slots).holder_id != first
    assert writing.changes is not None
    assert (writing.changes.slots_for_work, writing.changes.room_for_work) == (True, False), "nothing was opened"


def test_a_claim_takes_all_its_slots_or_none(writing: Writing) -> None:
    site = Site(writing)
    bound(writing, limit_names.of_deployment(site.deployment), 2)
    bound(writing, limit_names.of_work_queue(site.queue), 2)
    bound(writing, limit_names.of_work_pool(site.pool), 1)
    first, second = site.run(), site.run()
    site.claim(first)
    assert len(writing.rows(tables.slots, holder_id=first)) == 3
    site.claim(second)
    assert writing.rows(tables.slots, holder_id=second) == []


def test_of_claims_that_nobody_can_have_nothing_is_kept(writing: Writing) -> None:
    """Workers' claims are made again and again: neither those of a limit of 0 nor those of a deleted deployment may
    leave a row each time."""
    site, gone = Site(writing), Site(writing)
    bound(writing, limit_names.of_deployment(site.deployment), 0)
    runs = [site.run(), gone.run()]
    writing.do(DeleteDeployment(gone.deployment, ""))
    tries = [claims(writing, *runs) for _ in range(2)]
    before = writing.everything()
    assert [writing.do(each) for each in tries] == [([], runs)] * 2
    assert writing.everything() == before


def test_who_is_called_for_a_slot_in_the_commit_that_queued_it_was_not_refused(writing: Writing) -> None:
    site = Site(writing)
    bound(writing, limit_names.of_deployment(site.deployment), 1)
    first, second = site.run(), site.run()
    site.claim(first)
    claimed, _ = writing.together(claims(writing, second), propose(first, COMPLETED))
    assert claimed == ([], [])
    again = writing.do(claims(writing, second))
    assert ([claim.flow_run_id for claim in again.claims], again.refused) == ([second], [])


def test_each_claim_has_a_token_of_its_own(writing: Writing) -> None:
    site = Site(writing)
    run = site.run()
    first = site.claim(run).fencing_token
    writing.propose(run, SCHEDULED)
    second = site.claim(run).fencing_token
    assert (first, second) == (1, 2)
    finer = writing.propose(run, PENDING, name="InfrastructurePending")
    assert (finer.kind, finer.fencing_token) == (VerdictKind.ACCEPT, 2)


def test_a_process_that_the_claimer_started_goes_on_with_its_token(writing: Writing) -> None:
    site = Site(writing)
    run = site.run()
    token = site.claim(run, session_id="worker").fencing_token
    stranger = writing.propose(run, RUNNING, session_id="process")
    assert (stranger.kind, stranger.findings[-1][0]) == (VerdictKind.ABORT, "HeldBySession")
    started = writing.propose(run, RUNNING, session_id="process", fencing_token=token)
    assert started.kind is VerdictKind.ACCEPT
    row = writing.row(tables.flow_runs, id=run)
    assert (row.session_id, row.launcher_session_id) == ("process", "worker")
    assert writing.rows(tables.commands) == [], "the worker meant it so"
    with_it_later = writing.propose(run, COMPLETED, session_id="other", fencing_token=token)
    assert with_it_later.kind is VerdictKind.ABORT, "the token opens a claim, not a run under way"
