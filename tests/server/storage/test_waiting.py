"""Who waits for slots, and in which order they are served."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from antiphon_server.domain.model import Run, RunKind
from antiphon_server.storage import tables
from antiphon_server.storage.waiting import Claimant, Waiter, Waiting
from writing import START, Writing


@contextmanager
def waiting(writing: Writing, now: int = START) -> Iterator[Waiting]:
    with writing.engine.begin() as connection:
        yield Waiting(connection, now)


def order(queue: Waiting, limit_id: str) -> list[str]:
    """Those who wait for a limit, one asked for after the other."""
    found: list[str] = []
    waiter: Waiter | None = None
    while (waiter := queue.next_for(limit_id, waiter)) is not None:
        found.append(waiter.id)
    return found


def run(id: str = "run", priority: int = 0, kind: RunKind = RunKind.FLOW_RUN) -> Run:
    return Run(id, priority=priority, kind=kind)


def wait(id: str, until: int | None = None) -> dict[str, Any]:
    return {
        "transition_id": id,
        "run_id": "run",
        "session_id": "s",
        "sequence": 1,
        "until_time": until,
        "proposal": id.encode(),
    }


def test_first_come_first_served(writing: Writing) -> None:
    for batch in (("c", "a"), ("b",)):
        with waiting(writing) as queue:
            for id in batch:
                queue.join(id, Claimant.of_run(run()), ["limit"])
    with waiting(writing) as queue:
        assert order(queue, "limit") == ["c", "a", "b"]
        assert order(queue, "other") == []


def test_a_higher_number_is_served_first_and_equals_in_their_order(writing: Writing) -> None:
    with waiting(writing) as queue:
        for id, priority in (("a", 0), ("b", 5), ("c", -1), ("d", 5), ("e", 0)):
            queue.join(id, Claimant.of_run(run(priority=priority)), ["limit"])
        assert order(queue, "limit") == ["b", "d", "a", "e", "c"]


def test_who_asks_again_keeps_the_place(writing: Writing) -> None:
    with waiting(writing) as queue:
        for id in ("a", "b"):
            queue.join(id, Claimant.of_run(run(id)), ["x", "y"])
        for limits in (["x", "y"], ["y"], ["x", "y", "z"]):
            queue.join("a", Claimant.of_run(run("a")), limits)
        queue.join("c", Claimant.of_run(run("c")), ["z"])
    with waiting(writing, START + 5) as queue:
        queue.join("a", Claimant.of_run(run("a")), ["z", "y", "x"])
        assert order(queue, "x") == ["a", "b"]
        assert order(queue, "y") == ["a", "b"]
        assert order(queue, "z") == ["a", "c"]
    assert {row.create_time for row in writing.rows(tables.slot_waiters)} == {START}


def test_who_stops_asking_for_a_limit_leaves_its_queue(writing: Writing) -> None:
    with waiting(writing) as queue:
        queue.join("a", Claimant.of_run(run()), ["x", "y"])
        queue.join("a", Claimant.of_run(run()), ["y"])
        assert (order(queue, "x"), order(queue, "y")) == ([], ["a"])
        assert list(queue.limits_of("a")) == ["y"]
        queue.join("a", Claimant.of_run(run()), [])
        assert order(queue, "y") == []


def test_who_leaves_leaves_all_queues_and_comes_back_at_the_end(writing: Writing) -> None:
    with waiting(writing) as queue:
        for id in ("a", "b"):
            queue.join(id, Claimant.of_run(run()), ["x", "y"])
        queue.leave("a")
        assert (order(queue, "x"), order(queue, "y")) == (["b"], ["b"])
        queue.join("a", Claimant.of_run(run()), ["x"])
        assert order(queue, "x") == ["b", "a"]


def test_a_waiter_says_what_it_is_for(writing: Writing) -> None:
    with waiting(writing) as queue:
        queue.join("t", Claimant.of_run(run("task", 3, RunKind.TASK_RUN)), ["limit"])
        assert queue.next_for("limit", None) == Waiter("t", "task_run", "task", -3, 1, 1)


@pytest.mark.parametrize("again", [False, True])
def test_a_proposal_that_waits_for_slots_is_in_their_queues(writing: Writing, again: bool) -> None:
    with waiting(writing) as queue:
        queue.join("first", Claimant.of_run(run()), ["limit"])
        for _ in range(1 + again):
            queue.put(wait("t"), run(), ["limit"])
        queue.join("last", Claimant.of_run(run()), ["limit"])
        assert order(queue, "limit") == ["first", "t", "last"]
        assert queue.proposals == {"t": b"t"}
        assert [row["transition_id"] for row in queue.begun] == ["t"] * (1 + again)
    assert writing.row(tables.waits).until_time is None


def test_a_proposal_that_now_waits_for_a_time_leaves_the_queues(writing: Writing) -> None:
    with waiting(writing) as queue:
        queue.put(wait("t"), run(), ["limit"])
        queue.put(wait("t", START + 5), run(), ())
        assert order(queue, "limit") == []
    assert writing.row(tables.waits).until_time == START + 5


def test_an_end_is_told_and_frees_the_place(writing: Writing) -> None:
    with waiting(writing) as queue:
        for id in ("t", "u"):
            queue.put(wait(id), run(), ["limit"])
        ended = queue.end(tables.waits.c.transition_id == "t")
        assert [row.proposal for row in ended] == [b"t"]
        assert (queue.ended, list(queue.proposals), order(queue, "limit")) == ([("t", "run")], ["u"], ["u"])
        assert queue.end(tables.waits.c.transition_id == "t") == []
        assert queue.ended == [("t", "run")]
    assert [row.transition_id for row in writing.rows(tables.waits)] == ["u"]
