"""What holds for any sequence of proposals: `decide()` and the bookkeeping that follows, in memory."""

from copy import deepcopy
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.domain.bookkeeping import enter, remember
from antiphon_server.domain.decision import Decision, KeepSlots, Remember, Restart, TakeSlots
from antiphon_server.domain.facts import Cached, CollisionStrategy, Deployment, Facts, Limit, Queue
from antiphon_server.domain.model import Proposal, RetryPolicy, Run, RunKind, State, StateDetails
from antiphon_server.domain.policy import decide
from antiphon_server.domain.rules import policy_of
from antiphon_server.domain.slots import keeps
from antiphon_server.domain.states import (
    COMPLETED,
    DEFAULT_NAMES,
    PAUSED,
    PENDING,
    RUNNING,
    TERMINAL,
    StateType,
    VerdictKind,
)
from effort import examples

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
SPANS = (-5 * SECOND, 0, 1, SECOND, 40 * SECOND)
NAMES = ("", "", "", "Late", "AwaitingRetry", "Resuming", "NotReady", "AwaitingConcurrencySlot")
CURRENT = "the state that holds"


@dataclass(frozen=True)
class Wish:
    """A proposal as it is drawn; times are relative to now. `before` says how much the clock moved since the last."""

    run: int
    type: StateType
    before: int
    due: int | None
    session_id: str | None
    token: int
    name: str
    expected: str
    force: bool
    claim: bool
    data: bool
    waited: bool
    deferred: bool
    retriable: bool | None
    pause: tuple[str, bool, int | None]
    cached: bool


TYPES = st.sampled_from((*StateType, RUNNING, RUNNING, PENDING, COMPLETED))
RARELY = st.sampled_from((False, False, False, False, False, True))
WISHES = st.builds(
    Wish,
    run=st.integers(0, 4),
    type=TYPES,
    before=st.sampled_from(SPANS),
    due=st.sampled_from((None, None, *SPANS)),
    session_id=st.sampled_from((None, "s1", "s2")),
    token=st.sampled_from((0, 0, 0, 1, 2)),
    name=st.sampled_from(NAMES),
    expected=st.sampled_from(("", "", "", CURRENT, "another")),
    force=RARELY,
    claim=st.booleans(),
    data=st.booleans(),
    waited=RARELY,
    deferred=RARELY,
    retriable=st.sampled_from((None, None, True, False)),
    pause=st.tuples(st.sampled_from(("", "k")), RARELY, st.sampled_from((None, *SPANS))),
    cached=RARELY,
)


@dataclass
class Site:
    """Three flow runs of one deployment and two task runs in the first, with one limit for each family."""

    now: int = START
    runs: list[Run] = field(default_factory=list)
    holders: dict[str, set[str]] = field(default_factory=lambda: {"d": set(), "tag": set()})
    #: Slots of each limit.
    slots: int = 1
    strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    #: For each run its states: (type, time, accepted with a restart, of a pause that was left).
    count: int = 0

    def __post_init__(self) -> None:
        retry = RetryPolicy(1, (SECOND,), 0.5)
        self.runs = [Run(f"f{i}", deployment_id="d", retry_policy=retry if i else None) for i in range(3)]
        self.runs += [Run(f"k{i}", kind=RunKind.TASK_RUN, flow_run_id="f0", retry_policy=retry) for i in range(2)]

    def facts(self, run: Run, wish: Wish) -> Facts:
        id = "d" if run.kind is RunKind.FLOW_RUN else "tag"
        held = self.holders[id]
        limit = Limit(id, f"limit:{id}", self.slots, taken=len(held), held=run.id in held)
        facts = Facts(run, waited=wish.waited, limits=(limit,))
        if run.kind is RunKind.FLOW_RUN:
            facts.deployment, facts.queue = Deployment("d", "d", False, self.strategy), Queue("q", "p")
        else:
            facts.flow_run = self.runs[0]
            facts.cached = Cached(State(COMPLETED, "Completed", id="old", data=b"1"), None) if wish.cached else None
        return facts

    def proposal(self, run: Run, wish: Wish) -> Proposal:
        self.count += 1
        key, suspend, expiry = wish.pause
        details = StateDetails(
            scheduled_time=self.now + wish.due if wish.due is not None else None,
            retriable=wish.retriable,
            deferred=wish.deferred and run.kind is RunKind.TASK_RUN,
            pause_key=key,
            pause_reschedule=suspend,
            pause_expire_time=self.now + expiry if expiry is not None else None,
            cache_key="key" if wish.cached else "",
        )
        state = State(
            wish.type, wish.name or DEFAULT_NAMES[wish.type], details=details, data=b"1" if wish.data else None
        )
        expected = (run.state_id or "") if wish.expected == CURRENT else wish.expected
        return Proposal(
            f"t{self.count}",
            run.kind,
            run.id,
            state,
            expected,
            wish.force,
            wish.session_id,
            b"",
            wish.token,
            wish.claim,
        )

    def write(self, run: Run, proposal: Proposal, decision: Decision) -> None:
        """What the application does with a decision, without its database."""
        state = decision.state
        assert state is not None
        state.id = proposal.transition_id
        if Restart() in decision.effects:
            run.run_count = 0
        enter(run, state, self.now, session_id=proposal.session_id)
        kept = False
        for effect in decision.effects:
            if isinstance(effect, TakeSlots):
                for id in effect.limit_ids:
                    self.holders[id].add(run.id)
            kept |= isinstance(effect, KeepSlots)
            if isinstance(effect, Remember):
                remember(run, effect)
        if not kept and not keeps(run.kind is RunKind.FLOW_RUN, state.type):
            for held in self.holders.values():
                held.discard(run.id)


