"""What the commands of work pools and of their queues have in common."""

from typing import Annotated

import typer

from antiphon.cli.limit_lookup import MOST_SLOTS

_HOW_MANY = "How many runs may be under way at once."

LimitArgument = Annotated[int, typer.Argument(metavar="LIMIT", min=0, max=MOST_SLOTS, help=_HOW_MANY)]
HoursOption = Annotated[
    float | None, typer.Option("--hours", "-h", min=0, max=24 * 366, help="Only those that start within this time.")
]
MostOption = Annotated[int, typer.Option("--limit", min=1, help="At most this many.")]
VerboseFlag = Annotated[bool, typer.Option("--verbose", "-v", help="With descriptions, and ids on any terminal.")]
PoolLimitOption = Annotated[
    int | None, typer.Option("--concurrency-limit", "-l", min=0, max=MOST_SLOTS, help=_HOW_MANY)
]
QueueLimitOption = Annotated[int | None, typer.Option("--limit", "-l", min=0, max=MOST_SLOTS, help=_HOW_MANY)]
