"""A run takes, keeps or gives back its slots as it moves; the rules said which, and this writes it down."""

from collections.abc import Iterable

from antiphon_server.domain.decision import Effect, KeepSlots, TakeSlots
from antiphon_server.domain.model import Run, RunKind
from antiphon_server.domain.slots import keeps
from antiphon_server.domain.states import SCHEDULED, Origin
from antiphon_server.storage.working_set import WorkingSet


def move_slots(working_set: WorkingSet, run: Run, before: Origin, effects: Iterable[Effect]) -> None:
    """For a run that has just entered its state and was in `before`."""
    kept_until: int | None = None
    kept = False
    for effect in effects:
        if isinstance(effect, TakeSlots):
            if not run.holds_slots:
                working_set.slots.holds_nothing(run.id)
            working_set.slots.take(run.id, effect.limit_ids)
            run.holds_slots = True
        elif isinstance(effect, KeepSlots):
            # A session that retries answers for the run with its own lease.
            kept, kept_until = True, effect.expire_time if run.session_id is None else None
    if not run.holds_slots or run.state_type is None:
        return
    if kept:
        working_set.slots.lease(run.id, kept_until)
    elif not keeps(run.kind is RunKind.FLOW_RUN, run.state_type):
        working_set.slots.give_back(run.id)
        run.holds_slots = False
    elif before == SCHEDULED:
        # It had the slot on a lease, for its turn or its retry, and has come for it.
        working_set.slots.lease(run.id, None)
