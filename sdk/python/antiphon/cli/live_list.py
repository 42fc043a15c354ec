"""Shows a list that is kept up to date: a live table, lines, or JSON."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType
from rich.live import Live

from antiphon.cli.output import has_room_for_ids, make_console, print_line
from antiphon.service_client import ServiceClient
from antiphon.watching import Step, WatchedKind, watch

WatchFlag = Annotated[bool, typer.Option("--watch", help="Keep the list up to date until Ctrl-C.")]

_REFRESHES_PER_SECOND = 4


@dataclass(frozen=True, slots=True)
class LiveList:
    """What is listed, and how it is shown."""

    kind: WatchedKind
    filter: str
    #: The list as it is now.
    fetch: Callable[[], Iterable[Any]]
    #: What of things that match belongs to the list, in order.
    arrange: Callable[[Iterable[Any]], list[Any]]
    #: `table(things, now, show_ids=...)`
    table: Callable[..., RenderableType]
    #: One thing as it is now, in a line.
    words: Callable[[Any], str]
    #: The message of `antiphon.v1` for a step, and its field for a thing.
    response: Callable[..., Any]
    field: str


def show_live(client: ServiceClient, wanted: LiveList, *, as_json: bool) -> None:
    """Show the list and what changes, without end. Raises what `watch` and `wanted.fetch` raise."""
    console = make_console()
    if as_json:
        for _, step in _pictures(client, wanted):
            if step.kind == "gone":
                print_line(wanted.response(gone_id=step.id))
            elif step.kind == "thing":
                print_line(wanted.response(**{wanted.field: step.thing}))
    elif console.is_terminal:
        _show_table(console, client, wanted)
    else:
        _print_lines(console, client, wanted)


def _show_table(console: Console, client: ServiceClient, wanted: LiveList) -> None:
    shown: list[Any] = []

    def draw() -> RenderableType:
        return wanted.table(shown, datetime.now(UTC), show_ids=has_room_for_ids(console))

    with Live(get_renderable=draw, console=console, refresh_per_second=_REFRESHES_PER_SECOND):
        for picture, _ in _pictures(client, wanted):
            shown = wanted.arrange(picture.values())


def _print_lines(console: Console, client: ServiceClient, wanted: LiveList) -> None:
    known: dict[str, str] = {}
    for _, step in _pictures(client, wanted):
        if step.kind == "thing":
            known[step.thing.id] = wanted.words(step.thing)
            console.print(known[step.thing.id], markup=False, soft_wrap=True)
        elif step.kind == "gone":
            console.print(f"gone: {known.pop(step.id)}", markup=False, soft_wrap=True)


def _pictures(client: ServiceClient, wanted: LiveList) -> Iterator[tuple[dict[str, Any], Step]]:
    """What is there, by id, with the step that brought it about; first a step for each thing of the list. Only known
    things go."""
    while True:
        # What changes while the list is fetched is told behind it.
        with closing(watch(wanted.kind, wanted.filter, skip_snapshot=True, client=client)) as steps:
            cursor = next(step.cursor for step in steps if step.kind == "mark")
        picture = {thing.id: thing for thing in wanted.fetch()}
        for thing in wanted.arrange(picture.values()):
            yield picture, Step("thing", thing)
        with closing(watch(wanted.kind, wanted.filter, cursor=cursor, client=client)) as steps:
            yield from _changes(steps, picture, wanted)


def _changes(steps: Iterable[Step], picture: dict[str, Any], wanted: LiveList) -> Iterator[tuple[dict[str, Any], Step]]:
    """Until the server does not know any more what changed."""
    for step in steps:
        if step.kind == "begin":
            return
        if step.kind == "thing":
            picture[step.thing.id] = step.thing
            kept = {thing.id: thing for thing in wanted.arrange(picture.values())}
            picture.clear()
            picture.update(kept)
            if step.thing.id in picture:
                yield picture, step
        elif step.kind == "gone" and picture.pop(step.id, None) is not None:
            yield picture, step
            # Another one may have moved up.
            for thing in wanted.fetch():
                if picture.get(thing.id) is None:
                    picture[thing.id] = thing
                    yield picture, Step("thing", thing)
