"""Mutations that may be sent again: a request_id remembers its answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from antiphon_server.application.forgetting import forget
from antiphon_server.domain.errors import AlreadyExists
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import Operation

#: Microseconds for which an answer is remembered; the contract promises them.
MEMORY = 24 * 3600 * 1_000_000


@dataclass(slots=True)
class Recall:
    """The serialized answer that a request has had; None where it is a new one."""

    request_id: str
    method: str
    #: Of the request. What is remembered is the first; each of them tells that it is the same request.
    digests: Callable[[], Sequence[bytes]]

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bytes | None:
        if not self.request_id:
            return None
        requests = tables.requests
        working_set.flush()
        row = working_set.connection.execute(requests.select().where(requests.c.id == self.request_id)).one_or_none()
        if row is None:
            return None
        if row.method != self.method or row.digest not in self.digests():
            raise AlreadyExists(
                "REQUEST_ID_REUSED",
                f"request_id {self.request_id} was used before for another request; make a new one",
                field="request_id",
            )
        response: bytes = row.response
        return response


@dataclass(slots=True)
class Remembered(Recall):
    """Does `operation` once for a request id and gives the serialized answer, now and for as long as it is remembered.

    `answer` turns the result into bytes, inside the transaction and after its writes.
    """

    operation: Operation
    answer: Callable[[WorkingSet, Any], bytes]

    def needs(self, needs: Needs) -> None:
        self.operation.needs(needs)

    def apply(self, working_set: WorkingSet) -> bytes:
        known = Recall.apply(self, working_set)
        if known is not None:
            return known
        result = self.operation.apply(working_set)
        working_set.flush()
        response = self.answer(working_set, result)
        if self.request_id:
            working_set.connection.execute(
                tables.requests.insert(),
                {
                    "id": self.request_id,
                    "method": self.method,
                    "digest": self.digests()[0],
                    "response": response,
                    "create_time": working_set.now,
                },
            )
        return response


@dataclass(slots=True)
class ForgetRequests:
    """Forgets answers whose time is over, the oldest first. The answer says whether there may be more of them."""

    def needs(self, needs: Needs) -> None: ...

    def apply(self, working_set: WorkingSet) -> bool:
        requests = tables.requests
        old = select(requests.c.id).where(requests.c.create_time < working_set.now - MEMORY)
        return forget(working_set, requests, old.order_by(requests.c.create_time))
