"""Concurrency limits as tables for people. Takes messages, gives Rich renderables; fetches nothing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from antiphon.cli.facts import facts_table
from antiphon.cli.limit_lookup import LimitInUse
from antiphon.cli.run_tables import cut, make_table
from antiphon.cli.run_words import ago_words, moment_words, span_words
from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit, Slot, SlotWaiter


def limits_table(
    limits: Iterable[ConcurrencyLimit],
    header: str,
    name: Callable[[ConcurrencyLimit], str],
    now: datetime,
    *,
    show_ids: bool,
) -> Table:
    """Limits, a line each; `name` says what stands under `header`."""
    headers = (header, "Limit", "In use", "Active", "Decay", "Created")
    table = make_table(*headers, *(["ID"] if show_ids else []), shrinking=(header,))
    for limit in limits:
        table.add_row(
            cut(name(limit)),
            str(limit.limit),
            str(limit.active_slots),
            "yes" if limit.active else "no",
            decay_words(limit),
            ago_words(limit.create_time, now),
            *([limit.id] if show_ids else []),
        )
    return table


def decay_words(limit: ConcurrencyLimit) -> str:
    """`0.5/s`; empty where slots do not decay."""
    return f"{limit.slot_decay_per_second:g}/s" if limit.slot_decay_per_second else ""


def limit_page(found: LimitInUse, now: datetime) -> RenderableType:
    """All about one limit: its facts, who holds its slots, who waits for them."""
    limit = found.limit
    occupancy = limit.average_occupancy
    rows = [
        ("Limit", limit.name),
        ("ID", limit.id),
        ("Slots", f"{limit.active_slots} of {limit.limit} in use"),
        ("Active", "yes" if limit.active else "no: it limits nobody"),
        ("Slot decay", decay_words(limit)),
        ("Held for", f"{span_words(occupancy.seconds + occupancy.nanos / 1e9)} on average"),
        ("Created", moment_words(limit.create_time)),
    ]
    facts = facts_table(rows)
    parts: list[RenderableType] = [facts]
    if found.slots:
        parts += ["", Text("Slots in use", style="bold"), _slots(found.slots, now)]
    if found.waiters:
        parts += ["", Text("Waiting, the next one first", style="bold"), _waiters(found.waiters, now)]
    return Group(*parts)


def _slots(slots: Sequence[Slot], now: datetime) -> Table:
    table = make_table("Holder", "Slots", "Since", "Until")
    for slot in slots:
        until = moment_words(slot.expire_time) if slot.HasField("expire_time") else ""
        table.add_row(slot.holder_id, str(slot.slots), ago_words(slot.acquire_time, now), until)
    return table


def _waiters(waiters: Sequence[SlotWaiter], now: datetime) -> Table:
    table = make_table("Run or lease", "Kind", "Priority", "Since")
    for waiter in waiters:
        field = waiter.WhichOneof("run") or "flow_run_id"
        kind = field.removesuffix("_id").replace("_", " ")
        table.add_row(getattr(waiter, field), kind, str(waiter.priority), ago_words(waiter.create_time, now))
    return table
