"""The whole scene: the database, the replicas, the SDK processes, and a proxy on every link between them."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from chaos.faults import Shape
from chaos.machine import descendants, signal_all
from chaos.process import Process
from chaos.replica import Replica
from postgresql_cluster import Cluster
from tcp_proxy import TcpProxy

DATABASE = "chaos"
_PATIENCE = 60.0


class Database:
    """PostgreSQL, durable, that can crash, stop and come back."""

    def __init__(self) -> None:
        self.cluster = Cluster(durable=True)
        self.cluster.start()
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    @property
    def url(self) -> str:
        """Past the proxies: for who looks."""
        return self.cluster.url(DATABASE)

    def through(self, proxy: TcpProxy) -> str:
        return self.url.replace(f":{self.cluster.port}/", f":{proxy.port}/")

    def kill(self) -> None:
        """Of the postmaster alone: its children find out by themselves, as after a real crash of it."""
        self.cluster.stop(signal.SIGKILL)

    def revive(self) -> None:
        """Starts it until it serves: its children of before may hold its memory for a while yet."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.cluster.start()
            except RuntimeError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, how: signal.Signals) -> None:
        process = self.cluster.process
        if process is not None:
            signal_all([process.pid, *descendants(process.pid)], how)


class Scene:
    """What there is; who does something to it is `driving`."""

    def __init__(self, shape: Shape, seed: int, folder: Path, stack: ExitStack) -> None:
        self.shape = shape
        self.seed = seed
        self.folder = folder
        (folder / "journals").mkdir()
        self.database = Database()
        stack.callback(self.database.cluster.remove)
        target = f"127.0.0.1:{self.database.cluster.port}"
        self.stores = [stack.enter_context(TcpProxy(target)) for _ in range(shape.replicas)]
        self.replicas = [
            Replica(number, folder, self.database.through(store)) for number, store in enumerate(self.stores)
        ]
        stack.callback(self._end_replicas)
        #: For each line of processes the way to each replica.
        self.links = [
            [stack.enter_context(TcpProxy(replica.address)) for replica in self.replicas] for _ in range(shape.lines)
        ]
        self.processes = [
            Process(number, folder, seed, ",".join(link.address for link in self.links[number % shape.lines]))
            for number in range(shape.processes)
        ]
        stack.callback(self._end_processes)

    @property
    def target(self) -> str:
        """All replicas, past the proxies."""
        return ",".join(replica.address for replica in self.replicas)

    def serve(self) -> None:
        """One replica first: it makes the tables."""
        for replica in self.replicas:
            replica.up()

    def play(self) -> None:
        for process in self.processes:
            process.start()

    def _end_replicas(self) -> None:
        for replica in self.replicas:
            replica.send(signal.SIGCONT)
            replica.end(signal.SIGKILL)

    def _end_processes(self) -> None:
        for process in self.processes:
            process.end(signal.SIGKILL)


@contextmanager
def scene(shape: Shape, seed: int, folder: Path) -> Iterator[Scene]:
    """Everything is there, and nothing is left at the end."""
    with ExitStack() as stack:
        yield Scene(shape, seed, folder, stack)
