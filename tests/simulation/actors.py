"""Who does what next: sessions that run flows and tasks, workers, and people, drawn from one seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
    TERMINAL,
    StateType,
)
from simulation.asking import START
from simulation.events import (
    FLOW_RUN,
    TASK_RUN,
    Ask,
    Beat,
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
    Said,
    Say,
    SetLimit,
    Sweep,
    Timers,
    Zombie,
)
from simulation.world import LIMITS, World

#: What follows a state where all goes well, and how likely.
FOLLOWS: dict[StateType | None, dict[StateType, int]] = {
    None: {SCHEDULED: 2, PENDING: 4, RUNNING: 3},
    SCHEDULED: {PENDING: 6, RUNNING: 5},
    PENDING: {RUNNING: 10, CRASHED: 1},
    RUNNING: {COMPLETED: 10, FAILED: 6, PAUSED: 2, CRASHED: 1, CANCELLING: 1},
    PAUSED: {RUNNING: 4, SCHEDULED: 2, CANCELLING: 1, COMPLETED: 1},
    CANCELLING: {CANCELLED: 5, COMPLETED: 1},
    COMPLETED: {RUNNING: 1, SCHEDULED: 1},
    FAILED: {RUNNING: 1, SCHEDULED: 1, PENDING: 1},
    CANCELLED: {RUNNING: 1, SCHEDULED: 1},
    CRASHED: {RUNNING: 1, SCHEDULED: 1, PENDING: 1},
}
#: Runs that are not over at a time.
CROWD = 90
KEYS = ("a", "b")


@dataclass(slots=True)
class Numbers:
    """Of what was named so far."""

    runs: int = 0
    moves: int = 0
    sessions: int = 0


class Actors:
    """Decides on the next event by what is committed. `runs` and `sessions` are how many there will be."""

    def __init__(self, seed: int, world: World, runs: int = 1000, sessions: int = 50) -> None:
        self._random = Random(seed)
        self._world = world
        self._most_runs, self._most_sessions = runs, sessions
        self._numbers = Numbers()
        #: Runs that somebody still has something to do with, in order.
        self._live: dict[str, None] = {}
        self._deferred: set[str] = set()
        #: Proposals that were made lately, to be made again.
        self._lately: list[Move] = []

    def events(self) -> Iterator[Event]:
        """Ask for the next one once the last was played."""
        for _ in range(self._most_sessions):
            yield self._open()
        turns = 0
        while self._numbers.runs < self._most_runs or (self._live and turns < self._most_runs):
            turns += self._numbers.runs >= self._most_runs
            yield from self._next()
        yield End()

    # What happens around

    def _next(self) -> Iterator[Event]:
        random = self._random
        rare = random.random()
        if rare < 0.04:
            yield Beat()
        elif rare < 0.09:
            yield Clock(seconds=self._jump())
        elif rare < 0.13:
            yield Timers()
        elif rare < 0.16:
            yield Sweep()
        elif rare < 0.162:
            yield Restart(joined=random.random() < 0.5, killed=random.random() < 0.5)
        elif rare < 0.18:
            yield self._set_limit()
        elif rare < 0.20:
            yield from self._session_event()
        elif rare < 0.22:
            yield from self._people()
        else:
            yield from self._work()

    def _jump(self) -> float:
        random = self._random
        if random.random() < 0.1:
            return -random.choice((0.000001, 1.0, 20.0))
        return random.choice((0.000001, 0.5, 2.0, 5.0, 12.0, 40.0))

    def _set_limit(self) -> Event:
        random = self._random
        name = random.choice(sorted(LIMITS))
        slots = None if random.random() < 0.1 else random.choice((0, 1, 1, 2, 3, 4))
        if random.random() < 0.1:
            return SetLimit(name=name, reset=True)
        return SetLimit(name=name, slots=slots, active=random.random() < 0.9, joined=random.random() < 0.3)

    def _open(self) -> Event:
        self._numbers.sessions += 1
        return Open(session=f"s{self._numbers.sessions}", joined=self._random.random() < 0.5)

    def _session_event(self) -> Iterator[Event]:
        random, clients = self._random, self._world.clients
        alive = [id for id, client in clients.items() if client.alive]
        cut = [id for id in alive if not clients[id].attached]
        if len(alive) < self._most_sessions:
            yield self._open()
        if cut and random.random() < 0.8:
            yield Resume(session=random.choice(cut), joined=random.random() < 0.3)
            return
        if not alive:
            return
        session = random.choice(alive)
        what = random.random()
        if what < 0.25:
            yield Die(session=session)
        elif what < 0.4:
            yield Say(session=session, goodbye=True)
        elif what < 0.7:
            yield Say(session=session, lost=True)
            yield Resume(session=session)
            yield Zombie(session=session, said=tuple(self._moves_of(session, 2)), joined=random.random() < 0.3)
        else:
            yield Resume(session=session)

    def _people(self) -> Iterator[Event]:
        random, run = self._random, self._any_run()
        if run is None:
            return
        what = random.random()
        if what < 0.4:
            flow = run if run["kind"] is FLOW_RUN else self._world.checker.runs.get(run["flow_run_id"] or "")
            if flow is not None:
                yield Cancel(id=self._move_id(), run=flow["id"], joined=self._joins())
        elif what < 0.55:
            self._live.pop(run["id"], None)
            yield Remove(kind=run["kind"], run=run["id"], joined=self._joins())
        else:
            yield Ask(said=self._move(run, force=True, anything=True), joined=self._joins())

    # Work

    def _work(self) -> Iterator[Event]:
        random = self._random
        if self._numbers.runs < self._most_runs and len(self._live) < CROWD and random.random() < 0.6:
            yield from self._create()
            return
        if self._lately and random.random() < 0.05:
            yield Ask(said=random.choice(self._lately), joined=self._joins())
            return
        run = self._any_run()
        if run is None:
            return
        session = run["session_id"]
        if random.random() < 0.06 or (session is None and run["id"] not in self._deferred and random.random() < 0.5):
            session = self._some_session()
        if session is not None and session not in self._world.clients:
            session = None
        if session is None:
            yield Ask(said=self._move(run), joined=self._joins())
            return
        said: list[Said] = [self._move(run)]
        said += self._moves_of(session, random.choice((0, 0, 1, 2)))
        yield self._say(session, said)

    def _say(self, session: str, said: list[Said]) -> Event:
        random = self._random
        return Say(session=session, said=tuple(said), lost=random.random() < 0.03, joined=self._joins())

    def _moves_of(self, session: str, count: int) -> list[Said]:
        held = [id for id in self._live if self._is_held(id, session)]
        chosen = [self._random.choice(held) for _ in range(count)] if held else []
        return [self._move(self._world.checker.runs[id]) for id in chosen]

    def _is_held(self, id: str, session: str) -> bool:
        run = self._world.checker.runs.get(id)
        return run is not None and run["session_id"] == session

    def _create(self) -> Iterator[Event]:
        random, what = self._random, self._random.random()
        if what < 0.3:
            yield from self._create_flow_run()
        elif what < 0.4:
            new = self._new_task(None)
            self._deferred.add(new.id)
            session = self._some_session() if random.random() < 0.3 else None
            first = Move(self._move_id(), TASK_RUN, new.id, SCHEDULED, due=self._now(), deferred=True)
            if session is None:
                yield Ask(said=new, joined=self._joins())
                yield Ask(said=first, joined=self._joins())
            else:
                yield self._say(session, [new, first])
        else:
            flow = self._running_flow()
            if flow is None:
                yield from self._create_flow_run()
            else:
                yield from self._create_inside(flow)

    def _create_inside(self, flow: dict[str, Any]) -> Iterator[Event]:
        """A task run or a subflow in a flow run that a session runs."""
        random, session = self._random, flow["session_id"]
        task = self._new_task(flow["id"])
        said: list[Said] = [task]
        if random.random() < 0.15:
            child = self._new_flow(parent=task.id)
            if random.random() < 0.7:  # Else somebody has a word with it as well.
                self._live.pop(task.id)
            said += [Move(self._move_id(), TASK_RUN, task.id, PENDING), child]
            said.append(Move(self._move_id(), FLOW_RUN, child.id, random.choice((PENDING, RUNNING))))
        else:
            said.append(Move(self._move_id(), TASK_RUN, task.id, PENDING))
            if random.random() < 0.7:
                key = random.choice(("", "", "", *KEYS))
                said.append(Move(self._move_id(), TASK_RUN, task.id, RUNNING, cache_key=key))
        yield self._say(session, said)

    def _create_flow_run(self) -> Iterator[Event]:
        random = self._random
        new = self._new_flow()
        session = self._some_session() if random.random() < 0.55 else None
        if session is None:
            yield Ask(said=new, joined=self._joins())
            yield Ask(said=Move(self._move_id(), FLOW_RUN, new.id, SCHEDULED, due=self._now()), joined=self._joins())
            return
        types = random.choice(((PENDING, RUNNING), (RUNNING,), (SCHEDULED,), (PENDING,)))
        yield self._say(session, [new, *(Move(self._move_id(), FLOW_RUN, new.id, each) for each in types)])

    def _new_flow(self, parent: str | None = None) -> New:
        random = self._random
        deployment = random.choice(("d1", "d1", "d2", "d3", "d4", "d4", None, None))
        process = random.choice(("", "", "pid"))
        new = New(self._run_id("f"), FLOW_RUN, parent=parent, deployment=deployment, process=process, **self._policy())
        self._live[new.id] = None
        return new

    def _new_task(self, flow_run: str | None) -> New:
        tags = self._random.choice(((), (), ("gpu",), ("db",), ("db", "gpu"), ("free",)))
        new = New(self._run_id("k"), TASK_RUN, flow_run=flow_run, tags=tags, **self._policy())
        self._live[new.id] = None
        return new

    def _policy(self) -> dict[str, Any]:
        random = self._random
        retries = random.choice((0, 0, 1, 2))
        return {
            "retries": retries,
            "delay": random.choice((0.0, 3.0)) if retries else 0.0,
            "priority": random.choice((0, 0, 0, 1, 5)),
        }

    # Proposals

    def _move(self, run: dict[str, Any], force: bool = False, anything: bool = False) -> Move:
        """What the next word on a run may be: mostly what follows, now and then anything."""
        random, flow = self._random, run["kind"] is FLOW_RUN
        state = run["state_type"]
        choices = FOLLOWS[StateType(state) if state is not None else None]
        type_ = random.choices(list(choices), list(choices.values()))[0]
        if anything or random.random() < 0.08:
            type_ = random.choice(list(StateType))
        if state in TERMINAL and random.random() < 0.9:
            self._live.pop(run["id"], None)
        pause = type_ == PAUSED and flow
        move = Move(
            self._move_id(),
            run["kind"],
            run["id"],
            type_,
            due=self._due() if type_ in (SCHEDULED, PENDING) and random.random() < 0.4 else None,
            token=self._token(run, type_),
            force=force,
            claim=flow and type_ == PENDING and random.random() < 0.4,
            data=type_ == COMPLETED and random.random() < 0.5,
            expected=run["state_id"] if run["state_id"] is not None and random.random() < 0.1 else "",
            deferred=run["id"] in self._deferred and type_ in (SCHEDULED, PENDING, RUNNING) and random.random() < 0.95,
            pause_key=random.choice(("", "k1", "k2")) if pause else "",
            pause_until=self._now() + random.choice((1.0, 60.0)) if pause and random.random() < 0.5 else None,
            suspend=pause and random.random() < 0.3,
            cache_key=random.choice(("", *KEYS)) if not flow and type_ in (RUNNING, COMPLETED) else "",
            final=type_ == FAILED and random.random() < 0.1,
        )
        self._lately = [*self._lately[-40:], move]
        return move

    def _token(self, run: dict[str, Any], type_: StateType) -> int:
        if type_ in (SCHEDULED, PENDING) or self._random.random() < 0.5:
            return 0
        token: int = run["fencing_token"]
        return max(token - 1, 0) if self._random.random() < 0.2 else token

    def _due(self) -> float:
        return self._now() + self._random.choice((-5.0, 0.0, 1.0, 10.0))

    def _now(self) -> float:
        return (self._world.now - START) / 1e6

    def _joins(self) -> bool:
        return self._random.random() < 0.4

    # Choosing

    def _any_run(self) -> dict[str, Any] | None:
        if not self._live:
            return None
        id = self._random.choice(list(self._live))
        run = self._world.checker.runs.get(id)
        if run is None:
            self._live.pop(id)
        return run

    def _running_flow(self) -> dict[str, Any] | None:
        runs = self._world.checker.runs
        found = [
            runs[id]
            for id in self._live
            if id in runs
            and runs[id]["kind"] is FLOW_RUN
            and runs[id]["state_type"] == RUNNING
            and runs[id]["session_id"] in self._world.clients
        ]
        return self._random.choice(found) if found else None

    def _some_session(self) -> str | None:
        speaking = [id for id, client in self._world.clients.items() if client.alive and client.attached]
        return self._random.choice(speaking) if speaking else None

    def _run_id(self, letter: str) -> str:
        self._numbers.runs += 1
        return f"{letter}{self._numbers.runs}"

    def _move_id(self) -> str:
        self._numbers.moves += 1
        return f"p{self._numbers.moves}"
