"""TakeTaskRuns and WatchTaskRuns: who is handed what, and who hears of an end."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest

from antiphon.v1 import session_pb2, state_pb2, task_run_service_pb2_grpc
from antiphon.v1 import task_run_service_pb2 as pb
from antiphon.v1.payload_pb2 import Payload
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest
from antiphon_server.application import offers
from antiphon_server.rpc import task_run_taking, task_run_watching
from hand_session import HandSession, new_id, proposal
from refusals import refusal_of
from running_server import RunningServer
from until import until
from world import World

DEFERRED = {"details": state_pb2.StateDetails(deferred=True)}
PATIENCE = 20.0


class Hand:
    """A stream on which a test says every request itself. `next` waits for runs; `quiet` says that none is there."""

    def __init__(self, call: Callable[..., Any], request: type) -> None:
        self._out: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._request = request
        self.call = call(iter(self._out.get, None), timeout=60)
        self._in: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, **fields: Any) -> None:
        self._out.put(self._request(**fields))

    def next(self) -> Any:
        answer = self._in.get(timeout=PATIENCE)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self._out.put(None)

    def cut(self) -> None:
        self.call.cancel()
        self._out.put(None)

    def _read(self) -> None:
        try:
            for answer in self.call:
                self._in.put(answer)
        except grpc.RpcError as error:
            self._in.put(error)
        else:
            self._in.put(EOFError())


@pytest.fixture
def stub(server: RunningServer) -> task_run_service_pb2_grpc.TaskRunServiceStub:
    return task_run_service_pb2_grpc.TaskRunServiceStub(server.channel)


@pytest.fixture
def hands() -> Iterator[list[Hand]]:
    made: list[Hand] = []
    yield made
    for hand in made:
        hand.cut()


@pytest.fixture
def take(stub: Any, hands: list[Hand]) -> Callable[..., Hand]:
    """Opens a worker's stream, known to the server."""

    def open_one(*task_keys: str, credit: int = 0) -> Hand:
        hand = Hand(stub.TakeTaskRuns, pb.TakeTaskRunsRequest)
        hands.append(hand)
        hand.say(task_keys=task_keys, credit=credit)
        assert not hand.next().task_runs
        return hand

    return open_one


@pytest.fixture
def watch(stub: Any, hands: list[Hand]) -> Callable[..., Hand]:
    def open_one(*ids: str) -> Hand:
        hand = Hand(stub.WatchTaskRuns, pb.WatchTaskRunsRequest)
        hands.append(hand)
        if ids:
            hand.say(ids=ids)
        return hand

    return open_one


@pytest.fixture
def world(server: RunningServer) -> World:
    return World(server)


def queued(world: World, task_key: str = "mail", **fields: Any) -> str:
    """A run that waits for a worker, by unary calls."""
    due = fields.pop("due", None)
    payload = Payload(metadata={"encoding": "json/plain"}, data=b"{}")
    request = pb.CreateTaskRunRequest(task_run=TaskRun(task_key=task_key, parameters=payload, **fields))
    run_id = str(world.call("CreateTaskRun", request).task_run.id)
    details = state_pb2.StateDetails(deferred=True)
    if due is not None:
        details.scheduled_time.FromMicroseconds(due)
    propose(world, run_id, "SCHEDULED", details=details)
    return run_id


def propose(world: World, run_id: str, type_: str, **state: Any) -> Any:
    wish = proposal(run_id, type_, task=True, state={**DEFERRED, **state})
    return world.call("ProposeTransition", ProposeTransitionRequest(proposal=wish)).verdict


def claim(session: HandSession, run: TaskRun) -> Any:
    return session.propose(run.id, "PENDING", task=True, state=DEFERRED, expected_state_id=run.state.id)


def offered(hand: Hand, count: int) -> list[TaskRun]:
    runs: list[TaskRun] = []
    while len(runs) < count:
        runs += hand.next().task_runs
    return runs


def test_a_run_is_offered_with_all_that_a_worker_needs(world: World, take: Any) -> None:
    run_id = queued(world, tags=["a"])
    (run,) = offered(take("mail", credit=1), 1)
    assert (run.id, run.task_key, list(run.tags), run.parameters.data) == (run_id, "mail", ["a"], b"{}")
    assert run.state.details.deferred and run.state.id


def test_one_that_is_queued_later_comes_at_once(world: World, take: Any) -> None:
    hand = take("mail", credit=1)
    run_id = queued(world)
    assert offered(hand, 1)[0].id == run_id


def test_higher_priorities_come_first_then_the_older(world: World, take: Any) -> None:
    low, first, second = queued(world, priority=-1), queued(world), queued(world)
    high = queued(world, priority=9)
    assert [run.id for run in offered(take("mail", credit=9), 4)] == [high, first, second, low]


