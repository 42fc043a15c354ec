"""What a run should be by its history alone: counts, times and claims, told without the server's bookkeeping."""

from dataclasses import dataclass, field
from typing import Any

from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import FAILED, PAUSED, PENDING, RUNNING, TERMINAL, StateType, VerdictKind


@dataclass(frozen=True, slots=True)
class Entry:
    """A state that was written."""

    id: str
    type: StateType
    name: str
    time: int
    verdict: VerdictKind
    rules: frozenset[str]


@dataclass(slots=True)
class Account:
    """Grows entry by entry."""

    kind: RunKind
    entries: list[Entry] = field(default_factory=list)
    run_count: int = 0
    claims: int = 0
    total: int = 0
    #: Left a pause and is not RUNNING yet.
    resuming: bool = False

    @property
    def last(self) -> Entry | None:
        return self.entries[-1] if self.entries else None

    def add(self, entry: Entry) -> None:
        last = self.last
        before = last.type if last is not None else None
        if last is not None and before == RUNNING:
            self.total += entry.time - last.time
        if entry.type == PENDING and before != PENDING:
            self.claims += 1
        accepted = entry.verdict is VerdictKind.ACCEPT
        if self.kind is RunKind.TASK_RUN:
            if accepted and "RestartAfterEnd" in entry.rules:
                self.run_count = 0
            self.run_count += entry.type == RUNNING
        else:
            self._count_flow_run(entry, before, accepted)
        self.entries.append(entry)

    def _count_flow_run(self, entry: Entry, before: StateType | None, accepted: bool) -> None:
        goes_on = before == PAUSED or (self.resuming and before not in TERMINAL)
        self.run_count += entry.type == RUNNING and not goes_on
        if entry.type == RUNNING or entry.type in TERMINAL:
            self.resuming = False
        if accepted and "RerunAfterEnd" in entry.rules:
            self.resuming = False
        elif before == PAUSED and "LeavePause" in entry.rules and (accepted or entry.type == FAILED):
            self.resuming = entry.type != RUNNING

    def difference(self, row: Any) -> str:
        """Where the run's row says something else; empty where it does not."""
        last = self.last
        found: dict[str, Any] = {
            "run_count": self.run_count,
            "fencing_token": self.claims,
            "total_run_time": self.total,
            "state_id": last.id if last is not None else None,
            "state_type": last.type if last is not None else None,
            "state_name": last.name if last is not None else None,
            "state_time": last.time if last is not None else None,
        }
        wrong = [f"{name} is {row[name]}, not {should}" for name, should in found.items() if row[name] != should]
        if last is not None and (row["end_time"] is not None) != (last.type in TERMINAL):
            wrong.append(f"end_time is {row['end_time']} in {last.name}")
        return ", ".join(wrong)
