"""What a process knows of the pauses of a flow run that it holds: of those that the run's code asked for, and of those
that somebody else imposed."""

from concurrent.futures import Future
from functools import partial
from typing import TypeAlias

from antiphon.engine.effects import Await, Life
from antiphon.engine.proposals import flow_run_leaves_pause, state_that_holds
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonException, RunRevoked
from antiphon.session.session import Session
from antiphon.session.ticket import Ticket
from antiphon.state_core import State, StateType

#: One pause. It is done when the pause is over, with the state that holds then.
Hold: TypeAlias = Future[State]

#: Seconds for the word of a pause to come, where an answer that tells of it was faster. Each comes from one server to
#: another, and may fall into a cut or a restart of either.
WORD_PATIENCE = 60.0


class Pauses:
    """Those of one flow run that are not over. Safe in any thread, and without a lock: code that is interrupted may be
    just here."""

    def __init__(self, flow_run_id: str, session: Session, scope: RunScope) -> None:
        self._flow_run_id = flow_run_id
        self._session = session
        self._scope = scope
        self._holds: dict[str, Hold] = {}
        #: State ids of the pauses that the run's code has asked for.
        self._own: set[str] = set()
        #: Counts the pauses that are over.
        self.ended = 0
        #: What the run became in a pause, where its code cannot go on: nothing more is proposed for it.
        self.left_for: State | None = None
        #: Those who wait for whatever is said next of a pause.
        self._listeners: list[Future[None]] = []

    def begin(self, state_id: str, *, own: bool = False) -> Hold:
        """Notes a pause: one of somebody else's, or one that is about to be proposed."""
        if own:
            self._own.add(state_id)
        hold = self._holds.setdefault(state_id, Future())
        self._tell()
        return hold

    def next_word(self) -> "Future[None]":
        """Done when a pause begins or ends after now."""
        word: Future[None] = Future()
        self._listeners.append(word)
        return word

    def forget(self, state_id: str) -> None:
        """It did not come to that pause."""
        self._own.discard(state_id)
        hold = self._holds.pop(state_id, None)
        if hold is not None:
            # Others may have taken it for the pause that they were told of.
            hold.cancel()

    @property
    def current(self) -> Hold | None:
        """A pause that is not over, if there is one."""
        return next(iter(list(self._holds.values())), None)

    def go_on(self, state_id: str) -> None:
        """The server says that a pause is over: asks to go on. The answer may take its time, where slots are short."""
        (ticket,) = self._session.submit(flow_run_leaves_pause(self._flow_run_id, state_id), blocking=False)
        ticket.add_done_callback(partial(self._answered, state_id))

    def suspended(self, state_id: str, reason: str) -> None:
        """Somebody else has suspended the run: it is left as it is."""
        self.left_for = State(StateType.PAUSED, "Suspended", id=state_id, message=reason or None)
        self._scope.stop(RunRevoked, reason)

    def _answered(self, state_id: str, ticket: Ticket) -> None:
        try:
            verdict = ticket.result()
        except AntiphonException as error:
            hold = self._holds.pop(state_id, None)
            if hold is not None:
                hold.set_exception(error)
            return
        if verdict is not None:
            self.end(state_id, state_that_holds(verdict))

    def end(self, state_id: str, state: State) -> None:
        """A pause is over: the run is in `state` now."""
        hold = self._holds.pop(state_id, None)
        self.ended += 1
        if state.is_final():
            self.left_for = state
        if hold is not None:
            hold.set_result(state)
        self._tell()
        if state.is_final() and state_id not in self._own:
            # Code that asked for the pause waits for its end; other code has to hear of it.
            self._scope.stop(RunRevoked, state.message or f"The run is {state.name}.")

    def _tell(self) -> None:
        listeners, self._listeners = self._listeners, []
        for word in listeners:
            word.set_result(None)


def until_resumed(pauses: Pauses, scope: RunScope, ended: int) -> Life:
    """An engine's part, for who asked for something and was told that the flow run is paused: waits for the end of the
    pause, and gives whether it makes sense to ask again. `ended` is what was counted when it was asked."""
    word = pauses.next_word()
    if pauses.current is None and pauses.ended == ended:
        # Somebody paused the run at another server: its word comes by that one, and the answer was faster.
        yield Await([word], scope, timeout=WORD_PATIENCE)
    hold = pauses.current
    if hold is None:
        # The pause was over before its answer was looked at; else it is none of which this process will hear the end.
        return pauses.ended != ended
    yield Await([hold], scope)
    return True
