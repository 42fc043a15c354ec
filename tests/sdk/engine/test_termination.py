"""SIGTERM to a process whose flow runs."""

import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.engine import termination
from antiphon.engine.scopes import RunScope
from antiphon.engine.termination import ended_by_sigterm
from antiphon.exceptions import TerminationSignal
from python_programs import programs
from running_server import RunningServer
from stored import Stored

PROGRAM = Path(__file__).with_name("terminating.py")
MESSAGE = "The process was told to end (SIGTERM)."
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(shared_server: RunningServer, tmp_path: Path) -> Iterator[Start]:
    """Starts the program."""
    with programs() as start_program:
        yield lambda way: start_program(
            str(PROGRAM), way, ANTIPHON_API_URL=shared_server.target, ANTIPHON_HOME=str(tmp_path)
        )


def told_to_end(process: "subprocess.Popen[str]") -> tuple[str, int, str, str]:
    """The flow run's id, the exit code, and the rest of what it prints, once it was told to end."""
    assert process.stdout is not None
    id = process.stdout.readline().strip()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    return id, process.returncode, out, err


@pytest.mark.parametrize("way", ["sync", "async", "waits_for_a_result", "waits_for_what_it_submitted", "forks", "two"])
def test_its_run_has_crashed_and_it_dies_of_the_signal(stored: Stored, start: Start, way: str) -> None:
    id, code, out, err = told_to_end(start(way))
    assert (code, out) == (-signal.SIGTERM, ""), err
    run = stored.flow_run(id)
    assert (run.state.name, run.state.message) == ("Crashed", MESSAGE)
    assert stored.flow_run_history(id) == ["Pending", "Running", "Crashed"]
    assert {each.state.name for each in stored.task_runs(id)} <= {"Crashed"}
    for each in stored.task_runs(id):
        child = each.state.details.child_flow_run_id
        assert not child or [inner.state.name for inner in stored.task_runs(child)] == ["Crashed"]
    assert any("Finished in state Crashed" in log.message for log in stored.logs(id)), err


def test_a_hook_is_broken_off(stored: Stored, start: Start) -> None:
    id, code, out, err = told_to_end(start("in_a_hook"))
    assert (code, out) == (-signal.SIGTERM, ""), err
    assert stored.flow_run(id).state.message == MESSAGE


def test_a_cancel_before_it_does_not_make_it_wait(stored: Stored, start: Start) -> None:
    id, code, out, err = told_to_end(start("after_a_cancel"))
    assert (code, out) == (-signal.SIGTERM, ""), err
    assert stored.flow_run_history(id)[:3] == ["Pending", "Running", "Cancelling"]
    assert stored.flow_run(id).state.name in ("Crashed", "Cancelled")


def test_all_flows_of_the_loop_crash(stored: Stored, start: Start) -> None:
    before = {run.id for name in ("first", "second") for run in stored.flow_runs(name)}
    told_to_end(start("two"))
    runs = [run for name in ("first", "second") for run in stored.flow_runs(name) if run.id not in before]
    assert [(run.state.name, run.state.message) for run in runs] == [("Crashed", MESSAGE)] * 2


def test_several_signals_are_one_word(stored: Stored, start: Start) -> None:
    process = start("sync")
    assert process.stdout is not None
    id = process.stdout.readline().strip()
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM
    assert stored.flow_run(id).state.name == "Crashed"


def test_a_later_one_ends_it_at_once(start: Start) -> None:
    process = start("stubborn")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    said = process.stdout.readline()
    assert said == "hook\n", (process.wait(30), process.stderr.read())  # type: ignore[union-attr]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM


def test_one_that_falls_just_before_a_blocking_call_is_heard_at_once(stored: Stored, start: Start) -> None:
    process = start("just_before_a_blocking_call")
    out, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM, err
    assert stored.flow_run(out.strip()).state.message == MESSAGE


def test_a_later_one_that_falls_just_before_a_blocking_call_ends_it_at_once(start: Start) -> None:
    assert told_to_end(start("stubborn_just_before_a_blocking_call"))[1] == -signal.SIGTERM


def test_without_descriptors_to_spare_it_still_works(handled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(termination, "_ear", None)
    monkeypatch.setattr(termination, "_told_at", None)
    monkeypatch.setattr(termination, "_Ear", none_left)
    monkeypatch.setattr(termination, "_leave", lambda told: termination._restore())
    with pytest.raises(TerminationSignal), ended_by_sigterm(RunScope()):
        signal.raise_signal(signal.SIGTERM)


def test_somebody_elses_wakeup_descriptor_is_left_alone(handled: None) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno())
        try:
            with ended_by_sigterm(RunScope()):
                pass
            assert signal.set_wakeup_fd(before) == theirs.fileno()
        finally:
            signal.set_wakeup_fd(before)


def test_code_that_swallows_it_ends_as_it_wants(stored: Stored, start: Start) -> None:
    id, code, out, err = told_to_end(start("swallows"))
    assert (code, out) == (-signal.SIGTERM, ""), err
    assert stored.flow_run(id).state.name == "Completed"
    assert [run.state.name for run in stored.task_runs(id)] == ["Crashed"]


def test_a_handler_of_user_code_stays(stored: Stored, start: Start) -> None:
    id, code, _, err = told_to_end(start("has_its_own_handler"))
    assert (code, "ValueError: mine" in err) == (1, True)
    assert stored.flow_run(id).state.name == "Failed"


@pytest.mark.parametrize("way", ["in_a_thread", "afterwards"])
def test_where_it_is_not_handled_it_ends_the_process(start: Start, way: str) -> None:
    assert told_to_end(start(way))[1] == -signal.SIGTERM


@pytest.fixture
def handled() -> Iterator[None]:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_blocks_may_overlap(handled: None) -> None:
    first, second = ended_by_sigterm(RunScope()), ended_by_sigterm(RunScope())
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert signal.getsignal(signal.SIGTERM) == termination._handle
    second.__exit__(None, None, None)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert termination._scopes == {}


def test_its_handler_stays_until_the_last_words_are_said(handled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second signal, which may come just then, would else cut them short. It does not matter either whether Python
    has called the handler before the run that was stopped ended."""
    handlers: list[object] = []

    def note(*_: object) -> None:
        handlers.append(signal.getsignal(signal.SIGTERM))

    monkeypatch.setattr(termination, "close_all", note)
    monkeypatch.setattr(signal, "raise_signal", note)
    scope = RunScope()
    with ended_by_sigterm(scope):
        scope.stop(TerminationSignal, "told to end")
    assert handlers == [termination._handle, signal.SIG_DFL]


def test_somebody_elses_handler_is_left_alone(handled: None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with ended_by_sigterm(RunScope()):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
