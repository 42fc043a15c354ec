"""What a mutation answers with: things as readers will see them once its transaction is committed."""

from antiphon.v1 import flow_run_pb2
from antiphon_server.application import read_back
from antiphon_server.application.core import WorkingSet
from antiphon_server.rpc.read_conversions import flow_run_message


def stored_flow_run(working_set: WorkingSet, id: str) -> flow_run_pb2.FlowRun:
    return flow_run_message(read_back.flow_run(working_set, id))
