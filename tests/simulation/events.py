"""What can happen in a simulated life: plain facts that can be printed, left out, and played again.

Ids are short names (`f3` a flow run, `k7` a task run, `p12` a proposal, `s2` a session), times are seconds after START.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import StateType

FLOW_RUN, TASK_RUN = RunKind.FLOW_RUN, RunKind.TASK_RUN


def _facts(value: Any, *names: str) -> str:
    """Those fields that say something."""
    said = [(name, getattr(value, name)) for name in names]
    found = [name if each is True else f"{name}={each}" for name, each in said if each not in (None, False, "", 0, ())]
    return f" ({', '.join(found)})" if found else ""


@dataclass(frozen=True, slots=True)
class New:
    """A run that is created."""

    id: str
    kind: RunKind
    #: Task runs: the flow run around it.
    flow_run: str | None = None
    #: Flow runs: the task run that stands for it.
    parent: str | None = None
    deployment: str | None = None
    tags: tuple[str, ...] = ()
    retries: int = 0
    #: Seconds.
    delay: float = 0.0
    priority: int = 0
    process: str = ""

    def names(self) -> set[str]:
        return {name for name in (self.id, self.flow_run, self.parent) if name is not None}

    def __str__(self) -> str:
        facts = ("flow_run", "parent", "deployment", "tags", "retries", "delay", "priority", "process")
        return f"new {self.kind.noun} {self.id}{_facts(self, *facts)}"


@dataclass(frozen=True, slots=True)
class Move:
    """A proposal. The id is that of its transition."""

    id: str
    kind: RunKind
    run: str
    type: StateType
    due: float | None = None
    token: int = 0
    force: bool = False
    claim: bool = False
    data: bool = False
    expected: str = ""
    deferred: bool = False
    pause_key: str = ""
    pause_until: float | None = None
    suspend: bool = False
    cache_key: str = ""
    final: bool = False

    def names(self) -> set[str]:
        return {self.run}

    def __str__(self) -> str:
        facts = ("due", "token", "force", "claim", "data", "expected", "deferred", "pause_key", "pause_until")
        said = _facts(self, *facts, "suspend", "cache_key", "final")
        return f"{self.run} -> {self.type.name} by {self.id}{said}"


Said: TypeAlias = New | Move


@dataclass(frozen=True, slots=True)
class Event:
    """`joined` events share the transaction of the one before."""

    joined: bool = False

    def names(self) -> set[str]:
        """Whom it is about; empty where it is about all."""
        return set()


@dataclass(frozen=True, slots=True)
class Clock(Event):
    """The clock jumps, perhaps backwards."""

    seconds: float = 0.0

    def __str__(self) -> str:
        return f"the clock jumps by {self.seconds:+g} s"


@dataclass(frozen=True, slots=True)
class Open(Event):
    session: str = ""

    def names(self) -> set[str]:
        return {self.session}

    def __str__(self) -> str:
        return f"{self.session} opens"


@dataclass(frozen=True, slots=True)
class Say(Event):
    """One message of a session. `lost`: the stream is cut behind it, and the client hears no answer."""

    session: str = ""
    said: tuple[Said, ...] = ()
    lost: bool = False
    goodbye: bool = False

    def names(self) -> set[str]:
        return {self.session}.union(*(each.names() for each in self.said))

    def __str__(self) -> str:
        words = "; ".join(map(str, self.said)) or "nothing"
        return f"{self.session} says {words}{', and goodbye' * self.goodbye}{' [cut, answers lost]' * self.lost}"


@dataclass(frozen=True, slots=True)
class Resume(Event):
    """A session attaches again and says again what has no final answer."""

    session: str = ""

    def names(self) -> set[str]:
        return {self.session}

    def __str__(self) -> str:
        return f"{self.session} attaches again and repeats what was not answered"


@dataclass(frozen=True, slots=True)
class Zombie(Event):
    """A stream of an epoch that is over speaks."""

    session: str = ""
    said: tuple[Said, ...] = ()

    def names(self) -> set[str]:
        return {self.session}

    def __str__(self) -> str:
        return f"a zombie of {self.session} says {'; '.join(map(str, self.said))}"


@dataclass(frozen=True, slots=True)
class Die(Event):
    """A process is gone without a word: found by its TTL."""

    session: str = ""

    def names(self) -> set[str]:
        return {self.session}

    def __str__(self) -> str:
        return f"{self.session} dies"


@dataclass(frozen=True, slots=True)
class Beat(Event):
    """All that are attached give a sign of life."""

    def __str__(self) -> str:
        return "all sessions that are attached give a sign of life"


@dataclass(frozen=True, slots=True)
class Ask(Event):
    """A unary caller creates or proposes."""

    said: Said | None = None

    def names(self) -> set[str]:
        return self.said.names() if self.said is not None else set()

    def __str__(self) -> str:
        return f"unary: {self.said}"


@dataclass(frozen=True, slots=True)
class Cancel(Event):
    id: str = ""
    run: str = ""

    def names(self) -> set[str]:
        return {self.run}

    def __str__(self) -> str:
        return f"somebody cancels {self.run} by {self.id}"


@dataclass(frozen=True, slots=True)
class Remove(Event):
    kind: RunKind = FLOW_RUN
    run: str = ""

    def names(self) -> set[str]:
        return {self.run}

    def __str__(self) -> str:
        return f"somebody deletes {self.run}"


@dataclass(frozen=True, slots=True)
class SetLimit(Event):
    """`slots` None deletes it."""

    name: str = ""
    slots: int | None = None
    active: bool = True
    #: Frees its slots instead.
    reset: bool = False

    def __str__(self) -> str:
        if self.reset:
            return f"the limit {self.name} is reset"
        if self.slots is None:
            return f"the limit {self.name} is deleted"
        return f"the limit {self.name} is set to {self.slots}{'' if self.active else ' and switched off'}"


@dataclass(frozen=True, slots=True)
class Timers(Event):
    """Waits whose time has come are decided again."""

    def __str__(self) -> str:
        return "timers of waits ring"


@dataclass(frozen=True, slots=True)
class Sweep(Event):
    """One round of the sweeper, and of the one that frees expired slots."""

    def __str__(self) -> str:
        return "the sweeper goes round"


@dataclass(frozen=True, slots=True)
class Restart(Event):
    """The server ends and another one starts on its database. `killed`: before it committed what joins this."""

    killed: bool = False

    def __str__(self) -> str:
        return "the server is killed before the commit and starts again" if self.killed else "the server starts again"


@dataclass(frozen=True, slots=True)
class End(Event):
    """All processes die, callers end what they work on, and time goes by."""

    def __str__(self) -> str:
        return "all sessions die, unary callers end what they run, and all deadlines pass"


def lines(events: list[Event]) -> Iterator[str]:
    """One for each; those that share a transaction are bracketed."""
    for index, event in enumerate(events):
        yield f"{index + 1:4d} {'+ ' if event.joined else '  '}{event}"
