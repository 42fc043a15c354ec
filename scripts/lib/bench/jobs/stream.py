"""Many transitions in few messages on one stream: `python -m bench.jobs.stream TARGET RUNS`.

`rate`: transitions of runs that exist already. `mixed`: durable frames of whole lives, creation among them. The
messages are built before the clock starts; it stops when the last verdict is here, so all is committed.
"""

import json
import sys
import time

from antiphon.v1.state_pb2 import STATE_TYPE_RUNNING
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_pb2 import Proposal
from bench.wire import LIFE, Stream, new_flow_run, new_task_run, propose_flow, propose_task


def main(target: str, runs: int) -> dict[str, float]:
    with Stream(target) as stream:
        flow_run = new_flow_run()
        task_runs = [new_task_run(flow_run.id) for _ in range(runs)]
        stream.send([flow_run, propose_flow(flow_run.id, STATE_TYPE_RUNNING), *task_runs])
        proposals = [propose_task(task_run.id, state) for task_run in task_runs for state in LIFE]
        rate = len(proposals) / clock(stream, proposals)
        lives: list[TaskRun | Proposal] = []
        for _ in range(runs):
            task_run = new_task_run(flow_run.id)
            lives += [task_run, *(propose_task(task_run.id, state) for state in LIFE)]
        return {"rate": rate, "mixed": len(lives) / clock(stream, lives)}


def clock(stream: Stream, bodies: list[Proposal] | list[TaskRun | Proposal]) -> float:
    """The seconds from the first message to the last answer."""
    requests = stream.pack(bodies)
    start = time.perf_counter()
    stream.exchange(requests)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
