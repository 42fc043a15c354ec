import os
import threading
from pathlib import Path

import pytest

from antiphon.file_lock import LockTimeout, acquire, release


def test_second_holder_waits_for_the_first(tmp_path: Path) -> None:
    first = acquire(tmp_path / "lock", 1)
    order: list[str] = []

    def wait() -> None:
        second = acquire(tmp_path / "lock", 60)
        order.append("second")
        release(second)

    waiting = threading.Thread(target=wait)
    waiting.start()
    order.append("first")
    release(first)
    waiting.join()
    assert order == ["first", "second"]


def test_copy_of_the_descriptor_does_not_keep_the_lock(tmp_path: Path) -> None:
    first = acquire(tmp_path / "lock", 1)
    copy = os.dup(first)
    release(first)
    release(acquire(tmp_path / "lock", 0.05))
    os.close(copy)


def test_who_gives_up_does_not_get_the_lock_later(tmp_path: Path) -> None:
    first = acquire(tmp_path / "lock", 1)
    with pytest.raises(LockTimeout):
        acquire(tmp_path / "lock", 0.05)
    release(first)
    # The thread left behind gets the lock at some moment and must let it go at once.
    release(acquire(tmp_path / "lock", 60))
    for thread in threading.enumerate():
        if thread.name == "antiphon-file-lock":
            thread.join()
    release(acquire(tmp_path / "lock", 0))


def test_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        acquire(tmp_path / "none" / "lock", 1)
