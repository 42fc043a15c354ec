"""Rules about concurrency limits."""

from antiphon_server.domain.decision import Queued, TakeSlots
from antiphon_server.domain.facts import CollisionStrategy, Deployment
from antiphon_server.domain.model import StateDetails
from antiphon_server.domain.slots import LONGEST_GUESS, SLOT_WAIT
from antiphon_server.domain.states import CANCELLED, PAUSED, PENDING, RUNNING, SCHEDULED
from policy_rows.row import NOTHING, NOW, Check, Row, becomes, effects, limit, rows

FLOWS, TASKS = "flow late", "task deferred"
UNARY = {"session_id": None}
FREE, OTHER = limit("a", 2, 1), limit("b", 3, 1)
FULL, SHUT, OWN = limit("full", 1, 1), limit("shut", 0), limit("deployment:d", 1, 1)
OFF, MINE = limit("off", 1, 1, active=False), limit("mine", 1, 1, held=True)


def _waits_for(*ids: str) -> Check:
    """Told to wait for slots of all its limits, with a guess that is neither now nor far."""
    return lambda it: (
        it.wait_for == ids and it.wait_until is not None and 0 < it.wait_until - NOW <= 1.3 * LONGEST_GUESS
    )


def _queued(*ids: str) -> Check:
    details = StateDetails(scheduled_time=NOW + SLOT_WAIT)
    state = becomes(type=SCHEDULED, name="AwaitingConcurrencySlot", details=details)
    return lambda it: state(it) and it.effects == (Queued(ids),)


def _take_slot() -> list[Row]:
    rule = "TakeSlot"
    both, full = (FREE, OTHER), (FREE, FULL)
    cancels = Deployment("d", "nightly", collision_strategy=CollisionStrategy.CANCEL_NEW)
    taken = effects(TakeSlots(("id of a", "id of b")))
    waits, queued = _waits_for("id of a", "id of full"), _queued("id of a", "id of full")
    free = {"run": UNARY, "said": UNARY}
    found = [
        row
        for target in (PENDING, RUNNING)
        for row in [
            *rows(FLOWS, rule, "rewrite", SCHEDULED, target, limits=both, check=taken),
            *rows(FLOWS, rule, "wait", SCHEDULED, target, limits=full, check=waits),
            *rows(FLOWS, rule, "reject", SCHEDULED, target, limits=full, check=queued, **free),
            *rows(FLOWS, rule, "abort", SCHEDULED, target, limits=(FULL, SHUT), check=lambda it: "shut" in it.reason),
            *rows(FLOWS, rule, NOTHING, SCHEDULED, target, limits=(OFF, MINE)),
            *rows(FLOWS, rule, NOTHING, SCHEDULED, target),
            *rows(FLOWS, rule, NOTHING, target, target, limits=full, said={"name": "Finer"}),
        ]
    ]
    return [
        *found,
        *rows(FLOWS, rule, "reject", None, PENDING, limits=(OWN,), deployment=cancels, check=_cancelled, **free),
        # Others fill its work pool: that is no collision.
        *rows(FLOWS, rule, "reject", None, PENDING, limits=full, deployment=cancels, check=queued, **free),
        # Who waits at the end of a line is not cancelled for it.
        *rows(FLOWS, rule, "wait", SCHEDULED, RUNNING, limits=(OWN,), deployment=cancels, check=_waits_for(OWN.id)),
        *rows(FLOWS, rule, "wait", PAUSED, RUNNING, limits=full, check=waits, **free),
        *rows(FLOWS, rule, "rewrite", PENDING, RUNNING, limits=(MINE, FREE), check=effects(TakeSlots(("id of a",)))),
        *rows(FLOWS, rule, NOTHING, RUNNING, RUNNING, limits=full, said={"name": "Finer"}),
    ]


def _cancelled(it: object) -> bool:
    state = getattr(it, "state", None)
    return state is not None and state.type == CANCELLED and "all 1 slots of deployment:d are taken" in state.message


def _take_tag_slots() -> list[Row]:
    rule, taken = "TakeTagSlots", effects(TakeSlots(("id of a", "id of b")))
    return [
        *rows(TASKS, rule, "rewrite", PENDING, RUNNING, limits=(FREE, OTHER), check=taken),
        *rows(
            TASKS, rule, "rewrite", PENDING, RUNNING, limits=(MINE, FREE, OFF), check=effects(TakeSlots(("id of a",)))
        ),
        *rows(TASKS, rule, "wait", PENDING, RUNNING, limits=(FREE, FULL), check=_waits_for("id of a", "id of full")),
        *rows(TASKS, rule, "wait", PENDING, RUNNING, limits=(FULL,), said=UNARY, run=UNARY),
        *rows(TASKS, rule, "abort", PENDING, RUNNING, limits=(FULL, SHUT), check=lambda it: "shut" in it.reason),
        *rows(TASKS, rule, NOTHING, PENDING, RUNNING, limits=(OFF, MINE)),
        *rows(TASKS, rule, NOTHING, PENDING, RUNNING),
    ]


ROWS = [*_take_slot(), *_take_tag_slots()]
