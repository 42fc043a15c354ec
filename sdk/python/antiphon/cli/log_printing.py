"""Prints logs of runs."""

from collections.abc import Iterable

from antiphon.cli.log_following import follow_logs
from antiphon.cli.log_options import WantedLogs
from antiphon.cli.output import make_console, print_line, print_messages
from antiphon.cli.run_tables import log_line
from antiphon.service_client import ServiceClient
from antiphon.v1.log_pb2 import Log
from antiphon.v1.log_service_pb2 import ListLogsRequest


def print_logs(client: ServiceClient, filter_text: str, wanted: WantedLogs, *, as_json: bool) -> None:
    """Print the lines that fit, with JSON as an array."""
    lines = _stored(client, filter_text, wanted)
    if as_json:
        print_messages(lines)
    else:
        _print_lines(lines)


def print_logs_to_come(client: ServiceClient, flow_run_id: str, wanted: WantedLogs, *, as_json: bool) -> None:
    """Print the lines that are there and those to come until the flow run ends, with JSON one a line."""
    lines = follow_logs(client, flow_run_id, last=wanted.most)
    if as_json:
        for line in lines:
            print_line(line)
    else:
        _print_lines(lines)


def _stored(client: ServiceClient, filter_text: str, wanted: WantedLogs) -> Iterable[Log]:
    newest_first = wanted.tail or (wanted.reverse and not wanted.head)
    if newest_first and wanted.number and not wanted.tail:
        newest_first = False  # the first ones are wanted, and then the other way round
    request = ListLogsRequest(filter=filter_text, order_by="create_time desc" if newest_first else "create_time")
    lines: Iterable[Log] = client.pages(client.logs.ListLogs, request, "logs", limit=wanted.most)
    return lines if newest_first is wanted.reverse else list(lines)[::-1]


def _print_lines(lines: Iterable[Log]) -> None:
    console = make_console()
    for line in lines:
        console.print(log_line(line), soft_wrap=True)
