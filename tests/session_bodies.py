"""Bodies of frames for tests of sessions."""

from antiphon.ids import new_id
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.state_pb2 import STATE_TYPE_RUNNING, State
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal


def flow_run(name: str = "") -> FlowRun:
    """One to create; a run named `refuse` is refused by the model server."""
    return FlowRun(id=new_id(), name=name, flow_name="f")


def task_run(name: str = "") -> TaskRun:
    """One to create, outside of flows."""
    return TaskRun(id=new_id(), name=name, task_key="t")


def proposal(name: str = "Running", run_id: str = "") -> Proposal:
    """Of a task run; the model server waits, or rejects, where the state is named so."""
    return Proposal(
        transition_id=new_id(), task_run_id=run_id or new_id(), state=State(type=STATE_TYPE_RUNNING, name=name)
    )
