"""`delay` and its kin: runs that a task worker makes, and what their callers get of them."""

import asyncio
import os
import pickle
import threading
import time
from typing import Any

import pytest

from antiphon import allow_failure, flow, get_run_logger, runtime, tags, task
from antiphon.annotations import unmapped
from antiphon.background_parameters import read_parameters, store_parameters
from antiphon.cache_policies import INPUTS
from antiphon.exceptions import (
    CancelledRun,
    MissingResult,
    ObjectNotFound,
    ParameterBindError,
    SerializationError,
    ServerUnreachable,
    SignatureMismatchError,
    UnfinishedRun,
)
from antiphon.futures import AntiphonDistributedFuture, as_completed, wait
from antiphon.ids import new_id
from antiphon.results import ResultStore
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.states import Completed
from antiphon.task_worker import TaskWorker
from antiphon.v1 import state_pb2
from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit
from antiphon.v1.concurrency_limit_service_pb2 import CreateConcurrencyLimitRequest
from antiphon.v1.log_service_pb2 import ListLogsRequest
from antiphon.v1.task_run_service_pb2 import GetTaskRunRequest
from antiphon.v1.transition_pb2 import Proposal
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest
from serving import serving
from stored import Stored
from until import until

PATIENCE = 30.0


@task
def add(a: Any, b: Any = 1) -> Any:
    return a + b


@task
async def aadd(a: Any, b: Any = 1) -> Any:
    await asyncio.sleep(0)
    return a + b


@pytest.mark.parametrize("which", [add, aadd], ids=["sync", "async"])
def test_a_worker_runs_what_was_queued_and_its_caller_gets_the_result(stored: Stored, which: Any) -> None:
    future = which.delay(1, b=2)
    assert isinstance(future, AntiphonDistributedFuture)
    assert future.state.is_scheduled() and not future.done()
    with serving(which):
        assert future.result(timeout=PATIENCE) == 3
    assert future.state.is_completed() and future.state.state_details.task_run_id == future.task_run_id
    assert stored.task_run_history(future.task_run_id) == ["Scheduled", "Pending", "Running", "Completed"]


def test_when_delay_returns_in_sync_code_the_run_is_kept(stored: Stored) -> None:
    future = add.delay(1)
    run = stored.client.call(stored.client.task_runs.GetTaskRun, _get(future.task_run_id)).task_run
    assert run.state.details.deferred and run.session_id == ""


def test_apply_async_takes_the_arguments_in_a_list_and_a_dict(stored: Stored) -> None:
    with serving(add):
        assert add.apply_async(args=(1,), kwargs={"b": 5}).result(timeout=PATIENCE) == 6
        assert add.apply_async([3]).result(timeout=PATIENCE) == 4


def test_arguments_that_do_not_fit_are_an_error_at_once(stored: Stored) -> None:
    with pytest.raises(ParameterBindError, match="missing a required argument: 'a'"):
        add.delay()  # type: ignore[call-overload]


def test_an_argument_that_cannot_travel_is_named(stored: Stored) -> None:
    with pytest.raises(SerializationError, match=r"The argument 'b' of add cannot be sent to a task worker: .*a path"):
        add.delay(1, b=threading.Lock())


def test_large_arguments_go_by_the_result_storage(stored: Stored) -> None:
    future = add.delay("x" * 200_000, "y")
    run = stored.task_run(future.task_run_id)
    assert run.parameters.metadata["encoding"] == "json/reference" and len(run.parameters.data) < 1000
    with serving(add):
        assert future.result(timeout=PATIENCE) == "x" * 200_000 + "y"


def test_large_arguments_that_are_gone_fail_the_run_and_say_so(stored: Stored) -> None:
    future = add.delay("x" * 200_000, "y")
    for path in ResultStore().storage.folder.glob("parameters/*"):  # type: ignore[attr-defined]
        path.unlink()
    with serving(add), pytest.raises(MissingResult, match="cannot be read"):
        future.result(timeout=PATIENCE)


def test_what_a_task_raises_comes_to_the_caller(stored: Stored) -> None:
    @task
    def fail() -> None:
        raise ZeroDivisionError("by zero")

    with serving(fail) as worker:
        with pytest.raises(ZeroDivisionError, match="by zero"):
            fail.delay().result(timeout=PATIENCE)
        assert isinstance(fail.delay().result(timeout=PATIENCE, raise_on_failure=False), ZeroDivisionError)
    assert worker.finished_task_runs == {fail.task_key: 2}


def test_code_that_ends_the_interpreter_ends_its_run_and_not_the_worker(stored: Stored) -> None:
    @task
    def leave() -> None:
        raise SystemExit(3)

    @task
    async def aleave() -> None:
        raise SystemExit(3)

    with serving(leave, aleave, add):
        for each in (leave, aleave):
            future = each.delay()
            future.wait(PATIENCE)
            assert future.state.is_crashed()
        assert add.delay(1).result(timeout=PATIENCE) == 2


