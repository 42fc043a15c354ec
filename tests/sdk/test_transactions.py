"""Transactions: what counts together, and what is undone together."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, runtime, task
from antiphon.cache_policies import INPUTS
from antiphon.engine.drivers import drive
from antiphon.exceptions import ConfigurationError, ResultStorageError
from antiphon.locking.filesystem import FileSystemLockManager
from antiphon.locking.memory import MemoryLockManager
from antiphon.result_store import ResultStore
from antiphon.settings import temporary_settings
from antiphon.transactions import (
    AsyncTransaction,
    CommitMode,
    IsolationLevel,
    Transaction,
    TransactionState,
    atransaction,
    get_transaction,
    transaction,
)
from antiphon.variables import Variable
from in_loop import in_loop
from stored import Stored


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


class Diary:
    """Notes what hooks did."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def hook(self, text: str) -> Any:
        return lambda txn: self.notes.append(text)


@pytest.fixture
def diary() -> Diary:
    return Diary()


# Without runs


def test_what_is_staged_is_written_at_the_end(store: ResultStore) -> None:
    with transaction("k", store) as txn:
        assert txn.is_active()
        assert txn.read() is None
        txn.stage({"a": 1})
        assert txn.is_staged()
        assert not store.exists("k")
    assert txn.is_committed()
    assert store.read("k").result == {"a": 1}


def test_one_that_finds_a_result_is_committed_at_once(store: ResultStore) -> None:
    store.write(5, key="k")
    with transaction("k", store) as txn:
        assert txn.is_committed()
        record = txn.read()
        assert record is not None
        assert record.result == 5
        txn.stage(6)
    assert store.read("k").result == 5


def test_overwriting_looks_for_nothing(store: ResultStore) -> None:
    store.write(5, key="k")
    with transaction("k", store, overwrite=True) as txn:
        assert not txn.is_committed()
        txn.stage(6)
    assert store.read("k").result == 6


def test_an_exception_rolls_back_and_passes_on(store: ResultStore, diary: Diary) -> None:
    with pytest.raises(ValueError, match="no"), transaction("k", store) as txn:
        txn.stage(1, on_rollback_hooks=[diary.hook("first"), diary.hook("second")])
        raise ValueError("no")
    assert txn.is_rolled_back()
    assert diary.notes == ["second", "first"]
    assert not store.exists("k")


def test_nothing_is_written_where_that_is_not_wanted(store: ResultStore) -> None:
    with transaction("k", store, write_on_commit=False) as txn:
        txn.stage(1)
    assert txn.is_committed()
    assert not store.exists("k")


def test_inner_ones_wait_for_the_outer_one(store: ResultStore, diary: Diary) -> None:
    with transaction("outer", store) as outer:
        with transaction("inner", store) as inner:
            assert get_transaction() is inner
            assert inner.get_parent() is outer
            inner.stage(1, on_commit_hooks=[diary.hook("inner")])
        assert get_transaction() is outer
        assert inner.is_staged()
        assert not store.exists("inner")
        outer.stage(2, on_commit_hooks=[diary.hook("outer")])
    assert get_transaction() is None
    assert inner.is_committed()
    assert diary.notes == ["inner", "outer"]
    assert store.exists("inner")
    assert store.exists("outer")


def test_a_failure_inside_undoes_all_that_was_done_before(store: ResultStore, diary: Diary) -> None:
    with transaction() as outer:
        for name in ("a", "b"):
            with transaction(name, store) as each:
                each.stage(1, on_rollback_hooks=[diary.hook(name)])
        with pytest.raises(KeyError), transaction():
            raise KeyError
        # At once, and not only at the end.
        assert diary.notes == ["b", "a"]
        with transaction("late", store) as late:
            late.stage(1, on_rollback_hooks=[diary.hook("late")])
        assert late.is_rolled_back()
    assert outer.is_rolled_back()
    assert diary.notes == ["b", "a", "late"]
    assert not store.exists("a")


def test_eager_ones_do_not_wait(store: ResultStore) -> None:
    with pytest.raises(ValueError), transaction(commit_mode=CommitMode.EAGER):
        with transaction("k", store) as inner:
            assert inner.commit_mode is CommitMode.EAGER
            inner.stage(1)
        assert inner.is_committed()
        raise ValueError
    assert store.exists("k")


def test_off_ones_commit_by_hand_only(store: ResultStore) -> None:
    with transaction("a", store, commit_mode=CommitMode.OFF) as left:
        left.stage(1)
    assert left.is_rolled_back()
    with transaction("b", store, commit_mode=CommitMode.OFF) as done:
        done.stage(1)
        assert done.commit()
        assert not done.commit()
        assert not done.rollback()
    assert done.is_committed()
    assert (store.exists("a"), store.exists("b")) == (False, True)


