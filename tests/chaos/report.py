"""What a run is told as: to people, and as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from antiphon_server.domain.states import StateType, VerdictKind
from chaos import pauses
from chaos.checks.limits import overrun
from chaos.evidence import Evidence, Finding
from chaos.faults import Kind
from chaos.running import Outcome

#: Findings of one promise that are told with all their evidence; lines of each piece of it.
_TOLD, _LINES = 5, 12
_CUTS = frozenset({Kind.CUT_LINK, Kind.CUT_REPLICA, Kind.CUT_STORE, Kind.REFUSE_LINK, Kind.HOLE_LINK, Kind.HOLE_STORE})


def as_dict(outcome: Outcome) -> dict[str, Any]:
    account, evidence = outcome.account, outcome.evidence
    faults = Counter(str(done.fault.kind) for done in account.done)
    verdicts = Counter(VerdictKind(entry["kind"]).name for entry in evidence.by_what["verdict"])
    states = Counter(StateType(row["state_type"]).name for row in evidence.tables["transitions"] if row["wrote_state"])
    return {
        "seed": outcome.order.seed,
        "seconds": outcome.order.seconds,
        "shape": asdict(outcome.order.shape),
        "faults": dict(faults),
        "cuts": sum(faults[kind] for kind in _CUTS),
        "connections_broken": account.broken,
        "kills": dict(account.kills),
        "bad_ends": account.bad_ends,
        "deaths": dict(account.deaths),
        "runs": {name: len(evidence.tables[name]) for name in ("flow_runs", "task_runs")},
        "transitions": sum(states.values()),
        "states": dict(states),
        "decided": len(evidence.tables["transitions"]),
        "proposed": len(evidence.by_what["proposed"]),
        "acks": sum(verdicts.values()),
        "verdicts": dict(verdicts),
        "executions": len(evidence.by_what["begin"]),
        "went_on_after_it_was_taken_away": dict(overrun(evidence)),
        "leases": len(evidence.by_what["holds"]),
        "sessions": {
            name: sum(row["status"] == status for row in evidence.tables["sessions"])
            for name, status in (("active", 1), ("closed", 2), ("lost", 3))
        },
        "registers": outcome.registers,
        "quiet_after_seconds": round(outcome.calm.seconds, 1),
        "stuck": outcome.calm.stuck,
        "waits": asdict(pauses.all_of(evidence.entries)),
        "waits_by_fault": {
            kind: asdict(each)
            for kind, each in pauses.by_kind(account.done, evidence.entries, outcome.order.shape).items()
        },
        "findings": [asdict(finding) for finding in outcome.findings],
    }


def in_words(told: dict[str, Any]) -> Iterator[str]:
    """Line by line; the findings apart."""
    shape = told["shape"]
    yield f"seed {told['seed']}: {told['seconds']:g} s, {shape['replicas']} replicas, {shape['processes']} processes"
    yield f"faults: {_counted(told['faults'])}"
    yield f"cuts: {told['cuts']}, connections broken: {told['connections_broken']}, kills: {_counted(told['kills'])}"
    yield f"runs: {_counted(told['runs'])}; executions: {told['executions']}; leases: {told['leases']}"
    yield f"states written: {told['transitions']} ({_counted(told['states'])})"
    yield f"proposed: {told['proposed']}, acked: {told['acks']} ({_counted(told['verdicts'])})"
    yield f"sessions: {_counted(told['sessions'])}"
    yield f"ran on after the run was taken away: {_counted(told['went_on_after_it_was_taken_away'])}"
    yield f"registers: {told['registers']}"
    yield f"quiet after {told['quiet_after_seconds']} s"
    for name in ("bad_ends", "deaths", "stuck"):
        if told[name]:
            yield f"{name.replace('_', ' ')}: {told[name]}"
    yield "waits for an answer, by fault (count, p50, p99, longest in s):"
    for kind, each in {**told["waits_by_fault"], "of all": told["waits"]}.items():
        yield f"  {kind:18} {each['count']:7} {each['half']:8.3f} {each['most']:8.3f} {each['longest']:8.3f}"
    yield f"findings: {len(told['findings'])} ({_counted(Counter(each['promise'] for each in told['findings']))})"


def evidence_of(finding: Finding, evidence: Evidence, folder: Path) -> Iterator[str]:
    """The run's history, and the lines about it in journals and logs of servers."""
    yield f"BROKEN: {finding.promise}: {finding.message}"
    for subject in finding.subjects:
        if len(subject) != 36:
            continue
        run = evidence.runs.get(subject)
        if run is not None:
            yield f"  {run['kind']} {subject} {run['name']} ({run['state_name']}, held by {run['session_id']})"
        for row in evidence.histories.get(subject, ()):
            place = f"attempt {row['run_count']} claim {row['fencing_token']}"
            yield f"    {row['create_time']} {row['state_name']} {place} by {row['id']}"
        lines = [entry for entry in evidence.entries if subject in (entry.get("run"), entry.get("id"))]
        yield from (f"    journal: {line}" for line in lines[:_LINES])
        for log in sorted(folder.glob("replica-*.log")):
            said = [line for line in log.read_text(errors="replace").splitlines() if subject in line]
            yield from (f"    {log.name}: {line[:300]}" for line in said[:_LINES])


def in_full(outcome: Outcome, folder: Path) -> Iterator[str]:
    told: Counter[str] = Counter()
    for finding in outcome.findings:
        told[finding.promise] += 1
        if told[finding.promise] <= _TOLD:
            yield from evidence_of(finding, outcome.evidence, folder)


def _counted(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
