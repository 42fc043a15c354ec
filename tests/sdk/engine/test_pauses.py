"""What a process knows of its run's pauses, with the world played by hand: answers and commands come in any order."""

from collections.abc import Callable
from typing import Any

import pytest

from antiphon.context import FlowRunContext
from antiphon.engine.effects import Await, Send
from antiphon.engine.pause_life import Wish, pause_life
from antiphon.engine.pauses import WORD_PATIENCE, Pauses, until_resumed
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import FlowPauseTimeout, Pause, RunRevoked, ServerError
from antiphon.session.ticket import Ticket
from antiphon.state_core import State, StateType
from antiphon.v1.transition_pb2 import Proposal, Verdict
from engine_player import abort, accept, reject, state

RUNNING = State(StateType.RUNNING)
FAILED = State(StateType.FAILED, message="too late")


class HandedIn:
    """A session that only takes proposals."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []

    def submit(self, *bodies: Any, blocking: bool) -> list[Ticket]:
        assert not blocking, "the session's own thread asks"
        self.tickets += [Ticket(body) for body in bodies]
        return self.tickets[-len(bodies) :]


@pytest.fixture
def session() -> HandedIn:
    return HandedIn()


@pytest.fixture
def scope() -> RunScope:
    return RunScope()


@pytest.fixture
def pauses(session: HandedIn, scope: RunScope) -> Pauses:
    return Pauses("run", session, scope)  # type: ignore[arg-type]


@pytest.fixture
def context(pauses: Pauses, scope: RunScope) -> FlowRunContext:
    return FlowRunContext(flow=None, flow_run_id="run", flow_run_name="run", pauses=pauses, scope=scope)


def paused(id: str) -> Verdict:
    verdict = Verdict(kind="VERDICT_KIND_ACCEPT", state=state("PAUSED"))
    verdict.state.id = id
    return verdict


def end_of(life: Any, answer: Any = None) -> Any:
    with pytest.raises(StopIteration) as end:
        life.send(answer)
    return end.value.value


def begun(context: FlowRunContext, **wish: Any) -> tuple[Any, Proposal]:
    """A pause that is proposed and has no answer yet."""
    life = pause_life(context, Wish(**{"key": "k", "timeout": None, "input_schema": "", "suspend": False, **wish}))
    sent = next(life)
    assert isinstance(sent, Send) and isinstance(sent.bodies[0], Proposal)
    return life, sent.bodies[0]


def test_who_is_told_to_go_on_asks_first(pauses: Pauses, session: HandedIn) -> None:
    hold = pauses.begin("pause")
    assert pauses.current is hold
    pauses.go_on("pause")
    (ticket,) = session.tickets
    assert isinstance(ticket.body, Proposal)
    assert (ticket.body.flow_run_id, ticket.body.expected_state_id, ticket.body.state.type) == ("run", "pause", 3)
    assert not hold.done(), "there may be no slot"
    ticket.settle(accept())
    assert hold.result(0).is_running()
    assert (pauses.current, pauses.ended) == (None, 1)


def test_a_command_about_another_pause_ends_nothing(pauses: Pauses, session: HandedIn, scope: RunScope) -> None:
    hold = pauses.begin("pause")
    pauses.go_on("an older one")
    session.tickets[0].settle(reject("PAUSED"))
    assert pauses.current is hold and not hold.done()
    assert scope.signal is None


def test_where_no_answer_can_come_who_waits_hears_why(pauses: Pauses, session: HandedIn) -> None:
    hold = pauses.begin("pause")
    pauses.go_on("pause")
    session.tickets[0].settle(None, ServerError("gone"))
    with pytest.raises(ServerError, match="gone"):
        hold.result(0)
    assert pauses.current is None


@pytest.mark.parametrize("own", [True, False])
def test_code_that_did_not_ask_for_the_pause_is_stopped_when_its_run_fails_in_it(
    pauses: Pauses, scope: RunScope, own: bool
) -> None:
    pauses.begin("pause", own=own)
    pauses.end("pause", FAILED)
    assert pauses.left_for is FAILED
    assert (scope.signal, scope.reason) == ((None, "") if own else (RunRevoked, "too late"))


def test_the_end_of_a_pause_may_be_heard_before_its_begin(context: FlowRunContext) -> None:
    """Where the answer fell into a cut, commands come first."""
    life, proposal = begun(context)
    context.pauses.end(proposal.transition_id, RUNNING)
    assert isinstance(life.send(paused(proposal.transition_id)), Await)
    assert end_of(life) is None


def test_the_end_of_one_pause_is_not_that_of_the_next(context: FlowRunContext) -> None:
    life, proposal = begun(context)
    context.pauses.begin("somebody's")
    context.pauses.end("somebody's", RUNNING)
    (hold,) = life.send(paused(proposal.transition_id)).futures
    assert not hold.done()
    context.pauses.end(proposal.transition_id, RUNNING)
    assert end_of(life) is None


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (lambda: reject("RUNNING"), None),
        (lambda: abort("no deployment"), RuntimeError),
        (lambda: reject("CANCELLING"), RuntimeError),
        (lambda: reject("PAUSED"), RuntimeError),
        (lambda: ServerError("no"), ServerError),
    ],
)
def test_a_pause_that_is_refused_leaves_nothing_behind(
    context: FlowRunContext, answer: Callable[[], Any], raised: type[Exception] | None
) -> None:
    life, _ = begun(context)
    mistaken = context.pauses.current
    word = answer()
    step = life.throw if isinstance(word, Exception) else life.send
    with pytest.raises(raised or StopIteration):
        step(word)
        life.send(None)  # The word of somebody else's pause did not come.
    assert context.pauses.current is None
    assert mistaken.done(), "a task run may have taken it for the pause that it was told of"


def test_who_finds_the_run_paused_waits_and_asks_again(context: FlowRunContext) -> None:
    life, first = begun(context)
    context.pauses.begin("somebody's")
    waits = life.send(reject("PAUSED"))
    assert isinstance(waits, Await)
    context.pauses.end("somebody's", RUNNING)
    again = life.send(None)
    assert isinstance(again, Send) and again.bodies[0].transition_id != first.transition_id


def test_who_hears_late_that_the_run_was_paused_asks_again(pauses: Pauses, scope: RunScope) -> None:
    """The pause was over before its word was looked at."""
    before = pauses.ended
    pauses.begin("pause")
    pauses.end("pause", RUNNING)
    assert end_of(until_resumed(pauses, scope, before)) is True


def test_who_hears_of_the_pause_later_than_of_its_effect_waits_for_its_word(pauses: Pauses, scope: RunScope) -> None:
    """As with several servers: the one that puts a task off is not the one where somebody paused the run."""
    life = until_resumed(pauses, scope, pauses.ended)
    for_the_word = next(life)
    assert isinstance(for_the_word, Await) and not for_the_word.futures[0].done()
    pauses.begin("pause")
    assert for_the_word.futures[0].done()
    for_its_end = life.send(None)
    assert isinstance(for_its_end, Await)
    pauses.end("pause", RUNNING)
    assert for_its_end.futures[0].done() and end_of(life) is True


def test_a_pause_of_which_only_the_end_is_heard_is_over(pauses: Pauses, scope: RunScope) -> None:
    life = until_resumed(pauses, scope, pauses.ended)
    waits = next(life)
    pauses.end("pause", RUNNING)
    assert isinstance(waits, Await) and waits.futures[0].done()
    assert end_of(life) is True


def test_a_pause_that_nobody_tells_of_is_not_waited_for_without_end(pauses: Pauses, scope: RunScope) -> None:
    life = until_resumed(pauses, scope, pauses.ended)
    waits = next(life)
    assert isinstance(waits, Await) and waits.timeout == WORD_PATIENCE
    assert end_of(life) is False


def test_a_pause_that_ended_otherwise(context: FlowRunContext) -> None:
    for held, raised in ((FAILED, FlowPauseTimeout), (State(StateType.CANCELLING), RuntimeError)):
        life, proposal = begun(context)
        life.send(paused(proposal.transition_id))
        context.pauses.end(proposal.transition_id, held)
        with pytest.raises(raised):
            life.send(None)


def test_a_suspended_run_is_left(context: FlowRunContext) -> None:
    life, proposal = begun(context, suspend=True)
    hold = context.pauses.current
    with pytest.raises(Pause) as left:
        life.send(paused(proposal.transition_id))
    assert left.value.state.is_paused() and context.pauses.left_for is left.value.state
    assert hold.done(), "nobody waits for its end here"
