"""Slots that a program takes by name: what it asked for, and whether that can ever be served."""

from dataclasses import dataclass

from antiphon_server.domain.errors import AntiphonError, FailedPrecondition, InvalidArgument, NotFound
from antiphon_server.domain.limit_names import owner_of


@dataclass(slots=True)
class Lease:
    """The fields are columns of `slot_leases`; times and spans in microseconds."""

    id: str
    names: tuple[str, ...]
    slots: int
    priority: int
    #: Whether every name must have a limit.
    strict: bool
    #: For people.
    holder: str
    #: The session that it ends with.
    session_id: str | None
    request_id: str | None
    #: Of the request.
    digest: bytes
    #: How long it lasts, given or renewed.
    duration: int
    #: None while it is waited for.
    expire_time: int | None = None
    create_time: int = 0
    #: The server at which it is waited for.
    server_id: str | None = None
    #: Set where another storage of leases keeps the time, which renews it without a word to the database: until when it
    #: is given whatever that says. `expire_time` is then when it ends at the latest, and is never put back.
    sure_time: int | None = None

    @property
    def given_until(self) -> int | None:
        """Until when it is given for all that is known here; None while it is waited for."""
        return self.expire_time if self.sure_time is None else self.sure_time


def check_names(lease: Lease) -> None:
    """Raises InvalidArgument (LIMIT_NAME_RESERVED) for a limit whose slots only runs take."""
    for name in lease.names:
        owner = owner_of(name)
        if owner is not None:
            raise InvalidArgument(
                "LIMIT_NAME_RESERVED",
                f"{name!r} is the limit of {owner}, whose slots only runs take; name a limit of your own",
                field="names",
            )


def no_such_limit(name: str) -> NotFound:
    return NotFound(
        "CONCURRENCY_LIMIT_NOT_FOUND",
        f"there is no concurrency limit {name!r}, and strict asks for one; create it, or leave strict out to pass",
        metadata={"name": name},
    )


def no_decay(name: str) -> FailedPrecondition:
    return FailedPrecondition(
        "LIMIT_DOES_NOT_DECAY",
        f"the slots of {name} come free by being released only, and nobody would release these; set its "
        "slot_decay_per_second",
    )


def never_served(lease: Lease, name: str, slots: int, *, waited: bool) -> AntiphonError | None:
    """Why a limit of so many slots will never serve a lease, if it is so; `waited` where it once would have."""
    if slots == 0:
        return FailedPrecondition("LIMIT_IS_ZERO", f"{name} has a limit of 0, so nobody may pass; raise it")
    if lease.slots <= slots:
        return None
    text = f"{lease.slots} slots are more than {name} has ({slots}), so they are never free; ask for fewer, or raise it"
    if waited:
        return FailedPrecondition("SLOTS_EXCEED_LIMIT", text)
    return InvalidArgument("SLOTS_EXCEED_LIMIT", text, field="slots")


def lease_not_found(id: str) -> NotFound:
    return NotFound(
        "LEASE_NOT_FOUND",
        f"there is no lease {id}: it was released, its time passed or its session ended. Somebody else may have its "
        "slots; stop, and acquire them anew",
    )
