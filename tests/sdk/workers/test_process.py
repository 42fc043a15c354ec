"""Runs of deployments in processes: real workers, real processes, a real server."""

import json
import os
import shlex
import sys
from pathlib import Path

import pytest

from antiphon.exceptions import ServerError
from antiphon.workers import desk
from antiphon.workers.process import ProcessWorker
from until import until
from work_site import WorkerThread, WorkSite

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(autouse=True)
def _pool(site: WorkSite) -> None:
    site.pool()


def test_a_run_begins_in_a_process_of_its_own_with_all_that_belongs_to_it(site: WorkSite) -> None:
    site.write("""
    import os
    from antiphon import flow, task
    from antiphon.runtime import deployment, flow_run

    @task
    def double(x):
        return 2 * x

    @flow(flow_run_name="run-of-{number}", version="7", retries=0)
    def work(number: int = 1):
        mark(f"{os.getpid()} {deployment.name} {flow_run.id} {flow_run.parameters} {type(number).__name__}")
        return double(number)
    """)
    deployment = site.deploy()
    with site.worker() as worker:
        first, second = site.run(deployment, number="20"), site.run(deployment)
        run = site.ended(first)
        assert (run.state.name, run.name, run.flow_version) == ("Completed", "run-of-20", "7")
        assert site.ended(second).state.name == "Completed"
        assert worker.worker.get_status()["online"]
    pids = {each.split()[0] for each in site.marks}
    assert len(pids) == 2
    assert str(os.getpid()) not in pids
    said = next(each for each in site.marks if first in each)
    assert said.endswith(f"deployed {first} {{'number': 20}} int"), "parameters are what the flow's annotations say"
    assert run.infrastructure_pid.rpartition(":")[2] == said.split()[0]
    assert site.states(first) == ["Scheduled", "Pending", "Running", "Completed"]


@pytest.mark.parametrize("code", ["def work():", "async def work():"])
def test_retries_hooks_and_failures_are_as_anywhere(site: WorkSite, code: str) -> None:
    site.write(f"""
    from antiphon import flow

    def told(flow, run, state):
        mark(state.name)

    @flow(retries=1, retry_delay_seconds=0.05, on_failure=[told], on_running=[told])
    {code}
        mark("called")
        raise ValueError("no luck")
    """)
    with site.worker():
        run = site.ended(site.run(site.deploy()))
        # Hooks come after the end, and a worker that ends takes what runs with it.
        until(lambda: "Failed" in site.marks)
    assert run.state.name == "Failed"
    assert "no luck" in run.state.message
    assert run.run_count == 2
    assert [each for each in site.marks if each != "Running" and each != "Retrying"] == ["called", "called", "Failed"]


@pytest.mark.parametrize("code", ["def work():", "async def work():"])
def test_a_flow_that_yields_is_run_to_its_end(site: WorkSite, code: str) -> None:
    site.write(f"""
    from antiphon import flow

    @flow
    {code}
        for number in range(3):
            mark(str(number))
            yield number
    """)
    with site.worker():
        assert site.ended(site.run(site.deploy())).state.name == "Completed"
    assert site.marks == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("text", "fields", "words"),
    [
        ("import not_there_at_all", {}, ["cannot be had", "No module named 'not_there_at_all'", "flows.py", "line"]),
        ("1 / 0", {}, ["ZeroDivisionError", "1 / 0"]),
        ("raise SystemExit('no')", {}, ["SystemExit"]),
        ("x = 1", {}, ["work"]),
        ("x = 1", {"entrypoint": ""}, ["has no entrypoint", "Deploy the flow again"]),
        ("x = 1", {"path": "/not/there"}, ["/not/there", "have the code brought"]),
        ("x = 1", {"pullSteps": [{"antiphon.deployments.steps.set_working_directory": {"directory": "/no"}}]}, ["/no"]),
        ("from antiphon.flows import flow\n@flow\ndef work(number: int): ...", {}, ["number"]),
        (
            "from antiphon import flow, serve\n@flow\ndef work(): ...\nserve(work.to_deployment('d'))",
            {},
            ["__name__ == '__main__'"],
        ),
    ],
)
def test_what_cannot_be_begun_says_why(site: WorkSite, text: str, fields: dict[str, str], words: list[str]) -> None:
    site.write(text)
    with site.worker():
        run = site.ended(site.run(site.deploy(**fields)))
    assert run.state.name in ("Crashed", "Failed")
    for word in words:
        assert word in run.state.message, run.state.message


