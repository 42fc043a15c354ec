"""Long-running operations: started, worked through chunk by chunk, stopped, forgotten.

A chunk's runs, the counts and the cursor behind the last run are committed together. So an operation goes on after a
crash where it was, and whoever does a chunk a second time finds the cursor moved and changes nothing.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon.v1 import state_pb2
from antiphon_server.application.bulk_verbs import Handled, Order, handle, transition_of
from antiphon_server.application.forgetting import forget
from antiphon_server.application.proposals import state_from
from antiphon_server.domain.bulk import BulkState, BulkVerb, Outcome, Refusal
from antiphon_server.domain.errors import AntiphonError, FailedPrecondition, not_found
from antiphon_server.domain.filter_tree import FilterNode
from antiphon_server.storage import tables
from antiphon_server.storage.reader import CreationKey
from antiphon_server.storage.selection import narrowed
from antiphon_server.storage.sources import FLOW_RUNS
from antiphon_server.storage.working_set import Needs, WorkingSet

#: What people call it.
NOUN = "operation"
#: Why there is none.
UNKNOWN = "it was never started, or it was forgotten a week after its end"
#: Runs in one transaction, and seconds after which no more of them are begun, so that no verdict waits long.
CHUNK = 50
BUDGET = 0.02
#: Runs between two looks at the time.
GROUP = 10
#: Failures that are kept as samples, and characters of each one's message.
MOST_FAILURES = 20
LONGEST_MESSAGE = 500
#: Microseconds for which an operation that has ended is remembered; the contract promises them.
MEMORY = 7 * 24 * 3600 * 1_000_000


@dataclass(slots=True)
class StartBulk:
    """Stores a new operation; a runner hears of it by the commit. The answer is its id."""

    id: str
    verb: BulkVerb
    filter: str
    #: How many runs match.
    total: int
    reason: str = ""
    #: SET_STATE: a serialized state that was checked.
    proposed_state: bytes | None = None
    force: bool = False

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> str:
        what = {
            "filter": self.filter,
            "reason": self.reason,
            "proposed_state": self.proposed_state,
            "force": self.force,
        }
        add_operation(working_set, self.id, self.verb, self.total, what)
        return self.id


def add_operation(working_set: WorkingSet, id: str, verb: BulkVerb, total: int, what: dict[str, Any]) -> None:
    """Stores a new operation, of which nothing is done yet. `what` are columns that say what it does."""
    row = {
        "filter": "",
        "reason": "",
        "force": False,
        **what,
        "id": id,
        "verb": verb,
        "state": BulkState.RUNNING,
        "total_count": total,
        "succeeded_count": 0,
        "failed_count": 0,
        "skipped_count": 0,
        "failures": "[]",
        "create_time": working_set.now,
        "update_time": working_set.now,
    }
    working_set.connection.execute(tables.operations.insert(), row)
    working_set.changes.operations.append(id)


@dataclass(slots=True)
class RunChunk:
    """Handles runs that a reader found behind `after`, as far as they match the filter still.

    The answer says whether the operation goes on; it may have been stopped meanwhile.
    """

    operation_id: str
    after: CreationKey | None
    #: At most CHUNK, in order.
    keys: Sequence[CreationKey]
    #: What the operation's filter means.
    condition: FilterNode | None
    #: Whether no run follows.
    last: bool
    #: Why these runs cannot be handled: a bug. They count as failed.
    broken: AntiphonError | None = None

    def needs(self, needs: Needs) -> None:
        for _, run_id in self.keys:
            needs.flow_runs.add(run_id)
            needs.transitions.add(transition_of(self.operation_id, run_id))

    def apply(self, working_set: WorkingSet) -> bool:
        row = find_bulk(working_set, self.operation_id)
        if row is None or row.state != BulkState.RUNNING:
            return False
        if self.after != cursor_of(row):
            return True
        order, matching = _order(row), self._matching(working_set)
        counts: Counter[str] = Counter()
        failures: list[list[str]] = json.loads(row.failures)
        cursor, handled = self.after, 0
        end = time.monotonic() + BUDGET
        while handled < len(self.keys) and (handled == 0 or time.monotonic() < end):
            group = self.keys[handled : handled + GROUP]
            for run_id, outcome in self._handle(working_set, order, [id for _, id in group if id in matching]):
                if isinstance(outcome, Refusal):
                    counts["failed"] += 1
                    failures.append([run_id, outcome.reason, outcome.message[:LONGEST_MESSAGE]])
                else:
                    counts[outcome.name.lower()] += 1
            handled += len(group)
            cursor = group[-1]
        done = self.last and handled == len(self.keys)
        self._note(working_set, row, cursor, counts, failures[:MOST_FAILURES], done)
        return not done

    def _matching(self, working_set: WorkingSet) -> set[str]:
        """Of the runs that were found, those that match now; what was decided since they were found counts."""
        if not self.keys:
            return set()
        id = tables.flow_runs.c.id
        statement = narrowed(select(id), FLOW_RUNS, self.condition).where(id.in_([key[1] for key in self.keys]))
        return set(working_set.connection.execute(statement).scalars())

    def _handle(self, working_set: WorkingSet, order: Order, run_ids: Sequence[str]) -> Iterator[Handled]:
        if self.broken is not None:
            refusal = Refusal(self.broken.reason, self.broken.message)
            return iter([(run_id, refusal) for run_id in run_ids])
        return handle(working_set, order, run_ids)

    def _note(
        self,
        working_set: WorkingSet,
        row: Any,
        cursor: CreationKey | None,
        counts: Counter[str],
        failures: list[list[str]],
        done: bool,
    ) -> None:
        totals = {f"{name}_count": getattr(row, f"{name}_count") + counts[name] for name in _COUNTED}
        handled = sum(totals.values())
        ended = {"state": BulkState.SUCCEEDED, "end_time": working_set.now} if done else {}
        update_bulk(
            working_set,
            self.operation_id,
            **totals,
            **ended,
            total_count=handled if done else max(row.total_count, handled),
            failures=json.dumps(failures),
            cursor_time=cursor[0] if cursor is not None else None,
            cursor_id=cursor[1] if cursor is not None else None,
        )


_COUNTED = (*(outcome.name.lower() for outcome in Outcome), "failed")


@dataclass(slots=True)
class CancelBulk:
    """Stops an operation before its next chunk. One that is CANCELLED is left so."""

    id: str

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = find_bulk(working_set, self.id)
        if row is None:
            raise not_found(NOUN, self.id, UNKNOWN)
        if row.state == BulkState.CANCELLED:
            return
        if row.state != BulkState.RUNNING:
            raise FailedPrecondition("OPERATION_DONE", f"operation {self.id} has {BulkState(row.state).name} already")
        update_bulk(working_set, self.id, state=BulkState.CANCELLED, end_time=working_set.now)


@dataclass(slots=True)
class FailBulk:
    """Ends an operation that the server cannot go on with; one that has ended is left as it is."""

    id: str
    error: AntiphonError

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> None:
        row = find_bulk(working_set, self.id)
        if row is not None and row.state == BulkState.RUNNING:
            told = json.dumps([type(self.error).__name__, self.error.reason, self.error.message])
            update_bulk(working_set, self.id, state=BulkState.FAILED, end_time=working_set.now, error=told)


@dataclass(slots=True)
class RunningBulks:
    """The ids of the operations that go on, oldest first."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> list[str]:
        table = tables.operations
        running = select(table.c.id).where(table.c.state == BulkState.RUNNING)
        return list(working_set.connection.execute(running.order_by(table.c.create_time, table.c.id)).scalars())


