"""Long-running operations as people see them. Fetches nothing."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from antiphon.cli.facts import facts_table
from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words
from antiphon.v1.operation_pb2 import Operation, OperationState, OperationVerb

_STYLES = {
    OperationState.OPERATION_STATE_RUNNING: "blue",
    OperationState.OPERATION_STATE_SUCCEEDED: "green",
    OperationState.OPERATION_STATE_CANCELLED: "bright_black",
    OperationState.OPERATION_STATE_FAILED: "bold red",
}


def operation_state_word(operation: Operation) -> str:
    """Such as `SUCCEEDED`; a number for a state that this client does not know."""
    if operation.state in OperationState.values():
        return OperationState.Name(operation.state).removeprefix("OPERATION_STATE_")
    return str(operation.state)


def verb_word(operation: Operation) -> str:
    """Such as `SET_STATE`, with the state that is set."""
    if operation.verb not in OperationVerb.values():
        return str(operation.verb)
    word = OperationVerb.Name(operation.verb).removeprefix("OPERATION_VERB_")
    return f"{word} {operation.proposed_state.name}" if operation.HasField("proposed_state") else word


def summary(operation: Operation) -> str:
    """One line: how it ended, or how far it is."""
    parts = [f"{operation.succeeded_count} done"]
    parts += [f"{operation.failed_count} refused"] if operation.failed_count else []
    parts += [f"{operation.skipped_count} with nothing to do"] if operation.skipped_count else []
    handled = f"{operation.done_count} of {runs_words(operation.total_count)} handled"
    return f"Operation {operation.id} {operation_state_word(operation)}: {handled}; {', '.join(parts)}."


def runs_words(count: int) -> str:
    """`1 flow run`, `2 flow runs`."""
    return f"{count} flow run{'' if count == 1 else 's'}"


def make_progress(console: Console) -> Progress:
    """A bar that leaves nothing behind."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[refused]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def operations_table(operations: Iterable[Operation], now: datetime) -> Table:
    """Operations, a line each."""
    table = make_table("Verb", "Of", "State", "Done", "Refused", "Started", "ID", shrinking=("Verb", "Of"))
    for each in operations:
        table.add_row(
            cut(verb_word(each)),
            cut(_scope(each)),
            _state_text(each),
            f"{each.done_count}/{each.total_count}",
            str(each.failed_count),
            ago_words(each.create_time, now),
            each.id,
        )
    return table


def operation_page(operation: Operation) -> RenderableType:
    """All about one operation: its facts, and samples of what refused."""
    rows: list[tuple[str, str | Text]] = [
        ("Operation", operation.id),
        ("Verb", verb_word(operation) + (" by force" if operation.force else "")),
        *_scope_rows(operation),
        ("Reason", operation.reason),
        ("State", _state_text(operation)),
        ("Error", operation.error.message),
        ("Flow runs", f"{operation.done_count} of {operation.total_count} handled"),
        ("Done", str(operation.succeeded_count)),
        ("Refused", str(operation.failed_count)),
        ("Nothing to do", str(operation.skipped_count)),
        ("Started", moment_words(operation.create_time)),
        ("Ended", moment_words(operation.end_time) if operation.HasField("end_time") else ""),
    ]
    facts = facts_table(rows)
    return Group(facts, "", _failures(operation)) if operation.failures else facts


def _scope(operation: Operation) -> str:
    """Which runs, in short."""
    if operation.HasField("backfill"):
        span = operation.backfill
        return f"{moment_words(span.start_time)} to {moment_words(span.end_time)}"
    return operation.filter or "(all)"


def _scope_rows(operation: Operation) -> list[tuple[str, str]]:
    """Of which runs it is."""
    if not operation.HasField("backfill"):
        return [("Filter", operation.filter or "(all flow runs)")]
    backfill = operation.backfill
    return [
        ("Deployment", backfill.deployment_id),
        ("Schedule", backfill.schedule_id),
        ("From", moment_words(backfill.start_time)),
        ("To", moment_words(backfill.end_time)),
        ("At once", str(backfill.max_active_runs)),
        ("Again", "also times for which there was a run" if backfill.rerun else ""),
    ]


def _failures(operation: Operation) -> RenderableType:
    table = make_table("Refused by", "Why", "Flow run", shrinking=("Why",))
    for failure in operation.failures:
        table.add_row(cut(failure.reason), cut(failure.message), failure.flow_run_id)
    return table


def _state_text(operation: Operation) -> Text:
    return Text(operation_state_word(operation), style=_STYLES.get(operation.state, ""))
