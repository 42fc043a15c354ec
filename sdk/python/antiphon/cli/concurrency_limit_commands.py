"""`antiphon concurrency-limit`."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.limit_lookup import MOST_SLOTS, delete_limit, get_limit, get_limit_in_use, list_limits
from antiphon.cli.limit_output import print_limit_in_use
from antiphon.cli.limit_tables import limits_table
from antiphon.cli.output import JsonFlag, has_room_for_ids, make_console, print_json, print_messages, tell, to_json
from antiphon.service_client import ServiceClient
from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit
from antiphon.v1.concurrency_limit_service_pb2 import CreateConcurrencyLimitRequest, ResetConcurrencyLimitRequest

app = typer.Typer(
    name="concurrency-limit", add_completion=False, help="Limit task runs by their tags.", no_args_is_help=True
)

PREFIX = "tag:"

TagArgument = Annotated[str, typer.Argument(metavar="TAG", help="The tag of the task runs that are limited.")]


@app.callback()
def group() -> None:
    """Limit how many task runs with a tag run at once. Other limits: antiphon global-concurrency-limit."""


@app.command()
def create(
    tag: TagArgument,
    limit: Annotated[
        int, typer.Argument(metavar="LIMIT", min=0, max=MOST_SLOTS, help="How many may run at once; 0 aborts them all.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Limit the task runs with a tag. With --json: the antiphon.v1.ConcurrencyLimit.

    To change a limit: antiphon global-concurrency-limit update tag:TAG --limit LIMIT.
    """
    request = CreateConcurrencyLimitRequest(concurrency_limit=ConcurrencyLimit(name=PREFIX + tag, limit=limit))
    with ServiceClient() as client:
        made = client.call(client.concurrency_limits.CreateConcurrencyLimit, request).concurrency_limit
    if as_json:
        print_json(to_json(made))
    else:
        make_console().print(f"At most {made.limit} task runs with the tag {tag} run at once now.", markup=False)


@app.command("ls")
def list_tag_limits(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 50,
    offset: Annotated[int, typer.Option("--offset", min=0, help="Pass over this many first.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """List the limits of tags by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.ConcurrencyLimit.
    """
    with ServiceClient() as client:
        limits = list_limits(client, f'name = "{PREFIX}*"', offset + limit)[offset:]
    if as_json:
        print_messages(limits)
        return
    console = make_console()
    if limits:
        console.print(limits_table(limits, "Tag", _tag, datetime.now(UTC), show_ids=has_room_for_ids(console)))
    else:
        console.print("No limits of tags.")


def _tag(limit: ConcurrencyLimit) -> str:
    return limit.name.removeprefix(PREFIX)


@app.command()
def inspect(tag: TagArgument, as_json: JsonFlag = False) -> None:
    """Show the limit of a tag, who holds its slots and who waits for them.

    With --json: an object with `concurrency_limit` (antiphon.v1.ConcurrencyLimit), `slots` (an array of
    antiphon.v1.Slot, oldest first) and `slot_waiters` (an array of antiphon.v1.SlotWaiter, in the order in which they
    are served).
    """
    with ServiceClient() as client:
        found = get_limit_in_use(client, PREFIX + tag)
    print_limit_in_use(found, as_json=as_json)


@app.command()
def delete(tag: TagArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete the limit of a tag. Those that wait for a slot go on. Asks first; without a terminal, --yes is needed.

    With --json: the antiphon.v1.ConcurrencyLimit as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        limit = get_limit(client, PREFIX + tag)
        if asks:
            confirm(f"Delete the limit of the tag {tag}?")
        delete_limit(client, limit)
    tell(limit, f"Task runs with the tag {tag} are not limited by it any more.", as_json=as_json)


@app.command()
def reset(tag: TagArgument, as_json: JsonFlag = False) -> None:
    """Free all slots of the limit of a tag. Task runs that held one go on, so for a while more may run than it says.

    With --json: the antiphon.v1.ConcurrencyLimit as it is now.
    """
    with ServiceClient() as client:
        request = ResetConcurrencyLimitRequest(id=get_limit(client, PREFIX + tag).id)
        limit = client.call(client.concurrency_limits.ResetConcurrencyLimit, request).concurrency_limit
    if as_json:
        print_json(to_json(limit))
    else:
        freed = f"All slots of the tag {tag} were freed; {limit.active_slots} of {limit.limit} are in use now."
        make_console().print(freed, markup=False)
