"""From CancelFlowRun to the exception in user code: `python -m bench.jobs.cancel COUNT`.

Caller and flow live in processes of their own; both read the machine's one monotonic clock.
"""

import json
import subprocess
import sys
import time

from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_service_pb2 import CancelFlowRunRequest
from bench.figures import percentile


def main(count: int) -> dict[str, float]:
    seconds = []
    command = [sys.executable, "-m", "bench.jobs.cancelled", str(count)]
    with ServiceClient() as client, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flow:
        assert flow.stdout is not None
        for _ in range(count):
            flow_run_id = flow.stdout.readline().strip()
            start = time.monotonic_ns()
            client.call(client.flow_runs.CancelFlowRun, CancelFlowRunRequest(id=flow_run_id, reason="bench"))
            seconds.append((int(flow.stdout.readline()) - start) / 1e9)
    if flow.returncode:
        raise RuntimeError(f"the flow's process ended with {flow.returncode}")
    return {"p50": percentile(seconds, 50) * 1000, "p99": percentile(seconds, 99) * 1000}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
