"""The process that forks itself for each run: what its children are, and what becomes of them where it dies."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from antiphon.exceptions import InfrastructureNotAvailable, InfrastructureNotFound
from antiphon.workers.nursery_client import UNKNOWN_CODE, ForkedChild, Nursery
from antiphon.workers.process_crew import Order, ProcessCrew
from until import until

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(not Nursery.is_possible(), reason="there is none on this system"),
]

#: Stands for the engine, in a child: it is found first, by the variable that an interpreter looks at when it imports.
CHILD = """
import json, os, signal, subprocess, sys, time
from pathlib import Path

def main():
    facts = {
        "pid": os.getpid(), "group": os.getpgid(0), "session": os.getsid(0), "folder": os.getcwd(),
        "path": sys.path[0], "word": os.environ.get("WORD"), "home": os.environ.get("HOME_TOWN"),
        "signals": [signal.getsignal(each) == signal.SIG_DFL for each in (signal.SIGTERM, signal.SIGCHLD)],
        "threads": len(os.listdir("/proc/self/task")), "zone": time.strftime("%z"),
    }
    if os.environ.get("BREEDS"):
        loop = "trap '' TERM; echo $$ > $BREEDS.new; mv $BREEDS.new $BREEDS; while :; do sleep 1; done"
        subprocess.Popen(["sh", "-c", loop])
    Path(os.environ["FACTS"]).write_text(json.dumps(facts))
    if os.environ.get("CLAIMS"):
        os.write(int(os.environ["ANTIPHON__CLAIMED_FD"]), b"1")
    while os.environ.get("STAYS") and not Path(os.environ["STAYS"]).exists():
        time.sleep(0.01)
    return int(os.environ.get("CODE", "0"))
