"""What a run should be, in plain Python: an expectation to hold a server to, written without a look at its rules.

A `ModelRun` knows how to answer a proposal (`decide`) and what becomes of it (`enter`). Times are microseconds.
"""

from dataclasses import dataclass, field, replace

from world import World

SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, CRASHED, PAUSED, CANCELLING = range(1, 10)
NAMES = ["", "Scheduled", "Pending", "Running", "Completed", "Failed", "Cancelled", "Crashed", "Paused", "Cancelling"]
ENDS = {COMPLETED, FAILED, CANCELLED, CRASHED}
ACCEPT, REJECT, WAIT, ABORT = 1, 2, 3, 4
#: The id of a state that the server made up.
SERVERS_OWN = "?"


@dataclass(frozen=True)
class Wish:
    """A proposal: who asks for what."""

    type: int
    by: str | None = None
    name: str = ""
    due: int | None = None
    data: bool = False
    force: bool = False
    expected: str = ""
    id: str = SERVERS_OWN
    #: Whether attempts are counted from the start again.
    afresh: bool = False
    #: Whether the next RUNNING goes on with an attempt that was paused; None leaves that as it is.
    resuming: bool | None = None


@dataclass(frozen=True)
class Answer:
    """A verdict; `state` is what is entered, `until` is when WAIT ends."""

    kind: int
    state: Wish | None = None
    until: int | None = None