def test_tasks_that_a_worker_does_not_serve_are_left(world: World, take: Any) -> None:
    queued(world, "other")
    mine = queued(world, "mail")
    hand = take("mail", "more", credit=9)
    assert [run.id for run in offered(hand, 1)] == [mine]
    more = queued(world, "more")
    assert [run.id for run in offered(hand, 1)] == [more]


def test_no_more_come_than_there_is_room_for(world: World, take: Any) -> None:
    runs = [queued(world) for _ in range(5)]
    hand = take("mail", credit=2)
    assert [run.id for run in offered(hand, 2)] == runs[:2]
    hand.say(credit=1)
    assert [run.id for run in offered(hand, 1)] == runs[2:3]


def test_each_run_goes_to_one_worker_and_to_the_one_with_most_room(world: World, take: Any) -> None:
    little, much = take("mail", credit=1), take("mail", credit=3)
    runs = {queued(world) for _ in range(4)}
    assert {run.id for run in [*offered(little, 1), *offered(much, 3)]} == runs


def test_what_a_worker_has_not_claimed_goes_to_others_when_it_is_cut_off(world: World, take: Any) -> None:
    run_id = queued(world)
    gone, other = take("mail", credit=1), take("mail")
    offered(gone, 1)
    gone.cut()
    other.say(credit=1)
    assert offered(other, 1)[0].id == run_id


def test_what_is_not_claimed_in_time_goes_to_others(world: World, take: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "OFFER", 0.05)
    run_id = queued(world)
    asleep = take("mail", credit=5)
    offered(asleep, 1)
    assert offered(take("mail", credit=1), 1)[0].id == run_id


def test_a_claim_of_another_state_than_was_offered_is_refused(world: World, take: Any, attach: Any) -> None:
    queued(world)
    (run,) = offered(take("mail", credit=1), 1)
    fast, slow = attach(), attach()
    assert claim(fast, run).kind == 1
    refused = claim(slow, run)
    assert refused.kind == 4 and refused.state.type == state_pb2.STATE_TYPE_PENDING


def test_one_that_is_due_later_comes_when_its_time_has_come(server: RunningServer, world: World, take: Any) -> None:
    hand = take("mail", credit=9)
    later = queued(world, due=server.clock() + 300_000)
    now = queued(world)
    assert [run.id for run in offered(hand, 2)] == [now, later]


def test_a_failed_attempt_goes_back_to_the_queue(world: World, take: Any, attach: Any) -> None:
    run_id = queued(world, retry_policy={"max_retries": 1})
    hand, session = take("mail", credit=2), attach()
    (run,) = offered(hand, 1)
    claim(session, run)
    assert session.propose(run_id, "RUNNING", task=True, state=DEFERRED).kind == 1
    failed = session.propose(run_id, "FAILED", task=True)
    assert failed.state.name == "AwaitingRetry"
    (again,) = offered(hand, 1)
    assert (again.id, again.session_id, again.run_count) == (run_id, "", 1)


def test_a_worker_that_says_goodbye_leaves_its_runs_to_others(world: World, take: Any, attach: Any) -> None:
    claimed, running = queued(world), queued(world)
    session, hand = attach(), take("mail", credit=2)
    for run in offered(hand, 2):
        claim(session, run)
    session.propose(running, "RUNNING", task=True, state=DEFERRED)
    session.say(_goodbye())
    again = offered(take("mail", credit=2), 2)
    assert {run.id for run in again} == {claimed, running}
    assert all("another worker takes the run" in run.state.message for run in again)


def test_one_that_takes_its_workers_with_it_is_given_up(world: World, take: Any, attach: Any) -> None:
    run_id = queued(world)
    for _ in range(3):
        hand, session = take("mail", credit=1), attach()
        (run,) = offered(hand, 1)
        claim(session, run)
        session.propose(run_id, "RUNNING", task=True, state=DEFERRED)
        session.say(_goodbye())
        hand.cut()
        with pytest.raises(grpc.RpcError):
            while True:
                next(session.call)
    run = world.call("GetTaskRun", {"id": run_id}).task_run
    assert run.state.type == state_pb2.STATE_TYPE_CRASHED and "not given to another worker" in run.state.message


def test_one_that_is_cancelled_in_the_queue_is_not_offered(world: World, take: Any) -> None:
    run_id, other = queued(world), queued(world)
    assert propose(world, run_id, "CANCELLING").state.type == state_pb2.STATE_TYPE_CANCELLED
    assert [run.id for run in offered(take("mail", credit=2), 1)] == [other]


