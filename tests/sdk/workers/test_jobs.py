"""What a worker does with what it takes, by a type whose infrastructure is boats: real offers, nothing that runs."""

import asyncio
import datetime
from typing import Any

import pytest

from antiphon.exceptions import InfrastructureNotFound, ServerError, ServerUnreachable
from antiphon.v1.work_service_pb2 import WorkerHello
from antiphon.workers import BaseJobConfiguration, BaseWorker, BaseWorkerResult
from antiphon.workers.desk import Desk
from until import until
from work_site import WorkerThread, WorkSite

pytestmark = pytest.mark.timeout(90)


class Boats(BaseWorker):
    """Launches boats that float until they are sunk."""

    type = "boat"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.log: list[str] = []
        self.afloat: dict[str, asyncio.Future[int]] = {}
        #: What is raised or awaited at these points; popped when it was.
        self.before_start: Any = None
        self.after_start: Any = None
        self.unconfigured: list[Exception] = []
        self.unsinkable = False

    async def configure(self, offer: Any, flow_run: Any) -> Any:
        if self.unconfigured:
            raise self.unconfigured.pop(0)
        return await super().configure(offer, flow_run)

    async def run(
        self, flow_run: Any, configuration: BaseJobConfiguration, task_status: Any = None
    ) -> BaseWorkerResult:
        name = f"boat-{configuration.env['ANTIPHON__FENCING_TOKEN']}"
        self.log.append(f"building {name}")
        try:
            await _met(self.before_start)
        except asyncio.CancelledError:
            self.log.append(f"scrapped {name}")
            raise
        self.afloat[name] = asyncio.get_running_loop().create_future()
        task_status.started(name)
        await _met(self.after_start)
        code = await self.afloat[name]
        self.log.append(f"sunk {name}")
        return BaseWorkerResult(identifier=name, status_code=code, message="a hole")

    async def kill_infrastructure(self, infrastructure_pid: str, configuration: Any, grace_seconds: int = 30) -> None:
        self.log.append(f"kill {infrastructure_pid}")
        if self.unsinkable:
            raise InfrastructureNotFound(f"{infrastructure_pid} is not there")
        self.afloat[infrastructure_pid].set_result(9)


async def _met(what: Any) -> None:
    if isinstance(what, Exception):
        raise what
    if what == "for ever":
        await asyncio.get_running_loop().create_future()


class Harbour:
    """A worker at work, and a run for it."""

    def __init__(self, site: WorkSite, **given: Any) -> None:
        self.site = site
        site.pool("sea", type="boat")
        self.worker = Boats("sea", limit=1)
        for name, value in given.items():
            setattr(self.worker, name, value)
        self.thread = WorkerThread(self.worker)
        self.run = site.run(site.deploy(pool="sea"))

    def until_logged(self, *words: str) -> None:
        until(lambda: self.worker.log == list(words), 30)


def test_one_that_could_not_be_started_says_why(site: WorkSite) -> None:
    harbour = Harbour(site, before_start=ValueError("no wood"))
    run = site.ended(harbour.run)
    assert run.state.name == "Crashed"
    assert "could not be started: no wood" in run.state.message
    harbour.thread.end()


def test_one_that_ends_by_itself_says_how(site: WorkSite) -> None:
    harbour = Harbour(site)
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-1")
    harbour.worker._desk._loop.call_soon_threadsafe(harbour.worker.afloat["boat-1"].set_result, 3)  # type: ignore[union-attr]
    run = site.ended(harbour.run)
    assert run.state.name == "Crashed"
    for word in ("boat-1", "exit code 3", "a hole"):
        assert word in run.state.message
    harbour.thread.end()


def test_a_cancel_while_it_is_made_has_it_scrapped(site: WorkSite) -> None:
    harbour = Harbour(site, before_start="for ever")
    harbour.until_logged("building boat-1")
    site.call("CancelFlowRun", {"id": harbour.run, "reason": "storm"})
    assert site.ended(harbour.run).state.name == "Cancelled"
    assert harbour.worker.log == ["building boat-1", "scrapped boat-1"]
    harbour.thread.end()


def test_a_cancel_before_it_has_claimed_its_run_has_it_killed(site: WorkSite) -> None:
    harbour = Harbour(site)
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-1")
    site.call("CancelFlowRun", {"id": harbour.run})
    assert site.ended(harbour.run).state.name == "Cancelled"
    assert harbour.worker.log == ["building boat-1", "kill boat-1", "sunk boat-1"]
    harbour.thread.end()


