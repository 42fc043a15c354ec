"""Counts and times of runs."""

from antiphon_server.domain.bookkeeping import NOT_READY, enter, remember
from antiphon_server.domain.decision import Remember
from antiphon_server.domain.model import Run, RunKind, State, StateDetails
from antiphon_server.domain.states import DEFAULT_NAMES, StateType

SECOND = 1_000_000


def step(run: Run, type_: StateType, at: int, *, scheduled: int | None = None, session: str | None = None) -> State:
    details = StateDetails(scheduled_time=scheduled) if scheduled is not None else None
    state = State(type_, DEFAULT_NAMES[type_], details=details, id=f"state-{at}")
    enter(run, state, at, session_id=session, flow_run_run_count=7 if run.kind is RunKind.TASK_RUN else None)
    return state


def test_a_life_with_a_retry() -> None:
    run = Run(id="r")
    step(run, StateType.SCHEDULED, 1 * SECOND, scheduled=4 * SECOND)
    assert (run.expected_start_time, run.next_scheduled_start_time) == (4 * SECOND, 4 * SECOND)
    step(run, StateType.PENDING, 4 * SECOND, session="s")
    assert (run.next_scheduled_start_time, run.session_id) == (None, "s")
    step(run, StateType.RUNNING, 5 * SECOND, session="s")
    assert (run.run_count, run.start_time) == (1, 5 * SECOND)
    step(run, StateType.SCHEDULED, 8 * SECOND, scheduled=9 * SECOND, session="s")
    assert (run.total_run_time, run.next_scheduled_start_time, run.session_id) == (3 * SECOND, 9 * SECOND, "s")
    step(run, StateType.RUNNING, 9 * SECOND, session="s")
    step(run, StateType.COMPLETED, 11 * SECOND, session="s")
    assert (run.run_count, run.start_time, run.end_time) == (2, 5 * SECOND, 11 * SECOND)
    assert (run.total_run_time, run.session_id, run.version) == (5 * SECOND, None, 6)
    assert run.expected_start_time == 4 * SECOND


def test_a_claim_that_somebody_else_gives_back_has_no_holder() -> None:
    for giver, holder in ((None, None), ("other", None), ("worker", "worker")):
        run = Run(id="r", deployment_id="d")
        step(run, StateType.PENDING, SECOND, session="worker")
        step(run, StateType.SCHEDULED, 2 * SECOND, session=giver)
        assert run.session_id == holder


def test_times_of_one_run_rise_though_the_clock_stands_still_or_goes_back() -> None:
    run = Run(id="r")
    times = [step(run, StateType.RUNNING, at).time for at in (10, 10, 10, 3)]
    assert times == [10, 11, 12, 13]
    assert run.total_run_time == 3


def test_the_first_end_stays_and_is_cleared_when_left() -> None:
    run = Run(id="r")
    step(run, StateType.FAILED, 5)
    assert (run.start_time, run.end_time) == (5, 5)
    step(run, StateType.COMPLETED, 9)
    assert run.end_time == 5
    step(run, StateType.RUNNING, 12)
    assert (run.end_time, run.start_time) == (None, 5)


def test_attempts_are_counted_on_beyond_an_end() -> None:
    task, flow = Run(id="t", kind=RunKind.TASK_RUN), Run(id="f")
    for run in (task, flow):
        step(run, StateType.RUNNING, 1)
        step(run, StateType.FAILED, 2)
        step(run, StateType.RUNNING, 3)
    assert (task.run_count, task.flow_run_run_count) == (2, 7)
    assert flow.run_count == 2


def test_only_a_claim_raises_the_fencing_token() -> None:
    run = Run(id="r")
    tokens = []
    for at, type_ in enumerate((StateType.SCHEDULED, StateType.PENDING, StateType.PENDING, StateType.RUNNING)):
        step(run, type_, at)
        tokens.append(run.fencing_token)
    assert tokens == [0, 1, 1, 1], "PENDING after PENDING is a finer word for the same claim"
    step(run, StateType.SCHEDULED, 8)
    step(run, StateType.PENDING, 9)
    assert run.fencing_token == 2


def test_running_after_a_pause_is_no_new_attempt() -> None:
    run = Run(id="r")
    step(run, StateType.RUNNING, 1)
    step(run, StateType.PAUSED, 2)
    step(run, StateType.RUNNING, 3)
    assert run.run_count == 1
    step(run, StateType.PAUSED, 4)
    remember(run, Remember(True, None, ()))
    for at, type_ in enumerate((StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING), 5):
        step(run, type_, at)
    assert (run.run_count, run.resuming) == (1, False)


def test_a_suspended_run_is_nobodys_and_a_paused_one_stays_with_its_session() -> None:
    for reschedule, holder in ((True, None), (False, "s")):
        run = Run(id="r", session_id="s")
        details = StateDetails(pause_reschedule=reschedule)
        enter(run, State(StateType.PAUSED, "Paused", details=details, id="x"), 5, session_id="s")
        assert run.session_id == holder


def test_a_run_that_is_not_ready_is_nobodys() -> None:
    run = Run(id="t", kind=RunKind.TASK_RUN, session_id="s")
    enter(run, State(StateType.PENDING, NOT_READY, id="x"), 5, session_id="s")
    assert run.session_id is None
