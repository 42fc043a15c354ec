"""The options of flows: what `@flow(...)` and `Flow.with_options(...)` take."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from antiphon.annotations import NotSet
from antiphon.state_core import State
from antiphon.task_runners import TaskRunner, ThreadPoolTaskRunner

#: Called with the flow, the run and the state; sync or async. (The flow is Any: that module stands above this one. So
#: is the run: people write the client's FlowRun, which has the same facts.)
FlowHook = Callable[[Any, Any, State], Any]


class FlowOptions(TypedDict, total=False):
    """All options by name."""

    name: str | None
    version: str | None
    flow_run_name: str | Callable[..., str] | type[NotSet] | None
    retries: int | type[NotSet] | None
    retry_delay_seconds: float | type[NotSet] | None
    task_runner: TaskRunner | type[TaskRunner] | None
    description: str | None
    timeout_seconds: float | None
    validate_parameters: bool | None
    persist_result: bool | type[NotSet] | None
    result_storage: Any
    result_serializer: Any
    cache_result_in_memory: bool | None
    log_prints: bool | type[NotSet] | None
    on_completion: Sequence[FlowHook] | None
    on_failure: Sequence[FlowHook] | None
    on_cancellation: Sequence[FlowHook] | None
    on_crashed: Sequence[FlowHook] | None
    on_running: Sequence[FlowHook] | None


def checked_runner(runner: TaskRunner | type[TaskRunner] | None) -> TaskRunner:
    """Return the runner; one of threads for None. Raises TypeError for what is none."""
    if runner is None:
        return ThreadPoolTaskRunner()
    made = runner() if isinstance(runner, type) else runner
    if not isinstance(made, TaskRunner):
        raise TypeError(f"task_runner is a TaskRunner such as ThreadPoolTaskRunner(), not {runner!r}.")
    return made
