"""What an operator says of the storage of leases, and what is said to him where it is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from antiphon_server.home import LEASE_STORAGE
from server_process import ServerProcess

#: Has Redis's package not there, and starts a server.
WITHOUT_REDIS = """
import sys
sys.modules["redis"] = None
from antiphon_server.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("http://user:secret@localhost:6379", "it begins with none of redis://, rediss://, unix://"),
        ("localhost:6379", "it begins with none of redis://, rediss://, unix://"),
        ("antiphon_redis.lease_storage", "it begins with none of redis://, rediss://, unix://"),
        ("redis://user:secret@localhost:port/0", "Port could not be cast to integer value as 'port'"),
    ],
)
def test_what_is_no_address_of_redis_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, why: str
) -> None:
    monkeypatch.setenv(LEASE_STORAGE, said)
    server = ServerProcess(tmp_path)
    try:
        word = server.said()
        assert word.startswith(f"error --lease-storage, or {LEASE_STORAGE}, is neither 'database' nor a URL of Redis")
        assert word.endswith(why)
        assert server.wait() == 1
        assert "secret" not in server.output() + word
    finally:
        server.close()


def test_database_is_the_default_and_may_be_said(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, "--lease-storage", "database")
    try:
        server.serving()
        assert server.end() == 0
    finally:
        server.close()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    told = ["--home", str(tmp_path), "--socket", str(tmp_path / "s"), "--lease-storage", "redis://localhost"]
    done = subprocess.run([sys.executable, "-c", WITHOUT_REDIS, *told], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "the package redis is not installed: pip install 'antiphon[redis]'" in done.stderr


def test_a_server_without_it_does_not_load_redis(tmp_path: Path) -> None:
    code = "import sys, antiphon_server.server; print(any(name.split('.')[0] == 'redis' for name in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
