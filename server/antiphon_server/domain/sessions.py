"""A client process as the server knows it, and who may speak for it."""

from dataclasses import dataclass
from enum import IntEnum

from antiphon_server.domain.errors import Aborted, FailedPrecondition


class SessionStatus(IntEnum):
    """Whether a session may speak; the numbers are those of `antiphon.v1.SessionStatus`."""

    ACTIVE = 1
    CLOSED = 2
    LOST = 3


@dataclass(slots=True)
class Session:
    """The fields are columns of its table. `sequence` is the last durable frame that is committed."""

    id: str
    client: str
    epoch: int
    status: SessionStatus
    sequence: int
    create_time: int
    expire_time: int
    #: The server that it attached to last.
    server_id: str | None = None


def check_alive(session: Session) -> None:
    """Raises FailedPrecondition (SESSION_EXPIRED) where the session has ended."""
    if session.status == SessionStatus.ACTIVE:
        return
    why = "said goodbye" if session.status == SessionStatus.CLOSED else "was not heard of for longer than its TTL"
    raise FailedPrecondition("SESSION_EXPIRED", f"session {session.id} {why}; open a new one")


def check_epoch(session: Session, epoch: int) -> None:
    """Raises Aborted (SESSION_SUPERSEDED) where a newer attach has taken over."""
    if epoch != session.epoch:
        raise Aborted(
            "SESSION_SUPERSEDED",
            f"epoch {epoch} of session {session.id} is over, it attached again since (epoch {session.epoch}); "
            "this stream must not be used any more",
        )
