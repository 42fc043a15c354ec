"""Whether people are sure. Questions are asked on a terminal only; elsewhere --yes answers them before."""

import sys
from typing import Annotated

import typer

from antiphon.cli.safe_console import on_one_line
from antiphon.settings import get_current_settings

YesFlag = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether you are sure.")]


def may_ask(yes: bool = False) -> bool:
    """Whether somebody is there to ask: at a terminal, unless `--yes` or the setting `cli.prompt` says otherwise."""
    wanted = get_current_settings().cli.prompt
    # A standard input that is closed is none.
    return not yes and sys.stdin is not None and (sys.stdin.isatty() if wanted is None else wanted)


def must_ask(yes: bool, *, grave: bool = True) -> bool:
    """Whether to ask before it is done.

    Raises typer.BadParameter for what is grave and was not said to be wanted, where nobody can be asked.
    """
    if yes:
        return False
    if may_ask():
        return True
    if grave:
        raise typer.BadParameter("Nobody can be asked here; give --yes if you are sure.")
    return False


def confirm(question: str) -> None:
    """Ask on stderr. Raises typer.Abort at a no."""
    typer.confirm(on_one_line(question), abort=True, err=True)