def test_retries_go_back_to_the_queue_and_hooks_run_once(stored: Stored) -> None:
    tries: list[int] = []
    ended: list[str] = []

    @task(retries=2, retry_delay_seconds=0.05)
    def flaky() -> int:
        tries.append(runtime.task_run.run_count)
        if len(tries) < 3:
            raise ValueError("not yet")
        return len(tries)

    flaky.on_completion(lambda task, run, state: ended.append(state.name))
    flaky.on_failure(lambda task, run, state: ended.append(state.name))
    future = flaky.delay()
    with serving(flaky):
        assert future.result(timeout=PATIENCE) == 3
    assert (tries, ended) == ([1, 2, 3], ["Completed"])
    names = stored.task_run_history(future.task_run_id)
    assert names.count("AwaitingRetry") == 2 and names[-1] == "Completed" and names.count("Pending") == 3


@pytest.mark.parametrize("seconds", [0.05])
def test_a_time_limit_holds(stored: Stored, seconds: float) -> None:
    @task(timeout_seconds=seconds)
    def slow() -> None:
        time.sleep(PATIENCE)

    @task(timeout_seconds=seconds)
    async def aslow() -> None:
        await asyncio.sleep(PATIENCE)

    with serving(slow, aslow):
        for each in (slow, aslow):
            with pytest.raises(TimeoutError):
                each.delay().result(timeout=PATIENCE)


def test_logs_nested_tasks_and_flows_work_inside(stored: Stored) -> None:
    @flow
    def inner(x: int) -> int:
        return add.submit(x, 1).result()  # type: ignore[no-any-return]

    @task
    def outer(x: int) -> int:
        get_run_logger().info("working on %d", x)
        return int(add(x, 10)) + inner(x)

    with serving(outer):
        future = outer.delay(1)
        assert future.result(timeout=PATIENCE) == 13
    assert any(line.message == "working on 1" for line in _logs(stored, future.task_run_id))


def test_tags_and_the_flow_run_travel(stored: Stored) -> None:
    seen: list[Any] = []

    @task(tags=["own"])
    def look() -> None:
        seen.append((set(runtime.task_run.tags), runtime.flow_run.id))
        add(1)

    @flow
    def caller() -> AntiphonDistributedFuture[None]:
        with tags("around"):
            future = look.delay()
        seen.append(runtime.flow_run.id)
        future.wait(PATIENCE)
        return future.task_run_id  # type: ignore[return-value]

    with serving(look):
        run = stored.task_run(str(caller()))
    assert set(run.tags) == {"own", "around"}
    assert run.flow_run_id == seen[0] and seen[1][0] == {"own", "around"}


def test_futures_among_the_arguments_are_waited_for_by_the_worker(stored: Stored) -> None:
    first = add.delay(1, 1)
    second = add.delay([first], [add.delay(first, 1)])
    with serving(add, limit=1):
        assert second.result(timeout=PATIENCE) == [2, 3]
    assert first.task_run_id in stored.task_run(second.task_run_id).upstream_task_run_ids


def test_who_waits_for_others_holds_no_room(stored: Stored) -> None:
    never = AntiphonDistributedFuture[Any](add.delay(1).task_run_id)

    @task
    def last() -> str:
        return "last"

    waiting = last.apply_async(wait_for=[never])
    with serving(last, limit=1):
        assert last.delay().result(timeout=PATIENCE) == "last"
        with serving(add):
            assert waiting.result(timeout=PATIENCE) == "last"


def test_one_whose_upstream_failed_is_not_ready(stored: Stored) -> None:
    @task
    def fail() -> None:
        raise ValueError("no")

    failed = fail.delay()
    follower, tolerant = add.delay(failed), add.delay([1], [allow_failure(failed)])
    with serving(add, fail):
        result = tolerant.result(timeout=PATIENCE)
        assert isinstance(result[1], ValueError)
        until(lambda: follower.state.name == "NotReady", PATIENCE)
    with pytest.raises(UnfinishedRun):
        follower.state.result()


def test_futures_of_submitted_tasks_travel_too(stored: Stored) -> None:
    @flow
    def caller() -> int:
        here = add.submit(1, 1)
        return add.delay(here, 5).result(timeout=PATIENCE)  # type: ignore[no-any-return]

    with serving(add):
        assert caller() == 7


def test_map_deferred_works_outside_of_flows(stored: Stored) -> None:
    futures = add.map([1, 2, 3], unmapped(10), deferred=True)
    with serving(add):
        assert futures.result(timeout=PATIENCE) == [11, 12, 13]


