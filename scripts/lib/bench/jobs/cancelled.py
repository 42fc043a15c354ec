"""Flows that wait to be cancelled: each prints its run's id, then the time of the exception in its code."""

import sys
import time

from antiphon import flow
from antiphon.runtime import flow_run


@flow
def wait_for_the_end():
    print(flow_run.id, flush=True)
    try:
        while True:
            time.sleep(0.0005)  # user code that does something short, over and over
    except BaseException:
        print(time.monotonic_ns(), flush=True)
        raise


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        assert wait_for_the_end(return_state=True).is_cancelled()
