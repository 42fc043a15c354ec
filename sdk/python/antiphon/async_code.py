"""Whether the code that runs now can await."""

import asyncio

from antiphon.context import FlowRunContext, TaskRunContext


def in_async_code() -> bool:
    """Whether the calling code can await: the run that it is part of is async, or there is no run, and a loop runs."""
    task_run, flow_run = TaskRunContext.get(), FlowRunContext.get()
    decorated = task_run.task if task_run is not None else flow_run.flow if flow_run is not None else None
    if decorated is not None and not decorated.isasync:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
