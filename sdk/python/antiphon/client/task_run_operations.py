"""Task runs."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from antiphon.client import listings
from antiphon.client.conversions.runs import task_run_from
from antiphon.client.conversions.values import uuid_text
from antiphon.client.operation import ClientBase, operation
from antiphon.client.paging import read_all
from antiphon.client.proposing import propose_task_run_state
from antiphon.client.schemas.filters import DeploymentFilter, FlowFilter, FlowRunFilter, TaskRunFilter
from antiphon.client.schemas.objects import TaskInput, TaskRun, TaskRunResult
from antiphon.client.schemas.responses import OrchestrationResult
from antiphon.client.schemas.sorting import TaskRunSort
from antiphon.engine.dual import Work
from antiphon.engine.retry_policies import retry_policy
from antiphon.state_core import State
from antiphon.state_protos import from_proto
from antiphon.states import Pending
from antiphon.v1 import task_run_pb2
from antiphon.v1.task_run_service_pb2 import (
    CreateTaskRunRequest,
    CreateTaskRunResponse,
    DeleteTaskRunRequest,
    DeleteTaskRunResponse,
    GetTaskRunRequest,
    GetTaskRunResponse,
    ListTaskRunStatesRequest,
    ListTaskRunStatesResponse,
    UpdateTaskRunRequest,
    UpdateTaskRunResponse,
)

if TYPE_CHECKING:
    from antiphon.tasks import Task

__all__ = ["TaskRunOperations"]


class TaskRunOperations(ClientBase):
    """Task runs: what becomes of a task each time."""

    @operation
    def create_task_run(
        self,
        task: "Task[..., Any]",
        flow_run_id: UUID | str | None,
        dynamic_key: str,
        id: UUID | str | None = None,
        name: str | None = None,
        extra_tags: Iterable[str] | None = None,
        state: State | None = None,
        task_inputs: Mapping[str, list[TaskInput]] | None = None,
    ) -> Work[TaskRun]:
        """Make a run of a task in `state` (Pending without one), and return it. It is not run by this.

        `dynamic_key` tells calls of one task in one flow run apart. Raises ObjectNotFound for an unknown flow run,
        ObjectAlreadyExists for an id that is taken.
        """
        message = task_run_pb2.TaskRun(
            id=uuid_text(id) if id is not None else "",
            name=name or "",
            flow_run_id=uuid_text(flow_run_id, "flow_run_id") if flow_run_id is not None else "",
            task_key=task.task_key,
            dynamic_key=dynamic_key,
            task_version=task.version or "",
            tags=dict.fromkeys([*task.tags, *(extra_tags or ())]),
            upstream_task_run_ids=_upstream(task_inputs or {}),
        )
        policy = retry_policy(task.retries, task.retry_delays, task.retry_jitter_factor)
        if policy is not None:
            message.retry_policy.CopyFrom(policy)
        request = CreateTaskRunRequest(task_run=message)
        answer = yield from self.call(lambda services: services.task_runs.CreateTaskRun, request, CreateTaskRunResponse)
        yield from propose_task_run_state(self, answer.task_run.id, state or Pending())
        return (yield from _read(self, answer.task_run.id))

    @operation
    def read_task_run(self, task_run_id: UUID | str) -> Work[TaskRun]:
        """Return a task run. Raises ObjectNotFound."""
        return (yield from _read(self, uuid_text(task_run_id, "task_run_id")))

    @operation
    def read_task_runs(
        self,
        *,
        flow_filter: FlowFilter | None = None,
        flow_run_filter: FlowRunFilter | None = None,
        task_run_filter: TaskRunFilter | None = None,
        deployment_filter: DeploymentFilter | None = None,
        sort: TaskRunSort | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> Work[list[TaskRun]]:
        """Return the task runs that fit all filters, newest first; at most `limit` (None is 200) behind `offset`."""
        filters = listings.filters_of(flow_filter, flow_run_filter, task_run_filter, deployment_filter)
        text = yield from listings.condition(self, listings.TASK_RUNS, filters)
        page = listings.list_messages(self, listings.TASK_RUNS, text, sort=sort, limit=limit, offset=offset)
        return list(map(task_run_from, (yield from page)))

    @operation
    def set_task_run_name(self, task_run_id: UUID | str, name: str) -> Work[None]:
        """Rename a task run. Raises ObjectNotFound."""
        message = task_run_pb2.TaskRun(id=uuid_text(task_run_id, "task_run_id"), name=name, task_key="-")
        request = UpdateTaskRunRequest(task_run=message, update_mask={"paths": ["name"]})
        yield from self.call(lambda services: services.task_runs.UpdateTaskRun, request, UpdateTaskRunResponse)

    @operation
    def delete_task_run(self, task_run_id: UUID | str) -> Work[None]:
        """Delete a task run with its states and logs. Raises ObjectNotFound."""
        request = DeleteTaskRunRequest(id=uuid_text(task_run_id, "task_run_id"))
        yield from self.call(lambda services: services.task_runs.DeleteTaskRun, request, DeleteTaskRunResponse)

    @operation
    def set_task_run_state(
        self, task_run_id: UUID | str, state: State, force: bool = False
    ) -> Work[OrchestrationResult]:
        """Propose a state for a task run, and return what the policy said of it.

        With `force` the rules that may be skipped are. Raises ObjectNotFound.
        """
        return (yield from propose_task_run_state(self, task_run_id, state, force))

    @operation
    def read_task_run_states(self, task_run_id: UUID | str) -> Work[list[State]]:
        """Return all states that a task run has been in, oldest first. Raises ObjectNotFound."""
        id = uuid_text(task_run_id, "task_run_id")
        found = read_all(
            self,
            lambda services: services.task_runs.ListTaskRunStates,
            ListTaskRunStatesRequest(id=id),
            ListTaskRunStatesResponse,
            "states",
        )
        return [from_proto(each, task_run_id=id) for each in (yield from found)]


def _read(client: ClientBase, id: str) -> Work[TaskRun]:
    request = GetTaskRunRequest(id=id)
    answer = yield from client.call(lambda services: services.task_runs.GetTaskRun, request, GetTaskRunResponse)
    return task_run_from(answer.task_run)


def _upstream(inputs: Mapping[str, list[TaskInput]]) -> list[str]:
    """The ids of the task runs among the inputs, each once."""
    given = [each for some in inputs.values() for each in some]
    return list(dict.fromkeys(str(each.id) for each in given if isinstance(each, TaskRunResult)))
