"""The one thread that renews leases, and what it keeps in mind."""

import threading
import time

from antiphon.concurrency import leases
from antiphon.concurrency.leases import _Renewals
from antiphon.concurrency.sync import concurrency

PATIENCE = 20.0


def test_functions_are_called_in_the_order_of_their_times() -> None:
    renewals, called, done = _Renewals(), list[int](), threading.Event()
    now = time.monotonic()
    renewals.at(now + 0.02, done.set)
    renewals.at(now + 0.01, lambda: called.append(2))
    renewals.at(now, lambda: called.append(1))
    renewals.cancel(renewals.at(now + 0.005, lambda: called.append(3)))
    assert done.wait(PATIENCE)
    assert called == [1, 2]


def test_a_closed_channel_does_not_end_the_thread() -> None:
    renewals, done = _Renewals(), threading.Event()

    def closed() -> None:
        raise ValueError("Cannot invoke RPC on closed channel!")

    renewals.at(0, closed)
    renewals.at(0, done.set)
    assert done.wait(PATIENCE)


def test_leases_that_end_early_leave_nothing_behind(name: str) -> None:
    before = len(leases._renewals._due)
    for _ in range(200):
        with concurrency(name):
            pass
    assert len(leases._renewals._due) - before < 150
