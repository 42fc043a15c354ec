"""A flow run whose task runs each go through a whole life on one session, and what must have become of them."""

from typing import Any

from antiphon.ids import new_id
from antiphon.session.session import Session
from antiphon.v1 import state_pb2, task_run_service_pb2, task_run_service_pb2_grpc
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal
from running_server import RunningServer

ACCEPT = 1
LIFE = (state_pb2.STATE_TYPE_PENDING, state_pb2.STATE_TYPE_RUNNING, state_pb2.STATE_TYPE_COMPLETED)


def proposal(state: state_pb2.StateType, **run: str) -> Proposal:
    return Proposal(transition_id=new_id(), state=state_pb2.State(type=state), **run)


def run_through(session: Session, tasks: int) -> tuple[str, list[Any]]:
    """A flow run with some task runs, each frame handed over as the one before is answered or not, as it comes."""
    flow_run_id = new_id()
    tickets = session.submit(FlowRun(id=flow_run_id, flow_name="cut"), proposal(LIFE[1], flow_run_id=flow_run_id))
    for key in range(tasks):
        task_run_id = new_id()
        run = TaskRun(id=task_run_id, flow_run_id=flow_run_id, task_key="t", dynamic_key=str(key))
        tickets += session.submit(run, *(proposal(each, task_run_id=task_run_id) for each in LIFE[:2]))
        tickets[-1].result(30)
        tickets += session.submit(proposal(LIFE[2], task_run_id=task_run_id), urgent=False)
    tickets += session.submit(proposal(LIFE[2], flow_run_id=flow_run_id))
    return flow_run_id, [ticket.result(30) for ticket in tickets]


def histories(server: RunningServer, flow_run_id: str) -> list[list[str]]:
    """The names of each task run's states, in order, as the server remembers them."""
    stub = task_run_service_pb2_grpc.TaskRunServiceStub(server.channel)
    runs: list[Any] = []
    token = ""
    while True:
        request = task_run_service_pb2.ListTaskRunsRequest(
            filter=f'flow_run_id = "{flow_run_id}"', page_size=1000, page_token=token, order_by="create_time"
        )
        page = stub.ListTaskRuns(request)
        runs += page.task_runs
        token = page.next_page_token
        if not token:
            break
    assert all(run.run_count == 1 for run in runs)
    requests = [task_run_service_pb2.ListTaskRunStatesRequest(id=run.id) for run in runs]
    return [[state.name for state in stub.ListTaskRunStates(request).states] for request in requests]


def check(server: RunningServer, flow_run_id: str, verdicts: list[Any], tasks: int) -> None:
    assert all(verdict.kind == ACCEPT for verdict in verdicts if verdict is not None)
    assert histories(server, flow_run_id) == [["Pending", "Running", "Completed"]] * tasks
