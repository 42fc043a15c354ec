"""Deployments, work queues and the cache as one batch sees them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from antiphon_server.storage import tables
from antiphon_server.storage.surroundings import CacheEntry, DeploymentRow, QueueRow, Surroundings
from antiphon_server.storage.working_set import WorkingSet
from writing import START


@contextmanager
def surroundings(database: Any, now: int = START) -> Iterator[Surroundings]:
    with database.engine.begin() as connection:
        batch = WorkingSet(connection, now)
        yield batch.surroundings
        batch.surroundings.flush()


def add_queue(database: Any, id: str, pool: str = "p", **pool_words: Any) -> None:
    database.add(tables.work_pools, {"id": pool, "name": f"pool {pool}", **pool_words})
    database.add(tables.work_queues, {"id": id, "name": f"queue {id}", "work_pool_id": pool, "paused": True})


def test_a_deployment_and_a_queue_with_its_pool(database: Any) -> None:
    full = {"id": "d", "name": "nightly", "paused": True, "collision_strategy": 2, "grace_period": 5}
    database.add(tables.deployments, {**full, "work_queue_id": "q", "flow_id": "1"}, {"id": "e", "flow_id": "2"})
    add_queue(database, "q", paused=False)
    with surroundings(database) as around:
        assert around.deployment("d") == DeploymentRow("d", "nightly", True, 2, 5, "q")
        assert around.deployment("e") == DeploymentRow("e", "", False, 1, None, None)
        assert around.queue("q") == QueueRow("q", "queue q", True, "p", "pool p", False)
        assert (around.deployment("none"), around.queue("none")) == (None, None)


def test_many_come_in_one_statement_each_and_once(database: Any, statements: list[str]) -> None:
    ids = [f"{number:03}" for number in range(100)]
    for id in ids:
        database.add(tables.deployments, {"id": id, "flow_id": id})
        add_queue(database, id, pool=id)
    statements.clear()
    with surroundings(database) as around:
        around.load([*ids, "none"], ids)
        for id in ids:
            assert around.deployment(id) is not None
            assert around.queue(id) is not None
        assert around.deployment("none") is None
    assert len([each for each in statements if each.startswith("SELECT")]) == 2


def test_what_statements_changed_is_read_anew(database: Any) -> None:
    database.add(tables.deployments, {"id": "d"})
    database.add(tables.cache_entries, {"id": "t", "cache_key": "k"})
    with database.engine.begin() as connection:
        around = WorkingSet(connection, START).surroundings
        assert (around.deployment("d") is not None, len(around.cached("k"))) == (True, 1)
        connection.execute(tables.cache_entries.delete())
        connection.execute(tables.deployments.update().values(paused=True))
        around.forget()
        deployment = around.deployment("d")
        assert deployment is not None
        assert (deployment.paused, around.cached("k")) == (True, [])


def test_good_entries_come_the_newest_first(database: Any) -> None:
    database.add(
        tables.cache_entries,
        {"id": "old", "cache_key": "k", "create_time": START - 9},
        {"id": "new", "cache_key": "k", "create_time": START - 1, "expire_time": START + 1},
        {"id": "expired", "cache_key": "k", "create_time": START, "expire_time": START},
        {"id": "other", "cache_key": "l", "create_time": START},
    )
    with surroundings(database) as around:
        around.load_cache({"k", "l", "none"})
        assert [each.id for each in around.cached("k")] == ["new", "old"]
        assert ([each.id for each in around.cached("l")], around.cached("none")) == (["other"], [])
    with surroundings(database, START + 1) as around:
        assert [each.id for each in around.cached("k")] == ["old"]


def test_an_entry_counts_in_the_batch_that_makes_it_and_from_then_on(database: Any) -> None:
    database.add(tables.cache_entries, {"id": "old", "cache_key": "k", "create_time": START - 9})
    with surroundings(database) as around:
        around.keep(CacheEntry("new", "k", START, START + 5))
        around.keep(CacheEntry("expired", "k", START, START))
        assert [each.id for each in around.cached("k")] == ["new", "old"]
        around.flush()
        around.flush()
    with surroundings(database, START + 4) as around:
        assert [each.id for each in around.cached("k")] == ["new", "old"]
    with surroundings(database, START + 5) as around:
        assert [each.id for each in around.cached("k")] == ["old"]
