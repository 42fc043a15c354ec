"""What is counted of a database: whose slots are taken, who waits, and what is due."""

from collections.abc import Callable
from typing import Any

import pytest

from antiphon_server.domain.model import RunKind
from antiphon_server.storage import figures, tables
from antiphon_server.storage.figures import Due, Figures
from antiphon_server.storage.reader import Reader

NOW = 1_800_000_000_000_000


def read(database: Any, now: int = NOW) -> Figures:
    async def use(reader: Reader) -> Figures:
        return await reader.figures(now)

    found: Figures = database.read(use)
    return found


def test_nothing_is_there(database: Any) -> None:
    nothing = {kind: Due(0, None) for kind in RunKind}
    assert read(database) == Figures(0, 0, {}, {}, nothing)


def test_slots_by_whose_they_are(database: Any, uuid: Callable[[int], str]) -> None:
    names = ("tag:a", "tag:b", "deployment:x", "work-pool:x", "work-queue:x", "schedule:x", "Tag:a", "db")
    database.add(tables.concurrency_limits, *({"id": uuid(n), "name": name} for n, name in enumerate(names)))
    database.add(tables.slots, *({"limit_id": uuid(n), "holder_id": uuid(99), "count": n + 1} for n in range(8)))
    expected = {"tag": 3, "deployment": 3, "work_pool": 4, "work_queue": 5, "schedule": 6, "named": 15}
    assert read(database).slots_taken == expected
    assert set(expected) == set(figures.OWNERS)


def test_what_is_due_is_counted_up_to_a_bound(
    database: Any, uuid: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = (NOW - 2, NOW, NOW + 1, None)
    database.add(tables.task_runs, *({"id": uuid(n), "queue_time": time} for n, time in enumerate(times)))
    assert read(database).due == {RunKind.FLOW_RUN: Due(0, None), RunKind.TASK_RUN: Due(2, NOW - 2)}
    monkeypatch.setattr(figures, "MOST", 1)
    assert read(database).due[RunKind.TASK_RUN].runs == 1


def test_sessions_that_may_still_speak(database: Any, uuid: Callable[[int], str]) -> None:
    database.add(tables.sessions, *({"id": uuid(n), "status": status} for n, status in enumerate((1, 1, 2, 3))))
    assert read(database).active_sessions == 2
