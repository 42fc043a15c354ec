"""What a rule may look at besides the proposal: the run, and what stands around it.

A rule declares the facts that it needs; the application loads those of a whole batch in a few statements.
"""

from dataclasses import dataclass
from enum import Enum

from antiphon_server.domain.model import Run, State
from antiphon_server.domain.schedules.kinds import Overlap


class Fact(Enum):
    """A kind of fact that costs a look into the database. The run itself is always there."""

    #: `Facts.flow_run`
    FLOW_RUN = "the flow run around a task run"
    #: `Facts.deployment` and `Facts.queue`
    DEPLOYMENT = "the deployment and the work queue of a flow run"
    #: `Facts.limits`
    LIMITS = "the concurrency limits that the run is subject to"
    #: `Facts.cached`
    CACHE = "a result kept under the proposed cache key"


class CollisionStrategy(Enum):
    """What becomes of a run whose deployment has no slot free; the numbers are those of
    `antiphon.v1.CollisionStrategy`."""

    ENQUEUE = 1
    CANCEL_NEW = 2


@dataclass(slots=True)
class Limit:
    """A concurrency limit as it stands. Spans in microseconds."""

    id: str
    name: str
    slots: int
    #: Whether it limits at all now.
    active: bool = True
    #: Slots in use, by whomever.
    taken: int = 0
    #: Whether this run has its slot.
    held: bool = False
    #: How long a slot is held on average, for a guess at the wait.
    average_occupancy: int = 2_000_000
    #: When the next slot is freed by time alone; None where only its holder can.
    next_free_time: int | None = None
    #: As people call what it bounds.
    title: str = ""

    def __post_init__(self) -> None:
        self.title = self.title or self.name

    @property
    def free(self) -> int:
        return max(self.slots - self.taken, 0)


@dataclass(slots=True)
class Deployment:
    """What the policy asks of a deployment."""

    id: str
    name: str
    paused: bool = False
    collision_strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    #: Microseconds that a claimed run has to come to RUNNING.
    grace_period: int | None = None


@dataclass(slots=True)
class Queue:
    """A work queue and its pool, as far as they can be closed; their limits are among `Facts.limits`."""

    name: str
    pool_name: str
    paused: bool = False
    pool_paused: bool = False


@dataclass(slots=True)
class Cached:
    """A result under a cache key that is still good."""

    state: State
    expire_time: int | None


@dataclass(slots=True)
class Facts:
    """What a rule may look at."""

    run: Run
    #: The flow run around a task run, for rules that need it.
    flow_run: Run | None = None
    #: Whether the proposal was told to WAIT before.
    waited: bool = False
    #: None also where the run names one that is gone.
    deployment: Deployment | None = None
    queue: Queue | None = None
    #: What becomes of runs of the run's schedule that would overlap; None also where that is gone.
    overlap: Overlap | None = None
    #: By name; those of deployment, schedule, queue and pool, or of the tags.
    limits: tuple[Limit, ...] = ()
    cached: Cached | None = None