def test_submit_and_map_outside_of_a_flow_point_to_delay() -> None:
    with pytest.raises(RuntimeError, match=r"with `delay`"):
        add.submit(1)
    with pytest.raises(RuntimeError, match=r"map\(\.\.\., deferred=True\)"):
        add.map([1])


def test_in_async_code_delay_returns_at_once_and_adelay_when_the_run_is_kept(stored: Stored) -> None:
    async def handler() -> list[Any]:
        begun = add.delay(1)
        kept = await add.adelay(2)
        also = await add.aapply_async((3,))
        await asyncio.to_thread(stored.task_run, kept.task_run_id)
        return [await each.result_async(timeout=PATIENCE) for each in (begun, kept, also)]

    with serving(add):
        assert asyncio.run(handler()) == [2, 3, 4]


def test_in_async_code_a_wait_does_not_hold_the_loop(stored: Stored) -> None:
    async def handler() -> None:
        future = add.delay(1)
        waiting = asyncio.ensure_future(future.wait_async(timeout=PATIENCE))
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert not waiting.done(), "who holds the loop is done when it goes on"
        waiting.cancel()
        await future.wait_async(timeout=0.01)
        with pytest.raises(TimeoutError, match=r"has not ended within 0\.01"):
            await future.result_async(timeout=0.01)
        assert not future.done()

    asyncio.run(handler())


def test_many_futures_are_told_on_one_stream_as_they_end(stored: Stored) -> None:
    futures = [add.delay(number) for number in range(20)]
    called: list[str] = []
    for future in futures:
        future.add_done_callback(lambda each: called.append(each.task_run_id))
    with serving(add):
        assert len(list(as_completed(futures, timeout=PATIENCE))) == 20
        assert not wait(futures, timeout=PATIENCE).not_done
    until(lambda: len(called) == 20, PATIENCE)
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("antiphon-run-ends") == 1


def test_a_future_is_its_id_in_any_process(stored: Stored) -> None:
    future = add.delay(1)
    twin: AntiphonDistributedFuture[Any] = pickle.loads(pickle.dumps(future))
    assert twin == future and hash(twin) == hash(future) and future.task_run_id in repr(twin)
    with serving(add):
        assert twin.result(timeout=PATIENCE) == 2
    assert AntiphonDistributedFuture(future.task_run_id).result(timeout=PATIENCE) == 2


def test_a_forked_child_waits_by_itself(stored: Stored) -> None:
    future = add.delay(1)
    future.wait(timeout=0.01)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if future.result(timeout=PATIENCE) == 2 else 1)
        finally:
            os._exit(2)
    with serving(add):
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert future.result(timeout=PATIENCE) == 2


def test_a_run_that_nobody_knows_is_pending_and_cannot_be_waited_for(stored: Stored) -> None:
    future = AntiphonDistributedFuture[Any](new_id())
    assert future.state.is_pending()
    with pytest.raises(ObjectNotFound, match="There is no task run"):
        future.result(timeout=PATIENCE)


def test_a_result_that_was_not_kept_is_missed_with_words(stored: Stored) -> None:
    @task(persist_result=False)
    def forget() -> int:
        return 1

    with serving(forget), pytest.raises(MissingResult, match="persist_result=False"):
        forget.delay().result(timeout=PATIENCE)


def test_a_worker_whose_code_differs_fails_the_run_and_says_so(stored: Stored) -> None:
    @task
    def report(day: str) -> str:
        return day

    @task
    def other(week: int) -> int:
        return week

    future = report.delay("monday")
    other.task_key = report.task_key
    with serving(other), pytest.raises(SignatureMismatchError, match="another version of the task than its caller"):
        future.result(timeout=PATIENCE)


def test_cancelling_interrupts_what_runs(stored: Stored) -> None:
    running = threading.Event()
    interrupted: list[str] = []

    @task
    def slow() -> None:
        running.set()
        try:
            while True:
                time.sleep(0.01)
        except BaseException as error:
            interrupted.append(type(error).__name__)
            raise

    with serving(slow):
        future = slow.delay()
        assert running.wait(PATIENCE)
        _cancel(stored, future.task_run_id)
        future.wait(PATIENCE)
        assert future.state.is_cancelled() and interrupted == ["RunCancelled"]
        with pytest.raises(CancelledRun):
            future.result()


def test_cancelling_ends_what_waits_for_runs_before_it(stored: Stored, caplog: pytest.LogCaptureFixture) -> None:
    before = aadd.delay(1)  # which nobody serves
    future = add.delay(before)
    with serving(add):
        _until_pending(stored, future.task_run_id)
        _cancel(stored, future.task_run_id)
        future.wait(PATIENCE)
        assert future.state.is_cancelled()
    assert "crashed" not in caplog.text


