"""The real run whose rows are multiplied: `python flows.py RUNS TASKS`, with the server in ANTIPHON_API_URL."""

import sys

from antiphon import flow, get_run_logger, task

#: Numbers that were tried.
seen: set[int] = set()


@task(retries=1)
def step(number: int) -> int:
    """Says a line; one of fifty fails at first, one of a hundred for good."""
    get_run_logger().info("step %d", number)
    first = number not in seen
    seen.add(number)
    if number % 100 == 7 or (number % 50 == 3 and first):
        raise ValueError(f"no luck with {number}")
    return number


@flow
def work(first: int, count: int) -> int:
    states = [step(number, return_state=True) for number in range(first, first + count)]
    return sum(state.is_completed() for state in states)


if __name__ == "__main__":
    runs, tasks = int(sys.argv[1]), int(sys.argv[2])
    for number in range(runs):
        work(number * tasks, tasks)
