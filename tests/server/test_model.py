"""A real server against a model: whatever two sessions and a stranger create, propose, cancel, edit, delete, cut and
outlive, every answer and every run is as a plain program says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from antiphon.v1 import session_pb2
from antiphon.v1.transition_pb2 import Proposal
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest
from antiphon_server.application.sessions import ExpireSessions
from antiphon_server.storage import tables
from effort import examples
from hand_session import HEARTBEAT, HandSession, new_id
from in_writer import in_writer
from refusals import Refusal, refusal_in
from run_model import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    ENDS,
    FAILED,
    NAMES,
    PENDING,
    RUNNING,
    SCHEDULED,
    WAIT,
    Answer,
    ModelRun,
    Wish,
    check_run,
)
from running_server import FrozenClock, RunningServer
from world import World

TTL = 3600
SESSIONS = tables.sessions.select()
SECOND = 1_000_000
#: Who asks: one of two sessions, or a unary caller.
CALLERS = st.sampled_from([0, 0, 1, None])
#: What runs do most: a state, and when it is due (seconds from now).
STEPS: list[tuple[int, int | None]] = [
    *[(SCHEDULED, 10), (SCHEDULED, None), (PENDING, None), (PENDING, None)],
    *[(RUNNING, None)] * 5,
    *[(FAILED, None), (FAILED, None), (COMPLETED, None), (CANCELLING, None), (CANCELLED, None)],
]


@dataclass
class Speaker:
    """A session, and the commands (kind, run id) that it has not answered."""

    hand: HandSession
    told: list[tuple[str, str]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.hand.welcome.session_id)


@dataclass
class Said:
    """A proposal as it was sent, and what the model says of it."""

    message: Proposal
    wish: Wish
    run: ModelRun
    answer: Answer
    #: Who said it, in a frame of which number; a unary caller is None and has none.
    speaker: Speaker | None = None
    sequence: int = 0
    #: As it was received once it was final.
    verdict: Any = None


class Machine(RuleBasedStateMachine):
    """Each example has runs and sessions of its own on one server, whose clock moves only by a rule."""

    server: RunningServer
    runs = Bundle("runs")
    proposals = Bundle("proposals")

    @initialize(target=runs)
    def begin(self) -> Any:
        """Two runs are there from the start, so that there is always something to do."""
        self.world = World(self.server)
        self.speakers = [Speaker(HandSession(self.server.channel)) for _ in range(2)]
        self.model: dict[str, ModelRun] = {}
        #: Proposals of sessions that wait.
        self.waiting: list[Said] = []
        self.touched: set[str] = set()
        #: Runs that moved since it was last looked at what waits for them.
        self.entered: list[ModelRun] = []
        held = self._new_run(False, self.speakers[0], retries=2, delay=10, around=None)
        return multiple(held, self._new_run(True, self.speakers[1], retries=1, delay=0, around=self.model[held]))

    def teardown(self) -> None:
        for run in getattr(self, "model", {}).values():
            check_run(self.world, run)
        for speaker in getattr(self, "speakers", []):
            speaker.hand.cut()

    @invariant()
    def runs_are_as_they_should_be(self) -> None:
        while getattr(self, "touched", None):
            run = self.model.get(self.touched.pop())
            if run is not None:
                check_run(self.world, run)

    # Runs

    @precondition(lambda self: len(self.model) < 4)
    @rule(
        target=runs,
        task=st.booleans(),
        caller=CALLERS,
        retries=st.sampled_from([0, 0, 1, 2]),
        delay=st.sampled_from([0, 10]),
        data=st.data(),
    )
    def create(self, task: bool, caller: int | None, retries: int, delay: int, data: st.DataObject) -> str:
        flow_runs = [None, *sorted(run.id for run in self.model.values() if not run.task)]
        around = self.model.get(data.draw(st.sampled_from(flow_runs)) or "") if task else None
        return self._new_run(task, self._speaker(caller), retries, delay, around)

    def _new_run(self, task: bool, speaker: Speaker | None, retries: int, delay: int, around: ModelRun | None) -> str:
        policy = {"maxRetries": retries, "delays": [f"{delay}s"]} if retries else {}
        body: dict[str, Any] = {"id": new_id(), "retryPolicy": policy}
        body |= {"taskKey": "t", "flowRunId": around.id if around else ""} if task else {"flowName": "f"}
        for _ in range(2):  # The second time it is a replay.
            self._create("taskRun" if task else "flowRun", body, speaker)
        run = ModelRun(body["id"], task, self.now, speaker and speaker.id, retries, delay * SECOND, around)
        self.model[run.id] = run
        self.touched.add(run.id)
        return run.id

    def _create(self, kind: str, body: dict[str, Any], speaker: Speaker | None) -> None:
        if speaker is None:
            self.world.call(f"Create{kind[0].upper()}{kind[1:]}", {kind: body})
            return
        speaker.hand.say(frame(speaker.hand, **{f"create{kind[0].upper()}{kind[1:]}": body}))
        speaker.hand.acked(speaker.hand.sequence)

    @rule(id=runs)
    def create_another_under_the_same_id(self, id: str) -> None:
        run = self.model.get(id)
        if run is not None:
            there = "TASK_RUN_EXISTS" if run.task else "FLOW_RUN_EXISTS"
            bodies = {"FlowRun": {"id": id, "flowName": "other"}, "TaskRun": {"id": id, "taskKey": "other"}}
            for kind, body in bodies.items():
                refusal = self.world.refused(f"Create{kind}", {f"{kind[0].lower()}{kind[1:]}": body})
                assert refusal.reason == there

    @rule(id=runs, stale=st.booleans())
    def edit(self, id: str, stale: bool) -> None:
        run = self.model.get(id)
        etag = str(run.version - stale) if run is not None else ""
        for kind in ("TaskRun", "FlowRun") if run is None else ("TaskRun" if run.task else "FlowRun",):
            thing = {"id": id, "name": "edited", "etag": etag}
            request = {f"{kind[0].lower()}{kind[1:]}": thing, "updateMask": "name"}
            if run is None or stale:
                refusal = self.world.refused(f"Update{kind}", request)
                assert refusal.reason == ("ETAG_MISMATCH" if run else f"{kind[:-3].upper()}_RUN_NOT_FOUND")
            else:
                self.world.call(f"Update{kind}", request)
        if run is not None and not stale:
            self._edited(run)

    @rule(id=runs, chance=st.integers(0, 3))
    def delete(self, id: str, chance: int) -> None:
        run = self.model.get(id)
        if run is None or chance:
            return
        self.world.call("DeleteTaskRun" if run.task else "DeleteFlowRun", {"id": id})
        gone = [run, *(each for each in self.model.values() if each.around is run)]
        for each in gone:
            self._tell(each.holder, "revoke_run", each.id)
            del self.model[each.id]
        for speaker in self.speakers:
            waited = {said.sequence: said for said in self.waiting if said.run in gone and said.speaker is speaker}
            for sequence, answer in speaker.hand.answers(set(waited)).items():
                missing = "TASK_RUN_NOT_FOUND" if waited[sequence].run.task else "FLOW_RUN_NOT_FOUND"
                assert refusal_in(answer).reason == missing
        self.waiting = [said for said in self.waiting if said.run not in gone]
        self._settle()

    # Proposals

    @rule(
        target=proposals,
        id=runs,
        caller=CALLERS,
        type_=st.integers(1, 9),
        name=st.sampled_from(["", "", "Late", "NotReady"]),
        due=st.sampled_from([None, None, -10, 10]),
        data=st.booleans(),
        force=st.sampled_from([False, False, False, True]),
        expected=st.sampled_from(["", "", "held", "wrong"]),
    )
    def propose(
        self,
        id: str,
        caller: int | None,
        type_: int,
        name: str,
        due: int | None,
        data: bool,
        force: bool,
        expected: str,
    ) -> Said | None:
        run = self.model.get(id)
        held = run.state_id if run is not None else ""
        named = {"": "", "held": held, "wrong": new_id()}[expected]
        time = None if due is None else self.now + due * SECOND
        speaker = self._speaker(caller)
        wish = Wish(type_, speaker and speaker.id, name, time, data, force, named, new_id())
        return self._propose(id, wish, speaker)

    @rule(target=proposals, id=runs, steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=6))
    def live(self, id: str, steps: list[tuple[int, int | None]]) -> Any:
        """Who holds a run moves it as runs move."""
        said = []
        for type_, due in steps:
            holder = self.model[id].holder if id in self.model else None
            speaker = next((each for each in self.speakers if each.id == holder), None)
            time = None if due is None else self.now + due * SECOND
            said.append(self._propose(id, Wish(type_, speaker and speaker.id, due=time, id=new_id()), speaker))
        return multiple(*said)

    @rule(target=proposals, id=runs, caller=st.integers(0, 1))
    def wait(self, id: str, caller: int) -> Any:
        """A session would run it before its time."""
        holder = self.model[id].holder if id in self.model else None
        speaker = next((each for each in self.speakers if each.id == holder), self.speakers[caller])
        later = Wish(SCHEDULED, speaker.id, due=self.now + 10 * SECOND, force=True, id=new_id())
        said = [self._propose(id, wish, speaker) for wish in (later, Wish(RUNNING, speaker.id, id=new_id()))]
        return multiple(*said)

    @rule(said=proposals)
    def say_it_again(self, said: Said | None) -> None:
        if said is None or (said.speaker is not None and said.speaker not in self.speakers):
            return
        if said.speaker is not None:
            self._commands(said.speaker.hand)  # A verdict that was pushed since is not the answer.
        answer = self._say(said)
        if said.run.id not in self.model:
            assert isinstance(answer, Refusal)
            assert answer.reason in ("FLOW_RUN_NOT_FOUND", "TASK_RUN_NOT_FOUND")
        elif said.verdict is not None:
            assert answer == said.verdict
        elif said.answer.kind == WAIT:
            self._decided(said, answer)
        else:  # It waited, and was decided meanwhile.
            state = said.answer.state
            assert answer.kind == said.answer.kind
            assert state is None or (answer.state.type, answer.state.name) == (state.type, state.name)
            said.verdict = answer

    @rule(said=proposals)
    def say_something_else_under_its_id(self, said: Said | None) -> None:
        waits = said is not None and any(each is said for each in self.waiting)
        if said is None or not (waits or said.verdict is not None) or said.run.id not in self.model:
            return
        other = ProposeTransitionRequest(proposal=said.message)
        other.proposal.state.message = "something else"
        assert self.world.refused("ProposeTransition", other).reason == "TRANSITION_ID_REUSED"

    @rule(id=runs)
    def cancel(self, id: str) -> None:
        run = self.model.get(id)
        if run is not None and run.task:
            return
        if run is None or run.type in ENDS:
            reason = "FLOW_RUN_NOT_FOUND" if run is None else "RUN_TERMINAL"
            assert self.world.refused("CancelFlowRun", {"id": id}).reason == reason
            return
        self.world.call("CancelFlowRun", {"id": id})
        if run.type != CANCELLING:
            state = run.decide(Wish(CANCELLING), self.now).state
            assert state is not None
            self._enter(run, state)
            self._moved(run)

    # Sessions and time

    @rule(caller=st.integers(0, 1), answers=st.booleans())
    def cut_and_resume(self, caller: int, answers: bool) -> None:
        speaker = self.speakers[caller]
        before = speaker.hand
        before.cut()
        hand = speaker.hand = HandSession(self.server.channel, before.welcome.resume_token)
        assert hand.welcome.epoch == before.welcome.epoch + 1
        assert hand.welcome.committed_sequence == before.sequence
        commands = self._commands(hand)
        told = [(command.WhichOneof("body"), run_of(command)) for command in commands]
        assert sorted(told) == sorted(speaker.told)
        if answers and commands:
            done = [{"command_id": each.id, "stage": session_pb2.COMMAND_STAGE_APPLIED} for each in commands]
            hand.say(*(hand.durable(command_result=each) for each in done))
            hand.acked(hand.sequence)
            speaker.told.clear()

    @rule(seconds=st.sampled_from([1, 11]))
    def time_goes_by(self, seconds: int) -> None:
        for speaker in self.speakers:
            self._commands(speaker.hand)
        self.server.clock.advance(seconds)
        self._look_at_what_waits()

    @rule(silent=st.sets(st.integers(0, 1), min_size=1), chance=st.integers(0, 2))
    def sessions_are_lost(self, silent: set[int], chance: int) -> None:
        if chance:
            return
        self.server.clock.advance(TTL + 1)
        for number in {0, 1} - silent:
            self._commands(self.speakers[number].hand)
        heard = in_writer(self.server, lambda it: {row.id: row.expire_time for row in it.connection.execute(SESSIONS)})
        lost = self.server.run(lambda: self.server.server.core.run(ExpireSessions(self.now)))
        gone = {self.speakers[number].id for number in silent}
        assert gone <= set(lost)
        assert not {speaker.id for speaker in self.speakers} - gone & set(lost)
        self.waiting = [said for said in self.waiting if said.wish.by not in gone]
        # First the sessions that have been silent for longest; of each one first the flow runs.
        held = [run for run in self.model.values() if run.holder in gone]
        held.sort(key=lambda run: (heard[str(run.holder)], str(run.holder), run.task, run.id))
        for run in held:
            if run.type in ENDS:  # It stopped with its flow.
                continue
            end = CANCELLED if run.type == CANCELLING else CRASHED
            self._enter(run, Wish(end, run.holder, NAMES[end]))
        for run in held:
            self._moved(run)
        for number in silent:
            self.speakers[number].hand.cut()
            self.speakers[number] = Speaker(HandSession(self.server.channel))
        self._look_at_what_waits()

    # What the rules share

    @property
    def now(self) -> int:
        return self.server.clock()

    def _speaker(self, caller: int | None) -> Speaker | None:
        return None if caller is None else self.speakers[caller]

    def _propose(self, id: str, wish: Wish, speaker: Speaker | None) -> Said | None:
        run = self.model.get(id)
        said = Said(message_of(wish, id, run), wish, run or ModelRun(id, False, 0, None), Answer(0), speaker)
        if speaker is not None:
            speaker.hand.sequence += 1
            said.sequence = speaker.hand.sequence
        answer = self._say(said)
        if run is None:
            assert isinstance(answer, Refusal)
            assert answer.reason == "FLOW_RUN_NOT_FOUND"
            return None
        self._decided(said, answer)
        return said

    def _say(self, said: Said) -> Any:
        """Sends a proposal, for the first time or again; gives a verdict or a refusal."""
        if said.speaker is None:
            request = ProposeTransitionRequest(proposal=said.message)
            if said.run.id in self.model:
                return self.world.call("ProposeTransition", request).verdict
            return self.world.refused("ProposeTransition", request)
        hand = said.speaker.hand
        hand.say(session_pb2.ClientFrame(sequence=said.sequence, proposal=said.message))
        answer = hand.answer(said.sequence)
        return answer if isinstance(answer, type(said.message)) or hasattr(answer, "kind") else refusal_in(answer)

    def _decided(self, said: Said, verdict: Any) -> None:
        """Holds a new verdict to the model, and moves that on."""
        run = said.run
        said.answer = run.decide(said.wish, self.now)
        state = said.answer.state
        if state is not None:
            self._enter(run, state)
        got = (verdict.kind, verdict.state.type, verdict.state.name, verdict.state.id, verdict.run_count)
        assert got == (said.answer.kind, run.type or 0, run.name, run.shown_id(verdict.state.id), run.run_count), (
            verdict
        )
        assert verdict.state.create_time.ToMicroseconds() == run.time
        waits = any(each is said for each in self.waiting)
        if said.answer.kind != WAIT:
            said.verdict = verdict
            self.waiting = [each for each in self.waiting if each is not said]
        else:
            assert verdict.wait_until_time.ToMicroseconds() == said.answer.until
            if said.speaker is not None and not waits:
                self.waiting.append(said)
        if state is not None:
            self._moved(run)

    def _enter(self, run: ModelRun, state: Wish) -> None:
        holder, stopped = run.holder, run.stops(state, list(self.model.values()))
        self._tell(holder, run.enter(state, self.now), run.id)
        self.touched.add(run.id)
        self.entered.append(run)
        for each in stopped:
            self._enter(each, Wish(CANCELLED, name=NAMES[CANCELLED], force=True))

    def _tell(self, holder: str | None, what: str, run_id: str) -> None:
        for speaker in self.speakers:
            if what and speaker.id == holder:
                speaker.told.append((what, run_id))

    def _moved(self, run: ModelRun) -> None:
        """Proposals that wait for a run are decided again when anything of it changes, or of what stopped with it."""
        moved = [run, *self.entered]
        while moved:
            self.entered.clear()
            mine = [said for said in self.waiting if any(said.run is each for each in moved)]
            self.waiting = [said for said in self.waiting if not any(said is each for each in mine)]
            for said in mine:
                said.answer = said.run.decide_again(said.wish, self.now)
                if said.answer.kind == WAIT:
                    self.waiting.append(said)
                elif said.answer.state is not None:
                    self._enter(said.run, said.answer.state)
            moved = list(self.entered)
        self._settle()

    def _look_at_what_waits(self) -> None:
        for run in {said.run.id: said.run for said in self.waiting}.values():
            kind = "TaskRun" if run.task else "FlowRun"
            thing = {f"{kind[0].lower()}{kind[1:]}": {"id": run.id, "name": "edited"}, "updateMask": "name"}
            self.world.call(f"Update{kind}", thing)
            self._edited(run)

    def _edited(self, run: ModelRun) -> None:
        run.version += 1
        run.updated = self.now
        self.touched.add(run.id)
        self._moved(run)

    def _settle(self) -> None:
        """Returns when the server has decided what it decides of itself after a commit."""
        for _ in range(len(self.waiting) + 2):
            in_writer(self.server, lambda _: None)

    def _commands(self, hand: HandSession) -> list[Any]:
        """Says that the session lives, and gives the commands that come before the answer."""
        hand.say(HEARTBEAT)
        commands = []
        while (told := hand.next("command", "heartbeat_ack")).HasField("command"):
            commands.append(told.command)
        return commands


def frame(hand: HandSession, **body: Any) -> session_pb2.ClientFrame:
    hand.sequence += 1
    return json_format.ParseDict({"sequence": hand.sequence, **body}, session_pb2.ClientFrame())


def message_of(wish: Wish, id: str, run: ModelRun | None) -> Proposal:
    key = "task_run_id" if run is not None and run.task else "flow_run_id"
    message = Proposal(transition_id=wish.id, force=wish.force, expected_state_id=wish.expected, **{key: id})
    message.state.type = wish.type  # type: ignore[assignment]
    message.state.name = wish.name
    if wish.due is not None:
        message.state.details.scheduled_time.FromMicroseconds(wish.due)
    if wish.data:
        message.state.data.data = b"result"
    return message


def run_of(command: session_pb2.Command) -> str:
    if command.HasField("revoke_run"):
        return command.revoke_run.flow_run_id or command.revoke_run.task_run_id
    kind = command.WhichOneof("body")
    assert kind is not None
    found: str = getattr(command, kind).flow_run_id
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path, session_ttl=TTL, clock=FrozenClock()) as running:
        yield running


@pytest.mark.timeout(400)  # A failure is made small before it is told.
def test_the_server_is_as_the_model_says(server: RunningServer) -> None:
    machine = type("MachineOfThisServer", (Machine,), {"server": server})
    run_state_machine_as_test(machine, settings=examples(100, stateful_step_count=30))
