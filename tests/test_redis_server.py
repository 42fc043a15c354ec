"""The Redis of the tests' own keeps what it has acknowledged."""

import signal

import pytest
import redis

from redis_server import RedisServer


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_has_what_it_acknowledged_after_it_ends(how: signal.Signals) -> None:
    server = RedisServer()
    try:
        for number in range(3):
            server.start()
            with redis.Redis.from_url(server.url) as client:
                assert client.incr("count") == number + 1
                server.stop(how)
                with pytest.raises(redis.ConnectionError):
                    client.ping()
    finally:
        server.remove()
    assert not server.folder.exists()
