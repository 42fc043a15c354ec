"""Flows, runs and logs as tables and lines for people. Takes messages, gives Rich renderables; fetches nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.asked_words import asked_words
from antiphon.cli.facts import facts_table
from antiphon.cli.run_words import (
    Run,
    ago_words,
    attempt_words,
    moment_words,
    payload_words,
    run_time_words,
    state_style,
    state_word,
    type_word,
)
from antiphon.cli.safe_console import on_one_line
from antiphon.timestamps import read_timestamp
from antiphon.v1.flow_pb2 import Flow
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.log_pb2 import Log
from antiphon.v1.state_pb2 import State
from antiphon.v1.task_run_pb2 import TaskRun

_LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
_LEVEL_STYLES = ((40, "bold red"), (30, "yellow"), (20, ""), (0, "bright_black"))


def make_table(*headers: str, shrinking: Sequence[str] = ()) -> Table:
    """An empty table in the style of this command line. Where room is short, only `shrinking` columns are cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, no_wrap=header not in shrinking)
    return table


def cut(text: str) -> Text:
    """A cell on one line; what does not fit is cut."""
    return Text(on_one_line(text), no_wrap=True, overflow="ellipsis")


def state_text(run: Run) -> Text:
    """The state's name in its colour."""
    return Text(state_word(run), style=state_style(run.state))


def flow_runs_table(runs: Iterable[FlowRun], now: datetime, *, show_ids: bool) -> Table:
    """Flow runs, a line each."""
    table = make_table(
        "Name", "Flow", "State", "Created", "Run time", *_id_header(show_ids), shrinking=("Name", "Flow")
    )
    for run in runs:
        table.add_row(
            cut(run.name),
            cut(run.flow_name),
            state_text(run),
            ago_words(run.create_time, now),
            run_time_words(run, now),
            *([run.id] if show_ids else []),
        )
    return table


def flows_table(flows: Iterable[Flow], now: datetime, *, show_ids: bool) -> Table:
    """Flows, a line each."""
    table = make_table("Name", "Tags", "Created", *_id_header(show_ids), shrinking=("Name", "Tags"))
    for flow in flows:
        table.add_row(
            cut(flow.name),
            cut(", ".join(flow.tags)),
            ago_words(flow.create_time, now),
            *([flow.id] if show_ids else []),
        )
    return table


def _id_header(show_ids: bool) -> list[str]:
    return ["ID"] if show_ids else []


def flow_run_page(
    run: FlowRun, states: Sequence[State], task_runs: Sequence[TaskRun], now: datetime, *, show_ids: bool
) -> RenderableType:
    """All about one flow run: its facts, its history, its task runs."""
    parts: list[RenderableType] = [_facts(run, now), "", Text("History", style="bold"), _history(states)]
    if task_runs:
        parts += ["", Text("Task runs", style="bold"), task_runs_table(task_runs, now, show_ids=show_ids)]
    return Group(*parts)


def task_run_page(run: TaskRun, states: Sequence[State], now: datetime) -> RenderableType:
    """All about one task run: its facts and its history."""
    facts = facts_table(
        [
            ("Task run", run.name),
            ("ID", run.id),
            ("Task", " ".join(filter(None, [run.task_key, run.task_version]))),
            ("Flow run", run.flow_run_id),
            ("State", _state_with_message(run)),
            ("Attempts", attempt_words(run) or str(run.run_count)),
            ("Run time", run_time_words(run, now)),
            ("Created", moment_words(run.create_time)),
            *_times(run),
            ("Tags", ", ".join(run.tags)),
            ("Parameters", payload_words(run.parameters) if run.HasField("parameters") else ""),
            ("Result", payload_words(run.state.data) if run.state.HasField("data") else ""),
            ("Waits for", ", ".join(run.upstream_task_run_ids)),
            ("Session", run.session_id),
        ]
    )
    return Group(facts, "", Text("History", style="bold"), _history(states))


def _state_with_message(run: Run) -> Text:
    state = state_text(run)
    if run.state.message:
        state.append(f": {run.state.message}")
    return state


def _times(run: Run) -> list[tuple[str, str]]:
    fields = (("Starts", "next_scheduled_start_time"), ("Started", "start_time"), ("Ended", "end_time"))
    return [(label, moment_words(getattr(run, field))) for label, field in fields if run.HasField(field)]


def _facts(run: FlowRun, now: datetime) -> Table:
    rows: list[tuple[str, str | Text]] = [
        ("Flow run", run.name),
        ("ID", run.id),
        ("Flow", " ".join(filter(None, [run.flow_name, run.flow_version]))),
        ("State", _state_with_message(run)),
        ("Asks for", asked_words(run)),
        ("Attempts", attempt_words(run) or str(run.run_count)),
        ("Run time", run_time_words(run, now)),
        ("Created", moment_words(run.create_time)),
        *_times(run),
        ("Tags", ", ".join(run.tags)),
        ("Parameters", payload_words(run.parameters) if run.HasField("parameters") else ""),
        ("Result", payload_words(run.state.data) if run.state.HasField("data") else ""),
        ("Parent task run", run.parent_task_run_id),
        ("Session", run.session_id),
    ]
    return facts_table(rows)


def _history(states: Iterable[State]) -> Table:
    table = make_table("Time", "State", "Type", "Message", shrinking=("Message",))
    for state in states:
        name = state.name or type_word(state).capitalize()
        table.add_row(
            moment_words(state.create_time),
            Text(name, style=state_style(state)),
            type_word(state),
            cut(first_line(state.message)),
        )
    return table


def task_runs_table(task_runs: Iterable[TaskRun], now: datetime, *, show_ids: bool) -> Table:
    """Task runs, a line each."""
    headers = ("Name", "State", "Attempts", "Run time", "Message")
    table = make_table(*headers, *_id_header(show_ids), shrinking=("Name", "Message"))
    for run in task_runs:
        table.add_row(
            cut(run.name),
            state_text(run),
            attempt_words(run) or str(run.run_count),
            run_time_words(run, now),
            cut(first_line(run.state.message)),
            *([run.id] if show_ids else []),
        )
    return table


def first_line(text: str) -> str:
    """The first line, with a mark where there is more."""
    line, more, _ = text.strip().partition("\n")
    return f"{line} …" if more else line


def log_line(log: Log) -> Text:
    """One log line: time of day to the millisecond, level, text. Further lines of the text are indented."""
    moment = read_timestamp(log.create_time).astimezone()
    level = _LEVELS.get(log.level, str(log.level))
    style = next(style for least, style in _LEVEL_STYLES if log.level >= least)
    message = log.message.rstrip("\n").replace("\n", "\n" + " " * 4)
    return Text.assemble(
        (f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03} ", "bright_black"), (f"{level:<8} ", style), message
    )
