"""A Redis of the tests' own: its files in a temporary folder, on a free port of loopback."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis

from dies_with_parent import dying_with_parent
from tools_needed import miss_tool

PATIENCE = 30.0
MISSING = "Redis is missing: apt-get install redis-server"


class RedisServer:
    """`start` and `stop` as often as wanted; `remove` at the end. What was acknowledged outlives a crash."""

    def __init__(self, **settings: object) -> None:
        """`settings` are of Redis's own, with underscores."""
        self._settings = {name.replace("_", "-"): value for name, value in settings.items()}
        program = shutil.which("redis-server")
        if program is None:
            miss_tool(MISSING)
        self._program = program
        self.folder = Path(tempfile.mkdtemp(prefix="antiphon-redis-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns once it takes commands."""
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.folder,
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            **self._settings,
        }
        told = [str(word) for name, value in settings.items() for word in (f"--{name}", value)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*dying_with_parent(signal.SIGKILL), self._program, *told],
                stdout=log,
                stderr=log,
                # Ctrl-C is for the tests, which end it.
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"Redis does not start:\n{(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        """Not while it loads what it had: then it says so."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def members(self) -> dict[str, float]:
        """What its one sorted set has, with the scores."""
        with redis.Redis.from_url(self.url, decode_responses=True) as asking:
            (key,) = asking.keys() or ("none",)
            return dict(asking.zrange(key, 0, -1, withscores=True))

    def stop(self, how: int = signal.SIGKILL) -> None:
        """By a signal: SIGTERM ends in order, SIGKILL is a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process = None

    def empty(self) -> None:
        """Forgets all that it has kept. Call it while it is stopped."""
        shutil.rmtree(self._data)

    def copy(self) -> Path:
        """What it has kept by now, for `put_back`. Call it while it is stopped."""
        copy = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(self._data, copy, dirs_exist_ok=True)
        return copy

    def put_back(self, copy: Path) -> None:
        """Has it what it had once. Call it while it is stopped."""
        self.empty()
        shutil.copytree(copy, self._data)

    @property
    def _data(self) -> Path:
        return self.folder / "appendonlydir"

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
