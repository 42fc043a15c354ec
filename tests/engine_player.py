"""Plays the world for an engine: no server, no driver, no time. What the engine says is written down."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from uuid_utils import uuid7

from antiphon.engine.effects import Ask, Await, Call, Life, Outcome, Send
from antiphon.engine.interrupts import RunTimeout
from antiphon.exceptions import AntiphonSignal
from antiphon.session.session import Session
from antiphon.v1 import state_pb2
from antiphon.v1.session_pb2 import CancelRun, Command, CommandStage, RevokeRun
from antiphon.v1.transition_pb2 import Proposal, Verdict


class FakeSession(Session):
    """Keeps handlers and is good for nothing else."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Command], CommandStage]] = {}

    def set_run_handler(self, flow_run_id: str, handler: Callable[[Command], CommandStage]) -> None:
        self.handlers[flow_run_id] = handler

    def remove_run_handler(self, flow_run_id: str) -> None:
        self.handlers.pop(flow_run_id, None)

    def cancel(self, flow_run_id: str, reason: str = "") -> CommandStage:
        return self.handlers[flow_run_id](Command(cancel_run=CancelRun(flow_run_id=flow_run_id, reason=reason)))

    def revoke(self, flow_run_id: str, reason: str = "") -> CommandStage:
        return self.handlers[flow_run_id](Command(revoke_run=RevokeRun(flow_run_id=flow_run_id, reason=reason)))


def state(type_: str, name: str = "", message: str = "") -> state_pb2.State:
    return state_pb2.State(
        id=str(uuid7()), type=f"STATE_TYPE_{type_}", name=name or type_.capitalize(), message=message
    )


def accept(run_count: int = 1) -> Verdict:
    return Verdict(kind="VERDICT_KIND_ACCEPT", run_count=run_count, state=state("RUNNING"))


def reject(type_: str, name: str = "", message: str = "", reason: str = "so it is") -> Verdict:
    return Verdict(kind="VERDICT_KIND_REJECT", state=state(type_, name, message), reason=reason)


def abort(reason: str = "not you") -> Verdict:
    return Verdict(kind="VERDICT_KIND_ABORT", reason=reason)


AWAITING_RETRY = ("SCHEDULED", "AwaitingRetry")

#: What a Send, Call or Await is answered with: a value, an exception to raise there, or a function that does either.
Answer = Any


class Player:
    """`answers` holds, by what the engine asks, what happens: for proposals by the state's name, for calls by the
    function's name, for awaits `await`. A list is used up in turn; what is not there is accepted, called, or done."""

    def __init__(self, life: Life, **answers: list[Answer]) -> None:
        self._life = life
        self._answers: dict[str, Iterator[Answer]] = {name: iter(each) for name, each in answers.items()}
        #: In order: `create FlowRun`, names of proposed states (with `?` where the engine waits for the verdict),
        #: `f()` for calls, `await 2`.
        self.said: list[str] = []
        self.proposals: list[Proposal] = []
        self.calls: list[Call] = []

    def play(self) -> Any:
        """Runs the engine to its end and gives what it returns."""
        step: Callable[[Any], Any] = self._life.send
        argument: Any = None
        while True:
            try:
                effect = step(argument)
            except StopIteration as end:
                return end.value
            try:
                step, argument = self._life.send, self._perform(effect)
            except BaseException as error:  # noqa: BLE001 - the engine's to handle
                step, argument = self._life.throw, error

    def _perform(self, effect: Send | Call | Await | Ask) -> Any:
        if isinstance(effect, Send):
            return self._send(effect)
        if isinstance(effect, Await):
            self.said.append(f"await {len(effect.futures)}")
            return self._answer("await", None)
        if isinstance(effect, Ask):
            return effect.function()
        self.calls.append(effect)
        name = getattr(effect.function, "__name__", "?")
        self.said.append(f"{name}()")
        return self._call(effect, name)

    def _send(self, effect: Send) -> Verdict | None:
        name = ""
        for body in effect.bodies:
            if isinstance(body, Proposal):
                name = body.state.name or state_pb2.StateType.Name(body.state.type)[11:].capitalize()
                self.proposals.append(body)
                self.said.append(name)
            else:
                self.said.append(f"create {type(body).__name__}")
        if not effect.wait:
            return None
        self.said[-1] += "?"
        verdict = self._answer(name, accept())
        if effect.scope is not None and effect.scope.signal is not None and verdict is None:
            raise effect.scope.signal()
        return verdict  # type: ignore[no-any-return]

    def _call(self, effect: Call, name: str) -> Outcome:
        """Calls as a driver does, or acts as if user code had done what is written."""
        outcome = Outcome()
        try:
            with ExitStack() as stack:
                for context in (*effect.contexts, effect.opening):
                    stack.enter_context(context)
                outcome.value = self._answer(name, effect)
                if outcome.value is effect:
                    outcome.value = effect.function(*effect.args, **effect.kwargs)
        except BaseException as error:  # noqa: BLE001 - the outcome carries it
            outcome.error = error
            outcome.timed_out = isinstance(error, RunTimeout) and effect.timeout is not None
            outcome.stopped = effect.scope.signal is not None and isinstance(error, AntiphonSignal)
        return outcome

    def _answer(self, name: str, otherwise: Any) -> Any:
        answer = next(self._answers.get(name, iter(())), otherwise)
        if callable(answer) and not isinstance(answer, type):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer
