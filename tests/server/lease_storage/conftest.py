"""A server with each storage of leases, and a Redis of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from held_leases import limited
from redis_server import RedisServer
from running_server import RunningServer
from world import World

#: Every storage that there is.
LEASE_STORAGES = ("database", "redis")


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(params=LEASE_STORAGES)
def lease_storage(request: pytest.FixtureRequest) -> str:
    """What a server is told, for each storage."""
    return str(request.getfixturevalue("redis").url) if request.param == "redis" else ""


@pytest.fixture
def world(tmp_path: Path, lease_storage: str) -> Iterator[World]:
    """A server with a limit `db` of one slot, with each storage."""
    with RunningServer(tmp_path, lease_storage=lease_storage) as server:
        yield limited(World(server))


@pytest.fixture
def with_redis(tmp_path: Path, redis: RedisServer) -> Iterator[World]:
    """The same with Redis alone."""
    with RunningServer(tmp_path, lease_storage=redis.url) as server:
        yield limited(World(server))
