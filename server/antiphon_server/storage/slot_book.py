"""Concurrency limits and their slots in one batch: loaded in bulk, changed in memory, written back in bulk.

Slots of a limit that decays are a leaky bucket: they come free one after the other at a steady pace, each behind those
that were taken before it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from antiphon_server.domain.model import LAST_TIME
from antiphon_server.storage.statements import Insert, Lookup, Update, Write, rows_of
from antiphon_server.storage.tables import concurrency_limits, slots

#: How much of a limit's average occupancy the newest slot makes.
NEWEST_WEIGHT = 0.2


@dataclass(slots=True)
class LimitRow:
    """A row of `concurrency_limits` and the slots in use. The fields up to `average_occupancy` are columns."""

    id: str
    name: str
    slots: int
    active: bool
    slot_decay_per_second: float
    average_occupancy: int
    taken: int = 0
    #: When the first of its slots is free by time alone, and when the last of those is that decay.
    next_free_time: int | None = None
    last_free_time: int | None = None

    @property
    def room(self) -> int:
        """Slots that are free."""
        return max(self.slots - self.taken, 0)


@dataclass(slots=True)
class Slot:
    """Some slots of a limit, in one hand; the fields are the columns of `slots`."""

    limit_id: str
    holder_id: str
    count: int
    acquire_time: int
    expire_time: int | None
    #: Set where they decay: the first is free at `expire_time`, and then one each so many microseconds.
    decay_interval: int | None = None


_COLUMNS = ("id", "name", "slots", "active", "slot_decay_per_second", "average_occupancy")
_LIMITS_BY_NAME = rows_of(concurrency_limits, _COLUMNS, key="name")
_LIMITS_BY_ID = rows_of(concurrency_limits, _COLUMNS)
_SLOTS_OF_HOLDERS = rows_of(slots, Slot.__slots__, key="holder_id")
_expiry = slots.c.expire_time
# A literal, since keys are the only parameters of a lookup.
_last_decay = func.max(_expiry + (slots.c.count - literal_column("1")) * slots.c.decay_interval)
_SUMS = Lookup(
    select(slots.c.limit_id, func.sum(slots.c.count), func.min(_expiry), _last_decay).group_by(slots.c.limit_id),
    slots.c.limit_id,
)
_TAKE = Insert(slots, Slot.__slots__)
_slot_row = attrgetter(*_TAKE.columns)
_GIVE_BACK = Write(
    slots.delete().where(slots.c.limit_id == bindparam("limit"), slots.c.holder_id == bindparam("holder")),
    ("limit", "holder"),
)
_CHANGE = Write(
    slots.update()
    .where(slots.c.limit_id == bindparam("limit"), slots.c.holder_id == bindparam("holder"))
    .values(count=bindparam("left"), expire_time=bindparam("until")),
    ("left", "until", "limit", "holder"),
)
_LEARN = Update(concurrency_limits, ("average_occupancy",))


class SlotBook:
    """Who holds what, as this transaction sees it. `freed` names the limits of which a slot came free."""

    def __init__(self, connection: Connection, cursor: Any, now: int) -> None:
        self._connection = connection
        self._dialect = connection.dialect
        self._cursor = cursor
        self._now = now
        self._by_name: dict[str, LimitRow | None] = {}
        self._by_id: dict[str, LimitRow | None] = {}
        self._held: dict[str, dict[str, Slot]] = {}
        self._taken: dict[tuple[str, str], Slot] = {}
        self._given_back: list[tuple[str, str]] = []
        self._changed: dict[tuple[str, str], Slot] = {}
        self._learned: set[str] = set()
        self.freed: dict[str, None] = {}
        #: The soonest expiry of what was taken or leased here.
        self.soonest: int | None = None

    # Reading

    def load(self, names: Iterable[str], holders: Iterable[str]) -> None:
        """Brings in limits by name, and what these holders hold."""
        wanted = [name for name in names if name not in self._by_name]
        if wanted:
            self._by_name.update(dict.fromkeys(wanted))
            self._remember(_LIMITS_BY_NAME.rows(self._cursor, self._dialect, wanted))
        unknown = [holder for holder in holders if holder not in self._held]
        if unknown:
            self._held.update({holder: {} for holder in unknown})
            rows = [Slot(*row) for row in _SLOTS_OF_HOLDERS.rows(self._cursor, self._dialect, unknown)]
            for slot in rows:
                self._held[slot.holder_id][slot.limit_id] = slot
            self.load_ids({slot.limit_id for slot in rows})

    def load_ids(self, ids: Collection[str]) -> None:
        wanted = [id for id in ids if id not in self._by_id]
        if wanted:
            self._by_id.update(dict.fromkeys(wanted))
            self._remember(_LIMITS_BY_ID.rows(self._cursor, self._dialect, wanted))

    def _remember(self, rows: Iterable[Sequence[Any]]) -> None:
        found = [LimitRow(*row) for row in rows]
        for limit in found:
            known = self._by_id.get(limit.id)
            self._by_name[limit.name] = self._by_id[limit.id] = known or limit
        new = [limit.id for limit in found if self._by_id[limit.id] is limit]
        for id, taken, soonest, last in _SUMS.rows(self._cursor, self._dialect, new) if new else ():
            limit_ = self._by_id[id]
            assert limit_ is not None
            limit_.taken, limit_.next_free_time, limit_.last_free_time = taken, soonest, last

    def named(self, name: str) -> LimitRow | None:
        self.load((name,), ())
        return self._by_name[name]

    def limit(self, id: str) -> LimitRow | None:
        self.load_ids((id,))
        return self._by_id[id]

    def held_by(self, holder_id: str) -> Collection[str]:
        """The ids of the limits of which it holds slots."""
        self.load((), (holder_id,))
        return self._held[holder_id].keys()

    def holds_nothing(self, holder_id: str) -> None:
        """Spares the look for slots of a holder of whom it is known that there are none."""
        self._held.setdefault(holder_id, {})

    def forget(self) -> None:
        """Reads everything anew from now on; call it after `flush` where limits or slots were changed by statements of
        their own."""
        self._by_name.clear()
        self._by_id.clear()
        self._held.clear()

    # Writing

    def take(self, holder_id: str, limit_ids: Iterable[str], *, count: int = 1, expire_time: int | None = None) -> None:
        """Gives slots to a holder; it must have been seen that they are free. Those of a limit that decays are free
        again one after the other, and not at `expire_time`."""
        self.load((), (holder_id,))
        for limit_id in limit_ids:
            slot = Slot(limit_id, holder_id, count, self._now, expire_time)
            limit = self.limit(limit_id)
            if limit is not None:
                limit.taken += count
                if limit.slot_decay_per_second > 0:
                    _let_decay(limit, slot)
            self._held[holder_id][limit_id] = self._taken[limit_id, holder_id] = slot
            self.expects(slot.expire_time)

    def lease(self, holder_id: str, expire_time: int | None) -> None:
        """Sets when the slots of a holder are free again by themselves; None leaves it to the holder. Those that decay
        do that as before."""
        self.load((), (holder_id,))
        for slot in self._held[holder_id].values():
            if slot.expire_time == expire_time or slot.decay_interval is not None:
                continue
            slot.expire_time = expire_time
            self._change(slot)

    def give_back(self, holder_id: str, *, decaying: bool = True) -> None:
        """Frees all slots of a holder; without `decaying` those that decay stay taken for their time."""
        self.load((), (holder_id,))
        for slot in list(self._held[holder_id].values()):
            if decaying or slot.decay_interval is None:
                self._free(slot)

    def reclaim(self) -> list[str]:
        """Frees what has expired; gives the holders."""
        self.flush()
        due = select(slots.c.holder_id).where(_expiry.is_not(None), _expiry <= self._now).distinct()
        holders = sorted(self._connection.execute(due).scalars())
        self.load((), holders)
        for holder in holders:
            for slot in list(self._held[holder].values()):
                if slot.expire_time is not None and slot.expire_time <= self._now:
                    self._expire(slot, slot.expire_time)
        return holders

    def _expire(self, slot: Slot, since: int) -> None:
        """Frees a slot whose time was over at `since`; of several that decay, those whose time is over by now."""
        gone = slot.count if slot.decay_interval is None else 1 + (self._now - since) // slot.decay_interval
        if gone >= slot.count or slot.decay_interval is None:
            self._free(slot)
            return
        slot.count -= gone
        slot.expire_time = since + gone * slot.decay_interval
        self._change(slot)
        self.freed[slot.limit_id] = None
        limit = self.limit(slot.limit_id)
        if limit is not None:
            limit.taken -= gone

    def _free(self, slot: Slot) -> None:
        key = (slot.limit_id, slot.holder_id)
        if self._taken.pop(key, None) is None:
            self._given_back.append(key)
        self._changed.pop(key, None)
        del self._held[slot.holder_id][slot.limit_id]
        self.freed[slot.limit_id] = None
        limit = self.limit(slot.limit_id)
        if limit is not None:
            limit.taken -= slot.count
            spent = self._now - slot.acquire_time
            limit.average_occupancy += round((spent - limit.average_occupancy) * NEWEST_WEIGHT)
            self._learned.add(limit.id)

    def _change(self, slot: Slot) -> None:
        """Notes that its count or its time was changed."""
        key = (slot.limit_id, slot.holder_id)
        if key not in self._taken:
            self._changed[key] = slot
        self.expects(slot.expire_time)

    def expects(self, expire_time: int | None) -> None:
        """Notes when something taken here is free again by itself."""
        if expire_time is not None:
            self.soonest = expire_time if self.soonest is None else min(self.soonest, expire_time)

    def flush(self) -> None:
        """Writes all that is pending."""
        self._write(_GIVE_BACK, self._given_back)
        self._given_back.clear()
        self._write(_TAKE, [_slot_row(each) for each in self._taken.values()])
        self._taken.clear()
        self._write(_CHANGE, [(slot.count, slot.expire_time, *key) for key, slot in self._changed.items()])
        self._changed.clear()
        known = [self._by_id[id] for id in self._learned]
        self._write(_LEARN, [(limit.average_occupancy, limit.id) for limit in known if limit is not None])
        self._learned.clear()

    def _write(self, write: Write, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            write.run(self._cursor, self._dialect, rows)


def _let_decay(limit: LimitRow, slot: Slot) -> None:
    """Puts slots that are taken now behind those of their limit that decay already."""
    start = min(max(limit.last_free_time or 0, slot.acquire_time), LAST_TIME - slot.count)
    # Rounded up, so that a rate is never exceeded; what would take for ever ends with the last time that there is.
    interval = ceil(min(1e6 / limit.slot_decay_per_second, LAST_TIME))
    slot.decay_interval = min(interval, (LAST_TIME - start) // slot.count)
    slot.expire_time = start + slot.decay_interval
    limit.last_free_time = start + slot.count * slot.decay_interval
    limit.next_free_time = min(limit.next_free_time or slot.expire_time, slot.expire_time)
