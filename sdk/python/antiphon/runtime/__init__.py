"""Facts on the run that the calling code is part of: `runtime.flow_run.name`, `runtime.task_run.id` ..."""

from antiphon.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]
