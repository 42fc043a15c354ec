"""`antiphon global-concurrency-limit`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.exit_codes import print_note
from antiphon.cli.limit_lookup import MOST_SLOTS, delete_limit, get_limit, get_limit_in_use, list_limits
from antiphon.cli.limit_output import limit_in_use_json, print_limit_in_use
from antiphon.cli.limit_tables import limits_table
from antiphon.cli.output import (
    JsonFlag,
    has_room_for_ids,
    make_console,
    print_json,
    print_messages,
    tell,
    to_json,
    write_text,
)
from antiphon.service_client import ServiceClient
from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit
from antiphon.v1.concurrency_limit_service_pb2 import CreateConcurrencyLimitRequest, UpdateConcurrencyLimitRequest

app = typer.Typer(
    name="global-concurrency-limit",
    add_completion=False,
    help="Limit whatever asks for slots by a name (short: gcl).",
    no_args_is_help=True,
)

#: Limits of tags have commands of their own.
_NO_TAGS = 'NOT name = "tag:*"'

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of a limit, as ls has it.")]
DecayOption = Annotated[
    float | None,
    typer.Option("--slot-decay-per-second", min=0, help="Slots that are free again each second by themselves."),
]


@app.callback()
def group() -> None:
    """Limit whatever asks for slots by a name. Limits of tags: antiphon concurrency-limit."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which slots are asked for.")],
    limit: Annotated[int, typer.Option("--limit", "-l", min=0, max=MOST_SLOTS, help="How many slots there are.")],
    disable: Annotated[bool, typer.Option("--disable", help="It limits nobody before it is enabled.")] = False,
    slot_decay_per_second: DecayOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a limit. With --json: the antiphon.v1.ConcurrencyLimit."""
    wanted = ConcurrencyLimit(
        name=name, limit=limit, active=not disable, slot_decay_per_second=slot_decay_per_second or 0
    )
    with ServiceClient() as client:
        request = CreateConcurrencyLimitRequest(concurrency_limit=wanted)
        made = client.call(client.concurrency_limits.CreateConcurrencyLimit, request).concurrency_limit
    _report(made, as_json=as_json)


@app.command("ls")
def list_global_limits(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 50, as_json: JsonFlag = False
) -> None:
    """List all limits but those of tags by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.ConcurrencyLimit.
    """
    with ServiceClient() as client:
        limits = list_limits(client, _NO_TAGS, limit)
    if as_json:
        print_messages(limits)
        return
    console = make_console()
    if limits:
        console.print(limits_table(limits, "Name", _name, datetime.now(UTC), show_ids=has_room_for_ids(console)))
    else:
        console.print("No limits.")


def _name(limit: ConcurrencyLimit) -> str:
    return limit.name


@app.command()
def inspect(
    name: NameArgument,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", dir_okay=False, help="Write it to this file, as JSON.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a limit, who holds its slots and who waits for them.

    With --json: an object with `concurrency_limit` (antiphon.v1.ConcurrencyLimit), `slots` (an array of
    antiphon.v1.Slot, oldest first) and `slot_waiters` (an array of antiphon.v1.SlotWaiter, in the order in which they
    are served).
    """
    with ServiceClient() as client:
        found = get_limit_in_use(client, name)
    if file is not None:
        write_text(file, json.dumps(limit_in_use_json(found), indent=2) + "\n")
        print_note(f"It is in {file}.")
    print_limit_in_use(found, as_json=as_json)


@app.command()
def update(
    name: NameArgument,
    limit: Annotated[
        int | None, typer.Option("--limit", "-l", min=0, max=MOST_SLOTS, help="How many slots there are.")
    ] = None,
    active: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it limits at all.")] = None,
    slot_decay_per_second: DecayOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a limit; those that wait hear of it at once.

    With --json: the antiphon.v1.ConcurrencyLimit as it is now.
    """
    given = {"limit": limit, "active": active, "slot_decay_per_second": slot_decay_per_second}
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("Say what to change: --limit, --enable, --disable or --slot-decay-per-second.")
    _update(name, changes, as_json=as_json)


@app.command()
def enable(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Have a limit limit again. With --json: the antiphon.v1.ConcurrencyLimit as it is now."""
    _update(name, {"active": True}, as_json=as_json)


@app.command()
def disable(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Have a limit limit nobody; those that wait go on. With --json: the antiphon.v1.ConcurrencyLimit as it is now."""
    _update(name, {"active": False}, as_json=as_json)


@app.command()
def delete(name: NameArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a limit. Those that wait for a slot go on. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.ConcurrencyLimit as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        limit = get_limit(client, name)
        if asks:
            confirm(f"Delete the limit {name}?")
        delete_limit(client, limit)
    tell(limit, f"The limit {name} is deleted.", as_json=as_json)


def _update(name: str, changes: dict[str, Any], *, as_json: bool) -> None:
    with ServiceClient() as client:
        wanted = ConcurrencyLimit(id=get_limit(client, name).id, **changes)
        request = UpdateConcurrencyLimitRequest(concurrency_limit=wanted, update_mask=FieldMask(paths=sorted(changes)))
        limit = client.call(client.concurrency_limits.UpdateConcurrencyLimit, request).concurrency_limit
    _report(limit, as_json=as_json)


def _report(limit: ConcurrencyLimit, *, as_json: bool) -> None:
    if as_json:
        print_json(to_json(limit))
        return
    state = "" if limit.active else ", and is disabled"
    in_use = f"{limit.active_slots} in use"
    make_console().print(f"The limit {limit.name} has {limit.limit} slots, {in_use}{state}.", markup=False)