@dataclass
class ModelRun:
    """Either kind of run."""

    id: str
    task: bool
    created: int
    holder: str | None
    retries: int = 0
    delay: int = 0
    around: "ModelRun | None" = None
    type: int | None = None
    name: str = ""
    state_id: str = ""
    time: int = 0
    due: int | None = None
    has_data: bool = False
    resuming: bool = False
    #: The fencing token.
    claims: int = 0
    run_count: int = 0
    around_count: int = 0
    start: int | None = None
    end: int | None = None
    expected_start: int | None = None
    next_start: int | None = None
    total: int = 0
    version: int = 1
    updated: int = 0
    #: (type, name, time) of every state, oldest first.
    history: list[tuple[int, str, int]] = field(default_factory=list)

    def shown_id(self, seen: str) -> str:
        """The id of the state that holds; learned where the server made it up."""
        if self.state_id == SERVERS_OWN:
            self.state_id = seen
        return self.state_id

    def decide(self, wish: Wish, now: int) -> Answer:
        wish = replace(wish, name=wish.name or NAMES[wish.type])
        if wish.expected and wish.expected != self.state_id:
            return Answer(ABORT)
        if not wish.force:
            refused = self._refused(wish)
            if refused is not None:
                return Answer(refused)
        elif self._forgets_result(wish):
            return Answer(REJECT)
        if not self.task and wish.type == CANCELLING and self.holder is None and self.type in (None, SCHEDULED):
            return Answer(REJECT, replace(wish, type=CANCELLED, name="Cancelled"))
        if wish.due is None and wish.type == SCHEDULED:
            wish = replace(wish, due=now)
        return Answer(ACCEPT, wish) if wish.force else self._in_time(self._remembering(wish), now)

    def _forgets_result(self, wish: Wish) -> bool:
        """Not even by force does a flow run that completed with a result complete without one."""
        again = self.type == wish.type == COMPLETED
        return not self.task and again and self.has_data and not wish.data

    def _remembering(self, wish: Wish) -> Wish:
        """What is kept of the way that led here: the time of a claim, attempts, pauses."""
        timed = (SCHEDULED,) if self.task else (SCHEDULED, PENDING)
        kept = wish.type == PENDING and self.type in timed and self.due is not None
        if kept and (wish.due is None or self.type == PENDING):
            wish = replace(wish, due=self.due)
        if self.type in ENDS and wish.type not in ENDS:
            wish = replace(wish, afresh=self.task, resuming=False)
        if not self.task and self.type == PAUSED:
            wish = replace(wish, resuming=wish.type != RUNNING)
        return wish

    def decide_again(self, wish: Wish, now: int) -> Answer:
        """What waited does not undo an end that came meanwhile."""
        return Answer(ABORT) if self.type in ENDS else self.decide(wish, now)

    def _in_time(self, wish: Wish, now: int) -> Answer:
        """Not without its flow, not before its time, again after a failure, and under the name that says so."""
        if wish.type == RUNNING and self.around is not None and self.around.type != RUNNING:
            put_off = Wish(PAUSED, wish.by, "NotReady", id=wish.id)
            return Answer(REJECT, put_off) if self.around.type == PAUSED else Answer(ABORT)
        if wish.type == RUNNING and self.type in (SCHEDULED, PENDING) and self.due is not None and self.due > now:
            return Answer(WAIT, until=self.due)
        if wish.type == FAILED and self.type == RUNNING and self.run_count <= self.retries:
            return Answer(REJECT, self._awaiting_retry(wish, now))
        return Answer(ACCEPT, self._named(wish) if self.task and wish.type == RUNNING else wish)

    def _awaiting_retry(self, wish: Wish, now: int) -> Wish:
        return Wish(SCHEDULED, wish.by, "AwaitingRetry", now + self.delay, wish.data, id=wish.id)

    def _named(self, wish: Wish) -> Wish:
        """A task run says that it has run before."""
        if self.type in ENDS:
            retried = self.around is not None and self.around.run_count > self.around_count
            return replace(wish, name="Retrying") if retried else wish
        if self.type is None or not self.run_count:
            return wish
        return replace(wish, name="Retrying" if self.name == "AwaitingRetry" else "Rerunning")

    def _refused(self, wish: Wish) -> int | None:
        """What a person with force may pass by."""
        stranger = self.holder is not None and self.holder != wish.by
        if stranger and (self.task or wish.type not in (CANCELLING, PAUSED)):
            return ABORT
        move = self._unlawful(wish.type)
        if move is not None:
            return move
        if self.type == COMPLETED and self.has_data and not (wish.type == COMPLETED and wish.data):
            guarded = self.task or wish.type not in (FAILED, CANCELLED, CRASHED)
            if guarded:
                return REJECT
        return None if self.task else self._refused_to_flow_runs(wish)

    def _refused_to_flow_runs(self, wish: Wish) -> int | None:
        if self.type in ENDS and wish.type == SCHEDULED:
            return ABORT
        late = wish.type == SCHEDULED and wish.name == "Late" and self.type is not None
        if late and (self.type != SCHEDULED or self.name == "Late"):
            return REJECT
        if self.type == wish.type == PENDING and wish.name in (self.name, "Pending"):
            return ABORT
        return None

    def _unlawful(self, target: int) -> int | None:
        if self.type in ENDS and target in (PAUSED, CANCELLING, CRASHED):
            return ABORT
        if self.task:
            return None
        if self.type == CANCELLING:
            return None if target == CANCELLED else REJECT
        if target == PAUSED:
            return {None: ABORT, SCHEDULED: REJECT, PENDING: REJECT, PAUSED: REJECT}.get(self.type)
        if target == PENDING:
            return {RUNNING: ABORT, PAUSED: REJECT, CANCELLED: ABORT}.get(self.type)
        return None

    def stops(self, state: Wish, runs: list["ModelRun"]) -> list["ModelRun"]:
        """The task runs that stop with this flow run: all that its own holder does not work on. Those that run may
        still end by themselves until the flow run has ended."""
        if self.task or state.type not in (CANCELLING, CANCELLED) or self.start is None:
            return []
        spared = {*ENDS, RUNNING} if state.type == CANCELLING else ENDS
        inner = [run for run in runs if run.around is self and run.type not in spared]
        return [run for run in inner if self.holder is None or run.holder != self.holder]

    def enter(self, state: Wish, now: int) -> str:
        """Moves on; gives what the holder, if it is not the one who asks, is told."""
        told = self._told(state)
        time = max(now, self.time + 1) if self.type is not None else now
        if self.type == RUNNING:
            self.total += time - self.time
        self._count(state)
        self._begin_and_end(state, time)
        self.next_start = state.due if state.type == SCHEDULED else None
        self.expected_start = self.expected_start or self.next_start or time
        if state.type in ENDS or state.name == "NotReady":
            self.holder = None
        elif state.by is not None and state.type in (PENDING, RUNNING):
            self.holder = state.by
        self.type, self.name, self.state_id, self.time = state.type, state.name, state.id, time
        self.due, self.has_data, self.updated = state.due, state.data, time
        self.version += 1
        self.history.append((state.type, state.name, time))
        return told

    def _told(self, state: Wish) -> str:
        if self.holder is None or self.holder == state.by:
            return ""
        if state.type == CANCELLING and not self.task:
            return "cancel_run"
        if state.type == PAUSED and not self.task:
            return "pause_run"
        if self.type == PAUSED and state.type == RUNNING and not self.task:
            return "resume_run"
        taken = state.by is not None and state.type in (PENDING, RUNNING)
        return "revoke_run" if taken or state.type in ENDS or state.name == "NotReady" else ""

    def _count(self, state: Wish) -> None:
        """Attempts, claims, and whether the next RUNNING is the same attempt."""
        if state.afresh:
            self.run_count = 0
        if state.type == PENDING and self.type != PENDING:
            self.claims += 1
        if state.type == RUNNING:
            resumed = self.resuming and self.type not in ENDS
            if not resumed and (self.task or self.type != PAUSED):
                self.run_count += 1
            self.around_count = self.around.run_count if self.around is not None else self.around_count
        if state.type == RUNNING or state.type in ENDS:
            self.resuming = False
        if state.resuming is not None:
            self.resuming = state.resuming

    def _begin_and_end(self, state: Wish, time: int) -> None:
        if self.type in ENDS and state.type not in ENDS:
            self.end = None
        if state.type in ENDS and self.end is None:
            self.end = time
        if self.start is None and state.type == RUNNING:
            self.start = time
        if self.start is None and state.type in ENDS:
            self.start = self.end


