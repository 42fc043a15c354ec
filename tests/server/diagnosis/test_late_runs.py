"""Flow runs that are due and do not start: each cause is found, and gone when it is mended."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from antiphon_server.diagnosis.checks.late_runs import late_runs
from diagnosed import ERROR, WARNING, finding, later, reasons
from hand_worker import HandWorker
from in_writer import in_writer
from running_server import RunningServer
from stores import only_sqlite
from until import until
from world import World

#: Later than a run may be, and than one may be that others go before.
LATE, CROWDED = 90, 400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path) as running:
        yield running


class Site:
    """A deployment with a run that is late."""

    def __init__(self, server: RunningServer, **deployment: Any) -> None:
        self.server, self.call = server, World(server).call
        self.pool = self.call("CreateWorkPool", {"workPool": {"name": "pool", "type": "process"}}).work_pool
        fields = {"name": "nightly", "flowName": "etl", "workPoolName": "pool", **deployment}
        self.deployment = self.call("CreateDeployment", {"deployment": fields}).deployment.id
        self.run = self.call("RunDeployment", {"id": self.deployment, "flowRunName": "lark"}).flow_run.id

    def worker(self, **hello: Any) -> HandWorker:
        worker = HandWorker(self.server.channel, work_pool_name="pool", **hello)
        worker.welcome()
        return worker

    def pause(self, kind: str, id: str, paused: bool) -> None:
        changed = kind[0].lower() + kind[1:]
        self.call(f"Update{kind}", {changed: {"id": id, "paused": paused}, "updateMask": "paused"})

    def limit(self, slots: int) -> None:
        """Of the pool."""
        pool = {"id": self.pool.id, "concurrencyLimit": slots}
        self.call("UpdateWorkPool", {"workPool": pool, "updateMask": "concurrencyLimit"})

    def cancel(self) -> None:
        self.call("CancelFlowRun", {"id": self.run})


def test_no_worker(server: RunningServer) -> None:
    site = Site(server)
    later(server, 30)
    assert reasons(server) == [], "workers may take a moment"
    later(server, LATE)
    found = finding(server, "RUNS_WITHOUT_WORKER")
    assert found.severity == ERROR
    assert found.message.startswith(
        "1 flow run has been due for 2 min (lark), and no worker of work queue 'default' of"
    )
    assert "`antiphon worker start --pool pool`" in found.remedy
    assert found.facts["flow_run_id"] == site.run
    assert (found.facts["pool"], found.facts["queue"], found.facts["runs"]) == ("pool", "default", "1")
    worker = site.worker()
    worker.credit()
    worker.take(worker.offer())
    worker.heartbeat()
    assert reasons(server) == []
    worker.goodbye()


def test_only_a_worker_of_another_queue(server: RunningServer) -> None:
    site = Site(server)
    site.call("CreateWorkQueue", {"workQueue": {"name": "other", "workPoolId": site.pool.id}})
    worker = site.worker(work_queue_names=["other"])
    later(server, LATE)
    assert "'default'" in finding(server, "RUNS_WITHOUT_WORKER").message
    worker.goodbye()


def test_names_with_spaces_are_quoted(server: RunningServer) -> None:
    call = World(server).call
    call("CreateWorkPool", {"workPool": {"name": "the pool", "type": "process"}})
    fields = {"name": "nightly", "flowName": "etl", "workPoolName": "the pool"}
    call("RunDeployment", {"id": call("CreateDeployment", {"deployment": fields}).deployment.id})
    later(server, LATE)
    assert "`antiphon worker start --pool 'the pool'`" in finding(server, "RUNS_WITHOUT_WORKER").remedy


def test_many_runs_are_one_finding(server: RunningServer) -> None:
    site = Site(server)
    for _ in range(3):
        site.call("RunDeployment", {"id": site.deployment})
    later(server, LATE)
    found = finding(server, "RUNS_WITHOUT_WORKER")
    assert found.message.startswith("4 flow runs have been due for up to ")
    assert "(lark, " in found.message and " and 1 more), and no worker of " in found.message
    assert found.facts["runs"] == "4"


def test_a_worker_without_the_labels(server: RunningServer) -> None:
    site = Site(server, workerAffinity={"required": {"gpu": "2"}})
    worker = site.worker(labels={"gpu": "1"})
    worker.credit()
    worker.heartbeat()
    later(server, LATE)
    found = finding(server, "RUNS_UNSUITED")
    assert "none of the 1 worker of work queue 'default'" in found.message
    assert found.facts["labels"] == "gpu=2"
    better = site.worker(labels={"gpu": "2"})
    better.credit()
    better.offer()
    assert reasons(server) == []
    worker.goodbye()
    better.goodbye()


@pytest.mark.parametrize("queue", [False, True])
def test_a_pool_or_queue_that_is_paused(server: RunningServer, queue: bool) -> None:
    site = Site(server)
    if queue:
        kind, id = "WorkQueue", site.pool.default_work_queue_id
        what, command = "work queue 'default' of work pool 'pool'", "antiphon work-queue resume default --pool pool"
    else:
        kind, id = "WorkPool", site.pool.id
        what, command = "work pool 'pool'", "antiphon work-pool resume pool"
    site.pause(kind, id, True)
    worker = site.worker()
    worker.credit()
    later(server, LATE)
    found = finding(server, "RUNS_HELD_BY_PAUSE")
    assert found.severity == WARNING
    assert found.message.endswith(f", and {what} is paused")
    assert f"`{command}`" in found.remedy
    site.pause(kind, id, False)
    worker.take(worker.offer())
    assert reasons(server) == []
    worker.goodbye()


def test_a_limit_of_zero(server: RunningServer) -> None:
    site = Site(server)
    site.limit(0)
    worker = site.worker()
    worker.credit()
    later(server, LATE)
    found = finding(server, "RUNS_HELD_BY_LIMIT")
    assert found.severity == ERROR
    assert found.message.endswith("and the concurrency limit of work pool 'pool' is 0")
    assert "`antiphon work-pool set-concurrency-limit pool N`" in found.remedy
    site.limit(1)
    worker.take(worker.offer())
    assert reasons(server) == []
    worker.goodbye()


def test_a_deployment_whose_limit_is_zero(server: RunningServer) -> None:
    site = Site(server, concurrencyLimit=0)
    worker = site.worker()
    worker.credit()
    later(server, LATE)
    assert finding(server, "RUNS_HELD_BY_LIMIT").message.endswith("limit of deployment 'etl/nightly' is 0")
    worker.goodbye()


def test_a_limit_that_is_full_counts_only_after_some_minutes(server: RunningServer) -> None:
    site = Site(server)
    site.limit(1)
    World(server).propose(site.run, "PENDING", claim=True)
    World(server).propose(site.run, "RUNNING")
    worker = site.worker()
    worker.credit()
    site.call("RunDeployment", {"id": site.deployment})
    later(server, LATE)
    assert reasons(server) == [], "one waits for the other as it should"
    later(server, CROWDED)
    assert (
        "limit of work pool 'pool' is 1, and all its slots are taken" in finding(server, "RUNS_WAIT_FOR_SLOTS").message
    )
    worker.goodbye()


def test_workers_that_take_nothing(server: RunningServer) -> None:
    site = Site(server)
    worker = site.worker()
    later(server, LATE)
    assert reasons(server) == []
    later(server, CROWDED)
    found = finding(server, "RUNS_NOT_TAKEN")
    assert found.message.endswith(
        "and 1 worker of work queue 'default' of work pool 'pool' is there and does not take them"
    )
    worker.goodbye()


def test_a_paused_deployment_holds_what_its_schedules_made(server: RunningServer) -> None:
    site = Site(server)
    site.cancel()
    hourly = {"interval": "3600s", "anchorTime": datetime.now(UTC).isoformat()}
    site.call("CreateSchedule", {"schedule": {"deploymentId": site.deployment, "interval": hourly, "slug": "hourly"}})
    later(server, 3600 + LATE)
    assert finding(server, "RUNS_WITHOUT_WORKER").facts["runs"] == "1"
    paused = {"id": site.deployment, "paused": True}
    site.call("UpdateDeployment", {"deployment": paused, "updateMask": "paused"})
    found = finding(server, "RUNS_HELD_BY_PAUSE")
    assert found.message.endswith("and deployment 'etl/nightly' is paused")
    assert "`antiphon deployment resume etl/nightly`" in found.remedy


def test_what_is_left_of_a_deployment_that_was_deleted(server: RunningServer) -> None:
    site = Site(server)
    site.call("DeleteDeployment", {"id": site.deployment})
    later(server, LATE)
    found = finding(server, "RUNS_WITHOUT_DEPLOYMENT")
    *_, command, _ = found.remedy.split("`")
    assert command.startswith("antiphon flow-run cancel --filter ")
    site.call("BulkCancelFlowRuns", {"filter": shlex.split(command)[-1]})
    until(lambda: reasons(server) == [])


def test_a_deployment_in_no_pool_is_served_or_not(server: RunningServer) -> None:
    site = Site(server, workPoolName="")
    later(server, LATE)
    found = finding(server, "RUNS_WITHOUT_WORKER")
    assert found.message.endswith("and deployment 'etl/nightly' is in no work pool and no process serves it")
    worker = HandWorker(server.channel, deployment_ids=[site.deployment])
    worker.welcome()
    worker.heartbeat()
    assert reasons(server) == []
    later(server, CROWDED)
    assert "a process serves deployment 'etl/nightly'" in finding(server, "RUNS_NOT_TAKEN").message
    worker.goodbye()


@only_sqlite
def test_the_oldest_are_found_by_an_index(server: RunningServer) -> None:
    query = str(late_runs(1).compile(compile_kwargs={"literal_binds": True}))
    plan = in_writer(server, lambda it: it.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").fetchall())
    assert [row[3].split(" (")[0] for row in plan] == [
        "SEARCH flow_runs USING INDEX ix_flow_runs_next_scheduled_start_time"
    ]
