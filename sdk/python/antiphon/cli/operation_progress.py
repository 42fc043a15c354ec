"""Shows an operation as it goes on, and ends the command as the operation ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from antiphon.cli import exit_codes
from antiphon.cli.operation_following import follow_operation
from antiphon.cli.operation_view import make_progress, operation_state_word, summary, verb_word
from antiphon.cli.output import make_console, print_json, print_line, to_json
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.v1.operation_pb2 import Operation, OperationState

_EXIT_CODES = {
    OperationState.OPERATION_STATE_SUCCEEDED: 0,
    OperationState.OPERATION_STATE_CANCELLED: exit_codes.RUN_CANCELLED,
}


def await_operation(client: ServiceClient, operation: Operation, *, as_json: bool, json_lines: bool = False) -> int:
    """Follow the operation to its end, say how it ended, and return the exit code.

    On a terminal: a progress bar meanwhile. With JSON: the operation at its end; with `json_lines` after each change, a
    line each. Raises what `follow_operation` raises.
    """
    console = make_console()
    timeout = get_current_settings().client.reconnect_timeout_seconds
    progress = follow_operation(client, operation.id, timeout)
    with _told_that_it_goes_on(operation):
        if not as_json and console.is_terminal:
            progress = _shown_live(operation, progress)
        for each in progress:
            operation = each
            if json_lines and as_json:
                print_line(each)
    if not as_json:
        console.print(summary(operation), markup=False, soft_wrap=True)
        _tell_failures(operation)
    elif not json_lines:
        print_json(to_json(operation))
    return exit_code_of_operation(operation)


def exit_code_of_operation(operation: Operation) -> int:
    """0 where all runs did as asked, 5 for CANCELLED, 1 for all else."""
    code = _EXIT_CODES.get(operation.state, exit_codes.ERROR)
    return exit_codes.ERROR if code == 0 and operation.failed_count else code


def _shown_live(operation: Operation, progress: Iterator[Operation]) -> Iterator[Operation]:
    """The same, with a bar on the screen until there is no more."""
    with make_progress(make_console()) as bar:
        task = bar.add_task(verb_word(operation), total=operation.total_count, refused="")
        for each in progress:
            refused = f"{each.failed_count} refused" if each.failed_count else ""
            bar.update(task, total=each.total_count, completed=each.done_count, refused=refused)
            yield each


def _tell_failures(operation: Operation) -> None:
    if operation.HasField("error"):
        exit_codes.print_error(f"The operation {operation_state_word(operation)}: {operation.error.message}")
    for failure in operation.failures:
        exit_codes.print_note(f"flow run {failure.flow_run_id}: {failure.message} ({failure.reason})")
    more = operation.failed_count - len(operation.failures)
    if more > 0:
        exit_codes.print_note(f"{more} more refused.")


@contextmanager
def _told_that_it_goes_on(operation: Operation) -> Iterator[None]:
    """Ctrl-C ends the command and not the operation, which people should know."""
    try:
        yield
    except KeyboardInterrupt:
        exit_codes.print_note(
            f"The operation goes on. See it with `antiphon operation watch {operation.id}`, stop it with `antiphon"
            f" operation cancel {operation.id}`."
        )
        raise
