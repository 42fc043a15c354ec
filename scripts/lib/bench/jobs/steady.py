"""Flows without a break: `python -m bench.jobs.steady`, until its standard input ends.

Prints a line once it runs, and at the end how many milliseconds its tasks stood still each time that its session went
to another server, and how many of its flow runs failed.
"""

import json
import logging
import sys
import threading
import time
from bisect import bisect

from antiphon import flow, task

_TASKS = 50
#: When each task had ended, and when the session lost its server: `time.monotonic`.
_ends: list[float] = []
_moves: list[float] = []


class _Moves(logging.Handler):
    """Notes when the session goes to another server."""

    def emit(self, record: logging.LogRecord) -> None:
        if "going to another one" in record.getMessage():
            _moves.append(time.monotonic())


@task
def step(number: int) -> int:
    return number


@flow
def steps() -> None:
    for number in range(_TASKS):
        step(number)
        _ends.append(time.monotonic())


def pauses() -> list[float]:
    """Milliseconds between the tasks before and behind each move; those without one behind them did not end."""
    gaps = {bisect(_ends, move) for move in _moves}
    return [(_ends[at] - _ends[at - 1]) * 1000 for at in sorted(gaps) if 0 < at < len(_ends)]


def _follow(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    logging.getLogger("antiphon.session").addHandler(_Moves())
    stop = threading.Event()
    threading.Thread(target=_follow, args=(stop,), daemon=True).start()
    failed = 0
    steps()
    print(json.dumps({}), flush=True)
    while not stop.is_set():
        failed += steps(return_state=True).is_failed()
    print(json.dumps({"pauses": pauses(), "failed": failed}), flush=True)


if __name__ == "__main__":
    main()
