"""Runs as hooks and conditions get them."""

from dataclasses import dataclass, field
from typing import Any

from antiphon.state_core import State


@dataclass(slots=True, kw_only=True)
class FlowRun:
    """A flow run in this process."""

    id: str
    name: str
    flow_name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    run_count: int = 0
    parent_task_run_id: str | None = None
    state: State | None = None


@dataclass(slots=True, kw_only=True)
class TaskRun:
    """A task run in this process."""

    id: str
    name: str
    task_key: str
    dynamic_key: str
    flow_run_id: str | None = None
    tags: list[str] = field(default_factory=list)
    run_count: int = 0
    state: State | None = None
