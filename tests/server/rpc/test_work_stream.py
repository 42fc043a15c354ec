"""WorkService.Work: who is offered what, and what becomes of what a worker says."""

import base64
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from antiphon.v1 import work_service_pb2 as pb
from antiphon.v1 import work_service_pb2_grpc
from antiphon.v1.worker_pb2 import WORKER_STATUS_OFFLINE, WORKER_STATUS_ONLINE
from antiphon_server.application import offers, work_dispatch, work_lookout
from antiphon_server.domain.errors import Unavailable
from antiphon_server.rpc import outbox, work_stream
from antiphon_server.storage import fitting, tables
from hand_session import HandSession, proposal
from hand_worker import HandWorker, claim_of
from held_reads import hold_reads
from in_writer import in_writer
from refusals import refused
from running_server import RunningServer
from until import until
from world import MISSING, World

READY, NOT_READY, PAUSED = 1, 2, 3
#: A pool that a worker may have made.
NEW = {"name": "new", "type": "process"}


class Site:
    """A pool with two more queues, `first` and `last`, and a deployment that is in the default one."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.world = World(server)
        self.pool = self.call("CreateWorkPool", {"workPool": {"name": "p", "type": "process"}}).work_pool.id
        for name, priority in (("urgent", 1), ("last", 5)):
            queue = {"name": name, "workPoolId": self.pool, "priority": priority}
            self.call("CreateWorkQueue", {"workQueue": queue})
        default = self.call("GetWorkQueue", {"name": {"workPoolName": "p", "name": "default"}}).work_queue
        self.call("UpdateWorkQueue", {"workQueue": {"id": default.id, "priority": 3}, "updateMask": "priority"})
        self.deployment = self.deploy("d")

    def call(self, name: str, request: Any) -> Any:
        return self.world.call(name, request)

    def deploy(self, name: str, **fields: Any) -> str:
        wanted = {"name": name, "flowName": "f", "workPoolName": "p", "entrypoint": "flows.py:f", **fields}
        return str(self.call("CreateDeployment", {"deployment": wanted}).deployment.id)

    def run(self, deployment: str = "", **fields: Any) -> str:
        return str(self.call("RunDeployment", {"id": deployment or self.deployment, **fields}).flow_run.id)

    def read(self, id: str) -> Any:
        return self.call("GetFlowRun", {"id": id}).flow_run

    def state(self, id: str) -> tuple[str, str]:
        state = self.read(id).state
        return state.name, state.message

    def worker(self, name: str = "w", *, credit: int = 1, **hello: Any) -> HandWorker:
        """One that was welcomed."""
        worker = HandWorker(self.server.channel, name=name, work_pool_name="p", client="hand", **hello)
        worker.welcome()
        if credit:
            worker.credit(credit)
        return worker

    def begin(self, offer: pb.WorkOffer) -> HandSession:
        """The process that the worker started says RUNNING."""
        session = HandSession(self.server.channel)
        session.say(session.durable(proposal=proposal(offer.flow_run.id, "RUNNING", fencing_token=offer.fencing_token)))
        assert session.next("verdict").verdict.verdict.kind == 1
        return session


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


# Offers


def test_a_run_is_offered_claimed(site: Site) -> None:
    worker = site.worker()
    id = site.run(parameters={"metadata": {"encoding": "json/plain"}, "data": "e30="}, jobVariables='{"a": 1}')
    offer = worker.offer()
    run = site.read(id)
    assert offer.flow_run == run
    assert (run.state.name, run.state.message) == ("Pending", "taken by worker 'w' of work pool 'p'")
    assert (offer.fencing_token, run.fencing_token, run.job_variables) == (1, 1, '{"a": 1}')
    assert offer.expire_time == run.deadline_time
    assert (offer.deployment.entrypoint, offer.deployment.work_pool_name) == ("flows.py:f", "p")
    worker.take(offer)
    worker.heartbeat()
    assert site.state(id)[0] == "Pending"


def test_what_waited_is_offered_to_who_comes(site: Site) -> None:
    ids = [site.run() for _ in range(3)]
    worker = site.worker(credit=0)
    worker.heartbeat()
    worker.credit(2)
    assert [worker.offer().flow_run.id for _ in range(2)] == ids[:2]
    worker.heartbeat()
    worker.credit()
    assert worker.offer().flow_run.id == ids[2]


def test_queues_then_runs_then_times_have_priority(site: Site) -> None:
    urgent, last = site.deploy("urgent", workQueueName="urgent"), site.deploy("last", workQueueName="last")
    expected = {
        site.run(last, priority=9): 5,
        site.run(): 4,
        site.run(priority=-1): 4.5,
        site.run(scheduledTime="2020-01-01T00:00:00Z"): 3,
        site.run(priority=1): 2,
        site.run(urgent): 1,
    }
    worker = site.worker(credit=10)
    found = [worker.offer().flow_run.id for _ in expected]
    assert found == sorted(expected, key=lambda id: expected[id])


def test_who_takes_no_more_is_offered_nothing(site: Site) -> None:
    worker = site.worker(credit=5)
    worker.say(credit=pb.WorkerCredit(none=True))
    worker.heartbeat()
    id = site.run()
    other = site.worker("other")
    assert other.offer().flow_run.id == id
    worker.heartbeat()


def test_a_worker_takes_from_the_queues_that_it_names(site: Site) -> None:
    only = site.worker("only", work_queue_names=["urgent", "last"], credit=9)
    here, there = site.run(), site.run(site.deploy("last", workQueueName="last"))
    assert only.offer().flow_run.id == there
    assert site.worker("any").offer().flow_run.id == here


def test_a_queue_that_comes_later_is_taken_from_too(site: Site) -> None:
    worker = site.worker(credit=2)
    worker.heartbeat()
    site.call("CreateWorkQueue", {"workQueue": {"name": "new", "workPoolId": site.pool}})
    ids = [site.run(workQueueName="new"), site.run(workQueueName="new")]
    assert [worker.offer().flow_run.id for _ in ids] == ids


def test_labels_say_who_may_have_a_run_and_who_should(site: Site) -> None:
    affinity = {"required": {"gpu": "a100"}, "preferred": {"zone": "x"}}
    picky = site.deploy("picky", workerAffinity=affinity)
    plain = site.worker("plain", credit=9)
    far = site.worker("far", labels={"gpu": "a100", "zone": "y"}, credit=9)
    near = site.worker("near", labels={"gpu": "a100", "zone": "x"}, credit=1)
    for worker in (plain, far, near):
        worker.heartbeat()
    first, second = site.run(picky), None
    assert near.offer().flow_run.id == first
    second = site.run(picky)
    assert far.offer().flow_run.id == second, "the one that is liked best has no room"
    plain.heartbeat()


def test_one_that_no_worker_may_have_keeps_nobody_waiting(site: Site) -> None:
    picky = site.deploy("picky", workerAffinity={"required": {"gpu": "a100"}})
    lonely = [site.run(picky, priority=5) for _ in range(3)]
    worker = site.worker()
    id = site.run()
    assert worker.offer().flow_run.id == id
    assert {site.state(each)[0] for each in lonely} == {"Scheduled"}


def test_a_run_is_offered_at_its_time_and_ahead_of_it_to_who_looks_ahead(site: Site) -> None:
    ahead = site.worker("ahead", credit=1, prefetch=Duration(seconds=300))
    late = site.worker("late", credit=2)
    near, far = ({"scheduledTime": later(site, seconds)} for seconds in (200, 1000))
    first = site.run(**near)
    assert ahead.offer().flow_run.id == first
    second, third = site.run(**near), site.run(**far)
    late.heartbeat()
    assert late.quiet
    site.server.advance(200)
    assert late.offer().flow_run.id == second
    site.server.advance(800)
    assert late.offer().flow_run.id == third


def test_the_deployment_is_offered_as_it_was_when_the_run_was_made(site: Site) -> None:
    id = site.run()
    changed = {"id": site.deployment, "entrypoint": "flows.py:g", "tags": ["new"]}
    site.call("UpdateDeployment", {"deployment": changed, "updateMask": "entrypoint,tags"})
    later = site.run()
    worker = site.worker(credit=2)
    offered = {offer.flow_run.id: offer.deployment for offer in (worker.offer(), worker.offer())}
    assert (offered[id].entrypoint, list(offered[id].tags), offered[id].version_number) == ("flows.py:f", [], 1)
    assert (offered[later].entrypoint, list(offered[later].tags)) == ("flows.py:g", ["new"])


def test_what_could_not_be_read_after_its_claim_is_offered_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_dispatch, "RETRY_AFTER", 0.0)
    reader = site.server.server.reader
    read, faults = reader.matching, [Unavailable("READERS_BUSY", "all are busy"), ValueError("a bug")]

    async def faulty(*what: Any) -> Any:
        if faults:
            raise faults.pop()
        return await read(*what)

    reader.matching = faulty  # type: ignore[method-assign]
    worker, id = site.worker(), site.run()
    assert worker.offer().flow_run.id == id
    assert not faults


def test_the_room_for_a_run_that_went_after_its_claim_is_given_to_another(site: Site) -> None:
    go_on = hold_reads(site.server)
    worker, gone = site.worker(), site.run()
    until(lambda: site.state(gone)[0] == "Pending")
    site.call("DeleteFlowRun", {"id": gone})
    assert worker.command().revoke_run.flow_run_id == gone
    there = site.run()
    go_on()
    assert worker.offer().flow_run.id == there


def test_who_reads_is_not_cut_for_the_weight_of_what_it_is_offered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_QUEUED_BYTES", 100_000)
    monkeypatch.setattr(work_stream, "MAX_QUEUED_OFFERS", 10_000)
    data = base64.b64encode(json.dumps({"text": "x" * 10_000}).encode()).decode()
    ids = [site.run(parameters={"metadata": {"encoding": "json/plain"}, "data": data}) for _ in range(20)]
    worker = HandWorker(site.server.channel, name="w", work_pool_name="p")
    token = worker.welcome().resume_token
    worker.credit(20)
    assert [worker.offer().flow_run.id for _ in ids] == ids
    worker.cut()
    again = HandWorker(site.server.channel, name="w", work_pool_name="p", resume_token=token)
    again.welcome()
    assert {again.offer().flow_run.id for _ in ids} == set(ids)


# What holds runs back


@pytest.mark.parametrize("what", ["pool", "queue"])
def test_what_is_paused_gives_nothing_until_it_is_resumed(site: Site, what: str) -> None:
    if what == "pool":
        request = {"workPool": {"id": site.pool, "paused": True}, "updateMask": "paused"}
        method = "UpdateWorkPool"
    else:
        queue = site.call("GetWorkQueue", {"name": {"workPoolName": "p", "name": "default"}}).work_queue.id
        request, method = {"workQueue": {"id": queue, "paused": True}, "updateMask": "paused"}, "UpdateWorkQueue"
    site.call(method, request)
    worker = site.worker()
    id = site.run()
    worker.heartbeat()
    assert worker.quiet
    next(iter(request.values()))["paused"] = False  # type: ignore[index]
    site.call(method, request)
    assert worker.offer().flow_run.id == id


def test_of_a_paused_deployment_only_what_was_asked_for_is_offered(site: Site) -> None:
    made = {"flowName": "f", "deploymentId": site.deployment, "autoScheduled": True}
    held = site.call("CreateFlowRun", {"flowRun": made}).flow_run.id
    site.world.propose(held, "SCHEDULED")
    site.call("PauseDeployment", {"id": site.deployment})
    worker = site.worker(credit=2)
    asked = site.run()
    assert worker.offer().flow_run.id == asked
    worker.heartbeat()
    assert worker.quiet
    site.call("ResumeDeployment", {"id": site.deployment})
    assert worker.offer().flow_run.id == held


def test_the_limits_of_pool_and_queue_are_kept_and_what_they_hold_back_is_no_state(site: Site) -> None:
    pool = {"workPool": {"id": site.pool, "concurrencyLimit": 2}, "updateMask": "concurrencyLimit"}
    site.call("UpdateWorkPool", pool)
    ids = [site.run() for _ in range(4)]
    worker = site.worker(credit=9)
    offered = [worker.offer(), worker.offer()]
    worker.heartbeat()
    assert worker.quiet
    assert [site.state(id)[0] for id in ids] == ["Pending", "Pending", "Scheduled", "Scheduled"]
    worker.exited(offered[0])
    assert worker.offer().flow_run.id == ids[2]
    site.call("UpdateWorkPool", {**pool, "workPool": {"id": site.pool, "concurrencyLimit": 3}})
    assert worker.offer().flow_run.id == ids[3]


def test_what_a_lowered_limit_holds_back_is_no_state_either(site: Site) -> None:
    pool = {"workPool": {"id": site.pool, "concurrencyLimit": 3}, "updateMask": "concurrencyLimit"}
    site.call("UpdateWorkPool", pool)
    worker = site.worker(credit=9)
    ids = [site.run() for _ in range(3)]
    offered = [worker.offer() for _ in ids]
    site.call("UpdateWorkPool", {**pool, "workPool": {"id": site.pool, "concurrencyLimit": 1}})
    late, first = site.run(), site.run(site.deploy("urgent", workQueueName="urgent"))
    for offer in offered:
        worker.exited(offer)
    last = worker.offer()
    assert last.flow_run.id == first, "its queue goes first, though it came last"
    worker.exited(last)
    assert worker.offer().flow_run.id == late
    assert [state.name for state in site.call("ListFlowRunStates", {"id": late}).states] == ["Scheduled", "Pending"]


def test_who_finds_the_limit_of_the_deployment_full_is_called_in_turn(site: Site) -> None:
    one = site.deploy("one", concurrencyLimit=1)
    ids = [site.run(one) for _ in range(3)]
    worker = site.worker(credit=9)
    for id in ids:
        offer = worker.offer()
        assert offer.flow_run.id == id
        worker.heartbeat()
        assert worker.quiet
        waiting = [each for each in ids if each > id]
        assert {site.state(each)[0] for each in waiting} <= {"AwaitingConcurrencySlot"}
        worker.exited(offer)


def test_a_limit_of_nothing_is_no_hindrance_for_others(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shut = site.deploy("shut", concurrencyLimit=0)
    stuck = [site.run(shut, priority=1) for _ in range(3)]
    worker = site.worker(credit=9)
    id = site.run()
    assert worker.offer().flow_run.id == id
    assert {site.state(each)[0] for each in stuck} == {"Scheduled"}
    site.call(
        "UpdateDeployment",
        {"deployment": {"id": shut, "concurrencyLimit": 5}, "updateMask": "concurrencyLimit"},
    )
    assert {worker.offer().flow_run.id for _ in stuck} == set(stuck)


def test_a_run_whose_deployment_is_gone_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_lookout, "PASSED_OVER", 0.01)
    id = site.run()
    site.call("DeleteDeployment", {"id": site.deployment})
    other = site.deploy("other")
    worker, there = site.worker(credit=5), site.run(other)
    assert worker.offer().flow_run.id == there
    assert site.state(id)[0] == "Scheduled"


# Answers


def test_what_is_declined_goes_to_others_and_comes_again(site: Site) -> None:
    first, second = site.worker("first"), site.worker("second", credit=0)
    id = site.run()
    offer = first.offer()
    first.decline(offer, "no disk", retry_after=0.05)
    first.heartbeat()
    until(lambda: site.state(id) == ("Scheduled", "worker 'first' of work pool 'p' declined it: no disk"))
    second.credit()
    again = second.offer()
    assert (again.flow_run.id, again.fencing_token) == (id, 2)
    second.decline(again, retry_after=60)
    first.credit()
    last = first.offer()
    assert (last.flow_run.id, last.fencing_token) == (id, 3), "its time to be asked again has come"


def test_what_was_declined_keeps_nobody_behind_it_waiting(site: Site) -> None:
    first, second = site.run(priority=1), site.run()
    worker = site.worker()
    offer = worker.offer()
    assert offer.flow_run.id == first
    worker.decline(offer, retry_after=3600)
    worker.heartbeat()
    until(lambda: site.state(first)[0] == "Scheduled")
    worker.credit()
    assert worker.offer().flow_run.id == second


def test_what_is_not_due_yet_keeps_nobody_behind_it_waiting(site: Site) -> None:
    for _ in range(2):
        site.run(priority=1, scheduledTime=later(site, 200))
    due = site.run()
    site.worker("ahead", work_queue_names=["urgent"], prefetch=Duration(seconds=300)).heartbeat()
    assert site.worker().offer().flow_run.id == due


def test_what_is_not_answered_is_given_back_and_its_worker_is_asked_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "OFFER", 0.05)
    deaf = site.worker("deaf", credit=5)
    id = site.run()
    assert deaf.offer().flow_run.id == id
    until(lambda: site.state(id) == ("Scheduled", "worker 'deaf' of work pool 'p' did not answer the offer"))
    monkeypatch.setattr(offers, "OFFER", 60.0)
    other = site.worker("other")
    assert other.offer().flow_run.id == id
    second = site.run()
    deaf.say(credit=pb.WorkerCredit())
    assert deaf.offer().flow_run.id == second, "it is heard of again"


def test_who_does_not_answer_loses_what_it_was_about_to_be_offered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "OFFER", 0.05)
    monkeypatch.setattr(fitting, "MAX_BATCH_BYTES", 1)
    hold_reads(site.server, first=1)
    first, second = site.run(), site.run()
    deaf = site.worker("deaf", credit=2)
    assert deaf.offer().flow_run.id == first
    for id in (first, second):
        until(lambda id=id: site.state(id)[1] == "worker 'deaf' of work pool 'p' did not answer the offer")


def test_an_answer_to_an_offer_that_is_over_changes_nothing(site: Site) -> None:
    worker = site.worker(credit=2)
    id = site.run()
    offer = worker.offer()
    worker.decline(offer, retry_after=0)
    again = worker.offer()
    assert again.fencing_token == 2
    worker.decline(offer)
    worker.take(offer)
    worker.started(offer, "old")
    worker.exited(offer, "old", 1)
    worker.heartbeat()
    run = site.read(id)
    assert (run.state.name, run.fencing_token, run.infrastructure_pid) == ("Pending", 2, "")


# Reports


def test_what_was_started_is_stored_and_its_process_goes_on_with_the_run(site: Site) -> None:
    worker = site.worker()
    id = site.run()
    offer = worker.offer()
    worker.take(offer)
    worker.started(offer, "host:42")
    assert site.read(id).infrastructure_pid == "host:42"
    session = site.begin(offer)
    session.say(session.durable(proposal=proposal(id, "COMPLETED")))
    assert session.next("verdict").verdict.verdict.state.name == "Completed"
    worker.exited(offer, "host:42")
    assert site.state(id)[0] == "Completed"


def test_what_a_worker_says_next_does_not_wait_for_the_commit_of_a_report(site: Site) -> None:
    worker, busy, written = site.worker(), threading.Event(), threading.Event()
    site.run()
    offer = worker.offer()
    holding = threading.Thread(target=in_writer, args=(site.server, lambda _: (busy.set(), written.wait(25))))
    holding.start()
    assert busy.wait(20)
    worker.say(started=pb.InfrastructureStarted(claim=claim_of(offer), infrastructure_pid="pid"))
    worker.say()
    assert worker.refusal().reason == "FRAME_INVALID"
    written.set()
    holding.join()


@pytest.mark.parametrize(
    ("pid", "said"),
    [
        ("host:42", "what ran it (host:42) ended with exit code 137 before it said how the run ended: out of memory"),
        ("", "what was to run it could not be started: out of memory"),
    ],
)
@pytest.mark.parametrize("running", [True, False])
def test_a_run_whose_process_is_gone_has_crashed(site: Site, running: bool, pid: str, said: str) -> None:
    worker = site.worker()
    id = site.run()
    offer = worker.offer()
    worker.take(offer)
    if running:
        site.begin(offer)
    worker.exited(offer, pid, 137, "out of memory")
    assert site.state(id) == ("Crashed", said)
    worker.exited(offer, pid, 137, "out of memory")
    assert len(site.call("ListFlowRunStates", {"id": id}).states) == (4 if running else 3)


def test_who_was_to_stop_and_is_gone_is_cancelled(site: Site) -> None:
    worker = site.worker()
    id = site.run()
    offer = worker.offer()
    worker.take(offer)
    site.call("CancelFlowRun", {"id": id, "reason": "enough"})
    command = worker.command()
    assert (command.cancel_run.flow_run_id, command.cancel_run.reason) == (id, "enough")
    worker.exited(offer)
    assert site.state(id)[0] == "Cancelled"


def test_a_suspended_run_does_not_crash_when_its_process_ends(site: Site) -> None:
    worker = site.worker()
    id = site.run()
    offer = worker.offer()
    worker.take(offer)
    site.begin(offer)
    site.call("SuspendFlowRun", {"id": id})
    worker.exited(offer)
    assert site.state(id)[0] == "Suspended"
    worker.credit()
    site.call("ResumeFlowRun", {"id": id})
    again = worker.offer()
    assert (again.flow_run.id, again.fencing_token) == (id, 2)


def test_what_somebody_takes_away_is_revoked(site: Site) -> None:
    worker = site.worker()
    id = site.run()
    worker.take(worker.offer())
    site.world.propose(id, "FAILED", force=True)
    command = worker.command()
    assert command.revoke_run.flow_run_id == id


# Coming back


def test_after_a_cut_it_is_offered_again_what_it_does_not_hold(site: Site) -> None:
    worker = HandWorker(site.server.channel, name="w", work_pool_name="p")
    token = worker.welcome().resume_token
    worker.credit(2)
    ids = [site.run(), site.run()]
    held, unknown = worker.offer(), worker.offer()
    worker.take(held)
    worker.heartbeat()
    worker.cut()
    again = HandWorker(site.server.channel, name="w", work_pool_name="p", resume_token=token, holds=[claim_of(held)])
    assert list(again.welcome().lost) == []
    assert again.offer() == unknown
    again.heartbeat()
    assert [site.state(id)[0] for id in ids] == ["Pending", "Pending"]


def test_the_same_token_twice_ends_the_older_stream(site: Site) -> None:
    first = HandWorker(site.server.channel, name="w", work_pool_name="p")
    token = first.welcome().resume_token
    second = HandWorker(site.server.channel, name="w", work_pool_name="p", resume_token=token)
    second.welcome()
    assert first.refusal().reason == "SESSION_SUPERSEDED"
    second.heartbeat()


def test_who_is_gone_for_longer_than_its_lease_loses_what_had_not_begun(site: Site) -> None:
    worker = HandWorker(site.server.channel, name="w", work_pool_name="p")
    welcome = worker.welcome()
    token, worker_session = welcome.resume_token, welcome.session_id
    worker.credit(3)
    begun, waiting, _ended = (site.run() for _ in range(3))
    offered = [worker.offer() for _ in range(3)]
    site.begin(offered[0])
    worker.exited(offered[2])
    worker.cut()
    lose_session(site, worker_session)
    assert site.state(waiting)[0] == "Scheduled"
    assert site.state(begun)[0] == "Running"
    expired = HandWorker(site.server.channel, name="w", work_pool_name="p", resume_token=token)
    assert expired.refusal().reason == "SESSION_EXPIRED"
    holds = [claim_of(each) for each in offered] + [pb.Claim(flow_run_id=MISSING, fencing_token=1)]
    back = HandWorker(site.server.channel, name="w", work_pool_name="p", holds=holds)
    lost = {claim.flow_run_id for claim in back.welcome().lost}
    assert lost == {waiting, MISSING}
    back.exited(offered[0], "pid", 9)
    assert site.state(begun)[0] == "Crashed", "the run is its own again"


def test_who_says_goodbye_gives_back_what_had_not_begun(site: Site) -> None:
    worker = site.worker()
    id = site.run()
    worker.take(worker.offer())
    worker.goodbye()
    name, message = site.state(id)
    assert (name, message) == (
        "Scheduled",
        "worker 'w' of work pool 'p' went away: enough; another worker takes the run",
    )
    assert site.call("ListWorkers", {}).workers[0].status == WORKER_STATUS_OFFLINE


def test_who_dies_and_is_started_again_takes_over_at_once(site: Site) -> None:
    worker = site.worker()
    id = site.run()
    worker.take(worker.offer())
    worker.cut()
    until(lambda: not site.server.server.hub.attached())
    again = site.worker()
    offer = again.offer()
    assert (offer.flow_run.id, offer.fencing_token) == (id, 2)


# Workers


def test_a_worker_is_listed_and_its_pool_is_ready(site: Site) -> None:
    assert site.call("GetWorkPool", {"name": "p"}).work_pool.status == NOT_READY
    worker = site.worker(work_queue_names=["last"], labels={"a": "b"})
    found = site.call("GetWorker", {"name": {"workPoolName": "p", "name": "w"}}).worker
    assert (found.status, found.client, list(found.work_queue_names)) == (WORKER_STATUS_ONLINE, "hand", ["last"])
    assert (dict(found.labels), found.work_pool_name) == ({"a": "b"}, "p")
    assert site.call("GetWorkPool", {"name": "p"}).work_pool.status == READY
    queues = {each.name: each.status for each in site.call("ListWorkQueues", {}).work_queues}
    assert queues == {"urgent": NOT_READY, "default": NOT_READY, "last": READY}
    refused = site.world.refused("DeleteWorker", {"id": found.id})
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WORKER_ONLINE")
    worker.goodbye()
    site.call("DeleteWorker", {"id": found.id})
    assert not site.call("ListWorkers", {}).workers


def test_a_pool_is_made_for_who_says_how(site: Site) -> None:
    made = {"name": "new", "type": "docker", "description": "made"}
    worker = HandWorker(site.server.channel, name="w", work_pool_name="new", create_work_pool=made)
    welcome = worker.welcome()
    assert (welcome.work_pool.name, welcome.work_pool.type, welcome.work_pool.status) == ("new", "docker", READY)
    assert site.call("GetWorkPool", {"name": "new"}).work_pool.description == "made"


def test_a_worker_without_a_name_gets_one(site: Site) -> None:
    names = set()
    for _ in range(2):
        worker = HandWorker(site.server.channel, work_pool_name="p")
        names.add(worker.welcome().worker.name)
    assert len(names) == 2


def test_deployments_without_a_queue_are_served_by_who_names_them(site: Site) -> None:
    bare = {"name": "bare", "flowName": "f"}
    ids = [site.call("CreateDeployment", {"deployment": {**bare, "name": name}}).deployment.id for name in "ab"]
    one = HandWorker(site.server.channel, deployment_ids=[ids[0].upper()])
    assert not one.welcome().HasField("worker")
    one.credit(5)
    there, here = site.run(ids[1]), site.run(ids[0])
    assert one.offer().flow_run.id == here
    one.heartbeat()
    assert one.quiet
    other = HandWorker(site.server.channel, deployment_ids=ids)
    other.welcome()
    other.credit(5)
    assert other.offer().flow_run.id == there


# What is refused


@pytest.mark.parametrize(
    ("hello", "code", "reason"),
    [
        ({"work_pool_name": "nope"}, grpc.StatusCode.NOT_FOUND, "WORK_POOL_NOT_FOUND"),
        ({"work_pool_name": "p", "work_queue_names": ["nope"]}, grpc.StatusCode.NOT_FOUND, "WORK_QUEUE_NOT_FOUND"),
        (
            {"work_pool_name": "p", "work_pool_type": "docker"},
            grpc.StatusCode.FAILED_PRECONDITION,
            "WORK_POOL_TYPE_DIFFERS",
        ),
        (
            {"work_pool_name": "new", "create_work_pool": NEW, "work_queue_names": ["default", "nope"]},
            grpc.StatusCode.NOT_FOUND,
            "WORK_QUEUE_NOT_FOUND",
        ),
        (
            {"work_pool_name": "new", "create_work_pool": NEW, "work_pool_type": "docker"},
            grpc.StatusCode.FAILED_PRECONDITION,
            "WORK_POOL_TYPE_DIFFERS",
        ),
        ({}, grpc.StatusCode.INVALID_ARGUMENT, "WORK_SOURCE_MISSING"),
        (
            {"work_pool_name": "new", "create_work_pool": {"name": "other", "type": "process"}},
            grpc.StatusCode.INVALID_ARGUMENT,
            "WORK_POOL_NAME_DIFFERS",
        ),
        (
            {"work_pool_name": "p", "deployment_ids": [MISSING]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "WORK_SOURCE_MISSING",
        ),
        ({"work_pool_name": "p", "resume_token": "forged"}, grpc.StatusCode.UNAUTHENTICATED, "RESUME_TOKEN_INVALID"),
        ({"work_pool_name": "p", "prefetch": Duration(seconds=601)}, grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"),
    ],
)
def test_who_cannot_come(site: Site, hello: dict[str, Any], code: grpc.StatusCode, reason: str) -> None:
    refusal = HandWorker(site.server.channel, **hello).refusal()
    assert (refusal.code, refusal.reason) == (code, reason)
    assert site.call("ListWorkers", {}).workers == []
    assert [pool.name for pool in site.call("ListWorkPools", {}).work_pools] == ["p"]
    assert sessions_of(site) == []


def test_a_name_of_which_a_worker_is_connected_is_taken(site: Site) -> None:
    site.worker()
    before = sessions_of(site)
    refusal = HandWorker(site.server.channel, name="w", work_pool_name="p").refusal()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WORKER_NAME_TAKEN")
    assert "'hand'" in refusal.message
    assert sessions_of(site) == before


@pytest.mark.parametrize("body", [{}, {"hello": pb.WorkerHello(work_pool_name="p")}])
def test_a_message_of_no_kind_ends_the_stream(site: Site, body: dict[str, Any]) -> None:
    worker = site.worker()
    worker.say(**body)
    refusal = worker.refusal()
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FRAME_INVALID")


def test_a_stream_begins_with_hello(site: Site) -> None:
    work = work_service_pb2_grpc.WorkServiceStub(site.server.channel).Work
    refusal = refused(lambda: list(work(iter([pb.WorkRequest(credit=pb.WorkerCredit(runs=1))]), timeout=20)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "HELLO_MISSING")


def test_a_stopping_server_says_so(site: Site) -> None:
    worker = site.worker()
    site.call("StopServer", {"reason": "enough"})
    until(site.server.server.asked_to_stop.is_set)
    site.server.run(site.server.server.stop)
    assert worker.command().HasField("drain")
    assert worker.refusal().reason == "SERVER_STOPPING"


def later(site: Site, seconds: float) -> str:
    """A time so many seconds from now."""
    return (datetime.fromtimestamp(site.server.clock() / 1e6, UTC) + timedelta(seconds=seconds)).isoformat()


def sessions_of(site: Site) -> list[tuple[str, int]]:
    """Their ids and epochs."""
    query = tables.sessions.select().with_only_columns(tables.sessions.c.id, tables.sessions.c.epoch)
    return [(id, epoch) for id, epoch in in_writer(site.server, lambda it: it.connection.execute(query).all())]


def lose_session(site: Site, id: str) -> None:
    """Nobody has heard of the session for longer than its lease."""
    sessions = tables.sessions
    in_writer(
        site.server,
        lambda it: it.connection.execute(
            sessions.update().where(sessions.c.id == id).values(expire_time=site.server.clock() - 1)
        ),
    )
    site.server.run(site.server.server.sweeper.sweep)
