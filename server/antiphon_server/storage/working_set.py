"""The facts of one batch: loaded in bulk, decided on in memory, written back in bulk, all in one transaction.

A later operation of the batch sees what an earlier one did. Nothing is written before `flush`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from antiphon_server.domain.model import Run, RunKind
from antiphon_server.domain.sessions import Session
from antiphon_server.storage import tables
from antiphon_server.storage.records import (
    CHANGING_FIELDS,
    FLOW_RUN_FIELDS,
    TASK_RUN_FIELDS,
    Transition,
    flow_run_from,
    task_run_from,
    transition_from,
)

#: Ids in one IN list; SQLite takes 32,766 parameters and PostgreSQL 65,535.
CHUNK = 1000


@dataclass(slots=True)
class Needs:
    """Ids of the rows that a batch asks for."""

    flow_runs: set[str] = field(default_factory=set)
    task_runs: set[str] = field(default_factory=set)
    transitions: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    flow_names: set[str] = field(default_factory=set)

    def run(self, kind: RunKind, run_id: str) -> None:
        (self.flow_runs if kind is RunKind.FLOW_RUN else self.task_runs).add(run_id)


@dataclass(slots=True)
class Changes:
    """What a committed batch did that others in the process want to know."""

    #: (kind, run id, flow run around it or itself), once each, in order.
    runs: dict[tuple[RunKind, str], str | None] = field(default_factory=dict)
    #: Rows of `commands` that are new.
    commands: list[dict[str, Any]] = field(default_factory=list)
    #: Rows of `waits` that are new or have another time.
    waits: list[dict[str, Any]] = field(default_factory=list)
    #: Sessions that may not speak any more.
    ended_sessions: list[str] = field(default_factory=list)


def _by_ids(table: Table, columns: Sequence[str]) -> Select[Any]:
    return select(*(table.c[name] for name in columns)).where(table.c.id.in_(bindparam("ids", expanding=True)))


SELECT_FLOW_RUNS = _by_ids(tables.flow_runs, FLOW_RUN_FIELDS)
SELECT_TASK_RUNS = _by_ids(tables.task_runs, TASK_RUN_FIELDS)
SELECT_TRANSITIONS = select(tables.transitions).where(tables.transitions.c.id.in_(bindparam("ids", expanding=True)))
SELECT_SESSIONS = select(tables.sessions).where(tables.sessions.c.id.in_(bindparam("ids", expanding=True)))
SELECT_FLOWS = select(tables.flows.c.name, tables.flows.c.id).where(
    tables.flows.c.name.in_(bindparam("ids", expanding=True))
)


def _update(table: Table, columns: Sequence[str]) -> Any:
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    return table.update().where(table.c.id == bindparam("key")).values(values)


UPDATE_FLOW_RUN = _update(tables.flow_runs, CHANGING_FIELDS)
UPDATE_TASK_RUN = _update(tables.task_runs, (*CHANGING_FIELDS, "flow_run_run_count"))
SESSION_CHANGES = ("client", "epoch", "status", "sequence", "expire_time")
UPDATE_SESSION = _update(tables.sessions, SESSION_CHANGES)


class WorkingSet:
    """Facts and pending writes of one transaction. `now` is its one time."""

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.changes = Changes()
        self.sessions: dict[str, Session] = {}
        self.flow_ids: dict[str, str] = {}
        self._flow_runs: dict[str, Run] = {}
        self._task_runs: dict[str, Run] = {}
        self._transitions: dict[str, Transition] = {}
        self._new_flows: list[dict[str, Any]] = []
        self._new_flow_runs: dict[str, dict[str, Any]] = {}
        self._new_task_runs: dict[str, dict[str, Any]] = {}
        self._changed_runs: dict[str, Run] = {}
        self._new_transitions: list[Transition] = []
        self._new_commands: list[dict[str, Any]] = []
        self._new_sessions: dict[str, Session] = {}
        self._changed_sessions: dict[str, Session] = {}

    # Reading

    def load(self, needs: Needs) -> None:
        """Brings in what `needs` names and is not here yet, and the runs around it that rules and effects look at."""
        for row in self._rows(SELECT_SESSIONS, needs.sessions, self.sessions):
            self.sessions[row.id] = Session(**row._mapping)
        for row in self._rows(SELECT_FLOWS, needs.flow_names, self.flow_ids):
            self.flow_ids[row.name] = row.id
        for row in self._rows(SELECT_TRANSITIONS, needs.transitions, self._transitions):
            self._transitions[row.id] = transition_from(row)
        self._load_task_runs(needs.task_runs)
        around = {self._task_runs[id].flow_run_id for id in needs.task_runs if id in self._task_runs}
        self._load_flow_runs(needs.flow_runs | {each for each in around if each is not None})
        self._load_task_runs(
            {
                parent
                for id in needs.flow_runs
                if id in self._flow_runs and (parent := self._flow_runs[id].parent_task_run_id) is not None
            }
        )

    def _load_task_runs(self, ids: set[str]) -> None:
        for row in self._rows(SELECT_TASK_RUNS, ids, self._task_runs):
            self._task_runs[row[0]] = task_run_from(row)

    def _load_flow_runs(self, ids: set[str]) -> None:
        for row in self._rows(SELECT_FLOW_RUNS, ids, self._flow_runs):
            self._flow_runs[row[0]] = flow_run_from(row)

    def _rows(self, statement: Select[Any], keys: set[str], known: Collection[str]) -> Iterator[Any]:
        wanted = [key for key in keys if key not in known]
        for start in range(0, len(wanted), CHUNK):
            yield from self.connection.execute(statement, {"ids": wanted[start : start + CHUNK]}).fetchall()

    def run(self, kind: RunKind, run_id: str) -> Run | None:
        return (self._flow_runs if kind is RunKind.FLOW_RUN else self._task_runs).get(run_id)

    def transition(self, transition_id: str) -> Transition | None:
        """A decided proposal, if it was loaded or made in this batch."""
        return self._transitions.get(transition_id)

    def fetch_transition(self, transition_id: str) -> Transition | None:
        """The same, asking the database where need be: for the rare verdict that shows a state of long ago."""
        self.load(Needs(transitions={transition_id}))
        return self._transitions.get(transition_id)

    # Writing

    def add_flow(self, row: dict[str, Any]) -> None:
        self._new_flows.append(row)
        self.flow_ids[row["name"]] = row["id"]

    def add_run(self, run: Run, fixed: dict[str, Any]) -> None:
        """A new run; `fixed` holds the columns that no transition changes."""
        flow = run.kind is RunKind.FLOW_RUN
        (self._flow_runs if flow else self._task_runs)[run.id] = run
        (self._new_flow_runs if flow else self._new_task_runs)[run.id] = fixed
        self.touch(run)

    def touch(self, run: Run) -> None:
        """Notes that `run` was changed."""
        self._changed_runs[run.id] = run
        self.changes.runs[run.kind, run.id] = run.id if run.kind is RunKind.FLOW_RUN else run.flow_run_id

    def add_transition(self, transition: Transition) -> None:
        self._transitions[transition.id] = transition
        self._new_transitions.append(transition)

    def add_session(self, session: Session) -> None:
        self.sessions[session.id] = session
        self._new_sessions[session.id] = session

    def touch_session(self, session: Session) -> None:
        if session.id not in self._new_sessions:
            self._changed_sessions[session.id] = session

    def add_command(self, row: dict[str, Any]) -> None:
        self._new_commands.append(row)
        self.changes.commands.append(row)

    def put_wait(self, row: dict[str, Any]) -> None:
        """A proposal that waits; one that waits already gets its new time."""
        self.connection.execute(tables.waits.delete().where(tables.waits.c.transition_id == row["transition_id"]))
        self.connection.execute(tables.waits.insert(), row)
        self.changes.waits.append(row)

    def reload(self, kind: RunKind, ids: Sequence[str]) -> None:
        """Reads runs again that were changed or deleted by statements of their own. Call `flush` before these."""
        known = self._flow_runs if kind is RunKind.FLOW_RUN else self._task_runs
        here = {id for id in ids if known.pop(id, None) is not None}
        self.load(Needs(flow_runs=here) if kind is RunKind.FLOW_RUN else Needs(task_runs=here))

    def flush(self) -> None:
        """Writes all that is pending. May be called several times in one transaction."""
        self._insert(tables.flows, self._new_flows)
        self._insert(tables.sessions, [_session_row(each, Session.__slots__) for each in self._new_sessions.values()])
        self._write_runs(tables.flow_runs, UPDATE_FLOW_RUN, self._new_flow_runs, RunKind.FLOW_RUN, CHANGING_FIELDS)
        self._write_runs(
            tables.task_runs,
            UPDATE_TASK_RUN,
            self._new_task_runs,
            RunKind.TASK_RUN,
            (*CHANGING_FIELDS, "flow_run_run_count"),
        )
        self._insert(tables.transitions, [each.row() for each in self._new_transitions])
        if self._changed_sessions:
            rows = [{"key": each.id, **_session_row(each, SESSION_CHANGES)} for each in self._changed_sessions.values()]
            self.connection.execute(UPDATE_SESSION, rows)
        self._insert(tables.commands, self._new_commands)
        for pending in (self._new_flows, self._new_transitions, self._new_commands):
            pending.clear()
        for mapping in (
            self._new_sessions,
            self._new_flow_runs,
            self._new_task_runs,
            self._changed_runs,
            self._changed_sessions,
        ):
            mapping.clear()

    def _write_runs(
        self, table: Table, update: Any, new: dict[str, dict[str, Any]], kind: RunKind, columns: Sequence[str]
    ) -> None:
        inserts, updates = [], []
        for run in self._changed_runs.values():
            if run.kind is not kind:
                continue
            fixed = new.get(run.id)
            if fixed is not None:
                inserts.append({**fixed, **_values(run, columns), "id": run.id, "create_digest": run.create_digest})
            else:
                updates.append({"key": run.id, **_values(run, columns)})
        self._insert(table, inserts)
        if updates:
            self.connection.execute(update, updates)

    def _insert(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        if rows:
            self.connection.execute(table.insert(), rows)


def _values(run: Run, columns: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(run, name) for name in columns}


def _session_row(session: Session, columns: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(session, name) for name in columns}