def test_one_whose_end_is_not_seen_does_not_hold_the_worker_up(site: WorkSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.workers.job._PATIENCE", 0.2)
    harbour = Harbour(site, unsinkable=True)
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-1")
    site.call("CancelFlowRun", {"id": harbour.run})
    assert site.ended(harbour.run).state.name == "Cancelled"
    until(lambda: harbour.worker.get_status()["flow_runs"] == 0)
    harbour.thread.end()


def test_one_that_nobody_watches_any_more_is_killed(site: WorkSite) -> None:
    harbour = Harbour(site, after_start=OSError("the telescope broke"))
    run = site.ended(harbour.run)
    assert run.state.name == "Crashed"
    assert "the telescope broke" in run.state.message
    assert harbour.worker.log == ["building boat-1", "kill boat-1"]
    harbour.thread.end()


def test_where_no_server_can_be_asked_for_the_job_the_run_is_given_back(site: WorkSite) -> None:
    away = ServerUnreachable("nobody answers", code="UNAVAILABLE")
    full = ServerError("the disk is full", code="RESOURCE_EXHAUSTED", reason="STORAGE_FULL")
    harbour = Harbour(site, unconfigured=[full, away])
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-3")
    assert harbour.worker.log == ["building boat-3"]
    states = site.call("ListFlowRunStates", {"id": harbour.run}).states
    assert any("nobody answers" in each.message for each in states)
    harbour.thread.end()


def test_a_worker_whose_task_is_cancelled_ends_what_it_runs(site: WorkSite) -> None:
    harbour = Harbour(site)
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-1")
    desk = harbour.worker._desk
    assert desk is not None
    desk._loop.call_soon_threadsafe(lambda: [each.cancel() for each in asyncio.all_tasks(desk._loop)])
    harbour.thread.join()
    assert isinstance(harbour.thread.error, asyncio.CancelledError)
    assert desk.runs == 0


def test_a_second_word_to_stop_breaks_off_what_the_first_began(site: WorkSite) -> None:
    site.pool("sea", type="boat")

    async def main() -> None:
        begun = asyncio.Event()

        async def pausing() -> None:
            begun.set()
            await asyncio.get_running_loop().create_future()

        hello = WorkerHello(name="w", work_pool_name="sea", work_pool_type="boat", client="test")
        desk = Desk(Boats("sea"), hello, 1, welcomed=lambda _: desk.stop(), stopping=pausing)
        working = asyncio.ensure_future(desk.work())
        await begun.wait()
        desk.stop()
        await working

    asyncio.run(asyncio.wait_for(main(), 30))


def test_what_was_lost_with_the_lease_is_killed_and_the_run_comes_again(site: WorkSite) -> None:
    harbour = Harbour(site)
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-1")
    line = harbour.worker._desk._line  # type: ignore[union-attr]
    line.request_pause()
    until(lambda: site.state(harbour.run) == "SCHEDULED", 30)
    assert harbour.worker.log == ["building boat-1"], "it may be RUNNING, for all that is known here"
    line.resume()
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-2", 30)
    assert sorted(harbour.worker.log) == sorted(["building boat-1", "kill boat-1", "sunk boat-1", "building boat-2"])
    assert site.state(harbour.run) == "PENDING"
    harbour.thread.end()


def test_over_a_short_cut_nothing_is_begun_twice(site: WorkSite) -> None:
    harbour = Harbour(site)
    until(lambda: site.read(harbour.run).infrastructure_pid == "boat-1")
    line = harbour.worker._desk._line  # type: ignore[union-attr]
    for _ in range(3):
        line.request_pause()
        line.await_pause()
        line.resume()
        until(lambda: line._core.state.name == "WORKING")
    assert harbour.worker.log == ["building boat-1"]
    assert site.read(harbour.run).fencing_token == 1
    harbour.thread.end()


def test_a_run_that_is_prepared_before_its_time_waits_for_it(site: WorkSite) -> None:
    site.pool()
    site.write("""
    import time
    from antiphon import flow
    mark(f"loaded {time.time()}")

    @flow
    def work():
        mark(f"code {time.time()}")
    """)

    due = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=6)
    with site.worker(prefetch_seconds=5):
        request = {"id": site.deploy(), "scheduledTime": due.isoformat().replace("+00:00", "Z")}
        run = site.call("RunDeployment", request).flow_run.id
        assert site.ended(run).state.name == "Completed"
    loaded, code = (float(each.split()[1]) for each in site.marks)
    assert loaded < due.timestamp() <= code
