"""Histories are lawful by the table of moves, and linear: one state follows the other, and rows tell what they add up
to."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import (
    DEFERRED_TASK_RUN_UNLAWFUL,
    FLOW_RUN_UNLAWFUL,
    TASK_RUN_UNLAWFUL,
    Origin,
    StateType,
    Unlawful,
    VerdictKind,
)
from chaos.evidence import Evidence, Finding, Row
from simulation.history import Account, Entry

LAWFUL = "moves are lawful"
RISE = "times, claims and attempts rise"
TOLD = "rows tell their history"
CLAIMS = "old claims are fenced off"
HELD = "a refusal names a state that held"
#: Rules after which attempts are counted from the start.
_AFRESH = frozenset({"RestartAfterEnd", "RerunAfterEnd"})


def check(evidence: Evidence) -> Iterator[Finding]:
    for id, run in evidence.runs.items():
        rows = evidence.histories.get(id, [])
        if id not in evidence.mirrors:
            yield from _lawful(id, run, rows)
        yield from _rising(id, rows)
        yield from _told(id, run, rows)
        yield from _claims(evidence, id, rows)
    yield from _refusals(evidence)
    for id, rows in evidence.histories.items():
        if id not in evidence.runs:
            yield Finding(TOLD, f"{len(rows)} states of a run that is not there", (id,))


def _lawful(id: str, run: Row, rows: Sequence[Row]) -> Iterator[Finding]:
    before: Origin = None
    for row in rows:
        after = StateType(row["state_type"])
        if (before, after) in _table(run, rows):
            held = before.name if before is not None else "no state"
            yield Finding(LAWFUL, f"{held} became {after.name} by {row['id']}", (id,))
        before = after


def _table(run: Row, rows: Sequence[Row]) -> Unlawful:
    if run["kind"] == "flow_run":
        return FLOW_RUN_UNLAWFUL
    deferred = run["flow_run_id"] is None and bool(rows) and rows[0]["state_type"] == StateType.SCHEDULED
    return DEFERRED_TASK_RUN_UNLAWFUL if deferred else TASK_RUN_UNLAWFUL


def _rising(id: str, rows: Sequence[Row]) -> Iterator[Finding]:
    for before, row in pairwise(rows):
        if row["create_time"] <= before["create_time"]:
            yield Finding(RISE, f"{row['id']} has the time of {before['id']}, or an earlier one", (id,))
        if row["fencing_token"] < before["fencing_token"]:
            yield Finding(RISE, f"{row['id']} has claim {row['fencing_token']} after {before['fencing_token']}", (id,))
        if row["run_count"] < before["run_count"] and not _AFRESH & _rules(row):
            yield Finding(RISE, f"{row['id']} has attempt {row['run_count']} after {before['run_count']}", (id,))


def _told(id: str, run: Row, rows: Sequence[Row]) -> Iterator[Finding]:
    """Counts, times and the state that holds, told without the server's bookkeeping."""
    account = Account(RunKind.FLOW_RUN if run["kind"] == "flow_run" else RunKind.TASK_RUN)
    for row in rows:
        kind, verdict = StateType(row["state_type"]), VerdictKind(row["verdict"])
        account.add(Entry(row["id"], kind, row["state_name"], row["create_time"], verdict, _rules(row)))
    difference = account.difference(run)
    if difference:
        yield Finding(TOLD, difference, (id,))


def _claims(evidence: Evidence, id: str, rows: Sequence[Row]) -> Iterator[Finding]:
    """Who named a claim was accepted on that one only."""
    claims, before = 0, None
    for row in rows:
        proposed = evidence.proposals.get(row["id"])
        if proposed is not None and proposed["token"] not in (0, claims) and row["verdict"] == VerdictKind.ACCEPT:
            yield Finding(CLAIMS, f"{row['id']} names claim {proposed['token']}, {claims} held", (id,))
        claims += row["state_type"] == StateType.PENDING != before
        before = row["state_type"]


def _refusals(evidence: Evidence) -> Iterator[Finding]:
    for row in evidence.tables.get("transitions", ()):
        held = row["held_state_id"]
        if row["wrote_state"] or held is None:
            continue
        state = evidence.transitions.get(held)
        if state is None or state["run_id"] != row["run_id"] or not state["wrote_state"]:
            yield Finding(HELD, f"{row['id']} says that {held} held", (row["run_id"],))


def _rules(row: Row) -> frozenset[str]:
    return frozenset(finding[0] for finding in json.loads(row["findings"] or "[]"))