def check_run(world: World, run: ModelRun) -> None:
    """Holds what the server stores of a run to the model."""
    kind = "Task" if run.task else "Flow"
    response = world.call(f"Get{kind}Run", {"id": run.id})
    found = response.task_run if run.task else response.flow_run

    def time(name: str) -> int | None:
        return getattr(found, name).ToMicroseconds() if found.HasField(name) else None

    stored = {
        "state": (found.state.type, found.state.name, found.state.id, found.state.create_time.ToMicroseconds()),
        "run_count": found.run_count,
        "flow_run_run_count": found.flow_run_run_count if run.task else run.around_count,
        "claims": found.fencing_token,
        "resuming": not run.task and found.resuming,
        "times": [time(f"{name}_time") for name in ("start", "end", "expected_start", "next_scheduled_start")],
        "total": found.total_run_time.ToMicroseconds(),
        "holder": found.session_id or None,
        "etag": found.etag,
        "written": (time("create_time"), time("update_time")),
    }
    assert stored == {
        "state": (run.type or 0, run.name, run.shown_id(found.state.id), run.time),
        "run_count": run.run_count,
        "flow_run_run_count": run.around_count,
        "claims": run.claims,
        "resuming": not run.task and run.resuming,
        "times": [run.start, run.end, run.expected_start, run.next_start],
        "total": run.total,
        "holder": run.holder,
        "etag": str(run.version),
        "written": (run.created, run.updated or run.created),
    }
    states = world.call(f"List{kind}RunStates", {"id": run.id, "pageSize": 1000}).states
    assert [(each.type, each.name, each.create_time.ToMicroseconds()) for each in states] == run.history
