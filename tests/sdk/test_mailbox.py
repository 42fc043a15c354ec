"""The mailbox: in order, from any thread, and nobody waits longer than told."""

import threading
import time
from queue import Empty

import pytest

from antiphon.mailbox import Gate, Mailbox


def test_items_come_out_in_order() -> None:
    box: Mailbox[int] = Mailbox()
    for item in range(3):
        box.put(item)
    assert [box.get(), box.get(1), box.get(0)] == [0, 1, 2]
    with pytest.raises(Empty):
        box.get(0)


def test_who_waits_gets_what_comes() -> None:
    box: Mailbox[str] = Mailbox()
    threading.Timer(0.05, box.put, ("late",)).start()
    assert box.get(30) == "late"
    threading.Timer(0.05, box.put, ("later",)).start()
    assert box.get() == "later"


def test_the_time_is_kept() -> None:
    box: Mailbox[int] = Mailbox()
    begin = time.monotonic()
    with pytest.raises(Empty):
        box.get(0.05)
    assert 0.05 <= time.monotonic() - begin < 30


@pytest.mark.timeout(60)
def test_a_time_that_passes_between_two_looks_is_over() -> None:
    """The gate stands open for an item that was taken without a wait, and the time is over behind it."""
    box: Mailbox[int] = Mailbox()
    for _ in range(1000):
        box.put(1)
        box.get()
        with pytest.raises(Empty):
            box.get(1e-9)


def test_nothing_is_lost_between_many_threads() -> None:
    box: Mailbox[int] = Mailbox()
    each, many = 500, 8
    threads = [threading.Thread(target=lambda: [box.put(1) for _ in range(each)]) for _ in range(many)]
    for thread in threads:
        thread.start()
    assert sum(box.get(30) for _ in range(each * many)) == each * many


def test_a_gate_lets_one_pass_however_often_it_was_opened() -> None:
    gate = Gate()
    gate.open()
    gate.open()
    assert gate.wait()
    assert not gate.wait(0.001)
    assert not gate.wait(-1)
