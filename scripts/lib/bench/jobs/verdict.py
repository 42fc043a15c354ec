"""One proposal at a time on the stream: `python -m bench.jobs.verdict TARGET RUNS [SECONDS]`, for so long at most."""

import json
import math
import sys
import time
from collections.abc import Iterator

from antiphon.v1.state_pb2 import STATE_TYPE_RUNNING
from bench.figures import percentile
from bench.wire import LIFE, Stream, new_flow_run, new_task_run, propose_flow, propose_task

#: Task runs that are made at a time.
_BATCH = 20


def main(target: str, runs: int, longest: float = math.inf) -> dict[str, float]:
    seconds: list[float] = []
    end = time.perf_counter() + longest
    with Stream(target) as stream:
        flow_run = new_flow_run()
        stream.send([flow_run, propose_flow(flow_run.id, STATE_TYPE_RUNNING)])
        for start in range(0, runs, _BATCH):
            task_runs = [new_task_run(flow_run.id) for _ in range(min(_BATCH, runs - start))]
            stream.send(task_runs)
            for task_run in task_runs:
                seconds += _live(stream, task_run.id)
            if time.perf_counter() > end:
                break
    return {"p50": percentile(seconds, 50) * 1000, "p99": percentile(seconds, 99) * 1000}


def _live(stream: Stream, task_run_id: str) -> Iterator[float]:
    """Moves a task run through its life, and gives how long each verdict took, in seconds."""
    for state in LIFE:
        requests = stream.pack([propose_task(task_run_id, state)])
        start = time.perf_counter()
        stream.exchange(requests)
        yield time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:]))))
