"""`antiphon config`."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from antiphon.cli.exit_codes import print_note
from antiphon.cli.output import JsonFlag, make_console, print_json
from antiphon.cli.profiles_edit import set_values, unset_values
from antiphon.cli.run_tables import make_table
from antiphon.exceptions import SettingError
from antiphon.profiles import profiles_path
from antiphon.settings import DEFAULT_SOURCE, SETTINGS, Settings, find_setting, get_current_settings, profiles_home

app = typer.Typer(name="config", add_completion=False, help="See and change settings.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """See and change settings."""


@app.command()
def view(
    show_defaults: Annotated[bool, typer.Option("--show-defaults", help="Also those that nobody set.")] = False,
    show_sources: Annotated[
        bool, typer.Option("--show-sources", help="Where each was read, and what it is for.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show the settings in force. With --json: an array of objects with `name`, `value` and `source`."""
    settings = get_current_settings()
    rows = _rows(settings, show_defaults=show_defaults)
    if as_json:
        print_json(rows)
        return
    console = make_console()
    console.print(f"Profile {settings.profile} in {profiles_path(profiles_home(os.environ))}", markup=False)
    if rows:
        console.print(_table(rows, show_sources=show_sources))
    else:
        console.print("Nothing is set; --show-defaults shows what holds then.")


@app.command("set")
def set_settings(
    assignments: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="Such as ANTIPHON_API_URL=host:1.")],
) -> None:
    """Set settings in the active profile."""
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise typer.BadParameter(f"{assignment!r} has no =; write NAME=VALUE.")
        setting = find_setting(name.strip())
        if setting.attribute == "profile":
            raise SettingError(f"{setting.name} cannot be set inside a profile; set `active` in the file instead.")
        values[setting.name] = setting.parse(text, "the command line")
    path = profiles_path(profiles_home(os.environ))
    profile = set_values(path, _profile_asked_for(), values)
    _report(profile, path, "Set", list(values))


@app.command("unset")
def unset_settings(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Such as ANTIPHON_API_URL.")],
) -> None:
    """Take settings out of the active profile."""
    path = profiles_path(profiles_home(os.environ))
    keys = [_profile_key(name) for name in names]
    profile = unset_values(path, _profile_asked_for(), keys)
    _report(profile, path, "Unset", keys)


def _profile_key(name: str) -> str:
    """The name as profiles have it. One that is no setting stays as it is, so that a wrong line can be taken out."""
    return SETTINGS[name].name if name in SETTINGS else name


def _profile_asked_for() -> str | None:
    return os.environ.get(SETTINGS["profile"].name, "").strip() or None


def _report(profile: str, path: Path, verb: str, names: list[str]) -> None:
    # Not with make_console: a setting that is wrong elsewhere must not keep people from mending it.
    typer.echo(f"{verb} {', '.join(names)} in profile {profile} of {path}.")
    for name in names:
        if os.environ.get(name):
            print_note(f"{name} is in the environment too, and that comes first.")


def _rows(settings: Settings, *, show_defaults: bool) -> list[dict[str, Any]]:
    return [
        {
            "name": setting.name,
            "value": _plain(getattr(settings, attribute)),
            "source": settings.sources[attribute],
        }
        for attribute, setting in SETTINGS.items()
        if show_defaults or settings.sources[attribute] != DEFAULT_SOURCE
    ]


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _table(rows: list[dict[str, Any]], *, show_sources: bool) -> Table:
    table = make_table(
        "Name", "Value", *(["Source", "For"] if show_sources else []), shrinking=("Value", "Source", "For")
    )
    for row in rows:
        more = [row["source"], find_setting(row["name"]).about.description] if show_sources else []
        table.add_row(row["name"], *(Text(text) for text in [_shown(row["value"]), *more]))
    return table


def _shown(value: object) -> str:
    """The value as it would be written in the environment."""
    if isinstance(value, list):
        return ",".join(_shown(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)
