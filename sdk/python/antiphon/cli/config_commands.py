"""`antiphon config`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from antiphon.cli.output import JsonFlag, make_console, print_json
from antiphon.cli.profile_in_use import profile_in_use, put_into_profile, warn_of_environment
from antiphon.cli.run_tables import make_table
from antiphon.exceptions import SettingError
from antiphon.settings import Settings, get_current_settings
from antiphon.settings.kinds import text_of
from antiphon.settings.profiles import load_profiles
from antiphon.settings.profiles_editing import unset_values
from antiphon.settings.rows import DEFAULT_SOURCE, SETTINGS, find_row

app = typer.Typer(name="config", add_completion=False, help="See and change settings.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """See and change settings."""


@app.command()
def view(
    show_defaults: Annotated[
        bool, typer.Option("--show-defaults/--hide-defaults", help="Those that nobody set.")
    ] = False,
    show_sources: Annotated[bool, typer.Option("--show-sources/--hide-sources", help="Where each was read.")] = True,
    as_json: JsonFlag = False,
) -> None:
    """Show the settings in force; with --show-defaults, all, and what each is for.

    With --json: an array of objects with `name`, `value` and `source`. What a server is told when it starts is not
    among them: see `antiphon server start --help`.
    """
    settings = get_current_settings()
    rows = _rows(settings, show_defaults=show_defaults)
    if as_json:
        print_json(rows)
        return
    console = make_console()
    console.print(f"Profile {settings.profile} in {settings.profiles_path}", markup=False)
    if rows:
        console.print(_table(rows, show_sources=show_sources, show_purpose=show_defaults))
    else:
        console.print("Nothing is set; --show-defaults shows what holds then.")


@app.command("set")
def set_settings(
    assignments: Annotated[list[str], typer.Argument(metavar="NAME=VALUE", help="Such as ANTIPHON_API_URL=host:1.")],
    as_json: JsonFlag = False,
) -> None:
    """Set settings in the profile in use. With --json: an object with `profile`, `path` and `names`, an array."""
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise typer.BadParameter(f"{assignment!r} has no =; write NAME=VALUE.")
        row = find_row(name.strip())
        if not row.about.in_profiles:
            way = "`antiphon profile use NAME`" if row.accessor == "profile" else "an environment variable"
            raise SettingError(f"{row.name} cannot be set inside a profile; use {way} instead.")
        values[row.name] = row.parse(text, "the command line")
    profile = put_into_profile(values)
    _report(profile, profile_in_use().profiles_path, "Set", list(values), as_json=as_json)


@app.command("unset")
def unset_settings(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="Such as ANTIPHON_API_URL.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accepted for scripts; nobody is asked.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Take settings out of the profile in use. With --json: an object with `profile`, `path` and `names`."""
    around = profile_in_use()
    keys = [_profile_key(name) for name in names]
    profile = unset_values(around.profiles_path, around.profile, keys)
    _report(profile, around.profiles_path, "Unset", keys, as_json=as_json)


@app.command()
def validate(as_json: JsonFlag = False) -> None:
    """Check the settings in force and every profile. Exit code 1 with a line for each that is wrong.

    With --json: an object with `valid`, where they are.
    """
    problems = []
    for _, profile in load_profiles(include_defaults=False).items():
        try:
            profile.validate_settings()
        except SettingError as error:
            problems.append(str(error))
    if problems:
        raise SettingError("\n".join(problems))
    get_current_settings()
    if as_json:
        print_json({"valid": True})
    else:
        make_console().print("All settings are valid.")


def _profile_key(name: str) -> str:
    """The name as profiles have it. One that is no setting stays as it is, so that a wrong line can be taken out."""
    try:
        return find_row(name).name
    except SettingError:
        return name


def _report(profile: str, path: Path, verb: str, names: list[str], *, as_json: bool) -> None:
    # Not with make_console: a setting that is wrong elsewhere must not keep people from mending it.
    if as_json:
        print_json({"profile": profile, "path": str(path), "names": names})
    else:
        typer.echo(f"{verb} {', '.join(names)} in profile {profile} of {path}.")
    warn_of_environment(names)


def _rows(settings: Settings, *, show_defaults: bool) -> list[dict[str, Any]]:
    return [
        {
            "name": row.name,
            "value": _plain(row.read(settings)),
            "source": settings.sources[accessor],
        }
        for accessor, row in SETTINGS.items()
        if show_defaults or settings.sources[accessor] != DEFAULT_SOURCE
    ]


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _table(rows: list[dict[str, Any]], *, show_sources: bool, show_purpose: bool) -> Table:
    more = [*(["Source"] if show_sources else []), *(["For"] if show_purpose else [])]
    table = make_table("Name", "Value", *more, shrinking=("Value", "Source", "For"))
    for row in rows:
        texts = {"Source": row["source"], "For": find_row(row["name"]).about.description}
        table.add_row(row["name"], Text(text_of(row["value"])), *(Text(texts[title]) for title in more))
    return table
