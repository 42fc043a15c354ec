"""Lock managers: each does the same."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.locking.filesystem import FileSystemLockManager
from antiphon.locking.memory import MemoryLockManager
from antiphon.locking.protocol import LockManager
from in_loop import in_loop


@pytest.fixture(params=["memory", "files"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LockManager]:
    yield MemoryLockManager() if request.param == "memory" else FileSystemLockManager(tmp_path)


@pytest.fixture
def key(tmp_path: Path) -> str:
    """One of the test's own: there is one memory manager in a process."""
    return f"a/key of {tmp_path}"


def test_a_lock_has_one_holder(manager: LockManager, key: str) -> None:
    assert not manager.is_locked(key)
    assert manager.acquire_lock(key, "me")
    assert manager.acquire_lock(key, "me"), "its holder has it already"
    assert manager.is_locked(key)
    assert manager.is_lock_holder(key, "me")
    assert not manager.is_lock_holder(key, "you")
    assert not manager.acquire_lock(key, "you", acquire_timeout=0)
    assert not manager.wait_for_lock(key, timeout=0)
    assert manager.acquire_lock(f"{key}2", "you")
    manager.release_lock(f"{key}2", "you")
    manager.release_lock(key, "me")
    assert not manager.is_locked(key)
    assert manager.wait_for_lock(key, timeout=0)
    assert manager.acquire_lock(key, "you", acquire_timeout=0)
    manager.release_lock(key, "you")


def test_only_its_holder_gives_it_back(manager: LockManager, key: str) -> None:
    with pytest.raises(ValueError, match=r"'me' does not hold the lock on"):
        manager.release_lock(key, "me")
    manager.acquire_lock(key, "me")
    with pytest.raises(ValueError, match=r"'you' does not hold the lock on"):
        manager.release_lock(key, "you")
    manager.release_lock(key, "me")


def test_who_waits_gets_it_when_it_is_free(manager: LockManager, key: str) -> None:
    manager.acquire_lock(key, "me")
    got: list[bool] = []
    waiting = threading.Thread(target=lambda: got.append(manager.acquire_lock(key, "you", acquire_timeout=10)))
    waiting.start()
    manager.release_lock(key, "me")
    waiting.join(10)
    assert got == [True]
    manager.release_lock(key, "you")


def test_a_lock_ends_by_itself(manager: LockManager, key: str) -> None:
    assert manager.acquire_lock(key, "me", hold_timeout=0.05)
    assert manager.acquire_lock(key, "you", acquire_timeout=10)
    assert manager.is_lock_holder(key, "you")
    with pytest.raises(ValueError):
        manager.release_lock(key, "me")
    manager.release_lock(key, "you")


@in_loop
async def test_many_coroutines_take_turns(manager: LockManager, key: str) -> None:
    inside: list[str] = []
    most = 0

    async def work(name: str) -> None:
        nonlocal most
        assert await manager.aacquire_lock(key, name, acquire_timeout=30)
        inside.append(name)
        most = max(most, len(inside))
        await asyncio.sleep(0)
        inside.remove(name)
        manager.release_lock(key, name)

    await asyncio.gather(*(work(f"w{number}") for number in range(20)))
    assert most == 1
    assert await manager.await_for_lock(key, timeout=1)


@in_loop
async def test_waiting_in_vain_ends_in_time(manager: LockManager, key: str) -> None:
    manager.acquire_lock(key, "me")
    began = time.monotonic()
    assert not await manager.aacquire_lock(key, "you", acquire_timeout=0.1)
    assert not await manager.await_for_lock(key, timeout=0.1)
    assert 0.2 <= time.monotonic() - began < 5
    manager.release_lock(key, "me")


_HOLD = """
import sys
from antiphon.locking.filesystem import FileSystemLockManager
print(FileSystemLockManager(sys.argv[1]).acquire_lock("k", "child", acquire_timeout=0), flush=True)
sys.stdin.read()
"""


def test_a_lock_of_another_process_ends_with_it(tmp_path: Path) -> None:
    manager = FileSystemLockManager(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        assert manager.is_lock_holder("k", "child")
        assert not manager.acquire_lock("k", "me", acquire_timeout=0)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
    assert not manager.is_locked("k")
    assert manager.acquire_lock("k", "me", acquire_timeout=0)
    manager.release_lock("k", "me")


def test_a_lock_that_another_process_took_after_its_time_ends_with_that(tmp_path: Path) -> None:
    manager = FileSystemLockManager(tmp_path)
    assert manager.acquire_lock("k", "me", hold_timeout=0)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "True\n"
        with pytest.raises(ValueError):
            manager.release_lock("k", "me")
        child.kill()
        child.wait(10)
    assert not manager.is_locked("k")
    assert manager.acquire_lock("k", "me", acquire_timeout=0)
    manager.release_lock("k", "me")


@in_loop
async def test_who_is_cancelled_as_he_gets_it_does_not_keep_it(tmp_path: Path) -> None:
    trying, go_on = threading.Event(), threading.Event()

    class Slow(FileSystemLockManager):
        def try_lock(self, key: str, holder: str, hold_timeout: float | None) -> bool:
            trying.set()
            go_on.wait(10)
            return super().try_lock(key, holder, hold_timeout)

    manager = Slow(tmp_path)
    acquiring = asyncio.ensure_future(manager.aacquire_lock("k", "me"))
    await asyncio.to_thread(trying.wait, 10)
    acquiring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await acquiring
    go_on.set()
    assert await manager.await_for_lock("k", timeout=10)
    while manager.is_lock_holder("k", "me"):
        await asyncio.sleep(0.01)
    assert await manager.aacquire_lock("k", "you", acquire_timeout=10)
    manager.release_lock("k", "you")


def test_there_is_one_memory_manager() -> None:
    assert MemoryLockManager() is MemoryLockManager()
