"""One of our servers, on a port of its own, that is killed and started again."""

import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

from antiphon_server.encryption_keys import ENCRYPTION_KEY
from antiphon_server.home import DATABASE_URL
from chaos.machine import start

#: Seconds for a server to say that it serves, with everything else under way and the database perhaps not there.
PATIENCE = 60.0
#: Seconds in which a session that is silent is lost: short, so that losses happen in a short run.
SESSION_TTL = 6.0
_KEY = "Q2hhb3MgaGFzIGEga2V5IG9mIGl0cyBvd24uIC0tLS0="


class Replica:
    """Listens on the same address for all its lives. `pid` is 0 while it is dead."""

    def __init__(self, number: int, folder: Path, database: str, session_ttl: float = SESSION_TTL) -> None:
        self.number = number
        self._session_ttl = session_ttl
        self.log = folder / f"replica-{number}.log"
        self._home = folder / f"replica-{number}"
        self._home.mkdir()
        self._database = database
        self.address = f"127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = -1
        #: Of each start: seconds until it served.
        self.starts: list[float] = []

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns at once; `serving` waits."""
        self._close_pipe()
        self._ready, theirs = os.pipe()
        command = ["-m", "antiphon_server", "--home", str(self._home), "--listen", self.address]
        command += ["--ready-fd", str(theirs), "--session-ttl", str(self._session_ttl), "--no-upgrade-backup"]
        environment = os.environ | {DATABASE_URL: self._database, ENCRYPTION_KEY: _KEY}
        self._process = start(command, environment, self.log, pass_fds=(theirs,))
        os.close(theirs)
        self._began = time.monotonic()

    def serving(self, patience: float = PATIENCE) -> bool:
        """Whether it comes to serve. One that finds no database may give up; who wants it starts it again."""
        end = time.monotonic() + patience
        said = b""
        while b"ready " not in said:
            if not select.select([self._ready], [], [], max(end - time.monotonic(), 0))[0]:
                return False
            chunk = os.read(self._ready, 4096)
            if not chunk:
                return False
            said += chunk
        self.starts.append(time.monotonic() - self._began)
        return True

    def up(self) -> None:
        """Starts it until it serves. Raises TimeoutError with what it said last."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not self.alive:
                self.start()
            if self.serving(end - time.monotonic()):
                return
            self.end(signal.SIGKILL)
            time.sleep(0.1)
        raise TimeoutError(f"replica {self.number} does not serve: {self.log.read_text()[-2000:]}")

    def send(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)

    def end(self, how: signal.Signals) -> int:
        """Gives the exit code. One that does not go by SIGTERM is killed, and -9 tells so."""
        if self._process is None:
            return 0
        self._process.send_signal(how)
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process = None
        self._close_pipe()
        return code

    def _close_pipe(self) -> None:
        if self._ready >= 0:
            os.close(self._ready)
            self._ready = -1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
