"""What ran: no attempt twice, none that nobody was told to run, and what is COMPLETED did run."""

from collections import defaultdict
from collections.abc import Iterator

from antiphon_server.domain.states import COMPLETED, RUNNING
from chaos.evidence import Evidence, Finding
from chaos.journal import Entry

ONCE = "no run is executed twice at the same attempt"
TOLD = "code runs only after its RUNNING is committed"
RAN = "what is COMPLETED has run"
RIGHT = "results are right"
HEARD = "who waits for a run hears how it ended"


def check(evidence: Evidence) -> Iterator[Finding]:
    attempts: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    for entry in evidence.by_what["begin"]:
        attempts[entry["run"], entry["attempt"]].append(entry)
    yield from _once(attempts)
    yield from _told(evidence, attempts)
    yield from _ran(evidence)
    for entry in evidence.by_what["wrong"]:
        yield Finding(RIGHT, f"{entry['by']}: the sum for {entry['number']} is {entry['total']}", (entry["run"],))
    yield from _heard(evidence)


def _once(attempts: dict[tuple[str, int], list[Entry]]) -> Iterator[Finding]:
    for (run, attempt), begun in attempts.items():
        if len(begun) > 1:
            who = ", ".join(f"{entry['by']} at {entry['at']}" for entry in begun)
            yield Finding(ONCE, f"attempt {attempt} was begun by {who}", (run,))


def _told(evidence: Evidence, attempts: dict[tuple[str, int], list[Entry]]) -> Iterator[Finding]:
    for (run, attempt), begun in attempts.items():
        times = [
            row["create_time"]
            for row in evidence.histories.get(run, ())
            if row["state_type"] == RUNNING and row["run_count"] == attempt
        ]
        if not times:
            yield Finding(TOLD, f"attempt {attempt} ran in {begun[0]['by']} and was never RUNNING", (run,))
        elif begun[0]["wall"] < min(times):
            early = min(times) - begun[0]["wall"]
            yield Finding(TOLD, f"attempt {attempt} ran {early} us before it was RUNNING", (run,))


def _ran(evidence: Evidence) -> Iterator[Finding]:
    ended = {(entry["run"], entry["attempt"]) for entry in evidence.by_what["end"] if not entry["error"]}
    for run, row in evidence.runs.items():
        if row["state_type"] != COMPLETED or row["state_name"] != "Completed" or run in evidence.mirrors:
            continue
        if (run, row["run_count"]) not in ended:
            yield Finding(RAN, f"nobody has ended attempt {row['run_count']} well", (run,))


def _heard(evidence: Evidence) -> Iterator[Finding]:
    for entry in evidence.by_what["heard"]:
        state = evidence.transitions.get(entry["state"])
        if state is None or state["run_id"] != entry["run"] or state["state_name"] != entry["name"]:
            yield Finding(HEARD, f"{entry['by']} heard of {entry['name']} ({entry['state']})", (entry["run"],))
