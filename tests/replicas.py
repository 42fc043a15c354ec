"""Several servers in this process on one PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from running_server import RunningServer
from stores import url_for


@contextmanager
def replicas(folder: Path, count: int = 2, **how: Any) -> Iterator[Sequence[RunningServer]]:
    """Servers on a database that stands for a file in `folder`. Each has a home of its own there."""
    place = url_for(folder / "shared.db")
    with ExitStack() as stack:
        servers = []
        for number in range(count):
            home = folder / f"r{number}"
            home.mkdir(exist_ok=True)
            servers.append(stack.enter_context(RunningServer(home, database=place, **how)))
        yield servers
