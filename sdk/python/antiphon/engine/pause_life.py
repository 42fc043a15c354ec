"""How a flow's code pauses its own run."""

from dataclasses import dataclass

from antiphon.context import FlowRunContext
from antiphon.engine.effects import Await, Life, Send
from antiphon.engine.pauses import Hold, until_resumed
from antiphon.engine.proposals import flow_run_paused, is_accepted, is_rejected, state_that_holds
from antiphon.engine.scopes import raise_if_stopped
from antiphon.exceptions import FlowPauseTimeout, Pause
from antiphon.state_core import State
from antiphon.v1.transition_pb2 import Verdict


@dataclass(frozen=True, slots=True)
class Wish:
    """What the code asks for."""

    key: str
    #: Seconds; None waits for ever.
    timeout: float | None
    #: Empty asks for no input.
    input_schema: str
    #: The process ends meanwhile.
    suspend: bool


def pause_life(context: FlowRunContext, wish: Wish) -> Life:
    """An engine: returns when the run goes on, or at once where it has paused for that key before.

    Raises FlowPauseTimeout, Pause where the run was suspended, RuntimeError where the policy refuses.
    """
    pauses, scope = context.pauses, context.scope
    while True:
        ended = pauses.ended
        proposal = flow_run_paused(context.flow_run_id, wish.key, wish.timeout, wish.input_schema, suspend=wish.suspend)
        # Known before it is asked for: its end may be heard of before the answer, where that falls into a cut.
        hold = pauses.begin(proposal.transition_id, own=True)
        accepted = False
        try:
            verdict: Verdict = yield Send((proposal,), wait=True, scope=scope)
            accepted = is_accepted(verdict)
        finally:
            if not accepted:
                pauses.forget(proposal.transition_id)
        held = state_that_holds(verdict)
        if accepted and wish.suspend:
            _leave(context, held)
        if accepted:
            return (yield from _resumed(context, hold))
        if is_rejected(verdict) and held.is_running():
            return None
        if not held.is_paused() or not (yield from until_resumed(pauses, scope, ended)):
            raise_if_stopped(scope)
            raise RuntimeError(_refusal(verdict, "suspended" if wish.suspend else "paused"))


def _leave(context: FlowRunContext, state: State) -> None:
    state.state_details.flow_run_id = context.flow_run_id
    context.pauses.left_for = state
    context.pauses.end(state.id, state)
    raise Pause(state)


def _resumed(context: FlowRunContext, hold: Hold) -> Life:
    yield Await([hold], context.scope)
    state = hold.result()
    while state.is_paused():
        # Somebody moved it from pause to pause.
        other = context.pauses.current
        if other is None:
            break
        yield Await([other], context.scope)
        state = other.result()
    if state.is_running():
        return
    raise_if_stopped(context.scope)
    if state.is_failed():
        raise FlowPauseTimeout(state.message or "the pause was not ended in time")
    raise RuntimeError(f"The flow run left its pause and is {state}, so its code cannot go on.")


def _refusal(verdict: Verdict, what: str) -> str:
    remedy = verdict.findings[-1].remedy if verdict.findings else ""
    return f"The flow run cannot be {what}: {verdict.reason}." + (f" What would help: {remedy}." if remedy else "")