def test_who_runs_it_is_told_that_somebody_cancels_it(world: World, take: Any, attach: Any) -> None:
    run_id = queued(world)
    session = attach()
    (run,) = offered(take("mail", credit=1), 1)
    claim(session, run)
    session.propose(run_id, "RUNNING", task=True, state=DEFERRED)
    assert propose(world, run_id, "CANCELLING", message="enough").kind == 1
    command = session.next("command").command
    assert (command.cancel_run.task_run_id, command.cancel_run.reason) == (run_id, "enough")


def test_queued_runs_outlive_the_server(tmp_path: Any) -> None:
    with RunningServer(tmp_path) as first:
        run_id = queued(World(first))
    with RunningServer(tmp_path) as second:
        hand = Hand(task_run_service_pb2_grpc.TaskRunServiceStub(second.channel).TakeTaskRuns, pb.TakeTaskRunsRequest)
        hand.say(task_keys=["mail"], credit=1)
        assert offered(hand, 1)[0].id == run_id
        hand.cut()


def test_a_stream_without_a_task_is_refused(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        list(stub.TakeTaskRuns(iter([pb.TakeTaskRunsRequest(credit=1)])))
    assert refusal_of(error.value).reason == "TASK_KEYS_MISSING"


def test_a_request_that_breaks_a_rule_ends_the_stream_with_its_reason(take: Any) -> None:
    hand = take("mail")
    hand.say(credit=20_000)
    with pytest.raises(grpc.RpcError) as error:
        hand.next()
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_half_closed_streams_end_in_peace(take: Any, watch: Any) -> None:
    for hand in (take("mail", credit=1), watch()):
        hand.close()
        with pytest.raises(EOFError):
            hand.next()


def test_a_stopping_server_sends_everybody_to_the_next_one(tmp_path: Any) -> None:
    with RunningServer(tmp_path) as server:
        channel = grpc.insecure_channel(server.target)
        stub = task_run_service_pb2_grpc.TaskRunServiceStub(channel)
        world = World(server)
        taking = Hand(stub.TakeTaskRuns, pb.TakeTaskRunsRequest)
        taking.say(task_keys=["mail"], credit=0)
        taking.next()
        watching = Hand(stub.WatchTaskRuns, pb.WatchTaskRunsRequest)
        ended = queued(world)
        propose(world, ended, "CANCELLING")
        watching.say(ids=[queued(world), ended])
        assert watching.next().task_runs[0].id == ended
    for hand in (taking, watching):
        with pytest.raises(grpc.RpcError) as error:
            hand.next()
        assert refusal_of(error.value).reason == "SERVER_STOPPING"
    channel.close()


def test_an_end_is_told_when_it_comes_and_one_that_has_come_at_once(world: World, watch: Any) -> None:
    ended, open_ = queued(world), queued(world)
    propose(world, ended, "CANCELLED", message="never mind")
    hand = watch(open_, ended)
    (run,) = hand.next().task_runs
    assert (run.id, run.state.message) == (ended, "never mind")
    propose(world, open_, "CANCELLED")
    (run,) = hand.next().task_runs
    assert run.id == open_


def test_what_is_not_there_or_is_deleted_is_said_to_be_unknown(world: World, watch: Any) -> None:
    run_id, missing = queued(world), new_id()
    hand = watch(missing.upper(), run_id)
    assert list(hand.next().unknown_ids) == [missing]
    world.call("DeleteTaskRun", {"id": run_id})
    assert list(hand.next().unknown_ids) == [run_id]


def _goodbye() -> Any:
    return session_pb2.ClientFrame(goodbye=session_pb2.Goodbye(reason="done"))


def test_all_watches_together_have_a_bound(world: World, watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_run_watching, "MAX_WATCHED_BY_ALL", 3)
    first, second, third, fourth = (queued(world) for _ in range(4))
    early = watch(first, second, second)
    # What is answered at once shows that the others are known: one that is not there is none.
    early.say(ids=[new_id()])
    assert early.next().unknown_ids
    with pytest.raises(grpc.RpcError) as caught:
        watch(third, fourth).next()
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_BUSY")
    assert refusal.retry_after
    early.cut()
    until(lambda: world.server.server._task_run_watches._watched == 0)
    late = watch(third)
    late.say(ids=[new_id()])
    assert late.next().unknown_ids


def test_one_worker_serves_so_many_tasks(take: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_run_taking, "MAX_TASK_KEYS", 3)
    hand = take("a", "b")
    hand.say(task_keys=["b", "c"])
    hand.say(task_keys=["d"])
    with pytest.raises(grpc.RpcError) as caught:
        hand.next()
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_TASK_KEYS")
