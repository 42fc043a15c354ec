"""The peers: pinned, each in a virtual environment of its own under `.tools/peers/`."""

import contextlib
import hashlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.children import JOBS, ChildFailed, clean_environment
from bench.systems import Site, System

if TYPE_CHECKING:
    from bench.databases import Databases


ROOT = Path(__file__).resolve().parents[3]
PINS = Path(__file__).resolve().parent / "peers"
ENVIRONMENTS = ROOT / ".tools" / "peers"
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0


def pinned_version(peer: str) -> str:
    """The version of the peer that is measured."""
    pins = (PINS / f"{peer}.txt").read_text().split()
    return next(pin.partition("==")[2] for pin in pins if pin.startswith(f"{peer}=="))


def ensure_environment(peer: str) -> str:
    """Makes the peer's virtual environment where it is missing or its pins have changed; returns its Python."""
    pins = PINS / f"{peer}.txt"
    folder = ENVIRONMENTS / peer
    python = folder / "bin" / "python"
    stamp = folder / ".antiphon-stamp"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return str(python)
    print(f"setting up {peer} in {folder} (once)", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "--quiet", str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(pins)], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pins)], check=True
        )
    stamp.write_text(digest)
    return str(python)


class Prefect(System):
    """Prefect with its default settings, but for what calls home."""

    name = "prefect"
    imports = ("from prefect import flow, task",)

    def __init__(self, databases: "Databases | None" = None) -> None:
        super().__init__(databases)
        self.python = ensure_environment("prefect")
        self.title = f"Prefect {pinned_version('prefect')}"

    def durability(self) -> str:
        how = "sqlite wal synchronous=NORMAL" if self.databases is None else self.databases.durability()
        return f"{how}; task runs are kept by the client and reported as events"

    def hello(self) -> Sequence[str]:
        return [self.python, str(JOBS / "hello.py"), "prefect"]

    def flows(self, workload: str, count: int) -> Sequence[str]:
        return [self.python, str(JOBS / "flows.py"), "prefect", workload, str(count)]

    def site(self, folder: Path) -> Site:
        # Where no address is set, Prefect starts a temporary server for the process.
        environment = {
            "PREFECT_HOME": str(folder),
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        if self.databases is not None:
            url = self.databases.make().replace("postgresql://", "postgresql+asyncpg://")
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url
        return Site(folder, environment)

    def start(self, site: Site) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [self.python, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        log = site.folder / "server.log"
        self._open.enter_context(_running(command, site, log))
        _await_health(f"http://127.0.0.1:{port}/api/health", log)
        site.environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"


class Dbos(System):
    """DBOS, a library over a database: it has no server."""

    name = "dbos"
    imports = ("from dbos import DBOS",)

    def __init__(self, databases: "Databases | None" = None) -> None:
        super().__init__(databases)
        self.python = ensure_environment("dbos")
        self.title = f"DBOS {pinned_version('dbos')}"

    def durability(self) -> str:
        how = "sqlite, rollback journal, synchronous=FULL (its defaults)"
        how = how if self.databases is None else self.databases.durability()
        return f"{how}, in the flow's own process"

    def hello(self) -> Sequence[str]:
        return [self.python, str(JOBS / "dbos_hello.py")]

    def flows(self, workload: str, count: int) -> Sequence[str]:
        return [self.python, str(JOBS / "dbos_flows.py"), workload, str(count)]

    def site(self, folder: Path) -> Site:
        url = f"sqlite:///{folder / 'dbos.sqlite'}" if self.databases is None else self.databases.make()
        return Site(folder, {"BENCH_DBOS_DATABASE_URL": url})


@contextlib.contextmanager
def _running(command: Sequence[str], site: Site, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=clean_environment(site.environment), cwd=site.folder, stdout=out, stderr=out
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_health(url: str, log: Path) -> None:
    """Prefect's server tells nobody when it is ready, so it is asked."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise ChildFailed(f"Prefect's server did not answer within {_START_SECONDS:g} s:\n{log.read_text()[-2000:]}")