@dataclass(slots=True)
class ForgetBulks:
    """Forgets operations that ended long ago, the oldest first. The answer says whether there may be more of them."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        table = tables.operations
        ended = [state for state in BulkState if state is not BulkState.RUNNING]
        old = select(table.c.id).where(table.c.state.in_(ended), table.c.end_time < working_set.now - MEMORY)
        return forget(working_set, table, old.order_by(table.c.end_time))


def find_bulk(working_set: WorkingSet, id: str) -> Any:
    """The row as it is, after what the same batch did; None where there is none."""
    working_set.flush()
    table = tables.operations
    return working_set.connection.execute(table.select().where(table.c.id == id)).one_or_none()


def cursor_of(row: Any) -> CreationKey | None:
    """The last run that an operation has handled."""
    return (row.cursor_time, row.cursor_id) if row.cursor_id is not None else None


def _order(row: Any) -> Order:
    state = None
    if row.proposed_state is not None:
        state = state_from(state_pb2.State.FromString(row.proposed_state), "")
    return Order(row.id, BulkVerb(row.verb), row.reason, state, row.force)


def update_bulk(working_set: WorkingSet, id: str, **values: Any) -> None:
    """Sets columns of an operation, and tells who follows it."""
    table = tables.operations
    working_set.connection.execute(table.update().where(table.c.id == id).values(**values, update_time=working_set.now))
    working_set.changes.operations.append(id)
