"""A watched run as a tree for a terminal, or a line for each change."""

from collections import Counter
from datetime import datetime

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from antiphon.cli.run_tables import first_line, state_text
from antiphon.cli.run_tree import FlowNode, RunTree
from antiphon.cli.run_words import Run, attempt_words, is_terminal, run_time_words, state_style
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.task_run_pb2 import TaskRun

_BAR_WIDTH = 20


def tree_view(tree: RunTree, now: datetime, *, limit: int) -> RenderableType:
    """The tree; of each flow run at most `limit` task runs."""
    view = Tree(_flow_label(tree.root, now), guide_style="bright_black")
    _add_task_runs(view, tree, tree.root, now, limit, {tree.root.id})
    return view


def change_line(run: Run, now: datetime) -> Text:
    """One line that says which state a run is in now."""
    kind = "flow run" if isinstance(run, FlowRun) else "task run"
    return Text.assemble(
        (f"{now.astimezone():%H:%M:%S} ", "bright_black"), f"{kind} {run.name}  ", _about(run, now), _message(run)
    )


def _add_task_runs(view: Tree, tree: RunTree, node: FlowNode, now: datetime, limit: int, above: set[str]) -> None:
    shown, left = node.excerpt(limit)
    for task_run in shown:
        child_id = node.children.get(task_run.id, "")
        child = tree.node(child_id) if child_id and child_id not in above else None
        if child is None or child.run is None:
            view.add(_task_label(task_run, now))
        else:
            _add_task_runs(view.add(_flow_label(child, now)), tree, child, now, limit, above | {child.id})
    if left:
        view.add(_rest(left))


def _flow_label(node: FlowNode, now: datetime) -> RenderableType:
    if node.run is None:
        return Text(node.id, style="bright_black")
    name = Text.assemble((node.run.name, "bold"), (f"  {node.run.flow_name}  ", "bright_black"))
    label = Text.assemble(name, _about(node.run, now), _message(node.run), no_wrap=True, overflow="ellipsis")
    total = len(node.task_runs)
    if not total:
        return label
    ended = node.ended_count()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()  # the one that is cut where room is short
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    style = state_style(node.run.state) if is_terminal(node.run) else "blue"
    bar = ProgressBar(total=total, completed=ended, width=_BAR_WIDTH, complete_style=style, finished_style=style)
    grid.add_row(label, bar, Text(f"{ended}/{total} task runs"))
    return grid


def _task_label(run: TaskRun, now: datetime) -> Text:
    return Text.assemble(f"{run.name}  ", _about(run, now), _message(run), no_wrap=True, overflow="ellipsis")


def _about(run: Run, now: datetime) -> Text:
    """State, run time and attempt."""
    extras = [words for words in (run_time_words(run, now), attempt_words(run)) if words]
    return Text.assemble(state_text(run), *(f"  {words}" for words in extras))


def _message(run: Run) -> Text:
    return Text(f"  {first_line(run.state.message)}" if run.state.message else "", style="bright_black")


def _rest(left: Counter[str]) -> Text:
    counts = ", ".join(f"{count} {word}" for word, count in left.most_common())
    return Text(f"… and {left.total()} more: {counts}", style="bright_black")