def test_job_variables_say_how_the_process_is_started(site: WorkSite, tmp_path: Path) -> None:
    site.write("""
    import os
    from antiphon import flow

    @flow
    def work():
        mark(f"{os.environ['COLOUR']} {os.environ.get('HOME_TOWN')} {os.environ['STARTED_IN']}")
    """)
    (tmp_path / "elsewhere").mkdir()
    code = (
        "import os, subprocess, sys; os.environ['STARTED_IN'] = os.getcwd(); "
        "sys.exit(subprocess.call([sys.executable, '-m', 'antiphon.engine']))"
    )
    command = shlex.join([sys.executable, "-c", code])
    os.environ["HOME_TOWN"] = "Ulm"
    variables = {
        "env": {"COLOUR": "{{ $COLOUR_OF_TEST }}", "HOME_TOWN": None},
        "working_dir": str(tmp_path / "elsewhere"),
        "command": command,
    }
    os.environ["COLOUR_OF_TEST"] = "green"
    try:
        with site.worker():
            assert site.ended(site.run(site.deploy(jobVariables=variables))).state.name == "Completed"
    finally:
        del os.environ["COLOUR_OF_TEST"], os.environ["HOME_TOWN"]
    assert site.marks == [f"green None {tmp_path / 'elsewhere'}"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"command": "no-such-program --now"}, ["no-such-program", "`command` in the job variables"]),
        ({"command": "'half"}, ["cannot be taken apart"]),
        ({"working_dir": "/not/there"}, ["/not/there", "working_dir"]),
        ({"venv": "/not/there"}, ["/not/there", "venv"]),
        ({"requirements": ["not a package!"]}, ["not a package!"]),
        ({"requirements": ["a @ https://me:secret@/x"]}, ["a @ https:///x"]),
        ({"venv": "/a", "requirements": ["b"]}, ["Give one"]),
        ({"env": {"X": "{{ $NOT_SET_ANYWHERE }}"}}, ["NOT_SET_ANYWHERE", "Set it"]),
        ({"env": {"X": "{{ antiphon.variables.nobody }}"}}, ["nobody", "antiphon variable set"]),
        ({"stream_output": "perhaps"}, ["stream_output"]),
    ],
)
def test_a_job_that_cannot_be_made_says_why_and_the_worker_goes_on(
    site: WorkSite, variables: dict[str, str], words: list[str]
) -> None:
    site.write("from antiphon import flow\n@flow\ndef work(): ...")
    with site.worker():
        run = site.ended(site.run(site.deploy(jobVariables=variables)))
        assert run.state.name == "Crashed"
        for word in ["could not be started", *words]:
            assert word in run.state.message, run.state.message
        assert site.ended(site.run(site.deploy(name="other"))).state.name == "Completed"


def test_a_venv_runs_the_run(site: WorkSite, tmp_path: Path) -> None:
    site.write("""
    import sys
    from antiphon import flow
    import only_in_venv

    @flow
    def work():
        mark(f"{sys.prefix} {only_in_venv.WORD}")
    """)
    source = tmp_path / "package"
    source.mkdir()
    (source / "only_in_venv.py").write_text("WORD = 'there'")
    (source / "pyproject.toml").write_text(
        "[project]\nname = 'only-in-venv'\nversion = '1'\n[tool.setuptools]\npy-modules = ['only_in_venv']\n"
    )
    requirement = f"only-in-venv @ file://{source}"
    with site.worker():
        run = site.ended(site.run(site.deploy(jobVariables={"requirements": [requirement]})), 140)
        assert run.state.name == "Completed", run.state.message
        made = site.marks[0].split()[0]
        again = site.deploy(name="other", jobVariables={"venv": made})
        assert site.ended(site.run(again)).state.name == "Completed"
    assert made.startswith(str(tmp_path))
    assert site.marks == [f"{made} there"] * 2


WAITS = """
    import time
    from antiphon import flow

    def told(flow, run, state):
        mark(state.name)

    @flow(on_cancellation=[told], on_crashed=[told])
    def work():
        mark("began")
        time.sleep(60)
        mark("went on")
"""


def test_a_run_that_is_cancelled_stops_in_its_process(site: WorkSite) -> None:
    site.write(WAITS)
    with site.worker():
        run = site.run(site.deploy())
        until(lambda: site.marks == ["began"], 60)
        site.call("CancelFlowRun", {"id": run})
        assert site.ended(run).state.name == "Cancelled"
        until(lambda: site.marks == ["began", "Cancelled"])


