"""What live runs cost the server: `python -m bench.jobs.memory RUNS`, in a home where no server runs yet.

Half of the runs are flow runs and half are task runs, one in each; all are RUNNING and held by one session.
"""

import json
import sys
from pathlib import Path

from antiphon.service_client import ServiceClient
from antiphon.v1.admin_service_pb2 import GetServerInfoRequest, GetServerInfoResponse
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.state_pb2 import STATE_TYPE_PENDING, STATE_TYPE_RUNNING
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal
from bench.wire import Stream, new_flow_run, new_task_run, propose_flow, propose_task


def read_resident_kib(pid: int) -> int:
    """The process's resident set, in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def start_runs(stream: Stream, count: int) -> None:
    bodies: list[FlowRun | TaskRun | Proposal] = []
    for _ in range(count // 2):
        flow_run = new_flow_run()
        task_run = new_task_run(flow_run.id)
        bodies.append(flow_run)
        bodies += [propose_flow(flow_run.id, state) for state in (STATE_TYPE_PENDING, STATE_TYPE_RUNNING)]
        bodies.append(task_run)
        bodies += [propose_task(task_run.id, state) for state in (STATE_TYPE_PENDING, STATE_TYPE_RUNNING)]
    stream.send(bodies)


def main(runs: int) -> dict[str, float]:
    with ServiceClient() as client:
        answer: GetServerInfoResponse = client.call(client.admin.GetServerInfo, GetServerInfoRequest())
        pid = answer.server_info.process_id
        rest = read_resident_kib(pid)
        with Stream(client.target) as stream:
            start_runs(stream, runs)
            loaded = read_resident_kib(pid)
    return {"rest": rest / 1024, "run": (loaded - rest) / runs}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
