"""The workers' stream under workers that say anything, cut and come again, beside one that does as it should."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from antiphon.v1 import session_pb2
from antiphon.v1 import work_service_pb2 as pb
from contract import Known, messages
from effort import fuzzing
from hand_session import HandSession, new_id
from hand_worker import HandWorker
from lawful import check_histories, check_nothing_left
from running_server import RunningServer
from wild_bytes import wild
from wild_stream import WildStream, all_end
from world import World

TTL = 30.0
REQUEST = pb.WorkRequest.DESCRIPTOR


class Site:
    """A server with a pool for wild workers and one for the lawful, a deployment in each."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.call = World(server).call
        self.wild = self._deploy("wild")
        self.lawful = self._deploy("lawful")
        session = HandSession(server.channel)
        session.cut()
        self.known: Known = {
            "id": [self.wild, new_id()],
            "deployment_ids": [self.wild],
            "work_pool_name": ["wild", "wild", "wild", ""],
            "work_queue_names": ["default"],
            "name": ["one", "two"],
            "flow_run_id": [self.run(self.wild) for _ in range(5)],
            "fencing_token": [1, 1, 2],
            "runs": [0, 1, 10_000],
            "resume_token": ["", "", session.welcome.resume_token],
            "type": ["process"],
            "base_job_template": ["", "{}", '{"variables": []}', "["],
        }

    def _deploy(self, name: str) -> str:
        self.call("CreateWorkPool", {"workPool": {"name": name, "type": "process"}})
        deployment = {"name": name, "flowName": "f", "workPoolName": name}
        return str(self.call("CreateDeployment", {"deployment": deployment}).deployment.id)

    def run(self, deployment: str) -> str:
        return str(self.call("RunDeployment", {"id": deployment}).flow_run.id)


class Client:
    """A worker that may say anything."""

    def __init__(self, site: Site, hello: pb.WorkerHello) -> None:
        self.stream = WildStream(site.server.channel, "WorkService/Work")
        self.stream.say(pb.WorkRequest(hello=hello))
        self.token = self.stream.heard[0].welcome.resume_token if self.stream.hears() else ""

    @property
    def claims(self) -> list[pb.Claim]:
        """Of what it was offered."""
        offers = [each.offer for each in self.stream.heard if each.HasField("offer")]
        return [pb.Claim(flow_run_id=each.flow_run.id, fencing_token=each.fencing_token) for each in offers]


class Machine(RuleBasedStateMachine):
    site: Site
    clients = Bundle("clients")

    @initialize(target=clients)
    def begin(self) -> Client:
        self.all: list[Client] = []
        self.worker = HandWorker(self.site.server.channel, name="lawful", work_pool_name="lawful")
        self.worker.welcome()
        return self._client(pb.WorkerHello(name="one", work_pool_name="wild"))

    def _client(self, hello: pb.WorkerHello) -> Client:
        self.all.append(Client(self.site, hello))
        return self.all[-1]

    @rule(target=clients, data=st.data())
    def come(self, data: st.DataObject) -> Client:
        hello: Any = data.draw(messages(pb.WorkerHello.DESCRIPTOR, self.site.known))
        return self._client(hello)

    @rule(target=clients, client=clients, cuts=st.booleans(), holds=st.booleans(), pool=st.sampled_from(["wild", "no"]))
    def come_again(self, client: Client, cuts: bool, holds: bool, pool: str) -> Client:
        if cuts:
            client.stream.cut()
        claims = client.claims if holds else []
        return self._client(pb.WorkerHello(name="one", work_pool_name=pool, resume_token=client.token, holds=claims))

    @rule(client=clients, data=st.data(), count=st.integers(1, 4))
    def say(self, client: Client, data: st.DataObject, count: int) -> None:
        requests: list[Any] = [data.draw(messages(REQUEST, self.site.known, depth=4)) for _ in range(count)]
        client.stream.say(*requests)

    @rule(client=clients, data=st.data())
    def say_bytes(self, client: Client, data: st.DataObject) -> None:
        client.stream.say(data.draw(wild(REQUEST) | st.binary(max_size=20)))

    @rule(client=clients, runs=st.integers(0, 3))
    def ask_for_work(self, client: Client, runs: int) -> None:
        """And there is some."""
        for _ in range(runs):
            self.site.run(self.site.wild)
        client.stream.say(pb.WorkRequest(credit=pb.WorkerCredit(runs=runs)))

    @rule(client=clients, how=st.sampled_from(["take", "decline", "start", "exit", "odd"]), twice=st.booleans())
    def answer(self, client: Client, how: str, twice: bool) -> None:
        for claim in client.claims:
            taken = pb.OFFER_DECISION_DECLINED if how == "decline" else pb.OFFER_DECISION_TAKEN
            if how == "odd":
                claim.fencing_token += 1
            said = {
                "start": pb.WorkRequest(started=pb.InfrastructureStarted(claim=claim, infrastructure_pid="p\0")),
                "exit": pb.WorkRequest(exited=pb.InfrastructureExited(claim=claim, exit_code=-(2**31))),
            }.get(how, pb.WorkRequest(answer=pb.OfferAnswer(claim=claim, decision=taken)))
            client.stream.say(*[said] * (1 + twice))

    @rule(client=clients, how=st.sampled_from(["cut", "close", "goodbye"]))
    def leave(self, client: Client, how: str) -> None:
        if how == "goodbye":
            client.stream.say(pb.WorkRequest(goodbye=session_pb2.Goodbye(reason="\0")))
        elif how == "cut":
            client.stream.cut()
        client.stream.close()

    @rule()
    def the_lawful_one_works(self) -> None:
        """A run from its offer to its end, in the hands of the worker and then of the process that it starts."""
        run = self.site.run(self.site.lawful)
        self.worker.credit()
        offer = self.worker.offer()
        assert offer.flow_run.id == run
        self.worker.take(offer)
        self.worker.started(offer)
        process = HandSession(self.site.server.channel)
        for state in ("RUNNING", "COMPLETED"):
            verdict = process.propose(run, state, fencing_token=offer.fencing_token)
            assert verdict.state.name == state.capitalize(), verdict
        self.worker.exited(offer)
        process.cut()

    def teardown(self) -> None:
        all_end(client.stream for client in getattr(self, "all", []))
        if hasattr(self, "worker"):
            self.the_lawful_one_works()
            self.worker.goodbye()


@pytest.fixture
def site(tmp_path: Any) -> Iterator[Site]:
    with RunningServer(tmp_path, session_ttl=TTL) as running:
        yield Site(running)


def test_any_sequence_of_messages(site: Site) -> None:
    class OnSite(Machine):
        pass

    OnSite.site = site
    run_state_machine_as_test(OnSite, settings=fuzzing(20, stateful_step_count=12))  # type: ignore[no-untyped-call]
    check_histories(site.server)
    check_nothing_left(site.server, TTL)
