"""A flow whose task logs from a pool of its own: `python context_children.py spawn|fork|threads`.

Prints what the children know of the runs, and the runs' ids."""

import json
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from antiphon import flow, get_run_logger, tags, task
from antiphon.context import current_tags, with_context
from antiphon.runtime import flow_run, task_run


def work(number):
    get_run_logger().info("child %d", number)
    return [flow_run.id, task_run.id, task_run.task_name, task_run.parameters, sorted(current_tags())]


@task
def spread(how, lock):
    with tags("inside"):
        if how == "threads":
            with ThreadPoolExecutor(2) as pool:
                return list(pool.map(with_context(work), range(2))), task_run.id
        with ProcessPoolExecutor(2, multiprocessing.get_context(how)) as pool:
            return list(pool.map(with_context(work), range(2))), task_run.id


@flow
def parent(how):
    return *spread(how, multiprocessing.get_context("spawn").Lock()), flow_run.id


if __name__ == "__main__":
    print(json.dumps(parent(sys.argv[1]), default=str))
