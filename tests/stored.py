"""What a server has stored, for tests that compare it with what the SDK said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from antiphon.service_client import ServiceClient
from antiphon.session import registry
from antiphon.settings import get_current_settings
from antiphon.settings.current import settings_of_process, with_changes
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import DeploymentName, GetDeploymentRequest
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import (
    CancelFlowRunRequest,
    DeleteFlowRunRequest,
    GetFlowRunRequest,
    ListFlowRunsRequest,
    ListFlowRunStatesRequest,
)
from antiphon.v1.log_pb2 import Log
from antiphon.v1.log_service_pb2 import ListLogsRequest
from antiphon.v1.state_pb2 import State, StateType
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import GetTaskRunRequest, ListTaskRunsRequest, ListTaskRunStatesRequest


def type_of(state: State) -> str:
    """`RUNNING` and the like."""
    return StateType.Name(state.type).removeprefix("STATE_TYPE_")


@contextmanager
def talking_to(target: str, home: Path) -> "Iterator[Stored]":
    """Has the SDK talk to a server, with a home of the test's own; gives what reads the server back."""
    with settings_of_process(with_changes(get_current_settings(), {"api.url": target, "home": home})):
        with ServiceClient(target) as client:
            yield Stored(client)
        registry.close_all()


class Stored:
    """Reads what is committed: what this process's session has said is flushed first."""

    def __init__(self, client: ServiceClient) -> None:
        self.client = client

    def flow_run(self, id: str) -> FlowRun:
        self._flush()
        run: FlowRun = self.client.call(self.client.flow_runs.GetFlowRun, GetFlowRunRequest(id=id)).flow_run
        return run

    def deployment(self, flow_name: str, name: str) -> Deployment:
        request = GetDeploymentRequest(name=DeploymentName(flow_name=flow_name, name=name))
        found: Deployment = self.client.call(self.client.deployments.GetDeployment, request).deployment
        return found

    def flow_runs(self, name: str) -> list[FlowRun]:
        """Those of the flow of that name, in the order in which this process made them."""
        return self._all(self.client.flow_runs.ListFlowRuns, ListFlowRunsRequest(filter=f'flow_name = "{name}"'))

    def task_run(self, id: str) -> TaskRun:
        self._flush()
        run: TaskRun = self.client.call(self.client.task_runs.GetTaskRun, GetTaskRunRequest(id=id)).task_run
        return run

    def task_runs(self, flow_run_id: str) -> list[TaskRun]:
        """Those of a flow run, in the order in which this process made them."""
        request = ListTaskRunsRequest(filter=f'flow_run_id = "{flow_run_id}"')
        return self._all(self.client.task_runs.ListTaskRuns, request)

    def flow_run_states(self, id: str) -> list[State]:
        self._flush()
        method = self.client.flow_runs.ListFlowRunStates
        return list(self.client.pages(method, ListFlowRunStatesRequest(id=id), "states"))

    def task_run_states(self, id: str) -> list[State]:
        self._flush()
        method = self.client.task_runs.ListTaskRunStates
        return list(self.client.pages(method, ListTaskRunStatesRequest(id=id), "states"))

    def flow_run_history(self, id: str) -> list[str]:
        """The names of its states, the oldest first."""
        return [state.name for state in self.flow_run_states(id)]

    def task_run_history(self, id: str) -> list[str]:
        """The names of its states, the oldest first."""
        return [state.name for state in self.task_run_states(id)]

    def logs(self, flow_run_id: str) -> list[Log]:
        """The lines of a flow run and of its task runs, the oldest first."""
        assert registry.get_uploader().flush(10)
        request = ListLogsRequest(filter=f'flow_run_id = "{flow_run_id}"', order_by="create_time")
        return list(self.client.pages(self.client.logs.ListLogs, request, "logs"))

    def cancel(self, flow_run_id: str, reason: str = "") -> None:
        request = CancelFlowRunRequest(id=flow_run_id, reason=reason)
        self.client.call(self.client.flow_runs.CancelFlowRun, request)

    def delete(self, flow_run_id: str) -> None:
        self.client.call(self.client.flow_runs.DeleteFlowRun, DeleteFlowRunRequest(id=flow_run_id))

    def _all(self, method: Any, request: Any) -> list[Any]:
        self._flush()
        field = "flow_runs" if isinstance(request, ListFlowRunsRequest) else "task_runs"
        return sorted(self.client.pages(method, request, field), key=lambda run: str(run.id))

    @staticmethod
    def _flush() -> None:
        assert registry.get_session().flush(10)
