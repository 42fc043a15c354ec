"""The current run and its tags."""

import asyncio
import contextvars
import threading
from types import SimpleNamespace

import pytest

from antiphon.context import FlowRunContext, TaskRunContext, current_tags, get_run_context, tags
from antiphon.exceptions import MissingContextError


def flow_run(name: str = "run") -> FlowRunContext:
    return FlowRunContext(flow=SimpleNamespace(name="f"), flow_run_id=f"id of {name}", flow_run_name=name)


def task_run(name: str = "task") -> TaskRunContext:
    return TaskRunContext(task=SimpleNamespace(name="t"), task_run_id=f"id of {name}", task_run_name=name)


def test_outside_of_a_run_there_is_none() -> None:
    assert FlowRunContext.get() is None
    assert TaskRunContext.get() is None
    with pytest.raises(MissingContextError, match="no flow run or task run in progress"):
        get_run_context()


def test_the_innermost_run_is_current() -> None:
    flow, task, subflow = flow_run(), task_run(), flow_run("sub")
    with flow:
        assert get_run_context() is flow
        with task:
            assert get_run_context() is task
            assert FlowRunContext.get() is flow
            with subflow:
                assert get_run_context() is subflow
                assert TaskRunContext.get() is None
            assert get_run_context() is task
        assert get_run_context() is flow
    assert FlowRunContext.get() is None


def test_a_context_is_left_by_an_exception_and_can_be_entered_again() -> None:
    for context in (flow_run(), task_run()):
        for _ in range(2):
            with pytest.raises(KeyError), context:
                raise KeyError
        assert FlowRunContext.get() is None
        assert TaskRunContext.get() is None


def test_a_context_in_use_cannot_be_entered() -> None:
    for context in (flow_run(), task_run()):
        with context, pytest.raises(RuntimeError, match="in use already"), context:
            pass


def test_threads_see_a_run_only_with_a_copied_context() -> None:
    seen: list[FlowRunContext | None] = []
    with flow_run() as context:
        for target in (FlowRunContext.get, lambda: contextvars.copy_context().run(FlowRunContext.get)):
            thread = threading.Thread(target=lambda call=target: seen.append(call()))
            thread.start()
            thread.join()
        copied = contextvars.copy_context()
        thread = threading.Thread(target=lambda: seen.append(copied.run(FlowRunContext.get)))
        thread.start()
        thread.join()
    assert seen == [None, None, context]


def test_coroutines_that_run_together_have_contexts_of_their_own() -> None:
    async def one(name: str, entered: asyncio.Barrier) -> str:
        with flow_run(name):
            await entered.wait()
            context = get_run_context()
            assert isinstance(context, FlowRunContext)
            return context.flow_run_name

    async def both() -> list[str]:
        entered = asyncio.Barrier(2)
        return list(await asyncio.gather(one("a", entered), one("b", entered)))

    assert asyncio.run(both()) == ["a", "b"]


def test_defaults_are_not_shared() -> None:
    first, second = flow_run(), flow_run()
    first.dynamic_keys["t"] = 1
    first.submitted.add(1)
    assert second.dynamic_keys == {}
    assert second.submitted == set()


def test_tags_add_up_and_end_with_their_block() -> None:
    assert current_tags() == frozenset()
    with tags("a", "b"):
        with tags("b", "c") as all_tags:
            assert all_tags == {"a", "b", "c"}
            assert current_tags() == {"a", "b", "c"}
        assert current_tags() == {"a", "b"}
    assert current_tags() == frozenset()


def test_what_is_no_tag_is_refused() -> None:
    with pytest.raises(TypeError, match="not list"), tags(["a"]):  # type: ignore[arg-type]
        pass
    with (
        pytest.raises(ValueError, match="at most 100 tags"),
        tags(*map(str, range(60))),
        tags(*map(str, range(50, 101))),
    ):
        pass
    with pytest.raises(ValueError, match="1 to 200 characters"), tags(""):
        pass
