"""What a run remembers of its states: counts and times. The one place where a `Run` changes."""

from antiphon_server.domain.decision import Remember
from antiphon_server.domain.model import NO_DETAILS, Run, RunKind, State
from antiphon_server.domain.states import AWAITING_CONCURRENCY_SLOT, PAUSED, PENDING, RUNNING, SCHEDULED, TERMINAL

#: A run that will not start now: one that it builds on did not complete, or its flow run is paused. It is nobody's.
NOT_READY = "NotReady"


def enter(run: Run, state: State, now: int, *, session_id: str | None, flow_run_run_count: int | None = None) -> None:
    """Moves `run` into `state` and sets `state.time`.

    Times of one run's states rise strictly, by a microsecond where the clock stands still, so that history has an
    order. A session that brings a run to PENDING or RUNNING holds it until it ends.
    """
    time = now if run.state_time is None or now > run.state_time else run.state_time + 1
    state.time = time
    _leave(run, state, time)
    if state.type == RUNNING:
        if not _goes_on(run):
            run.run_count += 1
        run.resuming = False
        run.start_time = run.start_time if run.start_time is not None else time
        if flow_run_run_count is not None:
            run.flow_run_run_count = flow_run_run_count
    elif state.type in TERMINAL:
        run.resuming = False
        run.end_time = run.end_time if run.end_time is not None else time
        run.start_time = run.start_time if run.start_time is not None else run.end_time
    if state.type == PENDING and run.state_type != PENDING:
        run.fencing_token += 1
    _set_expectations(run, state, time)
    run.session_id = holder_after(run, state, session_id)
    run.state_id, run.state_type, run.state_name = state.id, state.type, state.name
    run.state_time, run.state_scheduled_time = time, state.scheduled_time
    run.state_has_data = state.data is not None
    run.details = state.details if state.details is not None else NO_DETAILS
    run.queue_time = run.next_scheduled_start_time if _waits_for_worker(run) else None
    run.update_time = time
    run.version += 1


def remember(run: Run, memory: Remember) -> None:
    """What a rule wants kept beyond the state; call it after `enter`."""
    run.resuming, run.retry_type, run.pause_keys = memory.resuming, memory.retry_type, memory.pause_keys


def told_to_resume(run: Run, now: int) -> None:
    """The holder of a paused run was told to go on: the pause does not expire any more."""
    run.resuming, run.deadline_time = True, None
    run.update_time = now
    run.version += 1


def _goes_on(run: Run) -> bool:
    """Whether RUNNING goes on with an attempt that was paused."""
    return (run.resuming and run.state_type not in TERMINAL) or (
        run.kind is RunKind.FLOW_RUN and run.state_type == PAUSED
    )


def holder_after(run: Run, state: State, session_id: str | None) -> str | None:
    """The session that holds `run` once `session_id` has brought it to `state`."""
    if state.type in TERMINAL or state.name == NOT_READY:
        return None
    if state.type == PAUSED and state.details is not None and state.details.pause_reschedule:
        return None  # Its process ends, and another one goes on with it.
    if waits_for_worker(state):
        return None  # Whoever made it, or failed with it, is not who runs it next.
    claimed = run.state_type == PENDING and run.deployment_id is not None
    if claimed and state.type == SCHEDULED and session_id != run.session_id:
        return None  # Somebody else gives the claim back.
    return session_id if session_id is not None and state.type in (PENDING, RUNNING) else run.session_id


def waits_for_worker(state: State) -> bool:
    """Whether a task run in this state is any worker's to take."""
    return state.type == SCHEDULED and state.details is not None and state.details.deferred


def _waits_for_worker(run: Run) -> bool:
    """Whether a run, in the state that it has, is any worker's to take."""
    if run.kind is RunKind.TASK_RUN:
        return run.details.deferred
    # What a session holds tries again there, and who is called in turn is to be found then.
    free = run.state_type == SCHEDULED and run.session_id is None and run.state_name != AWAITING_CONCURRENCY_SLOT
    return free and run.deployment_id is not None


def _leave(run: Run, state: State, time: int) -> None:
    if run.state_type == RUNNING and run.state_time is not None:
        run.total_run_time += time - run.state_time
    elif run.state_type in TERMINAL and state.type not in TERMINAL:
        run.end_time = None


def _set_expectations(run: Run, state: State, time: int) -> None:
    run.next_scheduled_start_time = None
    if state.type == SCHEDULED:
        run.next_scheduled_start_time = state.scheduled_time if state.scheduled_time is not None else time
    if run.expected_start_time is None:
        run.expected_start_time = run.next_scheduled_start_time or time
