"""A worker, or the server, is killed in each phase of an offer: the run ends as it should, and its code never runs
twice."""

import os
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from antiphon.settings import temporary_settings
from python_programs import StartProgram, programs
from server_process import ServerProcess
from until import until
from work_site import FINAL, WorkSite

pytestmark = pytest.mark.timeout(240)
PATIENCE = 120.0

#: A worker that does something, once, in a phase: it dies, or waits for the file `go`.
WORKER = """
import asyncio, os, pathlib, signal, sys, time
from antiphon.workers.desk import Desk
from antiphon.workers.line_core import LineCore
from antiphon.workers.process import ProcessWorker

phase, act, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(log, 1)
os.dup2(log, 2)

def reached(name):
    reached_before = folder / "reached"
    if name != phase or reached_before.exists():
        return
    reached_before.touch()
    if act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    while not (folder / "go").exists():
        time.sleep(0.01)

def before(kind, method, name):
    whole = getattr(kind, method)
    def patched(*args, **kwargs):
        reached(name)
        return whole(*args, **kwargs)
    setattr(kind, method, patched)

before(LineCore, "_answer", "offered")
before(ProcessWorker, "configure", "taken")
before(LineCore, "exited", "exited")
asyncio.run(ProcessWorker("pool", name="worker").start())
"""

FLOW = """
import os, signal, sys, time
from pathlib import Path
from antiphon import flow

folder = Path({folder!r})

def mark(word):
    with open(folder / "marks", "a") as file:
        file.write(word + chr(10))

def reached(name):
    if name == {phase!r} and not (folder / "reached").exists():
        (folder / "reached").touch()
        while not (folder / "go").exists():
            time.sleep(0.01)

mark("loading")
reached("started")

@flow
def work():
    mark("code")
    reached("running")
    {ending}
"""


class Scene:
    """A server that can be killed, a worker that can, and a run."""

    def __init__(self, folder: Path, start: StartProgram, phase: str, ending: str) -> None:
        self.folder = folder
        self.phase = phase
        self._start = start
        (folder / "flows.py").write_text(FLOW.format(folder=str(folder), phase=phase, ending=ending))
        (folder / "worker.py").write_text(textwrap.dedent(WORKER))
        home = folder / "home"
        home.mkdir()
        self.home = home
        self.serve()

    def serve(self) -> None:
        """Start the server, or start it again."""
        self.process = ServerProcess(self.home, "--session-ttl", "3").serving()
        self.channel = grpc.insecure_channel(self.process.target)
        self.site = WorkSite(self, self.folder)  # type: ignore[arg-type]  # it needs a channel only

    def worker(self, act: str) -> Any:
        environment = {"ANTIPHON_API_URL": self.process.target, "ANTIPHON_HOME": str(self.folder / "h")}
        return self._start(str(self.folder / "worker.py"), self.phase, act, str(self.folder), **environment)

    def until_reached(self) -> None:
        until(lambda: (self.folder / "reached").exists(), PATIENCE)

    def go(self) -> None:
        (self.folder / "go").touch()

    def completes(self, run: str) -> None:
        """Waits for the end of a run, and says all that the worker has said where it is another one."""
        with suppress(AssertionError):
            until(lambda: self.site.state(run) in FINAL, PATIENCE)
        state = self.site.read(run).state
        assert state.name == "Completed", f"{state}\n{(self.folder / 'worker.log').read_text()}"

    @property
    def begun(self) -> int:
        """How often the code was called."""
        return self.site.marks.count("code")


@contextmanager
def scene(folder: Path, phase: str, ending: str = "return 1") -> Iterator[Scene]:
    with programs() as start, temporary_settings({"home": folder}):
        made = Scene(folder, start, phase, ending)
        try:
            yield made
        finally:
            made.go()
            made.process.close()


