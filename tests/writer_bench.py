"""A writer of a new database, with a commit that a test can hold."""

import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from antiphon_server.domain.errors import AntiphonError, NotFound
from antiphon_server.storage.database import Database
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import Outcome, Writer
from stores import committed_at

PATIENCE = 20.0


@dataclass
class AddFlow:
    """Writes a flow whose tags take `size` bytes, and raises `error` once that is done."""

    name: str
    size: int = 0
    error: Exception | None = None

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        working_set.add_flow(
            {
                "id": self.name,
                "name": self.name,
                "tags": "x" * self.size,
                "create_time": 1,
                "update_time": 1,
                "version": 1,
            }
        )
        if self.error is not None:
            raise self.error
        return self.name


@dataclass
class Raise:
    """Raises without having written, as operations do that refuse something."""

    error: Exception

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        raise self.error


class HeldCommit:
    """Holds commits while it is closed. `reached` is set when one has come to it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.commits = 0
        #: Raised in place of the next commit.
        self.fault: Exception | None = None

    def __call__(self, _: Connection) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE)
        fault, self.fault = self.fault, None
        if fault is not None:
            raise fault
        self.commits += 1


class Bench:
    """A writer, its answers in order, and a hand on its connection."""

    def __init__(self, place: Path | str, database: Database) -> None:
        self.place = place
        self.engine = database.writer_engine()
        self._raw: list[Any] = []
        event.listen(self.engine, "connect", lambda raw, _: self._raw.append(raw))
        prepare(self.engine)
        self.commit = HeldCommit()
        event.listen(self.engine, "commit", self.commit)
        self.outcomes: list[Outcome] = []
        self.answers: queue.Queue[Any] = queue.Queue()
        self.deliver_fault: Exception | None = None
        self.writer = Writer(self.engine, lambda: 1, self._deliver, lambda working_set: None)

    def _deliver(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        for done, answer in outcome.answers:
            done(answer)
        fault, self.deliver_fault = self.deliver_fault, None
        if fault is not None:
            raise fault

    def pragma(self, text: str) -> Any:
        """Sets something on the writer's own connection to SQLite, which must be idle."""
        (raw,) = self._raw
        return raw.execute(f"PRAGMA {text}").fetchone()

    def submit(self, *operations: Any, bulk: bool = False, owner: str = "", weight: int = 1) -> None:
        for operation in operations:
            self.writer.submit(operation, self.answers.put, bulk=bulk, owner=owner, weight=weight)

    def next(self, count: int = 1) -> list[Any]:
        return [self.answers.get(timeout=PATIENCE) for _ in range(count)]

    def ask(self, *operations: Any) -> list[Any]:
        """Has operations done in one transaction; gives their answers."""
        with self.held():
            self.submit(*operations)
        # The first answer is that of the operation that was held.
        return self.next(len(operations) + 1)[1:]

    def close(self) -> None:
        self.commit.open.set()
        self.writer.stop()
        self.engine.dispose()

    def held(self) -> "Held":
        return Held(self)

    def names(self) -> list[str]:
        """What another connection sees."""
        return [name for (name,) in committed_at(self.place, "SELECT name FROM flows ORDER BY name")]

    def sizes(self) -> list[int]:
        """Answers in each transaction, in order."""
        return [len(outcome.answers) for outcome in self.outcomes]


class Held:
    """While it lasts, a transaction is being committed, so what is submitted queues up."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __enter__(self) -> None:
        commit = self._bench.commit
        commit.reached.clear()
        commit.open.clear()
        self._bench.submit(Raise(NotFound("HELD", "the transaction that is held")))
        assert commit.reached.wait(PATIENCE)

    def __exit__(self, *_: object) -> None:
        self._bench.commit.open.set()


def reason(answer: Any) -> str:
    assert isinstance(answer, AntiphonError), answer
    return answer.reason
