"""Short histories that broke a promise once, as the simulation found them."""

import pytest

from antiphon_server.domain.states import COMPLETED, CRASHED, PENDING, RUNNING
from simulation.events import FLOW_RUN, TASK_RUN, Ask, Clock, End, Event, Move, New, Open, Say, SetLimit, Sweep
from simulation.playing import replay


def _tasks(*tags: tuple[str, ...]) -> Say:
    """Task runs k1, k2, ... with these tags, of f1."""
    new = (New(f"k{i}", TASK_RUN, flow_run="f1", tags=each) for i, each in enumerate(tags, 1))
    return Say(session="s1", said=tuple(new))


def _move(id: str, run: str, type_: object, **more: object) -> Say:
    kind = FLOW_RUN if run.startswith("f") else TASK_RUN
    return Say(session="s1", said=(Move(id, kind, run, type_, **more),))  # type: ignore[arg-type]


def _flow(id: str) -> Say:
    return Say(session="s1", said=(New(id, FLOW_RUN), Move(f"{id}-runs", FLOW_RUN, id, RUNNING)))


@pytest.mark.parametrize("first", ["db", "gpu"])
def test_who_waits_for_two_slots_does_not_overtake_who_waits_for_one(first: str) -> None:
    history: list[Event] = [
        Open(session="s1"),
        _flow("f1"),
        SetLimit(name="tag:db", slots=1),
        _tasks(("db", "gpu"), (first,), ("db", "gpu")),
        _move("p1", "k1", RUNNING),
        _move("p2", "k2", RUNNING),
        _move("p3", "k3", RUNNING),
        # Frees both at once.
        _move("p4", "k1", COMPLETED),
        _move("p5", "k2", COMPLETED),
        _move("p6", "k3", COMPLETED),
        End(),
    ]
    assert replay(history) is None


def test_a_run_queued_for_one_limit_is_not_stranded_by_a_later_one() -> None:
    runs = ("f19", "f26", "f21")
    history: list[Event] = [
        *(Ask(said=New(run, FLOW_RUN, deployment="d4")) for run in runs),
        SetLimit(name="work-queue:q1", slots=1),
        SetLimit(name="deployment:d4"),
        *(Ask(said=Move(f"p-{run}", FLOW_RUN, run, PENDING, claim=True)) for run in runs),
        SetLimit(name="deployment:d4", slots=1),
        End(),
    ]
    assert replay(history) is None


def test_a_called_run_that_nobody_claims_gives_its_turn_to_the_next() -> None:
    runs = ("f1", "f2", "f3")
    history: list[Event] = [
        *(Ask(said=New(run, FLOW_RUN, deployment="d1")) for run in runs),
        SetLimit(name="deployment:d1", slots=1),
        *(Ask(said=Move(f"p-{run}", FLOW_RUN, run, PENDING)) for run in runs),
        Clock(seconds=301),
        Sweep(),
        Clock(seconds=301),
        Sweep(),
        End(),
    ]
    assert replay(history) is None


def test_a_task_run_that_stands_for_a_subflow_gives_its_slot_back_with_it() -> None:
    history: list[Event] = [
        Open(session="s1"),
        _flow("f1"),
        _tasks(("gpu",)),
        _move("p1", "k1", RUNNING),
        Say(session="s1", said=(New("f2", FLOW_RUN, parent="k1"), Move("p2", FLOW_RUN, "f2", RUNNING))),
        _move("p3", "f2", COMPLETED),
        End(),
    ]
    assert replay(history) is None


def test_a_called_run_that_is_queued_again_waits_for_the_slot_that_it_gives_back() -> None:
    """It held one of its deployment and none of its work queue; the limit of the queue goes."""
    history: list[Event] = [
        *(Ask(said=New(run, FLOW_RUN, deployment="d4")) for run in ("f1", "f2", "f3", "f4")),
        SetLimit(name="deployment:d4", slots=2),
        SetLimit(name="work-queue:q1", slots=1),
        Ask(said=Move("p1", FLOW_RUN, "f1", PENDING, claim=True)),
        Ask(said=Move("p2", FLOW_RUN, "f2", PENDING)),
        Ask(said=Move("p3", FLOW_RUN, "f3", PENDING)),
        # f3 is called with a slot of the deployment, and its claimer finds the work queue full.
        Ask(said=Move("p4", FLOW_RUN, "f2", CRASHED)),
        Ask(said=Move("p5", FLOW_RUN, "f3", PENDING, claim=True)),
        Ask(said=Move("p6", FLOW_RUN, "f4", PENDING)),
        SetLimit(name="work-queue:q1"),
        End(),
    ]
    assert replay(history) is None