"""


class Status:
    """Notes what is said of a process."""

    def __init__(self) -> None:
        self.name = ""
        self.has_claimed = False

    def started(self, value: object = None) -> None:
        self.name = str(value)

    def claimed(self) -> None:
        self.has_claimed = True

    @property
    def pid(self) -> int:
        return int(self.name.rpartition(":")[2])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Has the nursery's children run CHILD in place of a flow run."""
    package = tmp_path / "stand_in"
    package.mkdir()
    (package / "child_of_test.py").write_text(CHILD)
    (package / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'antiphon.workers.nursery' in sys.orig_argv:\n"
        "    import antiphon.flow_run_process, child_of_test\n"
        "    antiphon.flow_run_process.main = child_of_test.main\n"
        "    import errno, os\n"
        "    fork = os.fork\n"
        "    def limited():\n"
        "        if os.path.exists(os.environ['FULL']):\n"
        "            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))\n"
        "        return fork()\n"
        "    os.fork = limited\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(package))
    monkeypatch.setenv("FULL", str(tmp_path / "full"))
    return tmp_path


def order(folder: Path, **environment: str) -> Order:
    return Order(None, {"FACTS": str(folder / "facts"), **environment}, folder)


def with_crew(work: Callable[[ProcessCrew], Awaitable[None]]) -> None:
    async def main() -> None:
        crew = ProcessCrew()
        try:
            await work(crew)
        finally:
            crew.close()

    asyncio.run(main())


async def cancelled(running: "asyncio.Future[object]") -> None:
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_a_child_is_a_process_as_a_new_one_would_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME_TOWN", "Ulm")

    async def work(crew: ProcessCrew) -> None:
        status = Status()
        wanted = Order(None, {"FACTS": str(folder / "facts"), "WORD": "hm", "HOME_TOWN": None, "CODE": "7"}, folder)
        result = await crew.run(wanted, status)
        facts = json.loads((folder / "facts").read_text())
        assert result.status_code == 7
        assert facts["pid"] == facts["group"] == facts["session"] == status.pid
        assert (facts["folder"], facts["path"]) == (str(folder), str(folder))
        assert (facts["word"], facts["home"]) == ("hm", None)
        assert facts["signals"] == [True, True]
        assert facts["threads"] == 1
        assert not status.has_claimed

    with_crew(work)


def test_it_says_that_it_has_claimed_its_run_and_is_killed_by_signals(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        status = Status()
        running = asyncio.ensure_future(crew.run(order(folder, CLAIMS="1", STAYS=str(folder / "go")), status))
        while not status.has_claimed:
            await asyncio.sleep(0.01)
        await crew.kill(status.name, 10)
        assert (await running).status_code == -signal.SIGTERM
        with pytest.raises(InfrastructureNotFound):
            await crew.kill(status.name, 10)
        with pytest.raises(InfrastructureNotAvailable, match="machine 'elsewhere'"):
            await crew.kill("elsewhere:1", 10)

    with_crew(work)


def test_many_at_once_are_told_apart(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        orders = [order(folder, CODE=str(code)) for code in range(30)]
        results = await asyncio.gather(*(crew.run(each, Status()) for each in orders))
        assert [each.status_code for each in results] == list(range(30))

    with_crew(work)


def test_one_that_is_not_wanted_any_more_ends(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        status = Status()
        running = asyncio.ensure_future(crew.run(order(folder, STAYS=str(folder / "go")), status))
        while not status.name:
            await asyncio.sleep(0.01)
        await cancelled(running)
        until(lambda: not Path(f"/proc/{status.pid}").exists())

    with_crew(work)


def test_of_those_that_are_not_wanted_before_they_have_begun_none_stays(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        await crew.warm_up()
        nursery = crew._nursery._process
        assert nursery is not None
        children = Path(f"/proc/{nursery.pid}/task/{nursery.pid}/children")
        for turns in range(20):
            running = asyncio.ensure_future(crew.run(order(folder, STAYS=str(folder / "go")), Status()))
            for _ in range(turns):
                await asyncio.sleep(0)
            await cancelled(running)
        while crew._nursery._launching or children.read_text():
            await asyncio.sleep(0.01)

    with_crew(work)


def test_what_it_has_started_and_does_not_end_is_killed_with_it(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        status = Status()
        wanted = order(folder, STAYS=str(folder / "go"), BREEDS=str(folder / "bred"))
        running = asyncio.ensure_future(crew.run(wanted, status))
        while not (folder / "bred").exists():
            await asyncio.sleep(0.01)
        await crew.kill(status.name, 10)
        assert (await running).status_code == -signal.SIGTERM
        until(lambda: not is_alive(int((folder / "bred").read_text())))

    with_crew(work)


def is_alive(pid: int) -> bool:
    """Not where it is a zombie: nobody may be there to bury what was killed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_once_it_is_closed_its_children_can_still_be_ended(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        status = Status()
        running = asyncio.ensure_future(crew.run(order(folder, STAYS=str(folder / "go")), status))
        while not status.name:
            await asyncio.sleep(0.01)
        crew.close()
        await cancelled(running)
        assert not is_alive(status.pid)

    with_crew(work)


def test_one_that_has_no_group_yet_can_be_ended_too() -> None:
    """It is what it was forked from for a moment."""

    async def end() -> int:
        process = subprocess.Popen(["sleep", "600"])
        try:
            child = ForkedChild(process.pid, lambda *_: None)
            child.orphaned()
            child.signal(signal.SIGKILL)
            await child.wait()
            return process.wait(30)
        finally:
            process.kill()

    assert asyncio.run(end()) == -signal.SIGKILL


def test_where_there_is_no_room_for_a_process_it_says_so_and_lives(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        (folder / "full").touch()
        with pytest.raises(InfrastructureNotAvailable, match="no room for another process: Resource temporarily"):
            await crew.run(order(folder), Status())
        (folder / "full").unlink()
        assert (await crew.run(order(folder, CODE="5"), Status())).status_code == 5

    with_crew(work)


def test_a_time_zone_of_its_own(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        await crew.run(order(folder, TZ="JST-9"), Status())
        assert json.loads((folder / "facts").read_text())["zone"] == "+0900"
        assert crew._nursery._process is not None

    with_crew(work)


def test_where_it_dies_its_children_go_on_and_it_is_started_again(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        status = Status()
        running = asyncio.ensure_future(crew.run(order(folder, STAYS=str(folder / "go")), status))
        while not (folder / "facts").exists():
            await asyncio.sleep(0.01)
        assert crew._nursery._process is not None
        crew._nursery._process.kill()
        while crew._nursery._process is not None:
            await asyncio.sleep(0.01)
        assert not running.done()
        os.kill(status.pid, 0)
        assert (await crew.run(order(folder, CODE="5"), Status())).status_code == 5
        (folder / "go").touch()
        end = await running
        assert end.status_code == UNKNOWN_CODE
        assert end.message.startswith("how it ended is not known")

    with_crew(work)


def test_variables_that_an_interpreter_looks_at_first_need_a_new_one(folder: Path) -> None:
    async def work(crew: ProcessCrew) -> None:
        # A new interpreter runs the engine itself, which has no run here.
        result = await crew.run(order(folder, LC_ALL="C.UTF-8" if os.environ.get("LC_ALL") == "C" else "C"), Status())
        assert result.status_code == 1
        result = await crew.run(order(folder, PYTHONWARNINGS="ignore"), Status())
        assert result.status_code == 1
        assert crew._nursery._process is None

    with_crew(work)
