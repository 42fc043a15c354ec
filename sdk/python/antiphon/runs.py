"""Runs as hooks and conditions get them: what this process knows of them, under the names that they have on the server.

`get_client()` reads the rest by `run.id`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from antiphon.state_core import State, StateType


@dataclass(slots=True, kw_only=True)
class _Run:
    id: str
    name: str
    tags: list[str] = field(default_factory=list)
    run_count: int = 0
    state: State | None = None
    #: When its code was first called; None before.
    start_time: datetime | None = None

    def started(self, run_count: int) -> None:
        """Note that an attempt begins, the first one or another."""
        self.run_count = run_count
        if self.start_time is None:
            self.start_time = datetime.now(UTC)

    @property
    def end_time(self) -> datetime | None:
        """When it ended; None before."""
        return self.state.timestamp if self.state is not None and self.state.is_final() else None

    @property
    def state_id(self) -> str | None:
        """The id of `state`."""
        return self.state.id if self.state is not None else None

    @property
    def state_type(self) -> StateType | None:
        """The type of `state`."""
        return self.state.type if self.state is not None else None

    @property
    def state_name(self) -> str | None:
        """The name of `state`."""
        return self.state.name if self.state is not None else None


@dataclass(slots=True, kw_only=True)
class FlowRun(_Run):
    """A flow run in this process."""

    flow_name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    parent_task_run_id: str | None = None


@dataclass(slots=True, kw_only=True)
class TaskRun(_Run):
    """A task run in this process."""

    task_key: str
    dynamic_key: str
    flow_run_id: str | None = None
