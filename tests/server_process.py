"""A server as a process of its own, as an SDK starts it: with a pipe on which it says that it serves."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc

from antiphon_server.encryption_keys import ENCRYPTION_KEY
from antiphon_server.home import DATABASE, DATABASE_URL
from stores import POSTGRESQL, TEST_KEY, url_for

PATIENCE = 30.0
#: Gives up CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, then becomes Python with the arguments that follow.
BECOME_MORTAL = """
import ctypes, os, sys
PR_CAPBSET_DROP = 24
for capability in (1, 2):
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def server_environment(home: Path) -> dict[str, str]:
    """What a server that tests start is told of the database they run on."""
    if not POSTGRESQL:
        return {}
    return {DATABASE_URL: url_for(home / DATABASE), ENCRYPTION_KEY: TEST_KEY}


class ServerProcess:
    """`ServerProcess(home)` has started it; `said()` waits for its word. It listens on `<home>/s` unless told where."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        socket: Path | None = None,
        mortal: bool = False,
        inherit: tuple[int, ...] = (),
    ) -> None:
        """`mortal`: file permissions apply to it even where the superuser runs the tests."""
        self.home = home
        self.socket = socket or home / "s"
        self.target = f"unix:{self.socket}"
        self._output: str | None = None
        self._ready, theirs = os.pipe()
        command = ["-m", "antiphon_server", "--home", str(home), "--ready-fd", str(theirs)]
        command += arguments if "--listen" in arguments else ["--socket", str(self.socket), *arguments]
        if mortal and os.geteuid() == 0:
            command = ["-c", BECOME_MORTAL, *command]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            # What a test says itself comes first.
            env=server_environment(home) | os.environ,
            pass_fds=(theirs, *inherit),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        os.close(theirs)

    def said(self) -> str:
        """The line about being ready, or about an error; empty where it ended without a word."""
        line = b""
        end = time.monotonic() + PATIENCE
        while not line.endswith(b"\n"):
            if not select.select([self._ready], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError(f"no word in {PATIENCE} s")
            chunk = os.read(self._ready, 4096)
            if not chunk:
                break
            line += chunk
        return line.decode().removesuffix("\n")

    def forsake(self) -> None:
        """Closes the pipe, as if the starter had died."""
        os.close(self._ready)
        self._ready = os.open(os.devnull, os.O_RDONLY)

    def serving(self) -> "ServerProcess":
        """Itself, once it serves."""
        word = self.said()
        assert word.startswith("ready "), (word, self.output())
        return self

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.target)

    def end(self, signal_: int = signal.SIGTERM) -> int:
        """Sends a signal and gives the exit code."""
        self.process.send_signal(signal_)
        return self.wait()

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def output(self) -> str:
        """All that it wrote, once it has ended."""
        if self._output is None:
            self._output = self.process.communicate(timeout=PATIENCE)[0]
        return self._output

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.output()
        os.close(self._ready)
