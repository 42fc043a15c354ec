"""Hooks: functions that are called when a run begins, completes or fails.

They get the task or flow, its run and the state. Use them to tell people, to count, or to clean up.

Prints:
    begins: copy-0
    the half copy is removed
    mail to ops: nightly-backup is Failed: OSError: the disk is full
"""

from typing import Any

from antiphon import flow, task
from antiphon.states import State


def note_begin(task: Any, run: Any, state: State) -> None:
    print(f"begins: {run.name}")


def mail_to_ops(flow: Any, run: Any, state: State) -> None:
    print(f"mail to ops: {flow.name} is {state.name}: {state.message}")


@task(on_running=[note_begin])
def copy(source: str) -> None:
    raise OSError("the disk is full")


@copy.on_failure
def remove_half_copy(task: Any, run: Any, state: State) -> None:
    print("the half copy is removed")


@flow(on_failure=[mail_to_ops])
def nightly_backup(source: str) -> None:
    copy(source)


if __name__ == "__main__":
    try:
        nightly_backup("/srv/data")
    except OSError:
        print("no backup tonight")
