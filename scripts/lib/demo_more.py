"""What the demo shows after its first job, a few lines each: the cache, a rollback, an artifact, a pause."""

import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console

from antiphon.cli.following import Following
from antiphon.cli.run_tree import RunTree
from antiphon.cli.run_words import state_word
from antiphon.service_client import ServiceClient
from antiphon.v1.state_pb2 import StateType
from antiphon.v1.task_run_pb2 import TaskRun
from seattle_best_months import KEY, best_months
from seattle_booking import book_plane
from seattle_checked import publish_rain
from seattle_weather import seattle_weather

ANTIPHON = os.path.relpath(Path(sys.executable).with_name("antiphon"))
ANSWER = '{"agreed": true, "seats": 4}'
RECONNECT_SECONDS = 10.0
_COMMAND_SECONDS = 60


def read_tree(client: ServiceClient, flow_run_id: str) -> RunTree:
    """The run with its task runs and nested runs, as the server knows it, once it has ended."""
    tree = RunTree(flow_run_id)
    with closing(Following(client, flow_run_id, RECONNECT_SECONDS)) as following:
        for of_run, response in following.events():
            tree.apply(of_run, response)
            child = response.task_run.state.details.child_flow_run_id
            if child:
                following.follow(child)
    return tree


def show_second_run(console: Console, client: ServiceClient, folder: str, seed: int, first: float) -> None:
    """`first` is how many seconds the job took the first time."""
    console.rule("[bold]The same job again: what is the same is taken from the cache", align="left")
    start = time.monotonic()
    report = seattle_weather(folder, seed=seed)
    seconds = time.monotonic() - start
    states = Counter(map(state_word, _task_runs(read_tree(client, report.flow_run_id))))
    console.print(f"Task runs: {', '.join(f'{count} {state}' for state, count in states.most_common())}")
    console.print(f"It took {seconds:.1f} s instead of {first:.1f} s.\n")


def show_rollback(console: Console, client: ServiceClient, folder: str) -> None:
    console.rule("[bold]A transaction that rolls back: examples/seattle_checked.py", align="left")
    state = publish_rain(folder, return_state=True)
    file = Path(folder, "seattle_rain.csv")
    console.print(f"{state.name}: {state.message}", highlight=False, soft_wrap=True)
    for run in _task_runs(read_tree(client, str(state.state_details.flow_run_id))):
        console.print(f"{run.name}: {state_word(run)}", highlight=False)
    console.print(f"{file}: {'there' if file.exists() else 'gone again'}\n", highlight=False, soft_wrap=True)


def show_artifact(console: Console, folder: str, seed: int) -> None:
    console.rule("[bold]Something to show: examples/seattle_best_months.py", align="left")
    best_months(folder=folder, seed=seed)
    show_command(console, "artifact", "inspect", KEY)
    console.print()


def show_pause(console: Console, client: ServiceClient) -> None:
    console.rule("[bold]A pause, and its answer from another process: examples/seattle_booking.py", align="left")
    ids: SimpleQueue[str] = SimpleQueue()
    booking = book_plane.with_options(on_running=[lambda _flow, run, _state: ids.put(str(run.id))])
    with ThreadPoolExecutor(1) as threads:
        booked = threads.submit(booking)
        booked.add_done_callback(lambda _: ids.put(""))
        flow_run_id = ids.get()
        if flow_run_id and _is_paused(client, flow_run_id):
            show_command(console, "flow-run", "resume", flow_run_id, "--input", ANSWER)
        console.print(f"The flow returned: {booked.result()}\n", highlight=False)


def _is_paused(client: ServiceClient, flow_run_id: str) -> bool:
    """Whether a run pauses before it ends; waits for the one or the other."""
    with closing(Following(client, flow_run_id, RECONNECT_SECONDS)) as following:
        return any(response.flow_run.state.type == StateType.STATE_TYPE_PAUSED for _, response in following.events())


def _task_runs(tree: RunTree) -> list[TaskRun]:
    """Of a run and of those nested in it."""
    found: list[TaskRun] = []
    left = [tree.root]
    while left:
        node = left.pop()
        found += node.ordered()
        left += map(tree.node, node.children.values())
    return found


def show_command(console: Console, *words: str) -> None:
    """Runs a command line of ours in a process of its own, and shows it and what it printed."""
    console.print(f"$ {shlex.join((ANTIPHON, *words))}", markup=False, highlight=False, soft_wrap=True)
    process = subprocess.run([ANTIPHON, *words], capture_output=True, text=True, timeout=_COMMAND_SECONDS)
    console.print(process.stdout.strip(), markup=False, highlight=False, soft_wrap=True)
    if process.returncode != 0:
        raise SystemExit(f"{shlex.join(words)} failed: {process.stderr.strip()}")
