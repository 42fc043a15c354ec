"""What always holds of runs and answers, looked at after each transaction."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from antiphon_server.application.edits import Delete
from antiphon_server.application.verdicts import Verdict
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.rules.take_slot import AWAITING_CONCURRENCY_SLOT
from antiphon_server.domain.sessions import SessionStatus
from antiphon_server.domain.states import CANCELLING, PENDING, RUNNING, StateType, VerdictKind
from antiphon_server.storage.working_set import Changes, WorkingSet
from antiphon_server.storage.writer import Operation
from simulation.events import FLOW_RUN, TASK_RUN, Move, New
from simulation.history import Account, Entry
from simulation.slots_check import SlotsCheck
from simulation.violations import Violation

_SHARED = (
    "id",
    "run_count",
    "state_id",
    "state_type",
    "state_name",
    "state_time",
    "end_time",
    "total_run_time",
    "session_id",
    "fencing_token",
    "deadline_time",
    "holds_slots",
    "version",
)
_COLUMNS = {
    FLOW_RUN: (*_SHARED, "deployment_id", "parent_task_run_id", "infrastructure_pid"),
    TASK_RUN: (*_SHARED, "flow_run_id", "tags"),
}
_TABLES = {FLOW_RUN: "flow_runs", TASK_RUN: "task_runs"}
#: Transactions between two looks at everything.
WHOLE = 250


class Checker:
    """`runs` is what was last seen of each run: its row, and `kind`."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.runs: dict[str, dict[str, Any]] = {}
        #: Task runs that stand for a subflow, and the subflow.
        self.mirrors: dict[str, str] = {}
        self._accounts: dict[str, Account] = {}
        self._slots = SlotsCheck(cursor, self.runs)
        self._verdicts: dict[str, tuple[Any, ...]] = {}
        self._proposed: dict[str, Move] = {}
        #: Since the last commit: decided, waiting with the session, and created.
        self._decided: list[Move] = []
        self._waiting: list[tuple[Move, str]] = []
        self._created: list[New] = []
        self._deleting: set[str] = set()
        self._count = 0
        #: The newest answer to a proposal.
        self.last: Verdict | None = None

    @property
    def working_set(self) -> WorkingSet | None:
        return self._slots.working_set

    @working_set.setter
    def working_set(self, working_set: WorkingSet) -> None:
        self._slots.working_set = working_set

    @contextmanager
    def watching(self) -> Iterator[None]:
        with self._slots.watching():
            yield

    # What is heard

    def begin(self, operations: Sequence[Operation]) -> None:
        """Before a transaction."""
        self._decided.clear()
        self._waiting.clear()
        self._created.clear()
        self._deleting = {each.id for each in operations if isinstance(each, Delete)}
        self._slots.begin(operations)

    def answered(self, move: Move, verdict: Verdict, session_id: str | None = None) -> None:
        """A verdict that is committed, whether its proposer hears of it or not."""
        self._proposed[move.id] = move
        self.last = verdict
        if verdict.kind is VerdictKind.WAIT:
            if session_id is not None:
                self._waiting.append((move, session_id))
            return
        self.final(verdict)
        self._decided.append(move)
        if verdict.kind is VerdictKind.ACCEPT and move.token and verdict.fencing_token != move.token:
            message = f"{move} was accepted under claim {verdict.fencing_token}"
            raise Violation("old claims are fenced off", message, move.run)

    def final(self, answer: Any) -> None:
        if not isinstance(answer, Verdict):
            return
        state = answer.state
        shown = (state.id, state.type, state.name, state.time) if state is not None else None
        findings = [(rule, kind, reason) for rule, kind, reason, _, _ in answer.findings]
        told = (answer.kind, shown, answer.reason, findings, answer.run_count, answer.fencing_token)
        known = self._verdicts.setdefault(answer.transition_id, told)
        if known != told:
            message = f"{answer.transition_id} was told {known} and then {told}"
            raise Violation("one proposal, one verdict", message, answer.transition_id)

    def created(self, new: New) -> None:
        self._created.append(new)

    # What is committed

    def committed(self, now: int, changes: Changes) -> None:
        for kind, id in changes.runs:
            self._check_run(kind, id)
        for _, id in changes.runs:
            if id in self.runs:
                self._check_hands(self.runs[id], self._accounts[id])
        for session_id in changes.ended_sessions:
            self._check_end(session_id)
        self._slots.committed()
        for new in self._created:
            if new.id not in self.runs and not self._deleting:
                raise Violation("what is acked is stored", f"{new} is not there", *new.names())
        for move in self._decided:
            self._check_stored(move)
        for move, session_id in self._waiting:
            self._check_waits(move, session_id)
        self._count += 1
        if self._count % WHOLE == 0:
            self.whole()

    def _check_run(self, kind: RunKind, id: str) -> None:
        row = self._row(kind, id)
        known = self.runs.get(id)
        self._slots.saw(id, row is not None and bool(row["holds_slots"]))
        if row is None:
            self._forget(id, known)
            return
        self.runs[id] = row
        account = self._accounts.setdefault(id, Account(kind))
        before = len(account.entries)
        self._read_history(account, id)
        difference = account.difference(row)
        if difference:
            raise Violation("rows tell their history", f"{id}: {difference}; {_told(account)}", id)
        if known is not None and row["version"] < known["version"]:
            raise Violation("versions rise", f"{id}: {row['version']} after {known['version']}", id)
        if kind is FLOW_RUN and row["parent_task_run_id"] is not None:
            self.mirrors[row["parent_task_run_id"]] = id
        for entry in account.entries[before:]:
            self._check_claim(account, entry, id)

    def _forget(self, id: str, known: dict[str, Any] | None) -> None:
        if known is None:
            return
        if id not in self._deleting and known.get("flow_run_id") not in self._deleting:
            raise Violation("what is acked is stored", f"{id} is gone, and nobody deleted it", id)
        del self.runs[id]
        self._accounts.pop(id, None)
        # A frame that creates it may come once more, and then it begins anew.
        for move in [move for move in self._proposed.values() if move.run == id]:
            del self._proposed[move.id]
            self._verdicts.pop(move.id, None)

    def _read_history(self, account: Account, id: str) -> None:
        columns = "id, state_type, state_name, create_time, verdict, findings"
        query = f"SELECT {columns} FROM transitions WHERE run_id = ? AND wrote_state ORDER BY create_time, id"
        rows = self._cursor.execute(query, (id,)).fetchall()
        known = [entry.id for entry in account.entries]
        if [row[0] for row in rows[: len(known)]] != known:
            message = f"{id} had {known} and now has {[row[0] for row in rows]}"
            raise Violation("a later state never loses to an earlier one", message, id)
        for row in rows[len(known) :]:
            last = account.last
            if last is not None and row[3] <= last.time:
                message = f"{id}: {row[0]} at {row[3]} follows {last.id} at {last.time}"
                raise Violation("times rise strictly", message, id)
            rules = frozenset(finding[0] for finding in json.loads(row[5])) if row[5] != "[]" else frozenset()
            account.add(Entry(row[0], StateType(row[1]), row[2], row[3], VerdictKind(row[4]), rules))

    def _check_claim(self, account: Account, entry: Entry, id: str) -> None:
        """A state that was accepted on a claim must be of the claim that held."""
        move = self._proposed.get(entry.id)
        if move is None or not move.token or entry.verdict is not VerdictKind.ACCEPT:
            return
        claims = sum(
            each.type == PENDING and (i == 0 or account.entries[i - 1].type != PENDING)
            for i, each in enumerate(account.entries[: account.entries.index(entry)])
        )
        if claims != move.token:
            raise Violation("old claims are fenced off", f"{move} was accepted under claim {claims}", id)

    def _check_hands(self, row: dict[str, Any], account: Account) -> None:
        """Somebody alive, or a deadline, answers for each run that is claimed, runs for a session, or shall stop."""
        session_id, state = row["session_id"], row["state_type"]
        alive = session_id is not None and self._status(session_id) == SessionStatus.ACTIVE
        if session_id is not None and not alive and state is not None:
            raise Violation(
                "the dead hold nothing", f"{row['id']} ({row['state_name']}) is held by {session_id}", row["id"]
            )
        mirrored = row["id"] in self.mirrors and self.mirrors[row["id"]] in self.runs
        if mirrored or row["deadline_time"] is not None:
            return
        if (state == PENDING and not alive) or state == CANCELLING:
            raise Violation(
                "nothing is claimed for ever", f"{row['id']} is {row['state_name']} without deadline", row["id"]
            )
        last = account.entries[-2:]
        if len(last) == 2 and last[0].name == AWAITING_CONCURRENCY_SLOT and last[1].name == "Scheduled":
            # Called by the server, and not just now forced by somebody.
            limited = self._slots.is_limited(f"deployment:{row['deployment_id']}")
            if last[1].id.startswith("x") and not row["holds_slots"] and limited:
                raise Violation("who is called has a slot", f"{row['id']} was called by {last[1].id}", row["id"])

    def _check_end(self, session_id: str) -> None:
        for table in _TABLES.values():
            held = self._cursor.execute(f"SELECT id FROM {table} WHERE session_id = ?", (session_id,)).fetchall()
            if held:
                message = f"{session_id} has ended and holds {', '.join(id for (id,) in held)}"
                raise Violation("the dead hold nothing", message, session_id, *(id for (id,) in held))

    def _check_stored(self, move: Move) -> None:
        query = "SELECT run_id FROM transitions WHERE id = ?"
        found = self._cursor.execute(query, (move.id,)).fetchall()
        if found != [(move.run,)] and (move.run in self.runs or not self._deleting):
            raise Violation("what is acked is stored", f"{move}: {found}", move.run)

    def _check_waits(self, move: Move, session_id: str) -> None:
        if move.run not in self.runs or self._status(session_id) != SessionStatus.ACTIVE:
            return
        query = "SELECT 1 FROM waits WHERE transition_id = ? UNION ALL SELECT 2 FROM transitions WHERE id = ?"
        if not self._cursor.execute(query, (move.id, move.id)).fetchall():
            raise Violation("what was told to wait waits", f"{move} of {session_id} is nowhere", move.run)

    def _status(self, session_id: str) -> int | None:
        row = self._cursor.execute("SELECT status FROM sessions WHERE id = ?", (session_id,)).fetchone()
        return row[0] if row is not None else None

    def _row(self, kind: RunKind, id: str) -> dict[str, Any] | None:
        columns = _COLUMNS[kind]
        row = self._cursor.execute(f"SELECT {', '.join(columns)} FROM {_TABLES[kind]} WHERE id = ?", (id,)).fetchone()
        return dict(zip(columns, row, strict=True)) | {"kind": kind} if row is not None else None

    # Everything

    def whole(self) -> None:
        """That no row was changed without a word, and all that was acked is there."""
        for kind in RunKind:
            columns = _COLUMNS[kind]
            for row in self._cursor.execute(f"SELECT {', '.join(columns)} FROM {_TABLES[kind]}").fetchall():
                seen = self.runs.get(row[0])
                stored = dict(zip(columns, row, strict=True)) | {"kind": kind}
                # Forgiving a downtime moves deadlines, which is no change of the run.
                if seen is None or stored | {"deadline_time": None} != seen | {"deadline_time": None}:
                    raise Violation("changes are told", f"{row[0]} is {stored}, and was last told as {seen}", row[0])
        stored_ids = {row[0] for row in self._cursor.execute("SELECT id FROM transitions").fetchall()}
        for id in self._verdicts:
            move = self._proposed.get(id)
            if move is not None and move.run in self.runs and id not in stored_ids:
                raise Violation("what is acked is stored", f"{move} is gone", move.run)

    def written(self) -> dict[str, list[Any]]:
        """All that is stored but the memory of verdicts, to see that nothing was written."""
        names = ("flow_runs", "task_runs", "slots", "slot_waiters", "waits", "commands", "cache_entries", "sessions")
        return {name: self._cursor.execute(f"SELECT * FROM {name}").fetchall() for name in names}

    def limits(self) -> list[tuple[str, int, bool]]:
        rows = self._cursor.execute("SELECT name, slots, active FROM concurrency_limits ORDER BY name").fetchall()
        return [(name, slots, bool(active)) for name, slots, active in rows]

    def run_by_callers(self) -> list[tuple[RunKind, str]]:
        """What runs in the hands of nobody the server knows."""
        return [
            (row["kind"], id)
            for id, row in self.runs.items()
            if row["state_type"] == RUNNING and row["session_id"] is None and not self._follows(id)
        ]

    def _follows(self, id: str) -> bool:
        """Whether it runs because the subflow does that it stands for."""
        child = self.runs.get(self.mirrors.get(id, ""))
        return child is not None and child["state_type"] == RUNNING

    def _unrest(self) -> list[str]:
        """Whom time still has to do something about."""
        found = [id for id, row in self.runs.items() if row["state_type"] in (PENDING, CANCELLING)]
        for table, column in (("slots", "holder_id"), ("slot_waiters", "run_id"), ("waits", "run_id")):
            found += [row[0] for row in self._cursor.execute(f"SELECT {column} FROM {table}").fetchall()]
        return found

    def at_rest(self) -> bool:
        return not self._unrest()

    def ended(self) -> None:
        """After the end of all: nothing is taken, waits, is claimed or shall stop."""
        self.whole()
        left = sorted(set(self._unrest()))
        if left:
            told = [f"{id} is {self.runs[id]['state_name']}" if id in self.runs else f"{id} is gone" for id in left]
            raise Violation("all comes to rest", "; ".join(told), *left)


def _told(account: Account) -> str:
    return ", ".join(f"{entry.name} at {entry.time} by {entry.id}" for entry in account.entries)
