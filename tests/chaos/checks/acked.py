"""What was acked is there, once, and says what the ack said."""

from collections.abc import Iterator

from antiphon_server.domain.states import VerdictKind
from chaos.evidence import Evidence, Finding
from chaos.journal import Entry

ONCE = "every acked transition is there once and says what the ack said"
THERE = "every run whose creation was acked is there"
ONE_VERDICT = "one proposal, one verdict"
EXPECTED = "an accepted proposal found what it expected"


def check(evidence: Evidence) -> Iterator[Finding]:
    yield from _verdicts(evidence)
    yield from _created(evidence)
    yield from _expected(evidence)


def _verdicts(evidence: Evidence) -> Iterator[Finding]:
    told: dict[str, tuple[object, ...]] = {}
    for entry in evidence.by_what["verdict"]:
        words = tuple(entry[name] for name in ("kind", "state", "type", "name", "run_count", "token"))
        if told.setdefault(entry["id"], words) != words:
            yield Finding(ONE_VERDICT, f"{entry['id']} was told {told[entry['id']]} and then {words}", (entry["id"],))
        wrong = _difference(evidence, entry)
        if wrong:
            yield Finding(ONCE, f"{entry['by']} was told {entry}: {wrong}", _subjects(evidence, entry))


def _difference(evidence: Evidence, entry: Entry) -> str:
    row = evidence.transitions.get(entry["id"])
    if row is None:
        return "it is not in the database"
    should = {"verdict": entry["kind"], "run_count": entry["run_count"], "fencing_token": entry["token"]}
    if row["wrote_state"]:
        should |= {"id": entry["state"], "state_type": entry["type"], "state_name": entry["name"]}
    else:
        should |= {"held_state_id": entry["state"] or None}
    proposed = evidence.proposals.get(entry["id"])
    if proposed is not None:
        should |= {"run_id": proposed["run"]}
        if entry["kind"] == VerdictKind.ACCEPT and entry["type"] != proposed["type"]:
            return f"type {proposed['type']} was proposed and accepted as {entry['type']}"
    wrong = [f"{name} is {row[name]}, not {value}" for name, value in should.items() if row[name] != value]
    return ", ".join(wrong)


def _created(evidence: Evidence) -> Iterator[Finding]:
    for entry in evidence.by_what["created"]:
        run = evidence.runs.get(entry["run"])
        if run is None or run["kind"] != entry["kind"]:
            yield Finding(
                THERE, f"{entry['by']} was told that {entry['kind']} {entry['run']} is there", (entry["run"],)
            )
    for entry in evidence.by_what["queued"]:
        if entry["run"] not in evidence.runs:
            yield Finding(THERE, f"{entry['by']} has queued {entry['run']}", (entry["run"],))


def _expected(evidence: Evidence) -> Iterator[Finding]:
    """Compare and set: whoever named a state that must hold has replaced that one, or was refused."""
    for run, rows in evidence.histories.items():
        held = ""
        for row in rows:
            proposed = evidence.proposals.get(row["id"])
            expected = proposed["expected"] if proposed is not None else ""
            if expected not in ("", held) and row["verdict"] == VerdictKind.ACCEPT:
                yield Finding(EXPECTED, f"{row['id']} expected {expected} and was accepted on {held}", (run,))
            held = row["id"]


def _subjects(evidence: Evidence, entry: Entry) -> tuple[str, ...]:
    proposed = evidence.proposals.get(entry["id"])
    return (proposed["run"],) if proposed is not None else (entry["id"],)
