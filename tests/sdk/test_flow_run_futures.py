"""Futures of flow runs that the server tells the end of."""

import asyncio
import threading
from contextvars import copy_context
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.exceptions import ObjectNotFound
from antiphon.futures import AntiphonFlowRunFuture, as_completed, wait
from antiphon.ids import new_id
from antiphon.runtime import flow_run
from stored import Stored


class Gated:
    """A flow run in a thread, that waits to be let go."""

    def __init__(self, outcome: Any) -> None:
        self.gate, self.began = threading.Event(), threading.Event()
        self.id = ""

        @flow(persist_result=True)
        def gated() -> Any:
            self.id = str(flow_run.id)
            self.began.set()
            assert self.gate.wait(30)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        self.thread = threading.Thread(target=copy_context().run, args=(lambda: gated(return_state=True),))

    def __enter__(self) -> "Gated":
        self.thread.start()
        assert self.began.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self.thread.join(30)


def test_from_running_to_its_result(stored: Stored) -> None:
    with Gated({"a": 1}) as run:
        future: AntiphonFlowRunFuture[Any] = AntiphonFlowRunFuture(run.id)
        seen: list[Any] = []
        future.add_done_callback(seen.append)
        assert future.state.is_running() and future.flow_run_id == run.id
        future.wait(timeout=0.01)
        with pytest.raises(TimeoutError, match=r"Flow run .* has not ended within 0\.01 second"):
            future.result(timeout=0.01)
        with pytest.raises(TimeoutError):
            asyncio.run(future.aresult(timeout=0.01))
        run.gate.set()
        assert future.result(timeout=30) == {"a": 1}
    assert seen == [future]
    assert future.state.is_completed() and future.state.state_details.flow_run_id == run.id
    assert asyncio.run(future.aresult()) == {"a": 1}
    assert run.id in repr(future)


def test_a_failure(stored: Stored) -> None:
    with Gated(ValueError("no")) as run:
        run.gate.set()
        with pytest.raises(ValueError, match="no"):
            AntiphonFlowRunFuture(run.id).result()


def test_beside_futures_of_tasks(stored: Stored) -> None:
    @task
    def one() -> int:
        return 1

    with Gated(2) as run:

        @flow
        def around() -> Any:
            there: AntiphonFlowRunFuture[int] = AntiphonFlowRunFuture(run.id)
            here = one.submit()
            here.wait()
            done, not_done = wait([here, there], timeout=0.01)
            assert (done, not_done) == ({here}, {there})
            run.gate.set()
            assert {each.result() for each in as_completed([here, there], timeout=30)} == {1, 2}
            return there

        assert around() == 2


def test_an_unknown_run(stored: Stored) -> None:
    future: AntiphonFlowRunFuture[Any] = AntiphonFlowRunFuture(new_id())
    with pytest.raises(ObjectNotFound):
        future.result(timeout=30)
    with pytest.raises(ObjectNotFound):
        asyncio.run(future.aresult())


def test_all_who_wait_share_one_thread(stored: Stored) -> None:
    with Gated(3) as run:
        first: AntiphonFlowRunFuture[int] = AntiphonFlowRunFuture(run.id)
        before = threading.active_count()
        futures = [AntiphonFlowRunFuture[int](run.id) for _ in range(50)]
        assert threading.active_count() < before + 25, "gRPC and the session may start some of theirs"
        run.gate.set()
        assert {each.result(timeout=30) for each in [first, *futures]} == {3}
