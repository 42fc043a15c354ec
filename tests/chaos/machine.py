"""Processes that never outlive the harness, whatever becomes of it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None)
PATIENCE = 30.0


#: Becomes Python with the arguments that follow, to be killed when the thread ends that has started it. By a program
#: of its own, since between fork and exec nothing may be done beside threads, of which gRPC has some.
_MORTAL = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, {int(signal.SIGKILL)})
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def start(arguments: list[str], environment: dict[str, str], log: Path, **more: object) -> "subprocess.Popen[bytes]":
    """Python with these arguments, which writes into a log and dies with the harness."""
    command = [sys.executable, "-S", "-c", _MORTAL, str(os.getpid()), *arguments]
    with log.open("ab") as output:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            command, env=environment, stdout=output, stderr=output, **more
        )


def signal_all(pids: list[int], how: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, how)


def descendants(root: int) -> list[int]:
    """The ids of all processes below one, the nearest first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                # Behind the name, which may have spaces: state, parent.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    frontier = [root]
    while frontier:
        children = [child for parent in frontier for child in parents.get(parent, ())]
        found += children
        frontier = children
    return found


def guarded(work: Callable[[], int]) -> int:
    """Does the work in a child of its own; gives its exit code, and ends all that it has left behind, however it ended.

    What its children left behind when they were killed becomes ours (a worker's flow runs, for one), so it is found.
    """
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        os.setsid()  # Ctrl-C reaches us alone, and the child once.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os._exit(_worked(work))
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda *_: os.kill(child, signal.SIGINT))
    code = _waited_for(child)
    left = list(_ended(os.getpid()))
    if left:
        print(f"ended what was left behind: {left}", file=sys.stderr)
    return code


def _worked(work: Callable[[], int]) -> int:
    try:
        code = work()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 1
    except BaseException:  # noqa: BLE001 - the process ends here, and says why
        sys.excepthook(*sys.exc_info())
        code = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _waited_for(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


def _ended(root: int) -> Iterator[int]:
    """Kills all below a process until nobody is left; gives whom."""
    end = time.monotonic() + PATIENCE
    while (left := descendants(root)) and time.monotonic() < end:
        yield from left
        signal_all(left, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)
