"""Which flow runs a verb is for: some that are named, or all that match a filter; and whether people are sure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from antiphon.cli.being_sure import confirm, must_ask
from antiphon.cli.exit_codes import exit_code_of, print_error
from antiphon.cli.operation_progress import await_operation
from antiphon.cli.operation_view import runs_words
from antiphon.cli.output import make_console, print_json, to_json
from antiphon.cli.run_lookup import find_flow_run
from antiphon.exceptions import AntiphonException, ServerUnreachable
from antiphon.ids import new_id
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.operation_pb2 import Operation

RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="RUN", help="Ids, the first 4 or more characters of them, or names; or give --filter."),
]
FilterOption = Annotated[
    str | None, typer.Option("--filter", help="All that match, such as 'state.type = FAILED AND tags:\"nightly\"'.")
]
AllFlag = Annotated[bool, typer.Option("--all", help="All flow runs there are.")]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="With --filter or --all: only say how many match.")]


@dataclass(slots=True)
class Choice:
    """What was typed. Raises typer.BadParameter for what makes no sense together."""

    runs: list[str]
    filter: str | None
    all: bool
    dry_run: bool
    yes: bool
    as_json: bool
    #: Where there is no terminal to ask at, --yes has to be given.
    grave: bool = False

    def __post_init__(self) -> None:
        many = self.filter is not None or self.all
        if bool(self.runs) is many:
            raise typer.BadParameter("Give flow runs, or --filter, or --all: one of them.")
        if self.filter is not None and self.all:
            raise typer.BadParameter("--all is for all flow runs, --filter for some; give one of them.")
        if self.dry_run and not many:
            raise typer.BadParameter("--dry-run counts what --filter matches; it has no meaning for flow runs by name.")


def do_bulk(client: ServiceClient, choice: Choice, verb: str, method: Callable[..., Any], request: Any) -> int:
    """Start an operation over the filter, follow it to its end, and return the exit code. `verb` is for the question.

    Raises typer.Abort where people say no.
    """
    request.filter = choice.filter or ""
    request.all = choice.all
    if choice.dry_run:
        counted = _count(client, method, request)
        if choice.as_json:
            print_json(to_json(counted))
        else:
            would = "match" if counted.total_count != 1 else "matches"
            make_console().print(f"{runs_words(counted.total_count)} {would}; nothing was done.", markup=False)
        return 0
    if must_ask(choice.yes, grave=choice.grave):
        confirm(f"{verb} {runs_words(_count(client, method, request).total_count)}?")
    request.request_id = new_id()
    return await_operation(client, client.call(method, request).operation, as_json=choice.as_json)


def _count(client: ServiceClient, method: Callable[..., Any], request: Any) -> Operation:
    dry = type(request)()
    dry.CopyFrom(request)
    dry.dry_run = True
    counted: Operation = client.call(method, dry).operation
    return counted


def do_each(
    client: ServiceClient, choice: Choice, act: Callable[[FlowRun], FlowRun], done: Callable[[FlowRun], str]
) -> int:
    """Do something with each run that is named, say what came of it, and return the exit code.

    With several, an error of one keeps nobody from the others. With JSON: what `act` gives; an array for several.
    """
    results: list[FlowRun] = []
    code = 0
    for reference in choice.runs:
        try:
            results.append(act(find_flow_run(client, reference)))
        except AntiphonException as error:
            if len(choice.runs) == 1 or isinstance(error, ServerUnreachable):
                raise
            print_error(str(error))
            code = code or exit_code_of(error)
        else:
            if not choice.as_json:
                make_console().print(done(results[-1]), markup=False)
    if choice.as_json:
        shown = [to_json(run) for run in results]
        print_json(shown[0] if len(choice.runs) == 1 else shown)
    return code
