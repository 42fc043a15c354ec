"""Tickets: done once, for any number of threads."""

import logging
import threading

import pytest

from antiphon.exceptions import ServerError, SessionLost
from antiphon.session.ticket import Ticket
from antiphon.v1.transition_pb2 import Verdict
from session_bodies import proposal


def test_every_thread_that_waits_gets_the_answer() -> None:
    ticket = Ticket(proposal())
    verdict = Verdict(reason="why")
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(ticket.result())) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert not ticket.done()
    ticket.settle(verdict)
    for thread in threads:
        thread.join(10)
    assert got == [verdict] * 5 and ticket.done() and ticket.result(0) is verdict


def test_time_runs_out_and_the_answer_still_comes() -> None:
    ticket = Ticket(proposal())
    with pytest.raises(TimeoutError, match="no answer to a Proposal within 0"):
        ticket.result(timeout=0.001)
    ticket.settle(None)
    assert ticket.result(timeout=1) is None and ticket.result(timeout=1) is None


def test_each_caller_gets_an_error_of_its_own() -> None:
    ticket = Ticket(proposal())
    error = SessionLost("gone", code="FAILED_PRECONDITION", reason="SESSION_EXPIRED")
    ticket.settle(None, error)
    raised = []
    for _ in range(2):
        with pytest.raises(SessionLost, match="gone") as caught:
            ticket.result()
        raised.append(caught.value)
    assert raised[0] is not raised[1] and error not in raised
    assert (raised[0].code, raised[0].reason) == ("FAILED_PRECONDITION", "SESSION_EXPIRED")


def test_callbacks_are_called_once_each_before_or_after() -> None:
    ticket = Ticket(proposal())
    calls: list[str] = []
    ticket.add_done_callback(lambda it: calls.append("before" if it.done() else "early"))
    ticket.settle(None)
    ticket.add_done_callback(lambda it: calls.append("after"))
    assert calls == ["before", "after"]


def test_a_callback_that_fails_is_logged_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    ticket = Ticket(proposal())
    calls: list[Ticket] = []
    ticket.add_done_callback(lambda _: 1 / 0)
    ticket.add_done_callback(calls.append)
    with caplog.at_level(logging.ERROR, "antiphon.session"):
        ticket.settle(None)
    assert calls == [ticket] and "division by zero" in caplog.text


def settle_while_callbacks_are_added() -> list[int]:
    ticket = Ticket(proposal())
    calls: list[int] = []
    start = threading.Barrier(2)

    def settle() -> None:
        start.wait()
        ticket.settle(None)

    thread = threading.Thread(target=settle)
    thread.start()
    start.wait()
    for number in range(20):
        ticket.add_done_callback(lambda _, number=number: calls.append(number))  # type: ignore[misc]
    thread.join()
    return calls


def test_no_callback_is_lost_between_two_threads() -> None:
    for _ in range(200):
        assert sorted(settle_while_callbacks_are_added()) == list(range(20))


def test_an_abandoned_ticket_wakes_who_waits_and_calls_nobody() -> None:
    ticket = Ticket(proposal())
    ticket.add_done_callback(lambda _: pytest.fail("it belongs to the parent"))
    ticket.abandon(ServerError("parent's"))
    ticket.abandon(ServerError("again"))
    with pytest.raises(ServerError, match="parent's"):
        ticket.result()
