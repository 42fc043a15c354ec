"""One SDK process: a role that is begun again each time it was killed, with a journal for each life."""

import os
import signal
import subprocess
from pathlib import Path

from chaos.machine import descendants, signal_all, start
from chaos.names import FOLDER, NAME, SEED

TESTS = Path(__file__).resolve().parents[1]
#: How the processes are dealt out, over and over: each role is there once there are so many.
DEAL = (
    *("flows", "task-workers", "queuers", "registers", "pausers", "operators"),
    *("registers", "workers", "watchers", "flows", "registers", "task-workers"),
)
#: Who brings about runs, and ends first; the others go on until what was brought about is done.
PRODUCERS = frozenset({"flows", "queuers", "registers", "pausers", "operators"})


class Process:
    """`role` and a number are its name. Its children are signalled with it, where it has some."""

    def __init__(self, number: int, folder: Path, seed: int, target: str) -> None:
        self.role = DEAL[number % len(DEAL)]
        self.name = f"{self.role}-{number}"
        self.log = folder / f"{self.name}.log"
        home = folder / f"home-{number}"
        home.mkdir()
        self._environment = os.environ | {
            FOLDER: str(folder / "journals"),
            NAME: self.name,
            SEED: str(seed),
            "PYTHONPATH": str(TESTS),
            "ANTIPHON_API_URL": target,
            "ANTIPHON_HOME": str(home),
            "ANTIPHON_LOGGING_LEVEL": "INFO",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.lives = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        self.lives += 1
        command = ["-m", "chaos.work.roles", self.name]
        self._process = start(command, self._environment, self.log, stdin=subprocess.PIPE)

    def send(self, how: signal.Signals) -> None:
        """To it alone: a worker that is stopped leaves its runs running, as SIGSTOP of one process does."""
        if self._process is not None:
            self._process.send_signal(how)

    def end(self, how: signal.Signals, patience: float = 30.0) -> bool:
        """Whether it went by itself within `patience` seconds; else it is killed."""
        process, self._process = self._process, None
        if process is None:
            return True
        process.send_signal(how)
        return _gone(process, patience)

    def ask_to_end(self) -> None:
        """Ends its standard input: it finishes what it does."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def ended(self, patience: float) -> bool:
        """Waits; whether it went by itself and without an error."""
        process, self._process = self._process, None
        return process is None or (_gone(process, patience) and process.returncode == 0)


def _gone(process: "subprocess.Popen[bytes]", patience: float) -> bool:
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        signal_all([process.pid, *descendants(process.pid)], signal.SIGKILL)
        process.wait()
        return False
    finally:
        if process.stdin is not None:
            process.stdin.close()
    return True