def test_values_are_shared_with_those_inside_as_copies() -> None:
    with transaction() as outer:
        outer.set("list", [1])
        with transaction() as inner:
            inner.get("list").append(2)
            assert inner.get("list") == [1]
            inner.set("list", [3])
            assert inner.get("list") == [3]
        assert outer.get("list") == [1]
        assert outer.get("missing", None) is None
        with pytest.raises(ValueError, match=r"No value 'missing' was set.*txn\.set\('missing'"):
            outer.get("missing")


def test_hooks_can_read_and_know_the_state(store: ResultStore) -> None:
    seen: list[Any] = []
    with pytest.raises(ValueError), transaction() as txn:
        txn.set("path", "p")
        txn.stage(None, on_rollback_hooks=[lambda t: seen.append((t.get("path"), t.state))])
        raise ValueError
    assert seen == [("p", TransactionState.STAGED)]


def test_a_commit_hook_that_raises_rolls_its_own_back(
    store: ResultStore, diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(txn: Any) -> None:
        raise RuntimeError("in the hook")

    with transaction() as outer, transaction("k", store) as inner:
        inner.stage(1, on_commit_hooks=[fails], on_rollback_hooks=[diary.hook("undone")])
    assert inner.is_rolled_back()
    assert outer.is_committed()
    assert diary.notes == ["undone"]
    assert not store.exists("k")
    assert "'k' cannot commit and is rolled back: its hook" in caplog.text


def test_a_rollback_hook_that_raises_keeps_none_of_the_others(diary: Diary, caplog: pytest.LogCaptureFixture) -> None:
    def fails(txn: Any) -> None:
        raise RuntimeError("in the hook")

    with pytest.raises(ValueError), transaction():
        with transaction() as inner:
            inner.stage(None, on_rollback_hooks=[diary.hook("inner")])
        with transaction() as other:
            other.stage(None, on_rollback_hooks=[diary.hook("other"), fails])
        raise ValueError
    assert diary.notes == ["other", "inner"]
    assert "it is ignored" in caplog.text


def test_what_cannot_be_written_is_rolled_back(
    tmp_path: Path, store: ResultStore, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction("k", store) as txn:
        txn.stage(threading.Lock())
    assert txn.is_rolled_back()
    (tmp_path / "file").write_text("in the way")
    with transaction("k", ResultStore(tmp_path / "file")) as txn:
        txn.stage(1)
    assert txn.is_rolled_back()
    assert caplog.text.count("cannot commit and is rolled back") == 2


def test_serializable_ones_exclude_each_other(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, lock_manager=MemoryLockManager())
    inside, order = threading.Event(), []

    def second() -> None:
        with transaction("same", store, isolation_level=IsolationLevel.SERIALIZABLE) as txn:
            record = txn.read()
            order.append(record.result if record is not None else None)

    with transaction("same", store, isolation_level="SERIALIZABLE") as txn:
        other = threading.Thread(target=second)
        other.start()
        inside.set()
        assert store.lock_manager.is_locked("same")
        txn.stage("first")
    other.join(10)
    assert order == ["first"]
    assert not store.lock_manager.is_locked("same")


def test_a_rolled_back_one_gives_its_lock_back(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, lock_manager=MemoryLockManager())
    with pytest.raises(ValueError), transaction("mine", store, isolation_level=IsolationLevel.SERIALIZABLE):
        raise ValueError
    assert not store.lock_manager.is_locked("mine")


def test_serializable_needs_a_lock_manager(store: ResultStore) -> None:
    with pytest.raises(ConfigurationError, match="needs a lock manager"):
        transaction("k", store, isolation_level=IsolationLevel.SERIALIZABLE).__enter__()
    with pytest.raises(ValueError, match="READ_COMMITTED or SERIALIZABLE, not 'LOOSE'"):
        transaction("k", store, isolation_level="LOOSE").__enter__()


def test_the_settings_say_where_results_go(tmp_path: Path) -> None:
    with temporary_settings({"home": tmp_path}), transaction("k") as txn:
        txn.stage(1)
    assert (tmp_path / "storage" / "k").exists()


@in_loop
async def test_async_ones_are_the_same(store: ResultStore) -> None:
    notes: list[str] = []

    async def hook(txn: Any) -> None:
        await asyncio.sleep(0)
        notes.append(txn.key)

    async with atransaction("k", store) as txn:
        assert isinstance(txn, AsyncTransaction)
        txn.stage(1, on_commit_hooks=[hook])
    assert txn.is_committed()
    with pytest.raises(ValueError):
        async with atransaction("r", store) as txn:
            txn.stage(1, on_rollback_hooks=[hook])
            raise ValueError
    assert txn.is_rolled_back()
    assert notes == ["k", "r"]
    async with atransaction("m", store, commit_mode=CommitMode.OFF) as txn:
        txn.stage(1)
        assert await txn.commit()
        assert not await txn.rollback()


# Of task runs


def test_tasks_of_a_transaction_are_undone_with_it(stored: Stored, diary: Diary) -> None:
    @task
    def first() -> str:
        txn = get_transaction()
        assert isinstance(txn, Transaction)
        txn.set("file", "f")
        return "first"

    @first.on_rollback
    def undo(txn: Any) -> None:
        diary.notes.append(f"undo {txn.get('file')}")

    @first.on_commit
    def done(txn: Any) -> None:
        diary.notes.append("done")

    states: list[Any] = []

    @flow
    def fails() -> None:
        with transaction():
            states.append(first(return_state=True))
            states.append(first.submit())
            states[1].wait()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fails()
    assert diary.notes == ["undo f", "undo f"]
    assert states[0].name == "Completed"
    for run_id in (states[0].state_details.task_run_id, states[1].task_run_id):
        assert stored.task_run(run_id).state.name == "RolledBack"

    @flow
    def works() -> None:
        with transaction():
            first()
            assert diary.notes == ["undo f", "undo f"]

    works()
    assert diary.notes[2:] == ["done"]


def test_a_task_that_fails_undoes_those_before_and_only_when_no_retry_is_left(stored: Stored, diary: Diary) -> None:
    @task(on_rollback=[diary.hook("undo")])
    def works() -> int:
        return 1

    attempts: list[int] = []

    @task(retries=1)
    def flaky(times: int) -> None:
        attempts.append(1)
        if len(attempts) <= times:
            raise KeyError("flaky")

    @flow
    def body(times: int) -> TransactionState:
        attempts.clear()
        with transaction() as txn:
            works()
            flaky(times, return_state=True)
        return txn.state

    assert body(1) is TransactionState.COMMITTED
    assert diary.notes == []
    assert body(2) is TransactionState.ROLLED_BACK
    assert diary.notes == ["undo"]


def test_what_outlasts_its_transaction_commits_by_itself(stored: Stored, diary: Diary) -> None:
    go_on = threading.Event()

    @task(on_commit=[diary.hook("done")], result_storage_key="late")
    def slow() -> int:
        go_on.wait(10)
        return 1

    @flow
    def body() -> int:
        with transaction():
            future = slow.submit()
        go_on.set()
        return future.result()

    assert body() == 1
    assert diary.notes == ["done"]
    assert ResultStore().exists("late")


@in_loop
async def test_async_tasks_in_async_transactions(stored: Stored, diary: Diary) -> None:
    @task(on_rollback=[diary.hook("undo")])
    async def works() -> int:
        return 1

    @flow
    async def fails() -> None:
        async with atransaction():
            await works()
            raise ValueError("no")

    with pytest.raises(ValueError):
        await fails()
    assert diary.notes == ["undo"]


def test_tasks_outside_of_flows_are_undone_too(stored: Stored, diary: Diary) -> None:
    @task(on_rollback=[diary.hook("undo")])
    def works() -> int:
        return 1

    with pytest.raises(ValueError), transaction():
        state = works(return_state=True)
        raise ValueError
    assert diary.notes == ["undo"]
    assert stored.task_run(state.state_details.task_run_id).state.name == "RolledBack"


def test_results_in_a_transaction_are_kept_at_its_end(stored: Stored, tmp_path: Path) -> None:
    @task(result_storage_key="the-key", result_storage=tmp_path / "kept")
    def works() -> int:
        return 5

    @flow
    def body(fails: bool) -> Any:
        with transaction():
            state = works(return_state=True)
            assert not (tmp_path / "kept" / "the-key").exists()
            assert state.result() == 5
            if fails:
                raise ValueError
        return state.name

    with pytest.raises(ValueError):
        body(True)
    assert body(False) == "Completed"
    assert (tmp_path / "kept" / "the-key").exists()
    assert body.fn is not None
    with transaction("the-key", ResultStore(tmp_path / "kept")) as txn:
        assert txn.is_committed()


def test_what_was_staged_anew_is_rolled_back_anew(diary: Diary) -> None:
    """As a task's is that is retried inside a transaction which fails in the end."""
    with pytest.raises(ValueError, match="in the end"), transaction() as txn:
        for _ in range(2):
            txn.stage(1, on_rollback_hooks=[diary.hook("undo")])
            assert txn.rollback()
        txn.stage(1, on_rollback_hooks=[diary.hook("undo")])
        raise ValueError("in the end")
    assert txn.is_rolled_back()
    assert len(diary.notes) >= 3


# Locks


def in_time(work: Any) -> None:
    """Does it in a daemon thread: what waits for itself must not keep the tests."""
    done = threading.Event()

    def run() -> None:
        work()
        done.set()

    threading.Thread(target=run, daemon=True).start()
    assert done.wait(20)


def test_one_does_not_wait_for_those_around_it(tmp_path: Path) -> None:
    store = ResultStore(tmp_path, lock_manager=MemoryLockManager())

    def nested() -> None:
        with transaction("again", store, isolation_level="SERIALIZABLE") as outer:
            with transaction("again", store, isolation_level="SERIALIZABLE") as inner:
                inner.stage(1)
            assert store.lock_manager.is_locked("again")
            outer.stage(2)

    in_time(nested)
    assert store.read("again").result == 2
    assert not store.lock_manager.is_locked("again")


def test_tasks_with_one_key_in_one_transaction(stored: Stored, tmp_path: Path) -> None:
    policy = INPUTS.configure(
        lock_manager=MemoryLockManager(), isolation_level=IsolationLevel.SERIALIZABLE, key_storage=tmp_path
    )

    @task(cache_policy=policy)
    def double(x: int) -> int:
        return 2 * x

    @flow
    def around() -> Any:
        with transaction():
            return double(21), double(21)

    in_time(lambda: around() == (42, 42) or pytest.fail("wrong"))


class Unlucky(ResultStore):
    def find(self, key: str) -> Any:
        raise ResultStorageError("no luck")


def test_a_lock_is_given_back_where_it_cannot_begin(tmp_path: Path) -> None:
    store = Unlucky(tmp_path, lock_manager=MemoryLockManager())
    with pytest.raises(ResultStorageError):
        transaction("unlucky", store, isolation_level="SERIALIZABLE").__enter__()
    assert not store.lock_manager.is_locked("unlucky")


def test_what_is_done_stays_done_though_the_lock_cannot_be_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    manager = FileSystemLockManager(tmp_path / "locks")
    store = ResultStore(tmp_path, lock_manager=manager)

    def fail(*_: Any) -> None:
        raise ConnectionError("the lock server is away")

    with transaction("k", store, isolation_level="SERIALIZABLE") as txn:
        txn.stage(1)
        monkeypatch.setattr(manager, "release_lock", fail)
    assert txn.is_committed()
    assert "could not be given back: the lock server is away" in caplog.text


# What comes late, and what comes again


def test_what_ends_as_the_one_around_commits_commits_too(store: ResultStore) -> None:
    with transaction() as outer:
        inner = Transaction(key="late", store=store)
        inner.begin()
        inner.stage("x")

        def end(_: Any) -> None:
            drive(inner.ending(failed=False), None)

        outer.stage(None, on_commit_hooks=[end])
    assert inner.is_committed()
    assert store.read("late").result == "x"


def test_a_retry_after_a_result_that_could_not_be_written(stored: Stored, tmp_path: Path, diary: Diary) -> None:
    place = tmp_path / "results"
    place.write_text("in the way")

    @task(retries=1, cache_policy=INPUTS, result_storage=place)
    def work(x: int) -> int:
        if diary.notes:
            place.unlink()
        diary.notes.append("tried")
        return x

    work.on_commit(diary.hook("committed"))
    work.on_rollback(diary.hook("rolled back"))

    @flow
    def around() -> Any:
        return work(1)

    assert around() == 1
    assert diary.notes == ["tried", "committed", "rolled back", "tried", "committed"]


# Hooks of what was stopped


def test_hooks_of_a_cancelled_run_may_call_the_server(stored: Stored, diary: Diary) -> None:
    @task
    def work() -> None: ...

    @work.on_rollback
    def undo(_: Any) -> None:
        Variable.set("undone", True, overwrite=True)
        diary.notes.append("undone")

    @flow
    def around() -> None:
        with transaction():
            work()
            stored.cancel(runtime.flow_run.id)
            threading.Event().wait(30)

    @around.on_cancellation
    def clean(*_: Any) -> None:
        diary.notes.append(f"{Variable.get('undone')}")

    assert around(return_state=True).is_cancelled()
    assert diary.notes == ["undone", "True"]


@in_loop
async def test_so_may_those_of_async_code(stored: Stored, diary: Diary) -> None:
    @task
    async def work() -> None: ...

    @work.on_rollback
    async def undo(_: Any) -> None:
        await Variable.aset("undone", True, overwrite=True)
        diary.notes.append("undone")

    @flow
    async def around() -> None:
        async with atransaction():
            await work()
            stored.cancel(runtime.flow_run.id)
            await asyncio.sleep(30)

    @around.on_cancellation
    async def clean(*_: Any) -> None:
        diary.notes.append(f"{await Variable.aget('undone')}")

    state = await around(return_state=True)
    assert state.is_cancelled()
    assert diary.notes == ["undone", "True"]
