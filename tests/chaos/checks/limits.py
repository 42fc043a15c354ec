"""Limits are never exceeded: neither by what the database says of runs, nor by what really ran at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from antiphon_server.domain.slots import FLOW_RUN_KEEPS, TASK_RUN_KEEPS
from chaos.evidence import Evidence, Finding, Row
from chaos.journal import Entry

STORED = "limits hold by the states of runs"
REAL = "limits hold for what really runs"
LEASED = "limits hold for who holds a lease"
_FLOW_RUN_KEEPS = frozenset(int(each) for each in FLOW_RUN_KEEPS)
_TASK_RUN_KEEPS = frozenset(int(each) for each in TASK_RUN_KEEPS)


@dataclass(frozen=True, slots=True)
class Spell:
    """Somebody holds something from `since` until just before `until`."""

    since: int
    until: int
    who: str


def check(evidence: Evidence) -> Iterator[Finding]:
    limits = {row["name"]: row for row in evidence.tables.get("concurrency_limits", ())}
    for name, row in limits.items():
        yield from _exceeded(STORED, name, row["slots"], _stored(evidence, name))
        yield from _exceeded(REAL, name, row["slots"], _real(evidence, name))
        yield from _exceeded(LEASED, name, row["slots"], _leased(evidence, name))


def _exceeded(promise: str, name: str, slots: int, spells: Iterable[Spell]) -> Iterator[Finding]:
    """The first moment at which too many hold it."""
    moments = [(spell.until, 0, spell) for spell in spells]
    moments += [(spell.since, 1, spell) for _, _, spell in moments if spell.since < spell.until]
    holders: dict[Spell, None] = {}
    for at, begins, spell in sorted(moments, key=lambda moment: moment[:2]):
        if not begins:
            holders.pop(spell, None)
            continue
        holders[spell] = None
        if len(holders) > slots:
            who = tuple(each.who for each in holders)
            yield Finding(promise, f"{name} has {slots} slots, and at {at} {len(who)} hold one: {', '.join(who)}", who)
            return


def _stored(evidence: Evidence, name: str) -> Iterator[Spell]:
    kind, _, key = name.partition(":")
    for id, run in evidence.runs.items():
        if kind == "tag" and run["kind"] == "task_run" and f'"{key}"' in run["tags"] and id not in evidence.mirrors:
            keeps = _TASK_RUN_KEEPS
        elif kind == "deployment" and run["kind"] == "flow_run" and run["deployment_id"] == key:
            keeps = _FLOW_RUN_KEEPS
        else:
            continue
        for since, until in evidence.spells(id, keeps):
            yield Spell(since, _END if until is None else until, id)


def _real(evidence: Evidence, name: str) -> Iterator[Spell]:
    """By the journals alone, but for code that goes on after its run was taken away: the process was thought dead, and
    may have been stopped. Its slot is another's then, which no server can help."""
    ends = {(entry["run"], entry["attempt"], entry["by"]): entry for entry in evidence.by_what["end"]}
    for entry in evidence.by_what["begin"]:
        if name not in entry["limits"]:
            continue
        end = ends.get((entry["run"], entry["attempt"], entry["by"]))
        taken = taken_away(evidence.histories.get(entry["run"], ()), entry)
        last = min(end["wall"] if end is not None else taken, taken)
        yield Spell(entry["wall"], last, f"{entry['run']} ({entry['by']})")


def taken_away(rows: Iterable[Row], entry: Entry) -> int:
    """When the attempt was no longer in a state that keeps its slot."""
    began = False
    for row in rows:
        if began and row["state_type"] not in _TASK_RUN_KEEPS:
            return int(row["create_time"])
        began = began or (row["state_type"] in _TASK_RUN_KEEPS and row["run_count"] == entry["attempt"])
    return _END


def _leased(evidence: Evidence, name: str) -> Iterator[Spell]:
    """From the moment that a holder knew of his slot until he let go, or as long as it was his by what the server told
    him and by his session, with which it ends."""
    lets_go = {entry["lease"]: entry["wall"] for entry in evidence.by_what["lets-go"]}
    told: dict[str, list[Entry]] = {}
    for entry in evidence.by_what["leased"]:
        told.setdefault(entry["lease"], []).append(entry)
    lost = {row["id"]: row["expire_time"] for row in evidence.tables.get("sessions", ()) if row["status"] == _LOST}
    for entry in evidence.by_what["holds"]:
        if entry["limit"] != name:
            continue
        until = max((word["expires"] for word in told.get(entry["lease"], ())), default=entry["wall"])
        until = min(until, lets_go.get(entry["lease"], until), lost.get(entry["session"], until))
        yield Spell(entry["wall"], until, f"{entry['lease']} ({entry['by']})")


def overrun(evidence: Evidence) -> Mapping[str, int]:
    """How often code went on after its run was taken away; no breach, but worth to be told."""
    found = {"task runs": 0}
    for entry in evidence.by_what["end"]:
        if entry["kind"] == "task_run" and entry["wall"] > taken_away(evidence.histories.get(entry["run"], ()), entry):
            found["task runs"] += 1
    return found


_END = 2**63
_LOST = 3
