"""What the checks look at, and what they say."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from antiphon_server.domain.states import TERMINAL
from chaos.journal import Entry

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was broken, and the runs (or sessions, transitions) that it is about."""

    promise: str
    message: str
    subjects: tuple[str, ...] = ()


@dataclass
class Evidence:
    """`tables` are the database's rows at the end, `entries` all journals in the order of time."""

    tables: Mapping[str, Sequence[Row]]
    entries: list[Entry]
    unrest: Mapping[str, list[Any]] = field(default_factory=dict)

    @cached_property
    def by_what(self) -> Mapping[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry["what"]].append(entry)
        return found

    @cached_property
    def runs(self) -> dict[str, Row]:
        """Both kinds by id; `kind` is `flow_run` or `task_run`."""
        return {
            row["id"]: {**row, "kind": kind}
            for kind in ("flow_run", "task_run")
            for row in self.tables.get(f"{kind}s", ())
        }

    @cached_property
    def transitions(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.tables.get("transitions", ())}

    @cached_property
    def histories(self) -> Mapping[str, list[Row]]:
        """Run -> the states that were written, in order."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.tables.get("transitions", ()):
            if row["wrote_state"]:
                found[row["run_id"]].append(row)
        for rows in found.values():
            rows.sort(key=lambda row: (row["create_time"], row["id"]))
        return found

    @cached_property
    def mirrors(self) -> set[str]:
        """Task runs that stand for a subflow."""
        return {row["parent_task_run_id"] for row in self.tables.get("flow_runs", ()) if row["parent_task_run_id"]}

    @cached_property
    def proposals(self) -> dict[str, Entry]:
        return {entry["id"]: entry for entry in self.by_what["proposed"]}

    def spells(self, run: str, types: frozenset[int]) -> Iterator[tuple[int, int | None]]:
        """When the run was in one of these states: from and until, None for still."""
        since: int | None = None
        for row in self.histories.get(run, ()):
            inside = row["state_type"] in types
            if inside and since is None:
                since = row["create_time"]
            elif not inside and since is not None:
                yield since, row["create_time"]
                since = None
        if since is not None:
            yield since, None


TERMINAL_NUMBERS = frozenset(int(each) for each in TERMINAL)