def test_a_run_that_is_cancelled_before_it_begins_is_killed(site: WorkSite) -> None:
    site.write("import time\nfrom pathlib import Path\nmark('loading')\ntime.sleep(60)\n")
    with site.worker() as worker:
        run = site.run(site.deploy())
        until(lambda: site.marks == ["loading"], 60)
        site.call("CancelFlowRun", {"id": run})
        assert site.ended(run).state.name == "Cancelled"
        until(lambda: worker.worker.get_status()["flow_runs"] == 0)


def test_one_that_ignores_sigterm_is_killed_with_all_of_its_group(
    site: WorkSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.workers.job.GRACE", 1)
    site.write("""
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    mark(str(child.pid))
    time.sleep(60)
    """)
    with site.worker():
        run = site.run(site.deploy())
        until(lambda: len(site.marks) == 1, 60)
        site.call("CancelFlowRun", {"id": run})
        assert site.ended(run).state.name == "Cancelled"
    until(lambda: not _lives(int(site.marks[0])))


def _lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_a_process_that_dies_leaves_a_crashed_run_that_says_so(site: WorkSite) -> None:
    site.write("""
    import os, signal
    from antiphon import flow

    @flow
    def work():
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    with site.worker():
        run = site.ended(site.run(site.deploy()))
    assert run.state.name == "Crashed"
    assert "-9" in run.state.message
    assert "memory" in run.state.message


def test_a_flow_that_suspends_itself_ends_its_process_and_comes_back(site: WorkSite) -> None:
    site.write("""
    import os
    from antiphon import flow, suspend_flow_run, task

    @task(persist_result=True)
    def once():
        mark("task")
        return 5

    @flow
    def work():
        mark(str(os.getpid()))
        value = once()
        suspend_flow_run(timeout=600, key="wait")
        mark("resumed")
        return value
    """)
    with site.worker() as worker:
        run = site.run(site.deploy())
        site.until(run, "PAUSED")
        until(lambda: worker.worker.get_status()["flow_runs"] == 0)
        pid = site.marks[0]
        until(lambda: not _lives(int(pid)))
        assert site.read(run).state.name == "Suspended"
        site.call("ResumeFlowRun", {"id": run})
        assert site.ended(run).state.name == "Completed"
    assert site.marks.count("task") == 1, "what is kept need not be done again"
    assert site.marks[-1] == "resumed"
    assert len({each for each in site.marks if each.isdecimal()}) == 2


def test_a_worker_that_is_told_to_stop_waits_and_at_the_second_word_kills(site: WorkSite) -> None:
    site.write("""
    import time
    from pathlib import Path
    from antiphon import flow

    @flow
    def work(name: str):
        mark(name)
        while not Path(name).exists():
            time.sleep(0.02)
    """)
    deployment = site.deploy()
    with site.worker() as worker:
        patient = site.run(deployment, name="patient")
        until(lambda: "patient" in site.marks, 60)
        worker.stop()
        late = site.run(deployment, name="late")
        (site.folder / "patient").touch()
        worker.join()
    assert site.ended(patient).state.name == "Completed"
    assert site.state(late) == "SCHEDULED"
    assert site.call("ListWorkers", {}).workers[0].status == 2
    with site.worker() as worker:
        until(lambda: "late" in site.marks, 60)
        worker.stop()
        worker.stop()
        worker.join()
    assert site.ended(late).state.name == "Crashed"


def test_a_worker_that_runs_once_takes_what_is_due_and_leaves(site: WorkSite, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each takes longer than the worker waits for another one.
    monkeypatch.setattr(desk, "ONCE_PATIENCE", 1.0)
    site.write("""
    import time
    from antiphon import flow

    @flow
    def work():
        time.sleep(1.5)
        mark("ran")
    """)
    deployment = site.deploy()
    runs = [site.run(deployment) for _ in range(3)]
    WorkerThread(ProcessWorker("pool", limit=1), run_once=True).join()
    assert [site.state(run) for run in runs] == ["COMPLETED"] * 3
    assert site.marks == ["ran"] * 3


def test_no_more_than_the_limit_run_at_a_time(site: WorkSite) -> None:
    site.write(f"""
    import os, time
    from antiphon import flow

    @flow
    def work():
        mark("in")
        while not os.path.exists({str(site.folder / "go")!r}):
            time.sleep(0.01)
        mark("out")
    """)
    deployment = site.deploy()
    with site.worker(limit=2):
        runs = [site.run(deployment) for _ in range(6)]
        until(lambda: site.marks == ["in", "in"], 60)
        # All that it has room for was offered: the others are still the server's.
        assert sorted(site.state(run) for run in runs) == ["RUNNING"] * 2 + ["SCHEDULED"] * 4
        (site.folder / "go").touch()
        for run in runs:
            assert site.ended(run).state.name == "Completed"
    inside = [sum(1 if each == "in" else -1 for each in site.marks[:upto]) for upto in range(1, len(site.marks) + 1)]
    assert max(inside) == 2


def test_of_two_workers_with_one_name_the_second_is_refused(site: WorkSite) -> None:
    with site.worker(name="twin"):
        second = WorkerThread(ProcessWorker("pool", name="twin"))
        second.join()
        assert isinstance(second.error, ServerError)
        assert second.error.reason == "WORKER_NAME_TAKEN"
        assert "choose another name" in str(second.error)


@pytest.mark.parametrize(
    ("pool", "options", "reason"),
    [
        ("nowhere", {"create_pool_if_not_found": False}, "WORK_POOL_NOT_FOUND"),
        ("other", {}, "WORK_POOL_TYPE_DIFFERS"),
        ("pool", {"work_queues": ["no-such"]}, "WORK_QUEUE_NOT_FOUND"),
    ],
)
def test_a_worker_in_the_wrong_place_is_told_so(
    site: WorkSite, pool: str, options: dict[str, object], reason: str
) -> None:
    site.pool("other", type="docker")
    worker = WorkerThread(ProcessWorker(pool, **options))
    worker.join()
    assert isinstance(worker.error, ServerError)
    assert worker.error.reason == reason


def test_a_pool_that_is_not_there_is_made_with_the_template(site: WorkSite) -> None:
    with site.worker("made", base_job_template=None):
        pool = site.call("GetWorkPool", {"name": "made"}).work_pool
    assert pool.type == "process"
    template = json.loads(pool.base_job_template)
    assert template["job_configuration"]["working_dir"] == "{{ working_dir }}"
    assert set(template["variables"]["properties"]) >= {"env", "command", "stream_output", "venv", "requirements"}


def test_a_queue_that_is_paused_under_way_holds_its_runs_back(site: WorkSite) -> None:
    site.write("from antiphon import flow\n@flow\ndef work(): mark('ran')")
    deployment = site.deploy()
    queue = site.call("GetWorkQueue", {"name": {"workPoolName": "pool", "name": "default"}}).work_queue
    with site.worker():
        assert site.ended(site.run(deployment)).state.name == "Completed"
        update = {"workQueue": {"id": queue.id, "paused": True}, "updateMask": "paused"}
        site.call("UpdateWorkQueue", update)
        held = site.run(deployment)
        other = site.deploy(
            name="other",
            workQueueName=site.call(
                "CreateWorkQueue", {"workQueue": {"workPoolId": queue.work_pool_id, "name": "second"}}
            ).work_queue.name,
        )
        assert site.ended(site.run(other)).state.name == "Completed"
        assert site.state(held) == "SCHEDULED"
        site.call("UpdateWorkQueue", {"workQueue": {"id": queue.id, "paused": False}, "updateMask": "paused"})
        assert site.ended(held).state.name == "Completed"


def test_who_stops_a_worker_that_does_not_run_is_told_so() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        ProcessWorker("pool").stop()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"work_pool_name": ""}, "name of the work pool"),
        ({"work_pool_name": "p", "limit": 0}, "limit"),
        ({"work_pool_name": "p", "prefetch_seconds": 601}, "prefetch_seconds"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ProcessWorker(**options)


def test_one_queue_is_no_list() -> None:
    with pytest.raises(TypeError, match=r"\['default'\]"):
        ProcessWorker("pool", work_queues="default")


def test_a_run_that_does_not_confirm_its_cancellation_is_killed_by_its_worker(
    site: WorkSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon.workers.job.GRACE", 1)
    site.write("""
    import os, signal, time
    from antiphon import flow

    @flow
    def work():
        mark(str(os.getpid()))
        while True:
            try:
                while True:
                    time.sleep(0.05)
            except BaseException as error:
                mark(type(error).__name__)
    """)
    with site.worker():
        run = site.run(site.deploy())
        until(lambda: len(site.marks) == 1, 60)
        site.call("CancelFlowRun", {"id": run})
        until(lambda: "RunCancelled" in site.marks)
        assert site.state(run) == "CANCELLING"
        site.server.advance(301)
        assert site.ended(run).state.name == "Cancelled"
        until(lambda: not _lives(int(site.marks[0])))
