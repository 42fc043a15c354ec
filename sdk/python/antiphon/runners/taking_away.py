"""Ending a task run whose worker is gone, or is to let go of it."""

from functools import partial

from antiphon.engine.effects import Ask, Life, Send
from antiphon.engine.proposals import force_task_run, is_accepted
from antiphon.engine.task_life import TaskCall
from antiphon.exceptions import ServerError
from antiphon.logging.run_loggers import run_logger
from antiphon.shared_client import shared_client
from antiphon.state_core import State, StateType
from antiphon.state_protos import from_proto
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import GetTaskRunRequest


def taken_away(call: TaskCall, kind: StateType, why: str) -> Life:
    """An engine's part: ends the run in a state of this kind, whoever holds it, and gives its final state. One that has
    ended keeps its end: its worker may have got that far. Where somebody works on it, the server has him stop."""
    run_id = call.run.id
    state: State = State(kind, message=why or None)
    try:
        while True:
            run: TaskRun = yield Ask(partial(_read, run_id))
            held = from_proto(run.state, task_run_id=run_id, flow_run_id=call.run.flow_run_id)
            if held.is_final():
                return held
            verdict = yield Send((force_task_run(run_id, state, over=held.id),), wait=True)
            if is_accepted(verdict):
                break
    except ServerError as error:
        # It ends the run when the session of the one who holds it is not heard of any more.
        run_logger(call.context).warning("The server could not be told that the run is %s: %s", state.name, error)
    state.state_details.task_run_id = run_id
    state.state_details.flow_run_id = call.run.flow_run_id
    return state


def _read(run_id: str) -> TaskRun:
    client = shared_client()
    run: TaskRun = client.call(client.task_runs.GetTaskRun, GetTaskRunRequest(id=run_id)).task_run
    return run
