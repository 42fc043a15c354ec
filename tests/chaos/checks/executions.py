"""What ran: no attempt twice, none that nobody was told to run, and what is COMPLETED did run."""

from collections.abc import Iterator

from antiphon_server.domain.states import COMPLETED, RUNNING
from chaos.evidence import Evidence, Finding, Row
from chaos.journal import Entry

ONCE = "no run is executed twice at the same attempt"
TOLD = "code runs only after its RUNNING is committed"
RAN = "what is COMPLETED has run"
RIGHT = "results are right"
HEARD = "who waits for a run hears how it ended"


def check(evidence: Evidence) -> Iterator[Finding]:
    yield from _begun(evidence)
    yield from _ran(evidence)
    for entry in evidence.by_what["wrong"]:
        yield Finding(RIGHT, f"{entry['by']}: the sum for {entry['number']} is {entry['total']}", (entry["run"],))
    yield from _heard(evidence)


def _begun(evidence: Evidence) -> Iterator[Finding]:
    """Each begin belongs to a RUNNING that this process was given, and no two to the same one."""
    begun: dict[str, Entry] = {}
    for entry in evidence.by_what["begin"]:
        told = _running(evidence, entry)
        if told is None:
            message = f"attempt {entry['attempt']} ran in {entry['by']} and was not RUNNING for it by then"
            yield Finding(TOLD, message, (entry["run"],))
            continue
        first = begun.setdefault(told["id"], entry)
        if first is not entry:
            who = f"{first['by']} at {first['at']} and {entry['by']} at {entry['at']}"
            yield Finding(ONCE, f"attempt {entry['attempt']} (claim {told['fencing_token']}): {who}", (entry["run"],))


def _running(evidence: Evidence, entry: Entry) -> Row | None:
    """The last RUNNING of this attempt that its process asked for and that was committed before the code was called.
    Attempts are counted anew when a task runs again, each under a claim of its own."""
    proposals = evidence.proposals
    found = None
    for row in evidence.histories.get(entry["run"], ()):
        fits = row["state_type"] == RUNNING and row["run_count"] == entry["attempt"]
        if fits and row["create_time"] <= entry["wall"]:
            found = row if proposals.get(row["id"], entry)["by"] == entry["by"] else found
    return found


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
