"""`antiphon calendar`."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.deployment_tables import calendar_page, calendars_table, weekday_words
from antiphon.cli.output import JsonFlag, show, show_list, tell
from antiphon.exceptions import ObjectNotFound
from antiphon.service_client import ServiceClient
from antiphon.v1.schedule_pb2 import Calendar
from antiphon.v1.schedule_service_pb2 import (
    CreateCalendarRequest,
    DeleteCalendarRequest,
    GetCalendarRequest,
    GetCalendarResponse,
    ListCalendarsRequest,
    UpdateCalendarRequest,
)

app = typer.Typer(
    name="calendar", add_completion=False, help="Days on which schedules do not fire.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of a calendar, as ls has it.")]
WeekdayOption = Annotated[
    list[str] | None,
    typer.Option("--weekday", metavar="DAY", help="A day of every week, such as sunday or sun; may be repeated."),
]
DescriptionOption = Annotated[str | None, typer.Option("--description", "-d", help="What it is for.")]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SHORTEST_WORD = 2


@app.callback()
def group() -> None:
    """Days on which schedules do not fire: `antiphon deployment schedule create ... --exclude NAME`."""


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which schedules name it.")],
    days: Annotated[
        list[str] | None,
        typer.Option("--day", metavar="DAY", help="2026-12-25, or 12-25 for every year; may be repeated."),
    ] = None,
    weekdays: WeekdayOption = None,
    description: DescriptionOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a calendar. With --json: the antiphon.v1.Calendar."""
    wanted = Calendar(name=name, days=days or (), weekdays=_numbers(weekdays or ()), description=description or "")
    with ServiceClient() as client:
        made = client.call(client.schedules.CreateCalendar, CreateCalendarRequest(calendar=wanted)).calendar
    tell(made, _words(made), as_json=as_json)


@app.command("ls")
def list_calendars(
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most this many.")] = 100, as_json: JsonFlag = False
) -> None:
    """List calendars by name; with ids where the terminal has 100 columns or more.

    With --json: an array of antiphon.v1.Calendar.
    """
    with ServiceClient() as client:
        request = ListCalendarsRequest(order_by="name")
        calendars = list(client.pages(client.schedules.ListCalendars, request, "calendars", limit=limit))
    show_list(calendars, calendars_table, "No calendars.", as_json=as_json)


@app.command()
def inspect(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Show the days of a calendar. With --json: the antiphon.v1.Calendar."""
    with ServiceClient() as client:
        calendar = _find(client, name)
    show(calendar, lambda: calendar_page(calendar), as_json=as_json)


@app.command()
def update(
    name: NameArgument,
    days: Annotated[
        list[str] | None, typer.Option("--day", metavar="DAY", help="Its days from now on; may be repeated.")
    ] = None,
    add_days: Annotated[
        list[str] | None, typer.Option("--add-day", metavar="DAY", help="One day more; may be repeated.")
    ] = None,
    remove_days: Annotated[
        list[str] | None, typer.Option("--remove-day", metavar="DAY", help="One day less; may be repeated.")
    ] = None,
    weekdays: WeekdayOption = None,
    no_weekdays: Annotated[bool, typer.Option("--no-weekdays", help="No days of every week any more.")] = False,
    description: DescriptionOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Change a calendar; schedules that name it are planned anew. With --json: the antiphon.v1.Calendar."""
    if days and (add_days or remove_days):
        raise typer.BadParameter("--day says all its days; give it, or --add-day and --remove-day.")
    if weekdays and no_weekdays:
        raise typer.BadParameter("Give --weekday or --no-weekdays, not both.")
    with ServiceClient() as client:
        before = _find(client, name)
        wanted, mask = Calendar(id=before.id, etag=before.etag), []
        if days or add_days or remove_days:
            wanted.days.extend(days or _changed_days(before, add_days or (), remove_days or ()))
            mask.append("days")
        if weekdays or no_weekdays:
            wanted.weekdays.extend(_numbers(weekdays or ()))
            mask.append("weekdays")
        if description is not None:
            wanted.description = description
            mask.append("description")
        if not mask:
            raise typer.BadParameter("Say what to change: --day, --add-day, --remove-day, --weekday or --description.")
        request = UpdateCalendarRequest(calendar=wanted, update_mask=FieldMask(paths=mask))
        changed = client.call(client.schedules.UpdateCalendar, request).calendar
    tell(changed, _words(changed), as_json=as_json)


@app.command()
def delete(name: NameArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Delete a calendar that no schedule names. Asks first; where there is no terminal, --yes is needed.

    With --json: the antiphon.v1.Calendar as it was.
    """
    asks = must_ask(yes)
    with ServiceClient() as client:
        calendar = _find(client, name)
        if asks:
            confirm(f"Delete the calendar {name}?")
        client.call(client.schedules.DeleteCalendar, DeleteCalendarRequest(id=calendar.id))
    tell(calendar, f"The calendar {name} is deleted.", as_json=as_json)


def _find(client: ServiceClient, name: str) -> Calendar:
    try:
        response: GetCalendarResponse = client.call(client.schedules.GetCalendar, GetCalendarRequest(name=name))
    except ObjectNotFound as error:
        raise error.in_other_words(
            f"There is no calendar {name!r}. `antiphon calendar ls` has those there are, and `antiphon calendar create`"
            " makes one."
        ) from error
    return response.calendar


def _changed_days(before: Calendar, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    missing = [day for day in remove if day not in before.days]
    if missing:
        raise typer.BadParameter(f"The calendar {before.name} has no day {', '.join(missing)}.")
    return [day for day in dict.fromkeys([*before.days, *add]) if day not in remove]


def _numbers(words: Sequence[str]) -> list[int]:
    """1 for Monday to 7 for Sunday, each once. Raises typer.BadParameter."""
    numbers = []
    for word in words:
        lowered = word.strip().lower()
        fitting = [day for day in _WEEKDAYS if len(lowered) >= _SHORTEST_WORD and day.startswith(lowered)]
        if len(fitting) != 1:
            raise typer.BadParameter(f"--weekday {word!r} is no day of the week; write such as monday or mon.")
        numbers.append(_WEEKDAYS.index(fitting[0]) + 1)
    return sorted(set(numbers))


def _words(calendar: Calendar) -> str:
    weekly = f" and every {weekday_words(calendar)}" if calendar.weekdays else ""
    days = f"{len(calendar.days)} day{'' if len(calendar.days) == 1 else 's'}"
    return f"The calendar {calendar.name} has {days}{weekly}."
