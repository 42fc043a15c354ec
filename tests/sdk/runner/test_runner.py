"""Programs that serve deployments: real programs, real processes, a real server."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, serve
from antiphon.deployments.runner import RunnerDeployment
from antiphon.flow_serving import aserve
from antiphon.runner import Runner
from python_programs import programs
from running_server import RunningServer
from until import until
from work_site import WorkSite, site_of

pytestmark = pytest.mark.timeout(120)

CLI = ("-c", "from antiphon.cli.main import main; main()")
PROGRAM = """
import os, time
from antiphon import flow

FOLDER = os.path.dirname(os.path.abspath(__file__))

@flow
def hello(name: str = "you"):
    with open(os.path.join(FOLDER, "marks"), "a") as file:
        file.write(f"{name} {os.getpid()}" + chr(10))
    if name == "slow":
        while not os.path.exists(os.path.join(FOLDER, "go")):
            time.sleep(0.02)

if __name__ == "__main__":
    hello.serve("served", interval=3600, tags=["of-test"], limit=2)
"""


@flow
def nothing() -> None:
    """A flow."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[WorkSite]:
    home = tmp_path / "server"
    home.mkdir()
    with RunningServer(home, session_ttl=5.0) as server, site_of(server, tmp_path) as made:
        yield made


def deployment_of(site: WorkSite, name: str) -> Any:
    found = [each for each in site.call("ListDeployments", {}).deployments if each.name == name]
    return found[0] if found else None


def test_a_program_serves_its_flow_until_it_is_interrupted(site: WorkSite) -> None:
    (site.folder / "program.py").write_text(PROGRAM)
    environment = {"ANTIPHON_API_URL": site.server.target, "ANTIPHON_HOME": str(site.folder.parent)}
    with programs() as start:
        program = start(str(site.folder / "program.py"), **environment)
        until(lambda: deployment_of(site, "served") is not None, 60)
        served = deployment_of(site, "served")
        assert (list(served.tags), served.paused, len(served.schedules)) == (["of-test"], False, 1)
        assert site.ended(site.run(served.id, name="me")).state.name == "Completed"
        slow = site.run(served.id, name="slow")
        until(lambda: len(site.marks) == 2, 60)
        program.send_signal(signal.SIGINT)
        until(lambda: deployment_of(site, "served").paused, 30)
        assert program.poll() is None, "it waits for what runs"
        (site.folder / "go").touch()
        assert site.ended(slow).state.name == "Completed"
        assert program.wait(30) == 0
        said, problems = program.communicate()
    assert "hello/served" in said
    assert "antiphon deployment run 'hello/served'" in said
    assert "Traceback" not in problems
    names = [each.split()[0] for each in site.marks]
    assert names == ["me", "slow"]
    assert len({each.split()[1] for each in site.marks}) == 2
    # Served again, it goes on.
    with programs() as start:
        program = start(str(site.folder / "program.py"), **environment)
        assert site.ended(site.run(served.id, name="again")).state.name == "Completed"
        assert not deployment_of(site, "served").paused
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0


def test_a_runner_serves_many_and_stops_when_it_is_told_to(site: WorkSite) -> None:
    site.write("""
    from antiphon import flow

    @flow
    def one():
        mark("one")

    @flow
    def two():
        mark("two")
    """)
    runner = Runner(name="of-test", pause_on_shutdown=False)
    ids = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(site.folder)
        for name in ("one", "two"):
            deployment = RunnerDeployment.from_entrypoint(f"flows.py:{name}", name)
            ids.append(runner.add_deployment(deployment))
    thread = threading.Thread(target=lambda: asyncio.run(runner.start()))
    thread.start()
    try:
        for id in ids:
            assert site.ended(site.run(str(id))).state.name == "Completed"
    finally:
        runner.stop()
        thread.join(30)
    assert sorted(site.marks) == ["one", "two"]
    assert not deployment_of(site, "one").paused
    with pytest.raises(RuntimeError, match="not running"):
        runner.stop()


