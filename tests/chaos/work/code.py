"""The flows and tasks that run: each kind of step that a user's code has, short, and noted."""

import time
from typing import Any

from antiphon import flow, get_run_logger, pause_flow_run, task
from antiphon.concurrency.sync import concurrency
from antiphon.runtime import flow_run, task_run
from chaos.names import LEASED, TAG
from chaos.work.noting import executing, holding
from chaos.work.program import chance, journal

#: Seconds for which slots are leased: short, so that processes which are stopped lose theirs.
LEASE = 4.0


class Planned(Exception):
    """A failure that is part of the plan."""


def _work(least: float = 0.002, most: float = 0.03) -> None:
    time.sleep(chance.uniform(least, most))


@task
def double(number: int) -> int:
    with executing("task_run"):
        _work()
        return 2 * number


@task(retries=3, retry_delay_seconds=0.05)
def flaky(number: int) -> int:
    """Fails at its first attempts."""
    with executing("task_run"):
        _work()
        if task_run.run_count <= number % 3:
            raise Planned(f"attempt {task_run.run_count}")
        return number


@task(tags=[TAG])
def limited(number: int) -> int:
    with executing("task_run", (f"tag:{TAG}",)):
        _work(0.01, 0.1)
        return number


@task
def leased(number: int) -> int:
    with executing("task_run"), concurrency(LEASED, lease_duration=LEASE), holding(LEASED):
        _work(0.01, 0.1)
        return number


@task
def doomed() -> None:
    with executing("task_run"):
        raise Planned("always")


@flow
def below(number: int) -> int:
    with executing("flow_run"):
        return double(number) + flaky(number)


@flow
def whole(number: int) -> int:
    """One of everything; the sum tells whether a result came twice or from elsewhere."""
    with executing("flow_run"):
        say(f"begin {number}")
        doubled = double.map(range(4)).result()
        futures = [limited.submit(number), leased.submit(number), flaky.submit(number)]
        total = sum(doubled) + below(number) + sum(future.result() for future in futures)
        say(f"end {number}")
        if total != 12 + 6 * number:
            journal.note("wrong", run=flow_run.id, total=total, number=number)
        return total


@flow(retries=1, retry_delay_seconds=0.1)
def failing(number: int) -> None:
    """Fails in its first attempt, or in each."""
    with executing("flow_run"):
        double(number)
        if number % 2 or flow_run.run_count == 1:
            doomed()


@flow
def pausing(number: int) -> int:
    """Waits for somebody to let it go on, or fails when its time is over."""
    with executing("flow_run"):
        first = double(number)
        pause_flow_run(timeout=12, poll_interval=1)
        return first + double(number)


@flow
def slow(number: int) -> int:
    """There to be cancelled, or paused by others."""
    with executing("flow_run"):
        for _ in range(10):
            double(number)
            _work(0.05, 0.2)
        return number


@task(retries=2, retry_delay_seconds=0.1)
def later(number: int) -> int:
    """For workers of background tasks."""
    with executing("task_run"):
        _work(0.005, 0.06)
        if number % 7 == 3 and task_run.run_count == 1:
            raise Planned("once")
        return number


@task(tags=[TAG])
def later_limited(number: int) -> int:
    with executing("task_run", (f"tag:{TAG}",)):
        _work(0.01, 0.1)
        return number


def say(text: str) -> None:
    """A line of the run's log, and of the journal."""
    message = f"chaos {text} {flow_run.id} {flow_run.run_count}"
    logger: Any = get_run_logger()
    logger.info(message)
    journal.note("said", run=flow_run.id, message=message)
