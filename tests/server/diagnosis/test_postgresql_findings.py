"""What a server finds of PostgreSQL, and of the other servers on it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from antiphon_server.diagnosis.patient import Bounds
from diagnosed import diagnosed, finding, reasons
from replicas import replicas
from running_server import RunningServer
from stores import url_for
from until import until
from world import World

Servers = tuple[RunningServer, RunningServer]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with replicas(tmp_path) as (one, two):
        yield one, two


@pytest.fixture
def other(tmp_path: Path, servers: Servers) -> Iterator[psycopg.Connection]:
    """Another program in the same database."""
    with psycopg.connect(url_for(tmp_path / "shared.db"), application_name="reports") as connection:
        yield connection


def halt(server: RunningServer, name: str = "") -> None:
    """Ends what a server does in the background, such as `Leadership.run`; all of it without a name."""

    async def end() -> None:
        for task in server.server._background:
            if name in task.get_coro().__qualname__:
                task.cancel()

    server.run(end)


def test_two_servers_are_well(servers: Servers) -> None:
    for server in servers:
        World(server).call("CreateFlow", {"flow": {"name": server.target[-20:]}})
        assert reasons(server) == []


def test_a_server_that_is_not_seen(servers: Servers) -> None:
    one, two = servers
    halt(two, "Leadership.run")
    found = []

    def silent() -> bool:
        found[:] = diagnosed(one, bounds=Bounds(silent=3.0))
        return bool(found)

    until(silent)
    assert [each.reason for each in found] == ["SERVER_SILENT"]
    assert two.target in found[0].remedy
    assert reasons(one, own_only=True) == []


def test_a_server_that_does_not_hear_the_others(servers: Servers) -> None:
    one, two = servers
    halt(two)
    change_something(one)
    until(lambda: "CHANGES_BEHIND" in reasons(two, bounds=Bounds(unheard=0.2)))
    assert reasons(one, bounds=Bounds(unheard=0.2)) == []
    # It hears by its own commits too.
    change_something(two)
    assert reasons(two, bounds=Bounds(unheard=0.2)) == []


def change_something(server: RunningServer) -> None:
    """Of which others must hear."""
    run = World(server).call("CreateFlowRun", {"flowRun": {"flowName": "etl"}}).flow_run.id
    World(server).propose(run, "SCHEDULED")


def test_an_old_transaction_of_another_program(servers: Servers, other: psycopg.Connection) -> None:
    server = servers[0]
    other.execute("SELECT count(*) FROM flows")
    bounds = Bounds(old_transaction=0.1)
    until(lambda: "TRANSACTION_OLD" in reasons(server, bounds=bounds))
    found = finding(server, "TRANSACTION_OLD", bounds=bounds)
    assert "of reports (user " in found.message
    assert f"pg_terminate_backend({other.info.backend_pid})" in found.remedy
    assert reasons(server) == [], "it may take some minutes"
    other.rollback()
    assert reasons(server, bounds=bounds) == []


def test_a_lock_of_another_program(servers: Servers, other: psycopg.Connection) -> None:
    server = servers[0]
    other.execute("LOCK TABLE flows IN EXCLUSIVE MODE")
    bounds = Bounds(stuck=0.1, old_transaction=1e6)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(World(server).call, "CreateFlow", {"flow": {"name": "waits"}})
        until(lambda: "BLOCKED_BY_OTHERS" in reasons(server, bounds=bounds))
        found = {each.reason: each for each in diagnosed(server, bounds=bounds)}
        assert set(found) == {"WRITER_STUCK", "BLOCKED_BY_OTHERS"}
        assert found["BLOCKED_BY_OTHERS"].facts["pid"] == str(other.info.backend_pid)
        other.rollback()
        assert waiting.result(20).flow.name == "waits"
    assert reasons(server) == []


def test_a_server_that_waits_for_another_one_is_no_finding(servers: Servers) -> None:
    one, two = servers
    halt(two, "Leadership.run")
    for number in range(20):
        World(one).call("CreateFlow", {"flow": {"name": f"one-{number}"}})
        World(two).call("CreateFlow", {"flow": {"name": f"two-{number}"}})
    assert "BLOCKED_BY_OTHERS" not in reasons(one, bounds=Bounds(stuck=0.0))


def test_few_connections_are_left(servers: Servers) -> None:
    found = finding(servers[0], "CONNECTIONS_SCARCE", bounds=Bounds(connections=0.0))
    assert int(found.facts["used"]) < int(found.facts["most"])


def test_few_ids_of_transactions_are_left(servers: Servers) -> None:
    found = finding(servers[0], "TRANSACTION_IDS_SCARCE", bounds=Bounds(transaction_ids=0))
    assert f"`VACUUM (FREEZE)` in the database {found.facts['database']} now" in found.remedy


def test_clocks_that_differ(servers: Servers) -> None:
    server = servers[0]
    for apart, which in ((60, "ahead of"), (-60, "behind")):
        found = finding(server, "SERVER_CLOCK_DIFFERS", wall=lambda apart=apart: time.time() + apart)
        assert found.message == f"this server's machine is 60 s {which} the database's"


def test_rows_that_nobody_clears_away(servers: Servers, other: psycopg.Connection) -> None:
    server, bounds = servers[0], Bounds(dead_rows=19_999)
    other.autocommit = True
    other.execute("CREATE TABLE bloated (id int) WITH (autovacuum_enabled = false)")
    try:
        # More than of any table that was used by other tests: the worst ones are told.
        other.execute("INSERT INTO bloated SELECT generate_series(1, 20000)")
        other.execute("DELETE FROM bloated")
        other.execute("SELECT pg_stat_force_next_flush()")
        until(lambda: bool(unvacuumed(server, bounds)))
        (found,) = unvacuumed(server, bounds)
        assert found.message == "table bloated has 20000 rows to be cleared away, and 0 that live"
        assert "`VACUUM (VERBOSE) bloated`" in found.remedy
        assert unvacuumed(server, Bounds()) == []

        def cleared() -> bool:
            # A transaction of a server that looks at the same moment may still see the rows.
            other.execute("VACUUM bloated")
            return unvacuumed(server, bounds) == []

        until(cleared)
    finally:
        other.execute("DROP TABLE bloated")


def unvacuumed(server: RunningServer, bounds: Bounds) -> list[Any]:
    """What is told of the test's own table."""
    found = diagnosed(server, bounds=bounds)
    return [each for each in found if each.reason == "TABLE_UNVACUUMED" and each.facts["table"] == "bloated"]


def test_autovacuum_that_is_off(tmp_path: Path) -> None:
    url = url_for(tmp_path / "shared.db")
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET track_counts = off".encode())
        try:
            with replicas(tmp_path, 1) as (server,):
                assert finding(server, "AUTOVACUUM_OFF").message == "autovacuum is on, and track_counts is off"
        finally:
            connection.execute(f"ALTER DATABASE {name} RESET track_counts".encode())
        with replicas(tmp_path, 1) as (server,):
            assert reasons(server) == []