def test_a_runner_that_runs_once_takes_what_is_due(site: WorkSite) -> None:
    site.write("from antiphon import flow\n@flow\ndef one(): mark('one')")
    runner = Runner(limit=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(site.folder)
        id = runner.add_deployment(RunnerDeployment.from_entrypoint("flows.py:one", "once"))
    runs = [site.run(str(id)) for _ in range(2)]
    asyncio.run(runner.start(run_once=True))
    assert [site.state(run) for run in runs] == ["COMPLETED"] * 2
    assert deployment_of(site, "once").paused


def test_one_run_is_executed_by_hand(site: WorkSite) -> None:
    site.write("from antiphon import flow\n@flow\ndef work(): mark('ran')")
    run = site.run(site.deploy(pool=""))
    result = asyncio.run(Runner().execute_flow_run(run))
    assert result
    assert site.state(run) == "COMPLETED"
    assert site.marks == ["ran"]
    again = asyncio.run(Runner().execute_flow_run(run))
    assert again.status_code != 0
    assert site.marks == ["ran"]


def test_the_command_line_serves_and_executes(site: WorkSite) -> None:
    site.write("from antiphon import flow\n@flow\ndef work(): mark('ran')")
    environment = {"ANTIPHON_API_URL": site.server.target, "ANTIPHON_HOME": str(site.folder.parent)}
    with programs() as start:
        arguments = (*CLI, "flow", "serve", str(site.folder / "flows.py:work"), "--name", "by-hand")
        program = start(*arguments, "--cron", "0 9 * * *", "--timezone", "Europe/Berlin", **environment)
        until(lambda: deployment_of(site, "by-hand") is not None, 60)
        served = deployment_of(site, "by-hand")
        assert served.schedules[0].cron.expression == "0 9 * * *"
        assert site.ended(site.run(served.id)).state.name == "Completed"
        program.send_signal(signal.SIGINT)
        assert program.wait(30) == 0
        run = site.run(site.deploy(pool="", name="executed"))
        executed = start(*CLI, "flow-run", "execute", run, **environment)
        assert executed.wait(60) == 0, executed.communicate()
        assert site.state(run) == "COMPLETED"
        again = start(*CLI, "flow-run", "execute", run, **environment)
        assert again.wait(60) == 6, again.communicate()
    assert site.marks == ["ran", "ran"]


def test_the_command_line_starts_a_worker(site: WorkSite) -> None:
    site.write("from antiphon import flow\n@flow\ndef work(): mark('ran')")
    environment = {
        "ANTIPHON_API_URL": site.server.target,
        "ANTIPHON_HOME": str(site.folder.parent),
        "ANTIPHON_WORKER_WEBSERVER_HOST": "127.0.0.1",
        "ANTIPHON_WORKER_WEBSERVER_PORT": "0",
    }
    start_worker = (*CLI, "worker", "start", "--pool", "by-hand")
    with programs() as start:
        template = start(*CLI, "work-pool", "get-default-base-job-template", "--type", "process", **environment)
        assert template.wait(60) == 0
        assert set(json.loads(template.communicate()[0])) == {"job_configuration", "variables"}
        unknown = start(*start_worker, **environment)
        assert unknown.wait(60) == 2
        assert "--type" in unknown.communicate()[1]
        wrong = start(*start_worker, "--type", "proces", **environment)
        assert wrong.wait(60) == 1
        assert "did you mean 'process'" in wrong.communicate()[1]
        arguments = ("--type", "process", "--name", "w", "--label", "gpu=yes", "--with-healthcheck", "--limit", "3")
        worker = start(*start_worker, *arguments, **environment)
        until(lambda: bool(site.call("ListWorkers", {}).workers), 60)
        (known,) = site.call("ListWorkers", {}).workers
        assert (known.name, dict(known.labels), known.work_pool_name) == ("w", {"gpu": "yes"}, "by-hand")
        assert site.ended(site.run(site.deploy(pool="by-hand"))).state.name == "Completed"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        said, _ = worker.communicate()
        assert "Worker 'w' started" in said
        once = start(*start_worker, "--run-once", **environment)
        assert once.wait(60) == 0, once.communicate()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ((), ValueError, "no deployment to serve"),
        ((nothing,), TypeError, r"nothing\.to_deployment"),
        (([1],), TypeError, "star before a list"),
        ((1,), TypeError, "not int"),
    ],
)
def test_what_cannot_be_served_is_refused(given: tuple[Any, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        serve(*given)


def test_in_async_code_serve_is_awaited() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="no deployment"):
            await serve()
        with pytest.raises(ValueError, match="no deployment"):
            await aserve()
        with pytest.raises(TypeError, match="has no argument 'polls'"):
            await aserve(polls=1)

    asyncio.run(main())


def test_a_deployment_of_a_pool_is_for_its_workers(site: WorkSite) -> None:
    site.pool("elsewhere")
    with pytest.raises(ValueError, match=r"'elsewhere'.*antiphon worker start"):
        Runner().add_deployment(nothing.to_deployment("d", work_pool_name="elsewhere"))
    with pytest.raises(ValueError, match="no deployment to serve"):
        asyncio.run(Runner().start())
    for options in ({"limit": 0}, {"webserver": True}):
        with pytest.raises(ValueError, match=r"limit|web server"):
            Runner(**options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="web server"):
        nothing.serve(webserver=True)
