"""Slots under any sequence of events: hypothesis draws them, and the simulation's checker looks at each."""

import itertools

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from antiphon_server.domain.states import COMPLETED, PENDING, RUNNING, SCHEDULED, StateType, VerdictKind
from effort import examples
from simulation.asking import START
from simulation.events import (
    FLOW_RUN,
    TASK_RUN,
    Ask,
    Cancel,
    Clock,
    Die,
    End,
    Event,
    Move,
    New,
    Open,
    Remove,
    Restart,
    Resume,
    Say,
    SetLimit,
    Sweep,
    Timers,
)
from simulation.world import LIMITS, World

TYPES = st.sampled_from((*StateType, RUNNING, RUNNING, PENDING, PENDING, COMPLETED))
DEPLOYMENTS = st.sampled_from(("d1", "d2", "d4"))
TAGS = st.sampled_from((("gpu",), ("db",), ("db", "gpu"), ()))
SESSIONS = st.sampled_from(("s1", "s2", "s3"))
RARELY = st.sampled_from((False, False, False, True))


class Slots(RuleBasedStateMachine):
    """Three sessions, callers without one, and people. Every promise is checked after each transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.runs: list[New] = []
        self.moves: list[Move] = []
        self.numbers = itertools.count(1)

    def play(self, event: Event) -> None:
        self.world.offer(event)
        self.world.offer(None)

    @initialize()
    def open(self) -> None:
        for name in ("s1", "s2", "s3"):
            self.play(Open(session=name))
        new = New("f0", FLOW_RUN)
        self.play(Say(session="s1", said=(new, Move("p0", FLOW_RUN, "f0", RUNNING))))

    @rule(deployment=DEPLOYMENTS, priority=st.integers(0, 1), retries=st.integers(0, 1))
    def create_flow_run(self, deployment: str, priority: int, retries: int) -> None:
        self.runs.append(New(f"f{next(self.numbers)}", FLOW_RUN, None, None, deployment, (), retries, 0.0, priority))
        self.play(Ask(said=self.runs[-1]))

    @rule(tags=TAGS, session=SESSIONS, priority=st.integers(0, 1))
    def create_task_run(self, tags: tuple[str, ...], session: str, priority: int) -> None:
        self.runs.append(New(f"k{next(self.numbers)}", TASK_RUN, "f0", tags=tags, priority=priority))
        self.play(Say(session=session, said=(self.runs[-1],)))

    def move(self, data: st.DataObject) -> Move:
        new = data.draw(st.sampled_from(self.runs))
        type_ = data.draw(TYPES)
        due = (self.world.now - START) / 1e6 + data.draw(st.sampled_from((-1.0, 5.0))) if type_ == SCHEDULED else None
        token = data.draw(st.sampled_from((0, 0, 1, 2))) if type_ not in (SCHEDULED, PENDING) else 0
        claim = new.kind is FLOW_RUN and data.draw(st.booleans())
        force = data.draw(RARELY)
        self.moves.append(Move(f"p{next(self.numbers)}", new.kind, new.id, type_, due, token, force, claim))
        return self.moves[-1]

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), session=SESSIONS, lost=RARELY)
    def say(self, data: st.DataObject, session: str, lost: bool) -> None:
        said = tuple(self.move(data) for _ in range(data.draw(st.integers(1, 2))))
        self.play(Say(session=session, said=said, lost=lost))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        self.play(Timers())
        before, checker = self.world.checker.written(), self.world.checker
        move, checker.last = self.move(data), None
        self.play(Ask(said=move))
        verdict = checker.last
        if verdict is None or verdict.kind in (VerdictKind.WAIT, VerdictKind.ABORT):
            assert checker.written() == before, f"{move} was refused and wrote something"

    @precondition(lambda self: self.moves)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        self.play(Ask(said=data.draw(st.sampled_from(self.moves))))

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), deleted=RARELY)
    def stop(self, data: st.DataObject, deleted: bool) -> None:
        new = data.draw(st.sampled_from(self.runs))
        if deleted:
            self.play(Remove(kind=new.kind, run=new.id))
        elif new.kind is FLOW_RUN:
            self.play(Cancel(id=f"p{next(self.numbers)}", run=new.id))

    @rule(name=st.sampled_from(sorted(LIMITS)), slots=st.sampled_from((None, 0, 1, 1, 2)), active=st.booleans())
    def set_limit(self, name: str, slots: int | None, active: bool) -> None:
        self.play(SetLimit(name=name, slots=slots, active=active))

    @rule(seconds=st.sampled_from((-20.0, 1.0, 12.0, 400.0)))
    def clock(self, seconds: float) -> None:
        self.play(Clock(seconds=seconds))

    @rule(event=st.sampled_from((Timers(), Sweep(), Sweep(), Restart())))
    def around(self, event: Event) -> None:
        self.play(event)

    @rule(session=SESSIONS, dies=RARELY)
    def go_on(self, session: str, dies: bool) -> None:
        self.play(Die(session=session) if dies else Resume(session=session))

    def teardown(self) -> None:
        try:
            self.play(End())
        finally:
            self.world.close()


def test_slots_keep_every_promise() -> None:
    run_state_machine_as_test(Slots, settings=examples(40, stateful_step_count=40))  # type: ignore[no-untyped-call]
