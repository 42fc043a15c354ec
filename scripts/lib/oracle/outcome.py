"""What became of a proposal, in the words of the files: both what was observed and what ours does are brought to it."""

from dataclasses import dataclass, field
from typing import Any

from oracle.cases import Json

#: Columns of the run that are times.
COLUMNS = ("start_time", "end_time", "expected_start_time", "next_scheduled_start_time")


@dataclass(slots=True)
class Seen:
    """The state that holds afterwards. Times in seconds from the moment of the proposal."""

    type: str
    name: str
    #: proposed, current or replacement
    origin: str
    scheduled_offset: float | None = None
    details: Json = field(default_factory=dict)
    data: bool = False


@dataclass(slots=True)
class Outcome:
    """`status` is ACCEPT, REJECT, WAIT or ABORT, or ERROR and the reason of one."""

    status: str
    state: Seen | None
    run_count: int
    #: Columns of the run that both sides know.
    run: Json
    delay: float | None = None
    #: Which of our rules had the last word, if any had.
    rule: str = ""
    #: deployment: slots in use; tags: {tag: slots in use}. None where this player does not know.
    slots: Json | None = None
    #: type, name and run_count of the task run that stands for a subflow.
    parent: Json | None = None
    cache_written: bool | None = None


Mismatches = dict[str, tuple[Any, Any]]
