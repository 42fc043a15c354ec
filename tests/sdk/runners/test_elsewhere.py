"""The sender's part of a task run that another process runs, played by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from antiphon.engine.effects import Await
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import RunCancelled, TerminationSignal
from antiphon.runners.elsewhere import _carried_out
from antiphon.runners.errand import Errand
from in_loop import in_loop


class Out(Errand):
    """One that somebody works on."""

    sees_our_end = True

    def __init__(self) -> None:
        super().__init__()
        self.future.set_running_or_notify_cancel()
        self.stopped: list[str] = []

    def stop(self, reason: str) -> bool:
        self.stopped.append(reason)
        return True

    def kill(self) -> None: ...


def begun(scope: RunScope, errand: Errand) -> Any:
    call: Any = SimpleNamespace(scope=scope)
    life = _carried_out(call, errand)
    assert isinstance(next(life), Await)
    return life


def test_a_word_to_end_is_no_cancel() -> None:
    """Though the wait for one of the two ended well: by the word to end, that is."""
    scope, errand = RunScope(), Out()
    life = begun(scope, errand)
    scope.stop(TerminationSignal, "told to end")
    with pytest.raises(TerminationSignal):
        life.send(None)
    assert errand.stopped == []


def test_what_has_come_by_then_counts() -> None:
    scope, errand = RunScope(), Out()
    life = begun(scope, errand)
    errand.future.set_result(b"")
    with pytest.raises(StopIteration):
        life.send(None)


@in_loop
async def test_a_cancel_is_told_and_waited_for() -> None:
    scope, errand = RunScope(), Out()
    life = begun(scope, errand)
    scope.stop(RunCancelled, "cancelled")
    assert isinstance(life.send(None), Await)
    assert errand.stopped == ["cancelled"]
    errand.future.set_result(b"")
    with pytest.raises(StopIteration):
        life.send(None)
