"""A group of commands whose modules are imported when they are used, so that no command pays for another."""

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from antiphon.cli.output_option import accept_output
from antiphon.exceptions import AntiphonException


class LazyGroup(TyperGroup):
    """Subclasses fill the tables. It also turns Antiphon's exceptions into a message and an exit code."""

    #: Command -> module with a Typer `app`.
    modules: ClassVar[Mapping[str, str]] = {}
    #: Other name -> command; help does not list them.
    aliases: ClassVar[Mapping[str, str]] = {}
    #: Module with `print_error`, `print_note`, `hint_of` and `exit_code_of`; not imported before something is wrong.
    failures: ClassVar[str] = "antiphon.cli.exit_codes"

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.modules, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        name = self.aliases.get(cmd_name, cmd_name)
        module = self.modules.get(name)
        if module is None:
            return super().get_command(ctx, name)
        app = importlib.import_module(module).app
        accept_output(app)
        return typer.main.get_command(app)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AntiphonException as error:
            failures = importlib.import_module(self.failures)
            failures.print_error(str(error))
            if hint := failures.hint_of(error):
                failures.print_note(hint)
            raise typer.Exit(failures.exit_code_of(error)) from error
