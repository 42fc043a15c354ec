"""One proposal at a time on the stream: `python -m bench.jobs.verdict TARGET RUNS`."""

import json
import sys
import time

from antiphon.v1.state_pb2 import STATE_TYPE_RUNNING
from bench.figures import percentile
from bench.wire import LIFE, Stream, new_flow_run, new_task_run, propose_flow, propose_task


def main(target: str, runs: int) -> dict[str, float]:
    seconds = []
    with Stream(target) as stream:
        flow_run = new_flow_run()
        task_runs = [new_task_run(flow_run.id) for _ in range(runs)]
        stream.send([flow_run, propose_flow(flow_run.id, STATE_TYPE_RUNNING), *task_runs])
        for task_run in task_runs:
            for state in LIFE:
                requests = stream.pack([propose_task(task_run.id, state)])
                start = time.perf_counter()
                stream.exchange(requests)
                seconds.append(time.perf_counter() - start)
    return {"p50": percentile(seconds, 50) * 1000, "p99": percentile(seconds, 99) * 1000}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
