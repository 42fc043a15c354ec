"""The logs of a flow run as they come, until it has ended."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import TypeAlias

from antiphon.cli.following import Following
from antiphon.exceptions import AntiphonException
from antiphon.mailbox import Mailbox
from antiphon.service_client import ServiceClient
from antiphon.settings import get_current_settings
from antiphon.timestamps import read_timestamp
from antiphon.v1.log_pb2 import Log
from antiphon.watching import Step, watch

#: Behind the end of a run that was just now: so long without a line means that there are no more.
_QUIET_SECONDS = 1.0
_JUST_NOW = timedelta(seconds=30)


class _End:
    """The run has ended."""

    def __init__(self, *, is_news: bool) -> None:
        #: Whether it did so while it was followed, or just before.
        self.is_news = is_news


#: What the threads say: a step of the lines, the end of the run, an error with which either cannot go on.
_Word: TypeAlias = Step | _End | AntiphonException


def follow_logs(client: ServiceClient, flow_run_id: str, *, last: int | None) -> Iterator[Log]:
    """Yield the lines that are there, of these at most the `last` ones, and those to come until the run has ended.

    Each comes once, also over cuts of the connection; those to come in the order of their arrival. Raises what
    `Following.events` and `watch` raise.
    """
    words: Mailbox[_Word] = Mailbox()
    timeout = get_current_settings().client.reconnect_timeout_seconds
    of_run = f'flow_run_id = "{flow_run_id}"'
    with (
        closing(Following(client, flow_run_id, timeout)) as following,
        closing(watch("logs", of_run, newest=last, client=client)) as lines,
    ):
        for name, listen in (
            ("lines", lambda: _hear_lines(lines, words)),
            ("end", lambda: _hear_end(following, words)),
        ):
            threading.Thread(target=listen, name=f"{name}-of-run", daemon=True).start()
        yield from _lines_once(_steps(words))


def _steps(words: Mailbox[_Word]) -> Iterator[Step]:
    """The steps of the lines until the run has ended, and those behind that: a run's process says that it has ended
    before all that it wrote is stored."""
    end: _End | None = None
    complete = False
    while end is None or not complete or end.is_news:
        try:
            word = words.get(timeout=_QUIET_SECONDS if end is not None and complete else None)
        except Empty:
            return
        if isinstance(word, AntiphonException):
            raise word
        if isinstance(word, _End):
            end = word
            continue
        complete |= word.kind == "mark"
        yield word


def _lines_once(steps: Iterator[Step]) -> Iterator[Log]:
    """Without those that a watch tells again which begins anew, and those that it did not tell the first time."""
    seen: set[str] = set()
    snapshots, oldest = 0, ""
    for step in steps:
        snapshots += step.kind == "begin"
        if step.kind != "thing" or step.thing.id in seen:
            continue
        moment = read_timestamp(step.thing.create_time).isoformat()
        oldest = oldest or moment
        if snapshots > 1 and not step.cursor and moment < oldest:
            continue
        seen.add(step.thing.id)
        yield step.thing


def _hear_lines(steps: Iterator[Step], words: Mailbox[_Word]) -> None:
    try:
        for step in steps:
            words.put(step)
    except AntiphonException as error:
        words.put(error)


def _hear_end(following: Following, words: Mailbox[_Word]) -> None:
    is_news = False
    try:
        for _, response in following.events():
            if response.HasField("flow_run") and response.flow_run.HasField("end_time"):
                is_news = datetime.now(UTC) - read_timestamp(response.flow_run.end_time) < _JUST_NOW
    except AntiphonException as error:
        words.put(error)
    else:
        words.put(_End(is_news=is_news))