@pytest.mark.parametrize("phase", ["offered", "taken", "started", "running", "exited"])
def test_a_worker_that_is_killed(tmp_path: Path, phase: str) -> None:
    """What it had not begun is begun by the next one; what was under way goes on by itself."""
    with scene(tmp_path, phase) as made:
        made.site.pool()
        first = made.worker("die")
        run = made.site.run(made.site.deploy())
        made.until_reached()
        if phase in ("started", "running"):
            first.send_signal(signal.SIGKILL)
        first.wait(PATIENCE)
        made.worker("go on")
        if phase == "started":
            # The process that the dead one has left is late: the run is somebody else's by then.
            until(lambda: made.site.read(run).fencing_token > 1, PATIENCE)
        made.go()
        made.completes(run)
        if phase == "started":
            until(lambda: made.site.marks.count("loading") == 2, PATIENCE)
        assert made.begun == 1
        assert made.site.states(run).count("Running") == 1


def test_a_worker_that_is_killed_before_it_says_that_a_process_has_died(tmp_path: Path) -> None:
    """Nobody says so, but nobody holds the run either, and that is found out."""
    with scene(tmp_path, "exited", ending="os.kill(os.getpid(), signal.SIGKILL)") as made:
        made.site.pool()
        first = made.worker("die")
        run = made.site.run(made.site.deploy())
        first.wait(PATIENCE)
        assert made.site.ended(run, PATIENCE).state.name == "Crashed"
        assert made.begun == 1


@pytest.mark.parametrize("phase", ["offered", "taken", "started", "running", "exited"])
def test_a_server_that_is_killed(tmp_path: Path, phase: str) -> None:
    """The run ends once, as if nothing had been."""
    with scene(tmp_path, phase) as made:
        made.site.pool()
        made.worker("wait")
        run = made.site.run(made.site.deploy())
        made.until_reached()
        made.process.end(signal.SIGKILL)
        made.process.close()
        made.serve()
        made.go()
        made.completes(run)
        assert made.begun == 1
        assert made.site.states(run).count("Running") == 1
        # And the worker has got over it.
        again = made.site.run(made.site.deploy(name="again"))
        assert made.site.ended(again, PATIENCE).state.name == "Completed"


def test_a_process_that_begins_while_there_is_no_server_waits_for_it(tmp_path: Path) -> None:
    with programs() as start, temporary_settings({"home": tmp_path}):
        made = Scene(tmp_path, start, "none", "return 1")
        run = made.site.run(made.site.deploy(pool=""))
        environment = {
            "ANTIPHON_API_URL": made.process.target,
            "ANTIPHON_HOME": str(tmp_path / "h"),
            "ANTIPHON__FLOW_RUN_ID": run,
        }
        made.process.end(signal.SIGKILL)
        made.process.close()
        program = start("-m", "antiphon.engine", **environment)
        with pytest.raises(subprocess.TimeoutExpired):
            program.wait(3)
        made.serve()
        assert program.wait(PATIENCE) == 0, program.communicate()
        assert made.site.state(run) == "COMPLETED"
        made.process.close()


def test_a_process_without_a_run_says_what_it_is_for(tmp_path: Path) -> None:
    with programs() as start:
        program = start("-m", "antiphon.engine", ANTIPHON_HOME=str(tmp_path))
        assert program.wait(PATIENCE) == 1
        assert "antiphon flow-run execute ID" in program.communicate()[1]


def test_what_has_not_claimed_its_run_is_killed_when_the_lease_is_over_and_nobody_can_be_asked(tmp_path: Path) -> None:
    """By the clock alone; when the server is back the run is offered again, or given to another."""
    with scene(tmp_path, "started") as made:
        made.site.pool()
        made.worker("wait")
        run = made.site.run(made.site.deploy())
        made.until_reached()
        loading = _pids_of_engines(made.folder)
        assert loading
        os.kill(made.process.process.pid, signal.SIGSTOP)
        try:
            until(lambda: not _pids_of_engines(made.folder) & loading, PATIENCE)
        finally:
            os.kill(made.process.process.pid, signal.SIGCONT)
        assert made.begun == 0
        made.completes(run)
        assert made.begun == 1


def _pids_of_engines(folder: Path) -> set[int]:
    """Processes that have gone to the folder of the code."""
    return {int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal() and _stands_in(each) == folder}


def _stands_in(process: Path) -> Path | None:
    try:
        return Path(os.readlink(process / "cwd"))
    except OSError:
        return None  # it has ended
