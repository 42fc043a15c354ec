"""Which lines of a run's logs are wanted."""

from dataclasses import dataclass
from typing import Annotated

import typer

HeadFlag = Annotated[bool, typer.Option("--head", "-h", help="Only the first ones.")]
TailFlag = Annotated[bool, typer.Option("--tail", "-t", help="Only the last ones.")]
NumberOption = Annotated[
    int | None,
    typer.Option(
        "--num-logs", "-n", min=1, help="How many, with --head or --tail 20 if not said; alone as with --head."
    ),
]
ReverseFlag = Annotated[bool, typer.Option("--reverse", "-r", help="The newest first.")]

_FEW = 20
#: That a watch begins with.
_MOST_FOLLOWED = 10_000


@dataclass(frozen=True, slots=True)
class WantedLogs:
    """What was typed. Raises typer.BadParameter for what makes no sense together."""

    head: bool = False
    tail: bool = False
    number: int | None = None
    reverse: bool = False
    follow: bool = False

    def __post_init__(self) -> None:
        if self.head and self.tail:
            raise typer.BadParameter("Give --head or --tail, not both.")
        if self.follow and (self.head or self.reverse or (self.number and not self.tail)):
            raise typer.BadParameter(
                "--follow goes on to the newest lines: it goes with --tail, and with nothing else."
            )

        if self.follow and (self.most or 0) > _MOST_FOLLOWED:
            raise typer.BadParameter(
                f"--follow begins with at most the last {_MOST_FOLLOWED:,} lines; say fewer by -n."
            )

    @property
    def most(self) -> int | None:
        """At most so many; None for all."""
        return (self.number or _FEW) if self.head or self.tail or self.number else None
