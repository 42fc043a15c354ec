"""The facts of one batch: loaded in bulk, decided on in memory, written back in bulk, all in one transaction.

A later operation of the batch sees what an earlier one did. Nothing is written before `flush`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from antiphon_server.domain import limit_names
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.leases import Lease
from antiphon_server.domain.model import Run, RunKind
from antiphon_server.domain.sessions import Session
from antiphon_server.domain.states import TERMINAL
from antiphon_server.storage import tables
from antiphon_server.storage.leases import Leases
from antiphon_server.storage.records import (
    FLOW_RUN_FIELDS,
    TASK_RUN_FIELDS,
    TRANSITION_FIELDS,
    Transition,
    flow_run_from,
    task_run_from,
    transition_from,
)
from antiphon_server.storage.run_writes import RUN_WRITES
from antiphon_server.storage.slot_book import SlotBook
from antiphon_server.storage.statements import Insert, Lookup, Row, Update, Write, rows_of
from antiphon_server.storage.surroundings import Surroundings
from antiphon_server.storage.tally import Tally
from antiphon_server.storage.waiting import Unserved, Waiting


@dataclass(slots=True)
class Needs:
    """Ids of the rows that a batch asks for."""

    flow_runs: set[str] = field(default_factory=set)
    task_runs: set[str] = field(default_factory=set)
    transitions: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    flow_names: set[str] = field(default_factory=set)
    #: Runs whose limits, deployments and work queues are looked at.
    limited_flow_runs: set[str] = field(default_factory=set)
    limited_task_runs: set[str] = field(default_factory=set)
    cache_keys: set[str] = field(default_factory=set)

    def run(self, kind: RunKind, run_id: str) -> None:
        (self.flow_runs if kind is RunKind.FLOW_RUN else self.task_runs).add(run_id)


class FinalVerdict(NamedTuple):
    """What a session is told of a proposal that it made in the frame with this number."""

    session_id: str
    sequence: int
    transition_id: str
    #: The verdict, or the error in its place; None for a verdict that another server gave.
    answer: Any


@dataclass(slots=True)
class Changes:
    """What a committed batch did that others want to know, in this process and, where servers share the database, in
    the others: see `change_words.py`."""

    #: Of the commit among those of all servers; None where one server has the database alone.
    number: int | None = None
    #: (kind, run id, flow run around it or itself), once each, in order.
    runs: dict[tuple[RunKind, str], str | None] = field(default_factory=dict)
    #: Rows of `commands` that are new.
    commands: list[dict[str, Any]] = field(default_factory=list)
    #: Rows of `waits` that are new or have another time.
    waits: list[dict[str, Any]] = field(default_factory=list)
    #: (transition id, run id) of proposals that do not wait any more.
    ended_waits: list[tuple[str, str]] = field(default_factory=list)
    #: Of proposals that waited.
    final_verdicts: list[FinalVerdict] = field(default_factory=list)
    #: What became of leases that were waited for: given, or why they never will be.
    leases: list[tuple[str, Lease | AntiphonError]] = field(default_factory=list)
    #: Queues for slots that were not looked through to their end, since that would have taken long.
    unserved: list[Unserved] = field(default_factory=list)
    #: When the soonest slot or lease that was taken here is free again by itself.
    slot_expiry: int | None = None
    #: Sessions that may not speak any more.
    ended_sessions: list[str] = field(default_factory=list)
    #: Session -> its new epoch, for those that attached again.
    resumed: dict[str, int] = field(default_factory=dict)
    #: Flow runs that were told something.
    told: set[str] = field(default_factory=set)
    #: Task key -> from when on a worker may take the soonest of its runs that were queued here.
    queued: dict[str, int] = field(default_factory=dict)
    #: Work queue, or deployment without one -> the same for its flow runs.
    queued_work: dict[str, int] = field(default_factory=dict)
    #: Whether workers may take what they might not before: something was resumed, or changed.
    room_for_work: bool = False
    #: Whether slots came free of a work pool, or of a work queue.
    slots_for_work: bool = False
    #: Runs that ended or were deleted, of both kinds.
    ended_runs: list[str] = field(default_factory=list)
    #: Whether when to plan a schedule was changed.
    schedules: bool = False
    #: Deployments that are new, changed or deleted, or whose schedules are.
    deployments: dict[str, None] = field(default_factory=dict)
    #: The same for workers, and the session that one came with where it did.
    workers: dict[str, str | None] = field(default_factory=dict)
    #: (id, flow run) of lines that are new.
    logs: list[tuple[str, str | None]] = field(default_factory=list)
    #: Long-running operations that were started, went on or ended.
    operations: list[str] = field(default_factory=list)
    #: Lease whose time another storage of leases keeps -> whether it lasts differently from now on; else it has ended.
    kept_leases: dict[str, bool] = field(default_factory=dict)
    #: By what that storage is known from now on.
    lease_epoch: str | None = None
    #: Whether a server gave up what it led.
    leadership: bool = False
    #: Of another server's commit: (session id, command id) of commands that are new, and what was decided of proposals
    #: that waited.
    commanded: list[tuple[str, str]] = field(default_factory=list)
    decided: list[FinalVerdict] = field(default_factory=list)
    #: What was decided, where somebody counts it.
    tally: Tally | None = None


SESSION_FIELDS = Session.__slots__
LOOK_UP_FLOW_RUNS = rows_of(tables.flow_runs, FLOW_RUN_FIELDS)
LOOK_UP_TASK_RUNS = rows_of(tables.task_runs, TASK_RUN_FIELDS)
LOOK_UP_TRANSITIONS = rows_of(tables.transitions, TRANSITION_FIELDS)
LOOK_UP_SESSIONS = rows_of(tables.sessions, SESSION_FIELDS)
LOOK_UP_FLOWS = rows_of(tables.flows, ("name", "id"), key="name")
LOOK_UP_WAITS = rows_of(tables.waits, ("transition_id", "proposal"), key="transition_id")


INSERT_TRANSITION = Insert(tables.transitions, TRANSITION_FIELDS)
INSERT_SESSION = Insert(tables.sessions, SESSION_FIELDS)
UPDATE_SESSION = Update(tables.sessions, ("client", "epoch", "status", "sequence", "expire_time", "server_id"))
_session_row = attrgetter(*INSERT_SESSION.columns)
_session_changes = attrgetter(*UPDATE_SESSION.columns[:-1], "id")


class WorkingSet:
    """Facts and pending writes of one transaction. `now` is its one time, `server_id` says whose it is."""

    def __init__(self, connection: Connection, now: int, server_id: str = "") -> None:
        self.connection = connection
        self.now = now
        self.server_id = server_id
        self._dialect = connection.dialect
        self._cursor = connection.connection.cursor()
        self.changes = Changes()
        self.slots = SlotBook(connection, self._cursor, now)
        self.surroundings = Surroundings(connection, self._cursor, now)
        self.waiting = Waiting(connection, now)
        self.leases = Leases(connection)
        self.changes.waits, self.changes.ended_waits = self.waiting.begun, self.waiting.ended
        self.sessions: dict[str, Session] = {}
        self.flow_ids: dict[str, str] = {}
        self._flow_runs: dict[str, Run] = {}
        self._task_runs: dict[str, Run] = {}
        self._transitions: dict[str, Transition] = {}
        self._new_flows: list[dict[str, Any]] = []
        self._new_flow_runs: dict[str, dict[str, Any]] = {}
        self._new_task_runs: dict[str, dict[str, Any]] = {}
        self._changed_flow_runs: dict[str, Run] = {}
        self._changed_task_runs: dict[str, Run] = {}
        self._new_transitions: list[Transition] = []
        self._new_commands: list[dict[str, Any]] = []
        self._new_sessions: dict[str, Session] = {}
        self._changed_sessions: dict[str, Session] = {}

    def close(self) -> None:
        """To be called at the end, by the thread of the transaction. The garbage collector may run in any other one; a
        cursor that it finds would reset a statement of SQLite's that the next transaction has in use by then."""
        self._cursor.close()

    # Reading

    def load(self, needs: Needs) -> None:
        """Brings in what `needs` names and is not here yet, and the runs around it that rules and effects look at."""
        for row in self._rows(LOOK_UP_SESSIONS, needs.sessions, self.sessions):
            self.sessions[row[0]] = Session(*row)
        for name, id in self._rows(LOOK_UP_FLOWS, needs.flow_names, self.flow_ids):
            self.flow_ids[name] = id
        for row in self._rows(LOOK_UP_TRANSITIONS, needs.transitions, self._transitions):
            self._transitions[row[0]] = transition_from(row)
        undecided = needs.transitions - self._transitions.keys()
        self.waiting.proposals.update(self._rows(LOOK_UP_WAITS, undecided, self.waiting.proposals))
        self._load_task_runs(needs.task_runs)
        self._load_flow_runs(needs.flow_runs | self._around(needs.task_runs))
        parents = {
            parent
            for id in needs.flow_runs
            if id in self._flow_runs and (parent := self._flow_runs[id].parent_task_run_id) is not None
        }
        self._load_task_runs(parents)
        self._load_flow_runs(self._around(parents))
        self._load_limits(needs)
        self.surroundings.load_cache(needs.cache_keys)

    def load_runs(self, kind: RunKind, ids: set[str]) -> None:
        self.load(Needs(flow_runs=ids) if kind is RunKind.FLOW_RUN else Needs(task_runs=ids))

    def _load_limits(self, needs: Needs) -> None:
        flow_runs = [self._flow_runs[id] for id in needs.limited_flow_runs if id in self._flow_runs]
        task_runs = [self._task_runs[id] for id in needs.limited_task_runs if id in self._task_runs]
        deployments = {run.deployment_id for run in flow_runs if run.deployment_id is not None}
        queues = {run.work_queue_id for run in flow_runs if run.work_queue_id is not None}
        schedules = {run.schedule_id for run in flow_runs if run.schedule_id is not None}
        self.surroundings.load(deployments, queues)
        self.surroundings.load_schedules(schedules)
        names = {limit_names.of_deployment(id) for id in deployments}
        names.update(map(limit_names.of_schedule, schedules))
        names.update(limit_names.of_tag(tag) for run in task_runs for tag in run.tags)
        for queue in filter(None, map(self.surroundings.queue, queues)):
            names |= {limit_names.of_work_queue(queue.id), limit_names.of_work_pool(queue.pool_id)}
        self.slots.load(names, self._holders(needs))

    def _holders(self, needs: Needs) -> list[str]:
        """Runs that may give slots back, whatever becomes of them."""
        families = ((self._flow_runs, needs.flow_runs), (self._task_runs, needs.task_runs))
        return [id for runs, ids in families for id in ids if id in runs and runs[id].holds_slots]

    def _around(self, task_run_ids: set[str]) -> set[str]:
        """The flow runs around task runs that are here."""
        around = {self._task_runs[id].flow_run_id for id in task_run_ids if id in self._task_runs}
        return {id for id in around if id is not None}

    def _load_task_runs(self, ids: set[str]) -> None:
        for row in self._rows(LOOK_UP_TASK_RUNS, ids, self._task_runs):
            self._task_runs[row[0]] = task_run_from(row)

    def _load_flow_runs(self, ids: set[str]) -> None:
        for row in self._rows(LOOK_UP_FLOW_RUNS, ids, self._flow_runs):
            self._flow_runs[row[0]] = flow_run_from(row)

    def _rows(self, lookup: Lookup, keys: set[str], known: Collection[str]) -> Iterator[Row]:
        wanted = [key for key in keys if key not in known]
        return lookup.rows(self._cursor, self._dialect, wanted) if wanted else iter(())

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
        flow = run.kind is RunKind.FLOW_RUN
        (self._changed_flow_runs if flow else self._changed_task_runs)[run.id] = run
        self.changes.runs[run.kind, run.id] = run.id if flow else run.flow_run_id

    def tell_of_run(self, run: Run) -> None:
        """Notes, for those who wait for it, that a run was queued for a worker, or has ended."""
        if run.queue_time is not None:
            key = run.work_queue_id or run.deployment_id or run.task_key
            queued = self.changes.queued_work if run.kind is RunKind.FLOW_RUN else self.changes.queued
            queued[key] = min(queued.get(key, run.queue_time), run.queue_time)
        elif run.state_type in TERMINAL:
            self.changes.ended_runs.append(run.id)

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

    def reload(self, kind: RunKind, ids: Sequence[str]) -> None:
        """Reads runs again that were changed or deleted by statements of their own. Call `flush` before these."""
        known = self._flow_runs if kind is RunKind.FLOW_RUN else self._task_runs
        self.load_runs(kind, {id for id in ids if known.pop(id, None) is not None})

    def flush(self) -> None:
        """Writes all that is pending. May be called several times in one transaction."""
        if self._new_flows:
            self.connection.execute(tables.flows.insert(), self._new_flows)
            self._new_flows.clear()
        if self._new_commands:
            self.connection.execute(tables.commands.insert(), self._new_commands)
            self._new_commands.clear()
        self._write_runs(RunKind.FLOW_RUN, self._changed_flow_runs, self._new_flow_runs)
        self._write_runs(RunKind.TASK_RUN, self._changed_task_runs, self._new_task_runs)
        self.slots.flush()
        self.surroundings.flush()
        self.changes.slot_expiry = self.slots.soonest
        self.write(INSERT_TRANSITION, [each.row() for each in self._new_transitions])
        self._new_transitions.clear()
        self.write(INSERT_SESSION, [_session_row(each) for each in self._new_sessions.values()])
        self._new_sessions.clear()
        self.write(UPDATE_SESSION, [_session_changes(each) for each in self._changed_sessions.values()])
        self._changed_sessions.clear()

    def _write_runs(self, kind: RunKind, changed: dict[str, Run], new: dict[str, dict[str, Any]]) -> None:
        writes = RUN_WRITES[kind]
        if new:
            self.write(writes.insert, [writes.inserted(changed[id], fixed) for id, fixed in new.items()])
        self.write(writes.update, [writes.updated(run) for id, run in changed.items() if id not in new])
        changed.clear()
        new.clear()

    def write(self, write: Write, rows: Sequence[Row]) -> None:
        """Writes rows at once."""
        if rows:
            write.run(self._cursor, self._dialect, rows)
