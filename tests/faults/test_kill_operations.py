"""A server that is killed amid a long-running operation: the next one goes on, and each run is handled once."""

import random
import signal
from pathlib import Path

import grpc
import pytest

from antiphon.v1 import flow_run_service_pb2, flow_run_service_pb2_grpc, operation_pb2, state_pb2
from antiphon.v1 import operation_service_pb2 as pb
from antiphon.v1.operation_service_pb2_grpc import OperationServiceStub
from antiphon_server.clocks import wall_clock
from server_process import ServerProcess
from stores import check_integrity, committed, database_for
from writing import Writing, flow_run

RUNS = 1000
#: Progress reports that are heard before a kill, at most.
HEARD = 4
RUNNING = operation_pb2.OPERATION_STATE_RUNNING


def fill(path: Path) -> None:
    """Makes runs, in a database that a server has made and left."""
    engine = database_for(path).writer_engine()
    writing = Writing(engine)
    writing.now = wall_clock()
    for _ in range(RUNS // 250):
        writing.together(*(flow_run() for _ in range(250)))
    engine.dispose()


def start(channel: grpc.Channel) -> str:
    request = flow_run_service_pb2.BulkSetFlowRunStateRequest(
        all=True, state=state_pb2.State(type=state_pb2.STATE_TYPE_SCHEDULED, name="Swept")
    )
    stub = flow_run_service_pb2_grpc.FlowRunServiceStub(channel)
    return str(stub.BulkSetFlowRunState(request).operation.id)


def stored(path: Path) -> tuple[int, int]:
    """How many runs are in the new state, and how many the operation has counted."""
    check_integrity(path)
    ((moved, written, counted),) = committed(
        path,
        "SELECT (SELECT count(*) FROM flow_runs WHERE state_name = 'Swept'), (SELECT count(*) FROM transitions), "
        "(SELECT succeeded_count FROM operations)",
    )
    assert moved == written, "no run was moved twice"
    return moved, counted


@pytest.mark.timeout(180)
def test_an_operation_goes_on_over_kills_and_handles_each_run_once(tmp_path: Path) -> None:
    chance = random.Random(20_260_401)
    path = tmp_path / "antiphon.db"
    first = ServerProcess(tmp_path).serving()
    first.end()
    first.close()
    fill(path)
    id, kills, done = "", 0, 0
    while True:
        server = ServerProcess(tmp_path).serving()
        try:
            with server.channel() as channel:
                id = id or start(channel)
                watch = OperationServiceStub(channel).WatchOperation(pb.WatchOperationRequest(id=id), timeout=60)
                for _ in range(chance.randrange(1, HEARD)):
                    operation = next(watch).operation
                    assert operation.done_count >= done, "what was told is not taken back"
                    done = operation.done_count
                    if operation.state != RUNNING:
                        break
                if operation.state != RUNNING:
                    break
                server.end(signal.SIGKILL)
                kills += 1
        finally:
            server.close()
        moved, counted = stored(path)
        assert done <= moved == counted, "runs and their count are of one transaction"
    assert operation.state == operation_pb2.OPERATION_STATE_SUCCEEDED
    assert (operation.total_count, operation.succeeded_count, operation.failed_count) == (RUNS, RUNS, 0)
    assert stored(path) == (RUNS, RUNS)
    assert kills >= 3, "it was over before it could be killed; more runs are needed"
