"""`antiphon.runtime` tells code about the run that it is part of, at any depth, without handing arguments down.

For names of files, trace ids, and mails that say which run they come from.

Prints:
    report-of-summer.csv, first attempt: True
    written by summer/write-0
"""

from antiphon import flow, task
from antiphon.runtime import flow_run, task_run


def file_name() -> str:
    """A helper that is neither flow nor task."""
    return f"report-of-{flow_run.parameters['season']}.csv"


@task
def write() -> str:
    print(f"{file_name()}, first attempt: {task_run.run_count == 1}")
    return f"{flow_run.name}/{task_run.name}"


@flow(flow_run_name="{season}")
def report(season: str) -> str:
    return write()


if __name__ == "__main__":
    print("written by", report("summer"))
    print("outside of a run there is no id:", flow_run.id)