SITES = st.builds(Site, slots=st.integers(0, 2), strategy=st.sampled_from(CollisionStrategy))


@examples(300)
@given(SITES, st.lists(WISHES, min_size=1, max_size=40))
def test_any_sequence_of_proposals_keeps_every_promise(site: Site, wishes: list[Wish]) -> None:
    for wish in wishes:
        site.now += wish.before
        run = site.runs[wish.run]
        proposal, facts = site.proposal(run, wish), site.facts(run, wish)
        asked = deepcopy((facts, proposal))
        decision = decide(policy_of(proposal), facts, proposal, site.now)
        assert (facts, proposal) == asked, "a decision changes nothing that it is asked about"
        assert decide(policy_of(proposal), facts, proposal, site.now) == decision, "same question, same answer"
        _check_answer(run, wish, proposal, decision, site.now)
        if decision.state is not None:
            before = deepcopy(run)
            site.write(run, proposal, decision)
            _check_move(before, run)
        _check_slots(site)


def _check_answer(run: Run, wish: Wish, proposal: Proposal, decision: Decision, now: int) -> None:
    kind = decision.verdict
    if kind is VerdictKind.ACCEPT:
        assert decision.state is not None and decision.state.type == proposal.state.type
    if kind in (VerdictKind.WAIT, VerdictKind.ABORT):
        assert decision.state is None and decision.effects == (), "what is refused writes nothing"
    if decision.state is None:
        assert decision.effects == ()
    if kind is not VerdictKind.ACCEPT:
        assert decision.reason
        assert decision.findings[-1].kind is kind
    if kind is VerdictKind.WAIT:
        assert decision.wait_until is not None and decision.wait_until > now
    stale = proposal.expected_state_id and proposal.expected_state_id != run.state_id
    if stale or (proposal.fencing_token and proposal.fencing_token != run.fencing_token):
        assert kind is VerdictKind.ABORT, "no force helps who believes in what is over"
    if wish.waited and run.state_type in TERMINAL:
        assert kind is VerdictKind.ABORT, "what waited does not undo an end"


def _check_move(before: Run, run: Run) -> None:
    """One step of the books."""
    assert before.state_time is None or (run.state_time or 0) > before.state_time, "times rise strictly"
    ran = (run.state_time or 0) - (before.state_time or 0) if before.state_type == RUNNING else 0
    assert run.total_run_time == before.total_run_time + ran
    assert run.fencing_token - before.fencing_token == (run.state_type == PENDING != before.state_type)
    assert run.version == before.version + 1
    assert (run.end_time is not None) == (run.state_type in TERMINAL)
    if run.state_type == RUNNING:
        assert run.run_count in (before.run_count, before.run_count + 1, 1)
        # A run may be set to PAUSED by force before it ever ran; going on from there is no attempt.
        assert run.run_count > 0 or before.resuming or before.state_type == PAUSED
    else:
        assert run.run_count in (before.run_count, 0)
    if run.state_type in TERMINAL:
        assert run.session_id is None, "who has ended is nobody's"


def _check_slots(site: Site) -> None:
    for id, held in site.holders.items():
        assert len(held) <= site.slots, f"{held} hold {id}"
    for run in site.runs:
        if run.state_type is None or run.state_type in TERMINAL:
            assert not any(run.id in held for held in site.holders.values()), f"{run.id} has ended and holds a slot"
