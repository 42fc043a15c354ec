"""`antiphon profile`."""

import os
from typing import Annotated

import typer

from antiphon.cli.being_sure import YesFlag, confirm, must_ask
from antiphon.cli.exit_codes import print_note
from antiphon.cli.output import JsonFlag, make_console, print_json
from antiphon.cli.profile_names import complete_profiles
from antiphon.cli.run_tables import make_table
from antiphon.exceptions import SettingError
from antiphon.settings.kinds import text_of
from antiphon.settings.layers import current_folder
from antiphon.settings.loading import look_around
from antiphon.settings.profiles import DEFAULT_PROFILES, load_profile, load_profiles, profiles_path
from antiphon.settings.profiles_editing import (
    activate_profile,
    create_profile,
    delete_profile,
    rename_profile,
)
from antiphon.settings.profiles_file import DEFAULT_PROFILE, read_profiles

app = typer.Typer(name="profile", add_completion=False, help="Sets of settings to choose from.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The profile.", autocompletion=complete_profiles)]


@app.callback()
def group() -> None:
    """Sets of settings to choose from."""


@app.command("ls")
def list_profiles(as_json: JsonFlag = False) -> None:
    """List the profiles; * marks the one in use. With --json: an array of objects with `name` and `active`."""
    names, chosen = sorted({DEFAULT_PROFILE, *load_profiles(include_defaults=False).names}), _in_use()
    if as_json:
        print_json([{"name": name, "active": name == chosen} for name in names])
        return
    table = make_table("Name")
    for name in names:
        table.add_row(f"{'*' if name == chosen else ' '} {name}")
    make_console().print(table)


@app.command()
def create(
    name: NameArgument,
    source: Annotated[str | None, typer.Option("--from", metavar="NAME", help="A profile to copy.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a profile, empty or a copy of another. With --json: an object with `name` and `active`."""
    _check_name(name)
    values = load_profile(source).settings if source is not None else {}
    create_profile(profiles_path(), name, values)
    how = f"Use it with `antiphon profile use {name}`, or once: `antiphon -p {name} ...`."
    _report(name, f"Made profile {name}. {how}", as_json=as_json)


@app.command()
def use(name: NameArgument, as_json: JsonFlag = False) -> None:
    """Make a profile the active one. With --json: an object with `name` and `active`, which says what is in force."""
    load_profile(name)  # tells where there is none of that name
    activate_profile(profiles_path(), name)
    _report(name, f"Profile {name} is active.", as_json=as_json)
    asked_for = look_around(os.environ, current_folder()).profile
    if asked_for not in (None, name):
        print_note(f"ANTIPHON_PROFILE says {asked_for}, and that comes first.")


@app.command()
def delete(name: NameArgument, yes: YesFlag = False, as_json: JsonFlag = False) -> None:
    """Remove a profile that is not in use. Asks first; where there is no terminal, --yes is needed.

    With --json: an object with `name` and `active`.
    """
    asks = must_ask(yes)
    if name == _in_use():
        raise SettingError(f"Profile {name!r} is in use. Use another first: `antiphon profile use NAME`.")
    if asks:
        confirm(f"Remove profile {name}?")
    delete_profile(profiles_path(), name)
    _report(name, f"Removed profile {name}.", as_json=as_json)


@app.command()
def rename(
    name: NameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="Its name from now on.")],
    as_json: JsonFlag = False,
) -> None:
    """Give a profile another name. With --json: an object with `name`, the new one, and `active`."""
    _check_name(new_name)
    rename_profile(profiles_path(), name, new_name)
    _report(new_name, f"Profile {name} is {new_name} now.", as_json=as_json)
    if look_around(os.environ, current_folder()).profile == name:
        print_note(f"ANTIPHON_PROFILE still says {name}.")


@app.command()
def inspect(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The profile; the one in use for none.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Show what a profile sets. With --json: an object of names and values."""
    profile = load_profile(name or _in_use())
    if as_json:
        print_json(profile.settings)
        return
    for key, value in profile.settings.items():
        typer.echo(f"{key}={text_of(value)}")
    if not profile.settings:
        typer.echo(f"Profile {profile.name} sets nothing.")


@app.command("populate-defaults")
def populate_defaults(as_json: JsonFlag = False) -> None:
    """Add the profiles that come with Antiphon where they are missing; those that are there stay as they are.

    With --json: an array of objects with `name` and `active`, of those that were added.
    """
    path = profiles_path()
    present = read_profiles(path).profiles
    added = [name for name in DEFAULT_PROFILES if name not in present]
    for name in added:
        create_profile(path, name, DEFAULT_PROFILES[name])
    if as_json:
        print_json([_facts(name) for name in added])
    else:
        typer.echo(f"Added {', '.join(added)} to {path}." if added else f"Nothing to add: {path} has them all.")


def _report(name: str, words: str, *, as_json: bool) -> None:
    # Not with make_console: a setting that is wrong must not keep people from using another profile.
    if as_json:
        print_json(_facts(name))
    else:
        typer.echo(words)


def _facts(name: str) -> dict[str, object]:
    return {"name": name, "active": name == _in_use()}


def _in_use() -> str:
    around = look_around(os.environ, current_folder())
    return around.profile or read_profiles(around.profiles_path).active


def _check_name(name: str) -> None:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise SettingError(f"A profile cannot be named {name!r}: give it a word, such as `work`.")
