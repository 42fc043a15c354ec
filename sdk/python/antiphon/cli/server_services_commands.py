"""`antiphon server services`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

import typer

from antiphon.cli.lazy_group import LazyGroup
from antiphon.cli.output import JsonFlag, make_console, print_messages
from antiphon.cli.server_control import client_of_running_server
from antiphon.cli.server_tables import services_table
from antiphon.settings import get_current_settings
from antiphon.v1.admin_service_pb2 import ListServicesRequest


class ServicesGroup(LazyGroup):
    """Services, by both names of their list."""

    aliases: ClassVar[Mapping[str, str]] = {"list": "ls"}


app = typer.Typer(
    cls=ServicesGroup,
    name="services",
    add_completion=False,
    help="What the server does without being asked.",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """What the server does without being asked."""


@app.command("ls")
def list_services(as_json: JsonFlag = False) -> None:
    """List the services of the server: whether each is well, and when it last had a round. Starts no server.

    With --json: an array of antiphon.v1.BackgroundService.
    """
    with client_of_running_server(get_current_settings()) as client:
        services = client.call(client.admin.ListServices, ListServicesRequest()).services
    if as_json:
        print_messages(services)
    else:
        make_console().print(services_table(services, datetime.now(UTC)))
