"""Limits in use: who gets in, who waits, and what each change of a limit does to them, on real sockets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from antiphon.v1.session_pb2 import ClientFrame, Goodbye
from antiphon.v1.state_pb2 import StateType
from hand_session import HandSession
from world import MISSING, World

ACCEPT, REJECT, WAIT, ABORT = 1, 2, 3, 4
Attach = Callable[..., HandSession]


@dataclass
class Queue:
    """Runs that ask for slots on one session."""

    world: World
    session: HandSession
    flow_run: str
    #: Run -> the number of the frame on which it waits.
    waiting: dict[str, int] = field(default_factory=dict)

    def ask(self, run: str, type_: str, **fields: Any) -> int:
        """The kind of the first verdict."""
        verdict = self.session.propose(run, type_, **fields)
        if verdict.kind == WAIT:
            self.waiting[run] = self.session.sequence
        return int(verdict.kind)

    def task(self, **fields: Any) -> str:
        """A task run that is limited by its tag and has asked to run."""
        run = self.session.create_task_run(self.flow_run, **{"tags": ["x"], **fields})
        self.ask(run, "RUNNING", task=True)
        return run

    def end(self, run: str) -> None:
        assert self.session.propose(run, "COMPLETED", task=True).kind == ACCEPT

    def told(self, run: str) -> Any:
        """The final verdict of one that waits."""
        return self.session.answer(self.waiting.pop(run))

    def waiters(self, name: str = "tag:x") -> list[str]:
        answer = self.world.call("ListSlotWaiters", {"name": name})
        return [each.flow_run_id or each.task_run_id for each in answer.slot_waiters]

    def holders(self, name: str = "tag:x") -> list[str]:
        return [each.holder_id for each in self.world.call("ListSlots", {"name": name}).slots]

    def limit(self, name: str = "tag:x") -> Any:
        return self.world.call("GetConcurrencyLimit", {"name": name}).concurrency_limit

    def update(self, **fields: Any) -> Any:
        request = {"concurrencyLimit": {"id": self.limit().id, **fields}, "updateMask": ",".join(fields)}
        return self.world.call("UpdateConcurrencyLimit", request).concurrency_limit


@pytest.fixture
def queue(world: World, attach: Attach) -> Queue:
    """A running flow run on a session, and a limit of 1 on the tag x."""
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:x", "limit": 1}})
    return Queue(world, session, run)


def test_who_waits_is_served_in_turn_and_by_priority(queue: Queue) -> None:
    first, second, third, urgent = queue.task(), queue.task(), queue.task(), queue.task(priority=5)
    assert queue.holders() == [first]
    assert queue.limit().active_slots == 1
    assert queue.waiters() == [urgent, second, third]
    for holder, next_ in [(first, urgent), (urgent, second), (second, third)]:
        queue.end(holder)
        assert queue.told(next_).kind == ACCEPT
        assert queue.holders() == [next_]
    assert queue.waiters() == []


def test_waiters_say_who_they_are_and_since_when(queue: Queue) -> None:
    queue.task()
    waiter = queue.task(priority=-2)
    (told,) = queue.world.call("ListSlotWaiters", {"name": "tag:x"}).slot_waiters
    assert (told.task_run_id, told.priority, told.create_time.seconds > 0) == (waiter, -2, True)
    (slot,) = queue.world.call("ListSlots", {"name": "tag:x"}).slots
    assert (slot.slots, slot.acquire_time.seconds > 0, slot.HasField("expire_time")) == (1, True, False)


def test_pages_of_slots_and_of_waiters_go_on_where_they_ended(queue: Queue) -> None:
    queue.update(limit=3)
    runs = [queue.task() for _ in range(8)]
    for name, items, all_of_them in [("ListSlots", "slots", runs[:3]), ("ListSlotWaiters", "slot_waiters", runs[3:])]:
        seen: list[str] = []
        token, pages = "", 0
        while token or not pages:
            answer = queue.world.call(name, {"id": queue.limit().id, "pageSize": 2, "pageToken": token})
            seen += [getattr(each, "holder_id", "") or each.task_run_id for each in getattr(answer, items)]
            token, pages = answer.next_page_token, pages + 1
        assert (seen, pages) == (all_of_them, (len(all_of_them) + 1) // 2)
    token = queue.world.call("ListSlots", {"name": "tag:x", "pageSize": 2}).next_page_token
    queue.world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "other"}})
    refusal = queue.world.refused("ListSlots", {"name": "other", "pageToken": token})
    assert (refusal.reason, refusal.fields) == ("PAGE_TOKEN_INVALID", ("page_token",))


def test_a_raised_limit_lets_as_many_in_as_it_has_room_for(queue: Queue) -> None:
    _, second, third, fourth = (queue.task() for _ in range(4))
    assert queue.update(limit=3).active_slots == 3
    assert [queue.told(run).kind for run in (second, third)] == [ACCEPT, ACCEPT]
    assert queue.waiters() == [fourth]


def test_a_lowered_limit_throws_nobody_out_and_lets_nobody_in_until_enough_have_left(queue: Queue) -> None:
    queue.update(limit=2)
    first, second, third = queue.task(), queue.task(), queue.task()
    lowered = queue.update(limit=1)
    assert (lowered.limit, lowered.active_slots) == (1, 2)
    queue.end(first)
    assert (queue.holders(), queue.waiters()) == ([second], [third])
    queue.end(second)
    assert queue.told(third).kind == ACCEPT


def test_a_limit_of_0_aborts_who_waits_and_who_asks(queue: Queue) -> None:
    first, second = queue.task(), queue.task()
    queue.update(limit=0)
    told = queue.told(second)
    assert (told.kind, "limit of 0" in told.reason) == (ABORT, True)
    third = queue.session.create_task_run(queue.flow_run, tags=["x"])
    assert queue.ask(third, "RUNNING", task=True) == ABORT
    assert queue.waiters() == []
    queue.end(first)


def test_a_limit_that_is_not_active_limits_nobody_and_counts_who_stays_when_it_is_again(queue: Queue) -> None:
    first, second = queue.task(), queue.task()
    assert not queue.update(active=False).active
    assert queue.told(second).kind == ACCEPT
    third = queue.task()
    assert queue.waiting == {}
    assert queue.holders() == [first]
    queue.update(active=True)
    fourth = queue.task()
    assert queue.waiters() == [fourth]
    for run in (second, third):
        queue.end(run)
    assert queue.waiters() == [fourth]
    queue.end(first)
    assert queue.told(fourth).kind == ACCEPT


def test_a_deleted_limit_lets_everybody_in(queue: Queue) -> None:
    first, second, third = queue.task(), queue.task(), queue.task()
    limit = queue.limit()
    queue.world.call("DeleteConcurrencyLimit", {"id": limit.id})
    assert [queue.told(run).kind for run in (second, third)] == [ACCEPT, ACCEPT]
    assert queue.world.refused("ListSlots", {"id": limit.id}).reason == "CONCURRENCY_LIMIT_NOT_FOUND"
    for run in (first, second, third):
        queue.end(run)


def test_a_limit_that_is_made_anew_starts_empty(queue: Queue) -> None:
    first = queue.task()
    queue.world.call("DeleteConcurrencyLimit", {"id": queue.limit().id})
    queue.world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:x", "limit": 1}})
    assert queue.limit().active_slots == 0
    second, third = queue.task(), queue.task()
    queue.end(first)
    assert (queue.holders(), queue.waiters()) == ([second], [third])


def test_a_reset_frees_slots_for_those_that_wait_and_their_holders_go_on(queue: Queue) -> None:
    first, second, third = queue.task(), queue.task(), queue.task()
    request = {"id": queue.limit().id}
    assert queue.world.call("ResetConcurrencyLimit", request).concurrency_limit.active_slots == 1
    assert queue.told(second).kind == ACCEPT
    assert (queue.holders(), queue.waiters()) == ([second], [third])
    queue.end(first)
    assert queue.waiters() == [third]
    queue.end(second)
    assert queue.told(third).kind == ACCEPT


def test_a_renamed_limit_lets_go_whom_it_does_not_limit_any_more(queue: Queue) -> None:
    first, second, third = queue.task(), queue.task(), queue.task()
    renamed = queue.update(name="tag:y")
    assert (renamed.name, renamed.active_slots) == ("tag:y", 1)
    assert [queue.told(run).kind for run in (second, third)] == [ACCEPT, ACCEPT]
    fourth = queue.task(tags=["y"])
    assert (queue.holders("tag:y"), queue.waiters("tag:y")) == ([first], [fourth])


def test_who_waits_for_two_limits_is_let_in_by_both_or_none(queue: Queue) -> None:
    queue.world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:y", "limit": 1}})
    first, second = queue.task(), queue.task(tags=["y"])
    both = queue.task(tags=["x", "y"])
    assert queue.waiters("tag:x") == queue.waiters("tag:y") == [both]
    queue.update(limit=5)
    assert queue.waiters("tag:x") == queue.waiters("tag:y") == [both]
    queue.end(second)
    assert queue.told(both).kind == ACCEPT
    assert (queue.holders("tag:x"), queue.holders("tag:y")) == ([first, both], [both])


def test_holders_whose_session_ends_give_their_slots_back(queue: Queue, attach: Attach) -> None:
    queue.task()
    other = Queue(queue.world, attach(), "")
    other.flow_run = other.session.create_flow_run()
    other.ask(other.flow_run, "RUNNING")
    waiting = other.task()
    queue.session.say(ClientFrame(goodbye=Goodbye()))
    assert other.told(waiting).kind == ACCEPT
    assert other.holders() == [waiting]


#: What ends the wait for a deployment whose only slot is taken, with the id of that or of its limit; and how it ends.
ENDS_WAIT: dict[str, tuple[str, Callable[[str], dict[str, Any]], int]] = {
    "raised": (
        "UpdateDeployment",
        lambda id: {"deployment": {"id": id, "concurrencyLimit": 2}, "updateMask": "concurrencyLimit"},
        ACCEPT,
    ),
    "0": (
        "UpdateDeployment",
        lambda id: {"deployment": {"id": id, "concurrencyLimit": 0}, "updateMask": "concurrencyLimit"},
        ABORT,
    ),
    "taken away": (
        "UpdateDeployment",
        lambda id: {"deployment": {"id": id}, "updateMask": "concurrencyLimit"},
        ACCEPT,
    ),
    "deleted": ("DeleteDeployment", lambda id: {"id": id}, ABORT),
    "reset": ("ResetConcurrencyLimit", lambda id: {"id": id}, ACCEPT),
}


@pytest.mark.parametrize("how", ENDS_WAIT)
def test_runs_of_a_deployment_wait_for_its_slots(world: World, attach: Attach, how: str) -> None:
    made = {"name": "d", "flowName": "f", "concurrencyLimit": 1}
    deployment = world.call("CreateDeployment", {"deployment": made}).deployment
    queue = Queue(world, attach(), "")
    first, second = (queue.session.create_flow_run(deployment_id=deployment.id) for _ in range(2))
    assert [queue.ask(run, "PENDING") for run in (first, second)] == [ACCEPT, WAIT]
    own = f"deployment:{deployment.id}"
    assert (queue.holders(own), queue.waiters(own)) == ([first], [second])
    assert world.call("GetDeployment", {"id": deployment.id}).deployment.active_slots == 1
    name, request, kind = ENDS_WAIT[how]
    world.call(name, request(queue.limit(own).id if how == "reset" else deployment.id))
    assert queue.told(second).kind == kind
    # It was claimed before, and keeps the slot that it has; after a reset it has none.
    assert queue.session.propose(first, "RUNNING").kind == (WAIT if how == "reset" else ACCEPT)


@pytest.mark.parametrize("limited", ["work_pool", "work_queue"])
@pytest.mark.parametrize("gone", ["WorkPool", "WorkQueue"])
def test_claims_wait_for_slots_of_queue_and_pool_until_these_are_gone(
    world: World, attach: Attach, limited: str, gone: str
) -> None:
    limit = {"concurrencyLimit": 1}
    pool = {"name": "new", "type": "process", **(limit if limited == "work_pool" else {})}
    pool_id = world.call("CreateWorkPool", {"workPool": pool}).work_pool.id
    of_pool = {"name": "q", "workPoolId": pool_id, **(limit if limited == "work_queue" else {})}
    queue_id = world.call("CreateWorkQueue", {"workQueue": of_pool}).work_queue.id
    queue = Queue(world, attach(), "")
    first, second = (queue.session.create_flow_run(work_queue_id=queue_id) for _ in range(2))
    assert [queue.ask(run, "PENDING", claim=True) for run in (first, second)] == [ACCEPT, WAIT]
    own = f"work-pool:{pool_id}" if limited == "work_pool" else f"work-queue:{queue_id}"
    assert (queue.holders(own), queue.waiters(own)) == ([first], [second])
    pools, queues = world.call("ListWorkPools", {"filter": "name = new"}), world.call("ListWorkQueues")
    in_use = {pools.work_pools[0].id: pools.work_pools[0].active_slots}
    in_use |= {each.id: each.active_slots for each in queues.work_queues}
    assert in_use[pool_id if limited == "work_pool" else queue_id] == 1
    id = pool_id if gone == "WorkPool" else queue_id
    world.call(f"Delete{gone}", {"id": id})
    if (limited, gone) == ("work_pool", "WorkQueue"):
        # The pool still has its limit, and the run is in no queue of it any more.
        world.call("ResetConcurrencyLimit", {"id": queue.limit(own).id})
    assert queue.told(second).kind == ACCEPT


def test_a_queued_run_is_called_when_its_deployment_has_room(world: World) -> None:
    made = {"name": "d", "flowName": "f", "concurrencyLimit": 1}
    deployment = world.call("CreateDeployment", {"deployment": made}).deployment
    first, second = (
        world.call("CreateFlowRun", {"flowRun": {"flowName": "f", "deploymentId": deployment.id}}).flow_run.id
        for _ in range(2)
    )
    assert world.propose(first, "PENDING").kind == ACCEPT
    assert world.propose(second, "PENDING").state.name == "AwaitingConcurrencySlot"
    own = {"name": f"deployment:{deployment.id}"}
    (waiter,) = world.call("ListSlotWaiters", own).slot_waiters
    assert waiter.flow_run_id == second
    wanted = {"id": deployment.id, "concurrencyLimit": 2}
    assert (
        world.call("UpdateDeployment", {"deployment": wanted, "updateMask": "concurrencyLimit"}).deployment.active_slots
        == 2
    )
    assert world.call("GetFlowRun", {"id": second}).flow_run.state.type == StateType.STATE_TYPE_SCHEDULED
    assert world.call("GetFlowRun", {"id": second}).flow_run.state.name == "Scheduled"
    held = {slot.holder_id: slot.HasField("expire_time") for slot in world.call("ListSlots", own).slots}
    assert held == {first: False, second: True}
    assert world.call("ListSlotWaiters", own).slot_waiters == []
    assert world.propose(second, "PENDING").kind == ACCEPT


def test_a_deployment_without_a_strategy_enqueues_and_one_with_cancel_new_cancels(world: World) -> None:
    for name, strategy, state in [("a", {}, "AwaitingConcurrencySlot"), ("b", {"collisionStrategy": 2}, "Cancelled")]:
        made = {"name": name, "flowName": "f", "concurrencyLimit": 1, **strategy}
        id = world.call("CreateDeployment", {"deployment": made}).deployment.id
        runs = [
            world.call("CreateFlowRun", {"flowRun": {"flowName": "f", "deploymentId": id}}).flow_run.id
            for _ in range(2)
        ]
        assert world.propose(runs[0], "PENDING").kind == ACCEPT
        assert world.propose(runs[1], "PENDING").state.name == state


def test_limits_of_others_are_theirs_to_change(world: World) -> None:
    made = {"name": "d", "flowName": "f", "concurrencyLimit": 1}
    deployment = world.call("CreateDeployment", {"deployment": made}).deployment
    own = world.call("GetConcurrencyLimit", {"name": f"deployment:{deployment.id}"}).concurrency_limit
    update = {"concurrencyLimit": {"id": own.id, "limit": 5}, "updateMask": "limit"}
    for name, request in [("UpdateConcurrencyLimit", update), ("DeleteConcurrencyLimit", {"id": own.id})]:
        refusal = world.refused(name, request)
        assert refusal.reason == "LIMIT_HAS_OWNER"
        assert "a deployment" in refusal.message
    world.call("UpdateDeployment", {"deployment": {"id": deployment.id}, "updateMask": "concurrencyLimit"})
    assert not world.call("GetDeployment", {"id": deployment.id}).deployment.HasField("concurrency_limit")
    assert world.refused("GetConcurrencyLimit", {"id": own.id}).reason == "CONCURRENCY_LIMIT_NOT_FOUND"
    assert world.refused("GetConcurrencyLimit", {"id": MISSING}).reason == "CONCURRENCY_LIMIT_NOT_FOUND"
