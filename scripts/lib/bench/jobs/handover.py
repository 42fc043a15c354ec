"""Slots that come free with many waiting: `python -m bench.jobs.handover TARGET WAITING`.

Ten task runs hold the slots of a tag, the others were told WAIT. One after the other ends; the clock runs from sending
its end until the verdict of the next one is here.
"""

import json
import sys
import time
from collections.abc import Iterator

from antiphon.v1.session_pb2 import ServerFrame
from antiphon.v1.state_pb2 import STATE_TYPE_COMPLETED, STATE_TYPE_PENDING, STATE_TYPE_RUNNING
from antiphon.v1.transition_pb2 import VERDICT_KIND_ACCEPT, VERDICT_KIND_WAIT, Verdict
from bench.figures import percentile
from bench.wire import Stream, limit_tag, new_flow_run, new_task_run, propose_flow, propose_task

SLOTS = 10


def main(target: str, waiting: int) -> dict[str, float]:
    tag = limit_tag(target, SLOTS)
    with Stream(target) as stream:
        flow_run = new_flow_run()
        task_runs = [new_task_run(flow_run.id, tag) for _ in range(waiting + SLOTS)]
        pending = [propose_task(run.id, STATE_TYPE_PENDING) for run in task_runs]
        stream.send([flow_run, propose_flow(flow_run.id, STATE_TYPE_RUNNING), *task_runs, *pending])
        starts = [propose_task(run.id, STATE_TYPE_RUNNING) for run in task_runs]
        runs = {start.transition_id: run.id for start, run in zip(starts, task_runs, strict=True)}
        stream.put(stream.pack(starts))
        verdicts = _verdicts(stream.frames())
        told = [next(verdicts) for _ in starts]
        running = [runs[each.transition_id] for each in told if each.kind == VERDICT_KIND_ACCEPT]
        waits = sum(each.kind == VERDICT_KIND_WAIT for each in told)
        if len(running) != SLOTS or waits != waiting:
            raise RuntimeError(f"{len(running)} run and {waits} wait, with {SLOTS} slots for {len(starts)}")
        seconds: list[float] = []
        while len(seconds) < waiting:
            requests = stream.pack([propose_task(running.pop(0), STATE_TYPE_COMPLETED)])
            start = time.perf_counter()
            stream.put(requests)
            called = next(verdict for verdict in verdicts if verdict.transition_id in runs)
            seconds.append(time.perf_counter() - start)
            if called.kind != VERDICT_KIND_ACCEPT:
                raise RuntimeError(f"the next one was not let in: {called}")
            running.append(runs[called.transition_id])
    return {"p50": percentile(seconds, 50) * 1000, "p99": percentile(seconds, 99) * 1000}


def _verdicts(frames: Iterator[ServerFrame]) -> Iterator[Verdict]:
    for frame in frames:
        if frame.HasField("error"):
            raise RuntimeError(f"frame {frame.error.sequence} was refused: {frame.error.status.message}")
        if frame.HasField("verdict"):
            yield frame.verdict.verdict


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
