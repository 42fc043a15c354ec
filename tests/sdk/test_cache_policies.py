"""Cache policies and their algebra, and the digests below."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from antiphon import task
from antiphon.cache_policies import (
    DEFAULT,
    FLOW_PARAMETERS,
    INPUTS,
    NO_CACHE,
    NONE,
    RUN_ID,
    TASK_SOURCE,
    CacheKeyFnPolicy,
    CachePolicy,
    CompoundCachePolicy,
)
from antiphon.context import TaskRunContext
from antiphon.exceptions import HashError
from antiphon.hashing import hash_objects
from antiphon.settings import temporary_settings
from antiphon.tasks import task_input_hash


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task(name="add")
def subtract(x: int, y: int = 1) -> int:
    return x - y


def context(of: Any = add, flow_run_id: str | None = "f") -> TaskRunContext:
    return TaskRunContext(task=of, task_run_id="t", task_run_name="n", flow_run_id=flow_run_id)


def key(policy: CachePolicy, inputs: dict[str, Any], of: Any = add, flow_run_id: str | None = "f", **flow: Any) -> Any:
    return policy.compute_key(context(of, flow_run_id), inputs, flow)


def test_inputs_tell_runs_apart_and_nothing_else() -> None:
    assert key(INPUTS, {"x": 1}) == key(INPUTS, {"x": 1}, subtract, "other")
    assert key(INPUTS, {"x": 1}) != key(INPUTS, {"x": 2})
    assert key(INPUTS, {"x": 1}) != key(INPUTS, {"y": 1})
    assert key(INPUTS, {}) is None


def test_a_parameter_can_be_left_out() -> None:
    policy = INPUTS - "y" - "z"
    assert key(policy, {"x": 1, "y": 1}) == key(policy, {"x": 1, "y": 2, "z": 3})
    assert key(policy, {"x": 1}) != key(policy, {"x": 2})
    assert key(DEFAULT - "y", {"x": 1, "y": 1}) == key(DEFAULT - "y", {"x": 1, "y": 2})
    assert key(INPUTS, {"x": 1, "y": 1}) != key(INPUTS, {"x": 1, "y": 2}), "the policy itself is as before"
    with pytest.raises(TypeError, match="the name of a parameter"):
        INPUTS - 5  # type: ignore[operator]


def test_the_others() -> None:
    assert key(TASK_SOURCE, {}, add) != key(TASK_SOURCE, {}, subtract)
    assert key(TASK_SOURCE, {}, add) == key(TASK_SOURCE, {"x": 2}, add)
    assert key(RUN_ID, {}) == "f"
    assert key(RUN_ID, {}, flow_run_id=None) == "t"
    assert key(FLOW_PARAMETERS, {}, a=1) != key(FLOW_PARAMETERS, {}, a=2)
    assert key(FLOW_PARAMETERS, {}) is None
    assert key(NONE, {"x": 1}) is None
    assert NO_CACHE is NONE


def test_source_of_what_has_no_text_is_its_code() -> None:
    made: dict[str, Callable[[], int]] = {}
    exec("def one(): return 1\ndef two(): return 2\ndef again(): return 1", made)
    one, two, again = (key(TASK_SOURCE, {}, task(made[name], name="n")) for name in ("one", "two", "again"))
    assert one == again != two


def test_policies_add_up() -> None:
    both = INPUTS + RUN_ID
    assert isinstance(both, CompoundCachePolicy)
    assert key(both, {"x": 1}) != key(both, {"x": 1}, flow_run_id="other")
    assert key(both, {"x": 1}) != key(both, {"x": 2})
    assert (both + TASK_SOURCE).policies == [INPUTS, RUN_ID, TASK_SOURCE]  # type: ignore[attr-defined]
    assert INPUTS + NONE == INPUTS
    assert NONE + INPUTS == INPUTS
    assert key(CompoundCachePolicy(policies=[NONE]), {"x": 1}) is None
    with pytest.raises(TypeError):
        INPUTS + 5  # type: ignore[operator]


def test_configured_policies_are_copies(tmp_path: Path) -> None:
    configured = INPUTS.configure(key_storage=tmp_path, isolation_level="SERIALIZABLE")
    assert (configured.key_storage, configured.isolation_level) == (tmp_path, "SERIALIZABLE")
    assert INPUTS.key_storage is None
    assert (configured + RUN_ID).key_storage == tmp_path
    with pytest.raises(ValueError, match="differ in key_storage"):
        configured + RUN_ID.configure(key_storage=tmp_path / "other")


def test_functions_are_policies() -> None:
    policy = CachePolicy.from_cache_key_fn(lambda context, inputs: f"{context.task.name}-{inputs['x']}")
    assert isinstance(policy, CacheKeyFnPolicy)
    assert key(policy, {"x": 1}) == "add-1"
    assert key(policy + INPUTS, {"x": 1}) != key(policy + INPUTS, {"x": 1, "y": 2})


def test_task_input_hash() -> None:
    assert task_input_hash(context(add), {"x": 1}) == task_input_hash(context(add), {"x": 1})
    assert task_input_hash(context(add), {"x": 1}) != task_input_hash(context(subtract), {"x": 1})


def test_inputs_that_cannot_be_told_apart_are_named() -> None:
    with pytest.raises(HashError, match=r"The parameter 'y' cannot be part of a cache key.*INPUTS - \"y\""):
        key(INPUTS, {"x": 1, "y": threading.Lock()})


def noted(*_args: Any) -> str:
    return "k"


@pytest.mark.parametrize(
    ("options", "policy", "persists"),
    [
        ({}, DEFAULT, None),
        ({"persist_result": True}, DEFAULT, True),
        ({"persist_result": False}, NO_CACHE, False),
        ({"cache_policy": INPUTS}, INPUTS, True),
        ({"cache_policy": NO_CACHE}, NO_CACHE, None),
        ({"cache_policy": None}, None, None),
        ({"cache_policy": INPUTS, "persist_result": False}, NO_CACHE, False),
        ({"cache_key_fn": noted}, CacheKeyFnPolicy(cache_key_fn=noted), True),
        ({"cache_key_fn": noted, "cache_policy": INPUTS}, CacheKeyFnPolicy(cache_key_fn=noted), True),
        ({"result_storage_key": "k"}, None, True),
        ({"result_serializer": "json"}, DEFAULT, True),
    ],
)
def test_what_a_tasks_options_make(options: dict[str, Any], policy: Any, persists: bool | None) -> None:
    made = task(**options)(noted)
    assert (made.cache_policy, made.persist_result) == (policy, persists)
    again = made.with_options(name="other")
    assert (again.cache_policy, again.persist_result) == (policy, persists)


def test_options_can_be_taken_back() -> None:
    cached = task(cache_policy=INPUTS)(noted)
    assert cached.with_options(cache_policy=NO_CACHE).persist_result is None
    assert cached.with_options(persist_result=False).cache_policy is NO_CACHE
    assert cached.with_options(persist_result=False).with_options(persist_result=True).cache_policy == INPUTS


def test_a_setting_turns_the_default_off() -> None:
    with temporary_settings({"tasks_default_no_cache": True}):
        assert task(noted).cache_policy is NO_CACHE
        assert task(cache_policy=INPUTS)(noted).cache_policy == INPUTS


@pytest.mark.parametrize("options", [{"cache_policy": "INPUTS"}, {"cache_key_fn": "key"}, {"cache_expiration": "1 h"}])
def test_wrong_options_are_said_so(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(options))):
        task(**options)(noted)


class Model(BaseModel):
    a: int
    b: list[int] = []


@dataclass
class Thing:
    a: int


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1, 2, 3}, {3, 2, 1}),
        ({1: "a", 2: "b"}, {2: "b", 1: "a"}),
        (Model(a=1), Model(a=1)),
        (Thing(1), Thing(1)),
    ],
)
def test_equal_values_have_equal_digests(one: Any, other: Any) -> None:
    assert hash_objects(one) == hash_objects(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        ({1: 2}, {"1": 2}),
        (Model(a=1), Model(a=2)),
        (Model(a=1), {"a": 1, "b": []}),
        (Thing(1), Thing(2)),
        (Path("a"), "a"),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 1, tzinfo=UTC)),
        ({1, 2}, [1, 2]),
        (b"a", "a"),
        ([[], {}], [{}, []]),
    ],
)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert hash_objects(one) != hash_objects(other)


def test_what_only_a_pickle_tells_is_told_by_it() -> None:
    assert hash_objects(complex(1, 2)) == hash_objects(complex(1, 2)) != hash_objects(complex(2, 1))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(plain)
def test_a_digest_is_the_same_each_time(value: Any) -> None:
    assert hash_objects(value) == hash_objects(value)
    assert len(hash_objects(value)) == 32
