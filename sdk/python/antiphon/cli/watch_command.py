"""Shows a flow run that is being followed: a live tree, lines, or JSON."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

from rich.console import Console, RenderableType
from rich.live import Live

from antiphon.cli import exit_codes
from antiphon.cli.following import Following
from antiphon.cli.output import make_console, print_line
from antiphon.cli.run_tree import RunTree
from antiphon.cli.run_tree_view import change_line, tree_view
from antiphon.cli.run_words import Run
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import WatchFlowRunResponse
from antiphon.v1.state_pb2 import StateType

_REFRESHES_PER_SECOND = 8
#: Of each flow run in the tree that stays on the screen at the end.
_TASK_RUNS_AT_THE_END = 100
#: Lines of the screen that are not task runs of one flow run.
_SPARE_LINES = 6
_EXIT_CODES = {
    StateType.STATE_TYPE_COMPLETED: 0,
    StateType.STATE_TYPE_CANCELLED: exit_codes.RUN_CANCELLED,
}


def watch_flow_run(client: ServiceClient, flow_run: FlowRun, *, as_json: bool, timeout: float | None = None) -> int:
    """Follow the run until it ends and return the exit code that says how. `timeout` in seconds; None is for ever.

    Raises what `Following.events` raises.
    """
    watched = _Watched(RunTree(flow_run.id))
    console = make_console()
    reconnect_timeout = get_current_settings().client.reconnect_timeout_seconds
    with closing(Following(client, flow_run.id, reconnect_timeout, timeout)) as following:
        if as_json:
            for response, _ in watched.changes(following):
                print_line(response)
        elif console.is_terminal:
            _show_live(console, watched, following)
        else:
            for _, changed in watched.changes(following):
                if changed is not None:
                    console.print(change_line(changed, datetime.now(UTC)), soft_wrap=True)
    return exit_code_of_run(watched.tree.root.run or flow_run)


def exit_code_of_run(run: FlowRun) -> int:
    """0 for COMPLETED, 5 for CANCELLED, 1 for all else."""
    return _EXIT_CODES.get(run.state.type, exit_codes.ERROR)


class _Watched:
    """The tree, fed by one thread and drawn by another."""

    def __init__(self, tree: RunTree) -> None:
        self.tree = tree
        self._guard = threading.Lock()

    def changes(self, following: Following) -> Iterator[tuple[WatchFlowRunResponse, Run | None]]:
        """Feed the tree, and follow the subflows that show up. Yields with each message the run that it moved."""
        for flow_run_id, response in following.events():
            with self._guard:
                changed = self.tree.apply(flow_run_id, response)
            child = response.task_run.state.details.child_flow_run_id
            if child:
                following.follow(child)
            yield response, changed

    def draw(self, limit: int) -> RenderableType:
        """The tree as it is now; of each flow run at most `limit` task runs."""
        with self._guard:
            return tree_view(self.tree, datetime.now(UTC), limit=limit)


def _show_live(console: Console, watched: _Watched, following: Following) -> None:
    """Draw the tree again and again until the run has ended, and leave it on the screen as it is then."""

    def draw() -> RenderableType:
        return watched.draw(max(3, console.height - _SPARE_LINES))

    with Live(get_renderable=draw, console=console, refresh_per_second=_REFRESHES_PER_SECOND, transient=True):
        for _ in watched.changes(following):
            continue
    console.print(watched.draw(_TASK_RUNS_AT_THE_END))
