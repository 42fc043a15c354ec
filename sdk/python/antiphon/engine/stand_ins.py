"""Task runs that stand for subflows in the flow around; the server lets them mirror the subflow's states."""

from collections.abc import Sequence

from antiphon.context import FlowRunContext
from antiphon.engine.run_task import MAX_SHOWN_UPSTREAM
from antiphon.naming import task_run_name
from antiphon.v1.task_run_pb2 import TaskRun


def stand_in(id: str, name: str, around: FlowRunContext, upstream: Sequence[str] = ()) -> TaskRun:
    """Return the task run with this id that stands for a run of what `name` says. `upstream` are the ids of the task
    runs that it builds on."""
    key = f"subflow:{name}"[:500]
    count = f"{around.key_prefix}{around.next_key(key)}"
    return TaskRun(
        id=id,
        name=task_run_name(name, count),
        flow_run_id=around.flow_run_id,
        task_key=key,
        dynamic_key=count,
        upstream_task_run_ids=upstream[:MAX_SHOWN_UPSTREAM],
    )
