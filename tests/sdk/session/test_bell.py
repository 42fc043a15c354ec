"""The bell: nobody sleeps through a ring that is meant for them."""

import threading
import time

from antiphon.session.bell import Bell


def test_a_ring_that_nobody_listens_to_leaves_nothing_behind() -> None:
    bell = Bell()
    bell.ring(urgent=False)
    bell.listen()
    assert not bell.wait(0.001)


def test_a_listener_hears_every_kind_of_ring_and_many_as_one() -> None:
    for urgent in (True, False):
        bell = Bell()
        bell.listen()
        bell.ring(urgent=urgent)
        bell.ring(urgent=urgent)
        assert bell.wait(10)
        assert not bell.wait(0.001)


def test_who_gathers_is_woken_by_urgent_rings_only() -> None:
    bell = Bell()
    begin = time.monotonic()
    thread = threading.Thread(target=bell.gather, args=(60,))
    thread.start()
    bell.ring(urgent=False)
    thread.join(0.05)
    assert thread.is_alive()
    bell.ring()
    thread.join(10)
    assert not thread.is_alive() and time.monotonic() - begin < 30


def test_who_gathers_does_not_sleep_when_something_urgent_is_there_already() -> None:
    bell = Bell()
    bell.ring()
    begin = time.monotonic()
    bell.gather(60)
    assert time.monotonic() - begin < 30
    bell.answer()
    begin = time.monotonic()
    bell.gather(0.01)
    assert time.monotonic() - begin >= 0.01, "it was answered"
