"""The systems that can be measured: how each is run in a process, and how its server is brought up and down."""

import contextlib
import importlib.metadata
import os
import signal
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from antiphon.embedded_server import read_pid, socket_path, wait_for_leaving
from antiphon.service_client import ServiceClient
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest, GetServerInfoResponse
from antiphon_server.home import DATABASE_URL
from bench.children import JOBS, run_child

if TYPE_CHECKING:
    from bench.databases import Databases


_STOP_SECONDS = 30.0
_LOG_LINES = 15


class Site:
    """A data folder of its own for a measured process, with the environment that points to it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment


class System(ABC):
    """A measured system. Close it: it may have servers running."""

    name: str
    title: str
    python: str
    imports: tuple[str, ...]

    def __init__(self, databases: "Databases | None" = None) -> None:
        """`databases` are where it keeps what it stores; None is SQLite, in the site's folder."""
        self.databases = databases
        self._open = contextlib.ExitStack()
        self._warm: Site | None = None

    @abstractmethod
    def durability(self) -> str:
        """How what it stores reaches the disk, for people."""

    @abstractmethod
    def hello(self) -> Sequence[str]:
        """The command that runs the smallest flow."""

    @abstractmethod
    def flows(self, workload: str, count: int) -> Sequence[str]:
        """The command that runs `count` tasks or flows and prints {"seconds": ...}."""

    @abstractmethod
    def site(self, folder: Path) -> Site:
        """A site in an empty folder, with no server running."""

    def quiesce(self, site: Site) -> None:  # noqa: B027  (most leave nothing behind)
        """Ends what a process has left running at the site."""

    def start(self, site: Site) -> None:  # noqa: B027  (DBOS has no server)
        """Starts a server at the site, for as long as this object is open."""

    def explain(self) -> str:
        """The end of what the running server has logged, to explain a failure."""
        log = self._warm.folder / "server.log" if self._warm else None
        lines = log.read_text(errors="replace").splitlines() if log and log.exists() else []
        return "\n".join(["", f"The log of {self.title}'s server ends:", *lines[-_LOG_LINES:]]) if lines else ""

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Site]:
        """A new site with no server running, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix=f"bench-{self.name}-") as folder:
            site = self.site(Path(folder))
            try:
                yield site
            finally:
                self.quiesce(site)

    def warm(self) -> Site:
        """The site whose server runs; started at the first call."""
        if self._warm is None:
            site = self._open.enter_context(self.fresh())
            self.start(site)
            self._warm = site
        return self._warm

    def close(self) -> None:
        """Stops the servers and removes the data."""
        self._warm = None
        self._open.close()


class Antiphon(System):
    """This project, from the checkout."""

    name = "antiphon"
    python = sys.executable
    imports = ("import antiphon", "from antiphon import flow, task")

    def __init__(self, databases: "Databases | None" = None) -> None:
        super().__init__(databases)
        self.title = f"Antiphon {importlib.metadata.version('antiphon')}"

    def durability(self) -> str:
        with ServiceClient(self.target(self.warm())) as client:
            answer: GetServerInfoResponse = client.call(client.admin.GetServerInfo, GetServerInfoRequest())
        return answer.server_info.durability

    def hello(self) -> Sequence[str]:
        return [self.python, str(JOBS / "hello.py"), "antiphon"]

    def flows(self, workload: str, count: int) -> Sequence[str]:
        return [self.python, str(JOBS / "flows.py"), "antiphon", workload, str(count)]

    def site(self, folder: Path) -> Site:
        environment = {"ANTIPHON_HOME": str(folder)}
        if self.databases is not None:
            environment[DATABASE_URL] = self.databases.make()
        return Site(folder, environment)

    def target(self, site: Site) -> str:
        """The gRPC target of the site's embedded server."""
        return f"unix:{socket_path(site.folder)}"

    def start(self, site: Site) -> None:
        # By a process of its own: a server has the environment of whoever starts it.
        run_child([self.python, "-m", "bench.jobs.server", str(site.folder)], site.environment, site.folder)

    def quiesce(self, site: Site) -> None:
        pid = read_pid(site.folder)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        wait_for_leaving(site.folder, _STOP_SECONDS)
