"""A hand in the writer's thread of a running server: to hold it up, or to make its disk full."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from antiphon_server.storage.working_set import Needs, WorkingSet
from running_server import RunningServer


@dataclass
class _InWriter:
    act: Callable[[WorkingSet], Any]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> Any:
        return self.act(working_set)


def in_writer(server: RunningServer, act: Callable[[WorkingSet], Any]) -> Any:
    """Does something in the writer's thread, within a transaction, and gives what it returns."""
    return server.run(lambda: server.server.core.run(_InWriter(act)))


def pragma(server: RunningServer, text: str) -> int:
    """Reads or sets something of the writer's connection."""
    return int(in_writer(server, lambda it: it.connection.exec_driver_sql(f"PRAGMA {text}").scalar_one()))
