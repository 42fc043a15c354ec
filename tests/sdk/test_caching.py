"""Cached task runs: when a kept result stands for a new run."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from antiphon import flow, task
from antiphon.cache_policies import DEFAULT, INPUTS, TASK_SOURCE
from antiphon.locking.memory import MemoryLockManager
from antiphon.result_store import ResultStore
from antiphon.settings import temporary_settings
from kinds import Kind
from stored import Stored, type_of


class Counted:
    """A function that notes its calls."""

    def __init__(self, kind: Kind) -> None:
        self.calls: list[Any] = []

        @kind.function
        def note(x: Any = 0, y: Any = 0) -> Any:
            self.calls.append(x)
            return x

        self.fn = note


@pytest.fixture
def counted(kind: Kind) -> Counted:
    return Counted(kind)


def names_of(kind: Kind, made: Any, *inputs: Any, **options: Any) -> list[str]:
    """The names of the final states, in a flow run of their own."""

    @kind.flow(**options)
    def body() -> Any:
        names = []
        for each in inputs:
            names.append((yield made(each, return_state=True)).name)
        return names

    names: list[str] = kind.call(body)
    return names


def test_results_are_found_in_other_flow_runs(stored: Stored, kind: Kind, counted: Counted) -> None:
    made = task(cache_policy=INPUTS)(counted.fn)
    assert names_of(kind, made, 1, 1, 2) == ["Completed", "Cached", "Completed"]
    assert names_of(kind, made, 1, 2) == ["Cached", "Cached"]
    assert counted.calls == [1, 2]


def test_the_default_holds_in_one_flow_run_and_where_results_are_kept(
    stored: Stored, kind: Kind, counted: Counted
) -> None:
    assert names_of(kind, task(counted.fn), 1, 1) == ["Completed", "Completed"]
    kept = task(persist_result=True)(counted.fn)
    assert names_of(kind, kept, 1, 1) == ["Completed", "Cached"]
    assert names_of(kind, kept, 1) == ["Completed"]
    assert names_of(kind, task(counted.fn), 5, 5, persist_result=True) == ["Completed", "Cached"]


def test_the_server_knows_a_cached_run(stored: Stored, kind: Kind, counted: Counted) -> None:
    hooks: list[str] = []
    made = task(cache_policy=INPUTS, on_completion=[lambda t, r, s: hooks.append(s.name)])(counted.fn)
    kind.call(made, 1)
    state = kind.call(made, 1, return_state=True)
    run = stored.task_run(state.state_details.task_run_id)
    assert (type_of(run.state), run.state.name) == ("COMPLETED", "Cached")
    assert state.result() == 1
    assert hooks == ["Completed", "Cached"]


def test_a_failure_is_not_cached(stored: Stored) -> None:
    calls = []

    @task(cache_policy=INPUTS)
    def fails_once(x: int) -> int:
        calls.append(x)
        if len(calls) == 1:
            raise ValueError
        return x

    with pytest.raises(ValueError):
        fails_once(1)
    assert fails_once(1) == 1
    assert fails_once(1) == 1
    assert len(calls) == 2


def test_results_get_old(stored: Stored, kind: Kind, counted: Counted) -> None:
    made = task(cache_policy=INPUTS, cache_expiration=timedelta(0))(counted.fn)
    assert names_of(kind, made, 1, 1) == ["Completed", "Completed"]
    lasting = task(cache_policy=INPUTS, cache_expiration=timedelta(hours=1))(counted.fn)
    assert names_of(kind, lasting, 1, 1) == ["Completed", "Cached"]


def test_a_refresh_runs_and_keeps_anew(stored: Stored, kind: Kind) -> None:
    values = iter(range(10))

    @kind.task(cache_policy=INPUTS)
    def made(x: int) -> int:
        return next(values)

    assert kind.call(made, 1) == 0
    assert kind.call(made, 1) == 0
    assert kind.call(made.with_options(refresh_cache=True), 1) == 1
    assert kind.call(made, 1) == 1
    with temporary_settings({"tasks_refresh_cache": True}):
        assert kind.call(made, 1) == 2
        assert kind.call(made.with_options(refresh_cache=False), 1) == 2


def test_a_setting_turns_caching_off(stored: Stored, kind: Kind, counted: Counted) -> None:
    made = task(cache_policy=INPUTS)(counted.fn)
    with temporary_settings({"tasks_disable_caching": True}):
        assert names_of(kind, made, 1, 1) == ["Completed", "Completed"]


def test_a_function_makes_the_key(stored: Stored, kind: Kind, counted: Counted) -> None:
    seen = []

    def key(context: Any, parameters: dict[str, Any]) -> str | None:
        seen.append((context.task.name, context.task_run.name, parameters))
        return None if parameters["x"] == 0 else "the-key"

    made = task(cache_key_fn=key, name="n")(counted.fn)
    assert names_of(kind, made, 0, 0, 1, 2) == ["Completed", "Completed", "Completed", "Cached"]
    assert seen[0] == ("n", "n-0", {"x": 0, "y": 0})


def test_a_policy_that_raises_only_costs_the_cache(
    stored: Stored, kind: Kind, counted: Counted, capsys: pytest.CaptureFixture[str]
) -> None:
    def key(context: Any, parameters: dict[str, Any]) -> str:
        raise ValueError("no key")

    made = task(cache_key_fn=key)(counted.fn)
    assert names_of(kind, made, 1, 1) == ["Completed", "Completed"]
    unknowable = task(cache_policy=INPUTS)(counted.fn)
    assert names_of(kind, unknowable, kind.function) == ["Completed"]
    assert "so the run is not cached: no key" in capsys.readouterr().err


@pytest.mark.parametrize("template", ["k-{parameters[x]}-{antiphon.runtime.task_run.task_name}", "{task_run.id}"])
def test_a_storage_key_is_a_template(stored: Stored, tmp_path: Path, template: str) -> None:
    @task(result_storage_key=template, result_storage=tmp_path / "kept")
    def made(x: int) -> int:
        return x

    state = made(3, return_state=True)
    key = template.format(parameters={"x": 3}, antiphon=_Runtime(), task_run=_Run(state.state_details.task_run_id))
    assert ResultStore(tmp_path / "kept").read(key).result == 3


class _Run:
    task_name = "made"

    def __init__(self, id: str | None = None) -> None:
        self.id = id


class _Runtime:
    class runtime:
        task_run = _Run()


def test_a_storage_key_that_cannot_be_filled_in_fails_the_run(stored: Stored) -> None:
    @task(result_storage_key="{nothing}")
    def made() -> int:
        return 1

    state = made(return_state=True)
    assert state.is_failed()
    assert "result_storage_key '{nothing}' cannot be filled in" in str(state.message)


def test_one_storage_key_stands_for_all_runs(stored: Stored, kind: Kind, counted: Counted) -> None:
    made = task(result_storage_key="fixed")(counted.fn)
    assert names_of(kind, made, 1, 2) == ["Completed", "Cached"]


def test_a_result_that_is_gone_is_made_anew(stored: Stored, kind: Kind, counted: Counted, tmp_path: Path) -> None:
    made = task(cache_policy=INPUTS, result_storage=tmp_path / "kept")(counted.fn)
    assert names_of(kind, made, 1) == ["Completed"]
    (result,) = (tmp_path / "kept").iterdir()
    result.write_bytes(b"damaged")
    assert names_of(kind, made, 1, 1) == ["Completed", "Cached"]
    result.unlink()
    assert names_of(kind, made, 1, 1) == ["Completed", "Cached"]


def test_keys_may_lie_apart(stored: Stored, kind: Kind, counted: Counted, tmp_path: Path) -> None:
    policy = INPUTS.configure(key_storage=tmp_path / "keys")
    made = task(cache_policy=policy, result_storage=tmp_path / "kept")(counted.fn)
    assert names_of(kind, made, 1, 1) == ["Completed", "Cached"]
    assert [each.name for each in (tmp_path / "keys").iterdir()] == [
        each.name for each in (tmp_path / "kept").iterdir()
    ]


def test_serializable_runs_of_one_key_run_once(stored: Stored) -> None:
    calls = []
    policy = INPUTS.configure(lock_manager=MemoryLockManager(), isolation_level="SERIALIZABLE")

    @task(cache_policy=policy)
    def once(x: int) -> int:
        calls.append(x)
        return x

    @flow
    def body() -> list[int]:
        return [future.result() for future in [once.submit(1) for _ in range(8)]]

    assert body() == [1] * 8
    assert calls == [1]


def test_a_policy_without_its_lock_manager_fails_the_run(stored: Stored, kind: Kind, counted: Counted) -> None:
    made = task(cache_policy=INPUTS.configure(isolation_level="SERIALIZABLE"))(counted.fn)
    state = kind.call(made, 1, return_state=True)
    assert state.is_failed()
    assert "needs a lock manager" in str(state.message)
    assert counted.calls == []


def test_storage_that_is_gone_fails_the_run_with_a_cause(stored: Stored, kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    @kind.task(cache_policy=INPUTS + TASK_SOURCE, result_storage=tmp_path / "file")
    def made(x: int) -> int:
        return x

    state = kind.call(made, 1, return_state=True)
    assert state.is_failed()
    assert "The result could not be kept" in str(state.message)
    assert "could not be written" in str(state.message)


def test_a_result_that_cannot_be_kept_stays_in_the_process(
    stored: Stored, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    @kind.task(cache_policy=DEFAULT)
    def made() -> Any:
        return kind.function

    made = made.with_options(result_serializer="json")
    assert kind.call(made) == kind.function
    assert "The result is in this process only" in capsys.readouterr().err


def test_a_result_need_not_stay_in_the_process(stored: Stored, kind: Kind, tmp_path: Path) -> None:
    @kind.task(persist_result=True, cache_result_in_memory=False, result_storage=tmp_path / "kept")
    def made() -> list[int]:
        return [1]

    state = kind.call(made, return_state=True)
    assert not state.has_value()
    assert state.result() == [1]


def test_a_key_that_is_no_path_is_hashed(stored: Stored, kind: Kind, counted: Counted) -> None:
    made = task(cache_key_fn=lambda context, parameters: f"https://example.com//{parameters['x']}/")(counted.fn)
    assert names_of(kind, made, 1, 1, 2) == ["Completed", "Cached", "Completed"]