def test_cancelling_ends_what_waits_for_room(stored: Stored, caplog: pytest.LogCaptureFixture) -> None:
    running, go_on = threading.Event(), threading.Event()

    @task
    def work() -> None:
        running.set()
        go_on.wait(PATIENCE)

    first, second = work.delay(), work.delay()

    async def execute() -> None:
        worker = TaskWorker(work, limit=1)
        one = asyncio.ensure_future(worker.execute_task_run(stored.task_run(first.task_run_id)))
        assert await asyncio.to_thread(running.wait, PATIENCE)
        other = asyncio.ensure_future(worker.execute_task_run(stored.task_run(second.task_run_id)))
        await asyncio.to_thread(_until_pending, stored, second.task_run_id)
        _cancel(stored, second.task_run_id)
        try:
            await asyncio.wait_for(other, 20)
            await asyncio.to_thread(second.wait, PATIENCE)
            assert second.state.is_cancelled() and not one.done()
        finally:
            go_on.set()
        await one

    asyncio.run(execute())
    first.wait(PATIENCE)
    assert first.state.is_completed() and "crashed" not in caplog.text


def _until_pending(stored: Stored, task_run_id: str) -> None:
    until(lambda: stored.task_run(task_run_id).state.name == "Pending", PATIENCE)


def test_cancelling_takes_it_from_the_queue(stored: Stored) -> None:
    future = add.delay(1)
    _cancel(stored, future.task_run_id)
    with serving(add), pytest.raises(CancelledRun):
        future.result(timeout=PATIENCE)


def test_a_limit_of_a_tag_holds(stored: Stored) -> None:

    tag = new_id()
    limit = ConcurrencyLimit(name=f"tag:{tag}", limit=1)
    service = stored.client.concurrency_limits
    stored.client.call(service.CreateConcurrencyLimit, CreateConcurrencyLimitRequest(concurrency_limit=limit))
    at_once: list[int] = []
    now = [0]

    @task(tags=[tag])
    def work() -> None:
        now[0] += 1
        at_once.append(now[0])
        time.sleep(0.02)
        now[0] -= 1

    futures = [work.delay() for _ in range(4)]
    with serving(work):
        for future in futures:
            future.result(timeout=PATIENCE)
    assert at_once == [1, 1, 1, 1]


def test_without_a_server_delay_says_so(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("antiphon.engine.delay.PATIENCE", 0.2)

    with temporary_settings({"api_url": f"unix:{tmp_path}/nobody", "home": tmp_path}):
        with pytest.raises(ServerUnreachable, match="is queued once the server is back"):
            add.delay(1)
        registry.close_all()


def test_parameters_can_be_stored_and_read_by_hand(stored: Stored) -> None:
    async def there_and_back() -> Any:
        await store_parameters(ResultStore(), "p1", {"a": 1, "b": Completed})
        return await read_parameters(ResultStore(), "p1")

    assert asyncio.run(there_and_back()) == {"a": 1, "b": Completed}
    with pytest.raises(MissingResult, match="There are no parameters at"):
        asyncio.run(read_parameters(ResultStore(), "p2"))


def _cancel(stored: Stored, task_run_id: str) -> None:
    state = state_pb2.State(
        type=state_pb2.STATE_TYPE_CANCELLING, details=state_pb2.StateDetails(deferred=True), message="enough"
    )
    wish = Proposal(transition_id=new_id(), task_run_id=task_run_id, state=state)
    stored.client.call(stored.client.transitions.ProposeTransition, ProposeTransitionRequest(proposal=wish))


def _get(task_run_id: str) -> Any:

    return GetTaskRunRequest(id=task_run_id)


def _logs(stored: Stored, task_run_id: str) -> list[Any]:

    assert registry.get_uploader().flush(10)
    request = ListLogsRequest(filter=f'task_run_id = "{task_run_id}"')
    return list(stored.client.pages(stored.client.logs.ListLogs, request, "logs"))


def test_a_large_result_goes_by_the_storage(stored: Stored) -> None:
    @task
    def large() -> str:
        return "x" * 200_000

    with serving(large):
        future = large.delay()
        assert len(future.result(timeout=PATIENCE)) == 200_000
    assert stored.task_run(future.task_run_id).state.data.metadata["encoding"] == "json/reference"


def test_what_a_generator_yields_is_its_result(stored: Stored) -> None:
    @task
    def numbers() -> Any:
        yield 1
        yield 2

    with serving(numbers):
        assert numbers.delay().result(timeout=PATIENCE) == [1, 2]


def test_a_cached_result_is_not_made_again(stored: Stored) -> None:
    calls: list[int] = []

    @task(cache_policy=INPUTS, persist_result=True)
    def slow(x: int) -> int:
        calls.append(x)
        return x * 2

    with serving(slow):
        assert slow.delay(2).result(timeout=PATIENCE) == 4
        again = slow.delay(2)
        assert again.result(timeout=PATIENCE) == 4
    assert calls == [2] and again.state.name == "Cached"
