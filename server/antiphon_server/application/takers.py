"""Who takes flow runs: what it asks for, and how much room it has."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from antiphon_server.application.receivers import Receiver
from antiphon_server.application.workers import Claim
from antiphon_server.storage.reader import Record


@dataclass(frozen=True, slots=True)
class Parcel:
    """A run that was claimed for a taker."""

    run: Record
    #: The deployment as it is now and, where the run was made with another one, that version; None where it is gone.
    deployment: Record | None
    version: Record | None


class Taker(Receiver):
    """A worker that is attached. `deliver` gets what was claimed for it, in order, and returns when there is room for
    more."""

    def __init__(
        self,
        session_id: str,
        name: str,
        deliver: Callable[[Parcel], Awaitable[None]],
        *,
        work_pool_id: str | None = None,
        queue_names: Sequence[str] = (),
        deployment_ids: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        prefetch: int = 0,
    ) -> None:
        super().__init__()
        self.session_id = session_id
        #: For people.
        self.name = name
        self.deliver = deliver
        self.work_pool_id = work_pool_id
        self.queue_names = frozenset(queue_names)
        #: Where it takes from: its pool, or deployments that are in none.
        self.sources = (work_pool_id,) if work_pool_id is not None else tuple(deployment_ids)
        self.labels = dict(labels or {})
        #: Microseconds before its time at which a run may be had.
        self.prefetch = prefetch
        #: Runs that it declined, for now.
        self.declined: set[str] = set()
        #: What was claimed for it and is not delivered yet, in order, and how much of its credit each took.
        self.claims: dict[Claim, int] = {}
        self._claimed = asyncio.Event()

    def claimed(self, claims: Iterable[Claim], credit: int) -> None:
        """Something was claimed for it, each for so much of its credit: for none where it was before it came back."""
        self.claims.update(dict.fromkeys(claims, credit))
        self._claimed.set()

    async def has_claims(self) -> None:
        """Returns when something is to be delivered."""
        while not self.claims:
            self._claimed.clear()
            await self._claimed.wait()

    def serves(self, queue_name: str) -> bool:
        """Whether it takes from a queue of its pool."""
        return not self.queue_names or queue_name in self.queue_names

    def suits(self, affinity: Mapping[str, Any]) -> bool:
        """Whether it has the labels that a run requires."""
        required: Mapping[str, str] = affinity.get("required", {})
        return required.items() <= self.labels.items()

    def liking(self, affinity: Mapping[str, Any]) -> int:
        """How many of the labels it has that a run prefers."""
        preferred: Mapping[str, str] = affinity.get("preferred", {})
        return len(preferred.items() & self.labels.items())


#: Pool, or deployment that is in none -> those who take from it.
Takers: TypeAlias = dict[str, dict[Taker, None]]


def affinity_of(text: str) -> Mapping[str, Any]:
    """What the column `worker_affinity` says."""
    found: Mapping[str, Any] = json.loads(text) if text else {}
    return found
