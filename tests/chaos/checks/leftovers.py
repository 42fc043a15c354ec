"""After quiet nothing is left under way, nobody is lost, and watchers know all."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from chaos.evidence import TERMINAL_NUMBERS, Evidence, Finding
from chaos.journal import Entry

REST = "all comes to rest"
GONE = "no run is lost"
PICTURE = "a watch tells what there is"
FORWARD = "a watch never goes back"
LINES = "a log line of who ended well is there once"


def check(evidence: Evidence) -> Iterator[Finding]:
    for what, rows in evidence.unrest.items():
        for row in rows:
            yield Finding(REST, f"{what}: {row}", tuple(str(value) for value in row))
    for id, run in evidence.runs.items():
        if run["state_type"] not in TERMINAL_NUMBERS:
            yield Finding(REST, f"{run['kind']} {run['name']} is {run['state_name']}", (id,))
    for name in ("waits", "slots", "slot_leases", "slot_waiters"):
        for row in evidence.tables.get(name, ()):
            yield Finding(REST, f"a row of {name}: {dict(row)}", tuple(str(value) for value in row.values()))
    yield from _touched(evidence)
    yield from _watches(evidence)
    yield from _lines(evidence)


def _touched(evidence: Evidence) -> Iterator[Finding]:
    """Runs that somebody has begun, or asked for something."""
    for what in ("begin", "asked", "read"):
        for entry in evidence.by_what[what]:
            if entry["run"] not in evidence.runs:
                yield Finding(GONE, f"{entry['by']} knows of it: {entry}", (entry["run"],))


def _watches(evidence: Evidence) -> Iterator[Finding]:
    place = {row["id"]: number for rows in evidence.histories.values() for number, row in enumerate(rows)}
    seen: dict[tuple[str, str], int] = {}
    for entry in evidence.by_what["watched"]:
        if entry["run"] not in evidence.runs:
            continue  # What a schedule has made and nobody has begun goes with the schedule.
        number = place.get(entry["state"], -1)
        if entry["state"] and number < 0:
            yield Finding(FORWARD, f"{entry['by']} was told of state {entry['state']}", (entry["run"],))
        before = seen.get((entry["by"], entry["run"]), -1)
        if number < before:
            yield Finding(FORWARD, f"{entry['by']} was told of state {number} after {before}", (entry["run"],))
        seen[entry["by"], entry["run"]] = number
    flow_runs = {row["id"]: row["state_id"] or "" for row in evidence.tables.get("flow_runs", ())}
    for entry in evidence.by_what["picture"]:
        told: dict[str, str] = entry["runs"]
        wrong = [id for id in flow_runs if told.get(id) != flow_runs[id]] + [id for id in told if id not in flow_runs]
        if wrong:
            differing = ", ".join(f"{id}: {told.get(id)} for {flow_runs.get(id)}" for id in wrong[:5])
            yield Finding(PICTURE, f"{entry['by']} is wrong about {len(wrong)} of {len(flow_runs)} runs: {differing}")


def _lines(evidence: Evidence) -> Iterator[Finding]:
    """Of a process that was killed some may be missing; of nobody is one there twice."""
    ended = {entry["by"] for entry in evidence.by_what["ends"]}
    said: dict[str, Entry] = {entry["message"]: entry for entry in evidence.by_what["said"]}
    stored = Counter(row["message"] for row in evidence.tables.get("logs", ()) if row["message"] in said)
    missing: dict[str, list[str]] = defaultdict(list)
    for message, entry in said.items():
        if stored[message] > 1:
            yield Finding(LINES, f"{entry['by']} has said {message!r} once, it is there {stored[message]} times")
        if stored[message] == 0 and entry["by"] in ended:
            missing[entry["by"]].append(message)
    for by, messages in missing.items():
        yield Finding(LINES, f"{len(messages)} lines of {by} are missing, such as {messages[0]!r}")
