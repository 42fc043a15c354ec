"""Each promise can be seen to be broken: a history in which all is well has no finding, and one thing spoiled has just
the one that it deserves."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from antiphon_server.domain.states import CANCELLED, COMPLETED, PENDING, RUNNING
from chaos import conduct
from chaos.checks import acked, executions, histories, leftovers, limits
from chaos.checks.everything import findings
from chaos.doctored import FLOW, LATER, LIMIT, TASK, World, well
from chaos.driving import Account
from chaos.quiet import Calm


def test_where_all_is_well_nothing_is_found() -> None:
    assert findings(well().evidence) == []


def _forget_transition(world: World) -> None:
    row = world.tables["transitions"].pop()
    # The run as it was before, so that nothing but the ack tells of it.
    before = world.tables["transitions"][-1]
    run = world.find("task_runs", row["run_id"])
    names = {"state_id": "id", "state_type": "state_type", "state_name": "state_name", "state_time": "create_time"}
    run.update({name: before[column] for name, column in names.items()}, end_time=None, total_run_time=0)


def _told_otherwise(field: str, value: Any) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        world.said("verdict", 3)[field] = value

    return spoil


def _two_verdicts(world: World) -> None:
    verdict = world.said("verdict")
    world.entries.append({**verdict, "run_count": 7, "at": verdict["at"] + 1})


def _refusal_of_nothing(world: World) -> None:
    first = world.tables["transitions"][0]
    world.tables["transitions"].append({**first, "id": "no", "wrote_state": False, "held_state_id": "nowhere"})


def _expected_another(world: World) -> None:
    accepted = [entry for entry in world.entries if entry["what"] == "proposed" and entry["expected"]]
    accepted[0]["expected"] = "another"


def _lose_run(world: World) -> None:
    world.tables["task_runs"] = [row for row in world.tables["task_runs"] if row["id"] != TASK]
    world.tables["transitions"] = [row for row in world.tables["transitions"] if row["run_id"] != TASK]


def _unlawful(world: World) -> None:
    run = world.find("flow_runs", FLOW)
    world.move(run, PENDING)
    world.move(run, CANCELLED)
    world.move(run, PENDING)
    world.move(run, CANCELLED)


def _same_time(world: World) -> None:
    rows = [row for row in world.tables["transitions"] if row["run_id"] == FLOW]
    rows[1]["create_time"] = rows[0]["create_time"]


def _claim_goes_back(world: World) -> None:
    rows = [row for row in world.tables["transitions"] if row["run_id"] == LATER]
    rows[2]["fencing_token"] = 9


def _old_claim(world: World) -> None:
    entries = [entry for entry in world.entries if entry["what"] == "proposed" and entry["token"]]
    entries[0]["token"] = 3


def _wrong_row(world: World) -> None:
    world.find("flow_runs", FLOW)["total_run_time"] += 1


def _twice(world: World) -> None:
    begin = world.said("begin")
    world.entries.append({**begin, "wall": begin["wall"] + 1, "at": begin["at"] + 1})


def _by_another(world: World) -> None:
    """Somebody who was never given the run."""
    begin = world.said("begin")
    world.entries.append({**begin, "by": "thief", "at": begin["at"] + 1})


def _too_early(world: World) -> None:
    world.said("begin")["wall"] = 1


def _never_ran(world: World) -> None:
    world.said("end")["error"] = "Planned"


def _wrong_sum(world: World) -> None:
    world.note("wrong", run=FLOW, total=1, number=2)


def _heard_wrong(world: World) -> None:
    world.said("heard")["name"] = "Failed"


def _second_holder(world: World) -> None:
    """Another task run of the tag is RUNNING while the first one is."""
    first = world.said("begin")
    run = world.run("task_run", "second", flow_run_id=FLOW, tags=world.find("task_runs", TASK)["tags"])
    world.move(run, PENDING)
    world.move(run, RUNNING)
    world.move(run, COMPLETED)
    rows = [row for row in world.tables["transitions"] if row["run_id"] == "second"]
    for number, row in enumerate(rows):
        row["create_time"] = first["wall"] - 5 + 3 * number
    run.update(
        state_time=rows[-1]["create_time"], end_time=rows[-1]["create_time"], total_run_time=3, state_name="Cached"
    )
    rows[-1]["state_name"] = "Cached"
    [entry for entry in world.entries if entry["what"] == "verdict"][-1]["name"] = "Cached"


def _really_at_once(world: World) -> None:
    """The database says that one came after the other; the code ran at once all the same."""
    run = world.run("task_run", "second", flow_run_id=FLOW, tags=world.find("task_runs", TASK)["tags"])
    world.move(run, PENDING)
    world.move(run, RUNNING)
    world.execute(run, "task_run", LIMIT)
    begin = world.said("begin")
    last = world.said("begin", -1)
    world.said("end", -1)["wall"] = last["wall"] + 1
    # The first went on, and the database has its end, as its proposer told it, that late.
    world.said("end")["wall"] = last["wall"] + 1
    world.find("task_runs", TASK)["tags"] = run["tags"] = "[]"
    rows = [row for row in world.tables["transitions"] if row["run_id"] == TASK]
    rows[-1]["create_time"] = last["wall"] + 5
    task = world.find("task_runs", TASK)
    task.update(state_time=last["wall"] + 5, end_time=last["wall"] + 5)
    task["total_run_time"] = last["wall"] + 5 - rows[1]["create_time"]
    world.time = last["wall"] + 10
    world.move(run, COMPLETED)
    assert begin["run"] == TASK


def _two_leases(world: World) -> None:
    holds = world.said("holds")
    world.said("lets-go")["wall"] += 20
    world.note("leased", by="other", lease="second", expires=holds["wall"] + 50)
    world.note("holds", by="other", limit=LIMIT, lease="second", wall=holds["wall"] + 5, session="session")


def _row(table: str, **columns: Any) -> Callable[[World], None]:
    def spoil(world: World) -> None:
        world.tables[table].append(columns)

    return spoil


def _unrest(world: World) -> None:
    world.unrest["commands"] = [("id", "pause_run", 0)]


def _left_running(world: World) -> None:
    run = world.run("task_run", "left", flow_run_id=FLOW)
    world.move(run, PENDING)
    world.move(run, RUNNING)


def _unknown(world: World) -> None:
    world.note("asked", run="nowhere", verb="cancel", error="")


def _picture(world: World) -> None:
    world.said("picture")["runs"][FLOW] = "earlier"


def _forgotten_in_picture(world: World) -> None:
    del world.said("picture")["runs"][FLOW]


def _back(world: World) -> None:
    first = next(row for row in world.tables["transitions"] if row["run_id"] == FLOW)
    world.note("watched", by="watcher", run=FLOW, state=first["id"], etag="1", type=2)


def _no_line(world: World) -> None:
    world.tables["logs"].clear()


def _line_twice(world: World) -> None:
    world.tables["logs"] *= 2


SPOILED: list[tuple[Callable[[World], None], str]] = [
    (_told_otherwise("kind", 2), acked.ONCE),
    (_told_otherwise("state", "another"), acked.ONCE),
    (_told_otherwise("run_count", 5), acked.ONCE),
    (_told_otherwise("token", 5), acked.ONCE),
    (_told_otherwise("name", "Other"), acked.ONCE),
    (_two_verdicts, acked.ONE_VERDICT),
    (_forget_transition, acked.ONCE),
    (_lose_run, acked.THERE),
    (_expected_another, acked.EXPECTED),
    (_refusal_of_nothing, histories.HELD),
    (_unlawful, histories.LAWFUL),
    (_same_time, histories.RISE),
    (_claim_goes_back, histories.RISE),
    (_old_claim, histories.CLAIMS),
    (_wrong_row, histories.TOLD),
    (_twice, executions.ONCE),
    (_by_another, executions.TOLD),
    (_too_early, executions.TOLD),
    (_never_ran, executions.RAN),
    (_wrong_sum, executions.RIGHT),
    (_heard_wrong, executions.HEARD),
    (_second_holder, limits.STORED),
    (_really_at_once, limits.REAL),
    (_two_leases, limits.LEASED),
    (_row("slots", limit_id="limit", holder_id=TASK), leftovers.REST),
    (_row("slot_waiters", limit_id="limit", waiter_id="w"), leftovers.REST),
    (_row("slot_leases", id="lease"), leftovers.REST),
    (_row("waits", transition_id="t"), leftovers.REST),
    (_unrest, leftovers.REST),
    (_left_running, leftovers.REST),
    (_unknown, leftovers.GONE),
    (_picture, leftovers.PICTURE),
    (_forgotten_in_picture, leftovers.PICTURE),
    (_back, leftovers.FORWARD),
    (_no_line, leftovers.LINES),
    (_line_twice, leftovers.LINES),
]


@pytest.mark.parametrize(("spoil", "promise"), SPOILED)
def test_what_is_spoiled_is_found(spoil: Callable[[World], None], promise: str) -> None:
    world = well()
    spoil(world)
    assert promise in {finding.promise for finding in findings(world.evidence)}


@pytest.mark.parametrize("spoil", [_second_holder, _really_at_once, _two_leases, _wrong_sum, _picture])
def test_and_nothing_else(spoil: Callable[[World], None]) -> None:
    world = well()
    spoil(world)
    found = {finding.promise for finding in findings(world.evidence)}
    assert len(found) == 1, found


def test_who_ends_unasked_or_does_not_end_when_asked_is_found() -> None:
    account, calm = Account(), Calm(stuck=["flows-0"])
    assert [finding.promise for finding in conduct.check(account, calm)] == [conduct.LEAVES]
    account.bad_ends.append("replica 1 ended with 1")
    account.deaths["workers-7"] += 1
    assert [finding.promise for finding in conduct.check(account, Calm())] == [conduct.STAYS, conduct.LEAVES]
    assert list(conduct.check(Account(), Calm())) == []


def test_code_that_goes_on_when_its_run_was_taken_away_holds_no_slot() -> None:
    """As a process does that was stopped until it was thought dead."""
    world = well()
    end = world.said("end")
    end["wall"] = world.time + 1000
    run = world.run("task_run", "second", flow_run_id=FLOW, tags=json.dumps(["scarce"]))
    world.move(run, PENDING)
    world.move(run, RUNNING)
    world.execute(run, "task_run", LIMIT)
    world.move(run, COMPLETED)
    assert findings(world.evidence) == []
    assert limits.overrun(world.evidence) == {"task runs": 1}


def test_a_lease_ends_by_its_time_or_with_its_session() -> None:
    ends: list[Callable[[World], None]] = [
        lambda world: world.said("leased").update(expires=world.said("holds")["wall"] + 4),
        lambda world: world.tables["sessions"][0].update(status=3, expire_time=world.said("holds")["wall"] + 4),
    ]
    for spoil in ends:
        world = well()
        _two_leases(world)
        spoil(world)
        assert findings(world.evidence) == []
