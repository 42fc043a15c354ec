"""A result that is read later, by whoever knows the run's id: in another process, or tomorrow.

The state of a run says where its result is; `state.result()` fetches it.

Prints:
    run ... is Completed
    its result: ('Honolulu Star', 3)
"""

import subprocess
import sys

from antiphon import flow, get_client, task
from antiphon.runtime import flow_run


@task
def winner(votes: list[str]) -> tuple[str, int]:
    best = max(set(votes), key=votes.count)
    return best, votes.count(best)


@flow(persist_result=True)
def count_votes(votes: list[str]) -> tuple[str, int]:
    print(flow_run.id)
    return winner(votes)


def read(flow_run_id: str) -> None:
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(flow_run_id)
    assert run.state is not None  # every run has one
    print(f"run {run.name} is {run.state.name}")
    print(f"its result: {run.state.result()}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        count_votes(["Maui News", "Honolulu Star", "Honolulu Star", "Honolulu Star"])
    else:
        command = [sys.executable, __file__, "count"]
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        read(output.strip())
