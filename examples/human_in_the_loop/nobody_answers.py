"""A question that nobody answers in time fails the run, so that no run waits for ever.

The flow may tell somebody; the run is Failed all the same.

Prints:
    nobody has looked at draft.md
    the run is Failed
"""

from antiphon import flow, pause_flow_run
from antiphon.exceptions import FlowPauseTimeout


@flow
def publish(file: str) -> None:
    try:
        pause_flow_run(wait_for_input=bool, timeout=1)
    except FlowPauseTimeout:
        print(f"nobody has looked at {file}")
        raise


if __name__ == "__main__":
    print("the run is", publish("draft.md", return_state=True).name)
