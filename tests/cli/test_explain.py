"""`antiphon flow-run explain` on a real server: for each kind of state what a person is told, word by word."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from typer.testing import Result

from antiphon.cli import explaining
from antiphon.v1.session_pb2 import CommandResult, CommandStage
from hand_session import HandSession
from running_server import RunningServer
from world import MISSING, World

Cli = Callable[..., Result]


@dataclass
class Scene:
    """A real server that the command line is configured for, and names for ids, so that texts can be compared."""

    world: World
    cli: Cli
    session: HandSession
    names: dict[str, str] = field(default_factory=dict)

    def named(self, name: str, id: str) -> str:
        self.names[id] = name
        return id

    def run(self, **fields: Any) -> str:
        """A flow run that nobody holds."""
        wanted = {"flowRun": {"flowName": "etl", "name": "otter", **fields}}
        return self.named("RUN", self.world.call("CreateFlowRun", wanted).flow_run.id)

    def held(self, type_: str = "RUNNING", **fields: Any) -> str:
        """A flow run in the hands of the session."""
        run = self.named("RUN", self.session.create_flow_run(name="otter", **fields))
        self.session.propose(run, type_)
        return run

    def task(self, run: str, name: str, **fields: Any) -> str:
        return self.named(name.upper(), self.session.create_task_run(run, name=name, **fields))

    def deployment(self, **fields: Any) -> str:
        wanted = {"deployment": {"name": "nightly", "flowName": "etl", **fields}}
        return self.named("DEPLOYMENT", self.world.call("CreateDeployment", wanted).deployment.id)

    def limit(self, name: str, limit: int) -> None:
        self.world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": name, "limit": limit}})

    def told(self, run: str, *options: str) -> str:
        """What the command says, with names for ids and without what differs from time to time."""
        result = self.cli("flow-run", "explain", run, *options)
        assert result.exit_code == 0, result.stderr
        return self.plain(result.stdout)

    def plain(self, text: str) -> str:
        for id, name in self.names.items():
            text = text.replace(id, name)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(in \d+[smhd]\)", "LATER", text)
        text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+[smhd] ago\)", "BEFORE", text)
        text = re.sub(r"scheduled [\d.]+ s from", "scheduled A WHILE from", text)
        return re.sub(r"for [\d.]+m?s\b", "for A WHILE", text)

    def said(self, run: str, expected: str) -> None:
        """A `\\` at the end of a line of what is expected goes on with it on the next one."""
        assert self.told(run) == dedent(expected).lstrip("\n").replace("\\\n", "")


@pytest.fixture
def scene(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, antiphon: Cli) -> Iterator[Scene]:
    with RunningServer(tmp_path) as server:
        monkeypatch.setenv("ANTIPHON_API_URL", server.target)
        session = HandSession(server.channel)
        scene = Scene(World(server), antiphon, session)
        scene.named("SESSION", session.welcome.session_id)
        yield scene
        session.cut()


def test_a_run_that_was_only_created(scene: Scene) -> None:
    run = scene.run()
    scene.said(
        run,
        """
        Flow run otter (RUN) is without a state since BEFORE.
        Why: it was only created; nobody has scheduled, claimed or started it.
            it is in no work queue, so no worker comes for it by itself
        A claim for a worker would be accepted.
            whoever has it must bring it to RUNNING by LATER
        A start by hand would be accepted.
        """,
    )


def test_a_run_whose_time_has_not_come(scene: Scene) -> None:
    run = scene.run()
    scene.world.propose(run, "SCHEDULED", state={"details": {"scheduled_time": {"seconds": 4_000_000_000}}})
    scene.said(
        run,
        """
        Flow run otter (RUN) is Scheduled since BEFORE.
        Why: its time has not come; it is scheduled for LATER.
            it is in no work queue, so no worker comes for it by itself
        A claim for a worker would be accepted.
            it is scheduled for LATER
            whoever has it must bring it to RUNNING by LATER
        A start by hand would have to wait until LATER: scheduled A WHILE from now.
        """,
    )


def test_a_run_that_is_due_and_whose_work_pool_is_paused(scene: Scene) -> None:
    pool = scene.world.call("CreateWorkPool", {"workPool": {"name": "pool", "type": "process", "paused": True}})
    queue = {"name": "queue", "workPoolId": pool.work_pool.id}
    run = scene.run(workQueueId=scene.world.call("CreateWorkQueue", {"workQueue": queue}).work_queue.id)
    scene.world.propose(run, "SCHEDULED", state={"message": "please"})
    scene.said(
        run,
        """
        Flow run otter (RUN) is Scheduled since BEFORE.
        Why: it is due since BEFORE, and nobody has claimed or started it.
            the state says: please
        A claim for a worker would be refused: work pool 'pool' is paused.
            work pool 'pool': paused
            What would have to change: resume work pool 'pool', or run the flow by hand
        A start by hand would be accepted.
        """,
    )


def test_a_run_that_awaits_a_slot(scene: Scene) -> None:
    deployment = scene.deployment(concurrencyLimit=1)
    _, _, run = runs = [scene.run(deploymentId=deployment) for _ in range(3)]
    for each in runs:
        scene.world.propose(each, "PENDING")
    scene.said(
        run,
        """
        Flow run otter (RUN) is AwaitingConcurrencySlot since BEFORE.
        Why: it found no slot free and stands in a queue; it is called when its turn comes.
            the state says: all slots of deployment 'nightly' are taken; the run is called when its turn comes
            it is in no work queue, so no worker comes for it by itself
        A claim for a worker would leave it AwaitingConcurrencySlot: all slots of deployment 'nightly' are taken.
            ahead in the queue of deployment 'nightly': 1
            deployment 'nightly': 1 of 1 slots taken
            in the queue of deployment 'nightly' since: BEFORE
            it stands in the queue of deployment 'nightly'
            it is scheduled for LATER
            What would have to change: wait for a run to end, or raise the limit of deployment 'nightly'
        A start by hand would have to wait until LATER: scheduled A WHILE from now.
            ahead in the queue of deployment 'nightly': 1
            in the queue of deployment 'nightly' since: BEFORE
        """,
    )


def test_a_claim_without_a_session(scene: Scene) -> None:
    run = scene.run(infrastructurePid="host:42")
    scene.world.propose(run, "PENDING")
    alone = """
        Flow run otter (RUN) is Pending since BEFORE.
        Why: somebody without a session has claimed it and not brought it to RUNNING yet.
            it was started as host:42
            it must be RUNNING by LATER; else it has CRASHED, for nobody else would run it
        Bringing it to RUNNING would be accepted.
        """
    scene.said(run, alone)
    deployed = scene.run(deploymentId=scene.deployment(), infrastructurePid="host:42")
    scene.world.propose(deployed, "PENDING")
    scene.said(deployed, alone.replace("it has CRASHED, for nobody else would run it", "the claim is given back"))


def test_a_claim_by_a_session(scene: Scene) -> None:
    scene.said(
        scene.held("PENDING"),
        """
        Flow run otter (RUN) is Pending since BEFORE.
        Why: session SESSION has claimed it and not brought it to RUNNING yet.
            it is held by session SESSION (test), which counts as lost unless it is heard of by LATER
            it has time as long as that session is heard of
        Bringing it to RUNNING would be accepted.
        """,
    )


def test_a_retry_that_its_process_waits_for(scene: Scene) -> None:
    retries = {"max_retries": 3, "delays": [{"seconds": 3600}]}
    run = scene.held(retry_policy=retries)
    scene.session.propose(run, "FAILED", state={"message": "ValueError: no"})
    scene.said(
        run,
        """
        Flow run otter (RUN) is AwaitingRetry since BEFORE.
        Why: the session that holds it has not brought it to RUNNING yet.
            the state says: ValueError: no
            it is held by session SESSION (test), which counts as lost unless it is heard of by LATER
        Bringing it to RUNNING would have to wait until LATER: scheduled A WHILE from now.
        """,
    )


def test_a_run_with_task_runs_that_wait_for_slots(scene: Scene) -> None:
    run = scene.held()
    scene.limit("tag:x", 1)
    for name in ("one", "two", "three"):
        scene.session.propose(scene.task(run, name, tags=["x"]), "RUNNING", task=True)
    scene.said(
        run,
        """
        Flow run otter (RUN) is Running since BEFORE.
        Why: its code runs; it ends when that does, or when it is cancelled.
            it is held by session SESSION (test), which counts as lost unless it is heard of by LATER
            it has run for A WHILE
        Of its task runs 1 run and 2 wait.
            one runs for A WHILE
        Task run two (TWO) is without a state since BEFORE; running it now would have to wait perhaps \\
        until LATER: all slots of tag 'x' are taken.
            ahead in the queue of tag 'x': 0
            in the queue of tag 'x' since: BEFORE
            tag 'x': 1 of 1 slots taken
            What would have to change: wait for a task run to end, or raise the limit of tag 'x'
        Task run three (THREE) is without a state since BEFORE; running it now would have to wait perhaps \\
        until LATER: all slots of tag 'x' are taken.
            ahead in the queue of tag 'x': 1
            in the queue of tag 'x' since: BEFORE
            tag 'x': 1 of 1 slots taken
            What would have to change: wait for a task run to end, or raise the limit of tag 'x'
        """,
    )


def test_task_runs_that_nothing_stops_and_one_that_stands_for_a_subflow(scene: Scene) -> None:
    run = scene.held()
    first = scene.task(run, "first")
    scene.session.propose(first, "RUNNING", task=True)
    scene.session.propose(scene.task(run, "done"), "COMPLETED", task=True)
    scene.task(run, "second", upstream_task_run_ids=[first])
    scene.task(run, "third")
    mirror = scene.task(run, "mirror")
    child = scene.named("CHILD", scene.session.create_flow_run(parent_task_run_id=mirror))
    scene.session.propose(child, "PENDING")
    scene.said(
        run,
        """
        Flow run otter (RUN) is Running since BEFORE.
        Why: its code runs; it ends when that does, or when it is cancelled.
            it is held by session SESSION (test), which counts as lost unless it is heard of by LATER
            it has run for A WHILE
        Of its task runs 1 run and 3 wait.
            first runs for A WHILE
        Task run second (SECOND) is without a state since BEFORE; running it now would be accepted.
            it builds on 1 task run that has not ended, and nothing else is in its way
        Task run third (THIRD) is without a state since BEFORE; running it now would be accepted.
            its process has not asked yet, and nothing else is in its way
        Task run mirror (MIRROR) is Pending since BEFORE; it stands for a subflow: antiphon flow-run explain CHILD.
        """,
    )


def test_of_many_task_runs_a_few_are_shown(scene: Scene) -> None:
    run = scene.held()
    for number in range(8):
        scene.task(run, f"t{number}")
        if number == 0:
            scene.session.propose(scene.task(run, "r"), "RUNNING", task=True)
    scene.session.acked(scene.session.sequence)
    *_, last_shown, more = scene.told(run).splitlines()
    assert last_shown == "    its process has not asked yet, and nothing else is in its way"
    assert more == "… and 3 more"
    assert scene.told(run).count("Task run t") == 5


def test_a_run_that_nobody_would_miss(scene: Scene) -> None:
    run = scene.run(infrastructurePid="host:42")
    scene.world.propose(run, "RUNNING")
    scene.said(
        run,
        """
        Flow run otter (RUN) is Running since BEFORE.
        Why: its code runs; it ends when that does, or when it is cancelled.
            no session holds it, so nobody would notice if what runs it went away
            it runs as host:42
            it has run for A WHILE
        """,
    )


def test_a_pause_of_a_process(scene: Scene) -> None:
    run = scene.held()
    task = scene.task(run, "task")
    scene.session.propose(run, "PAUSED", state={"message": "look at it", "details": {"pause_key": "approve"}})
    scene.session.propose(task, "RUNNING", task=True)
    scene.said(
        run,
        """
        Flow run otter (RUN) is Paused since BEFORE.
        Why: it was paused and nobody has resumed it yet.
            the state says: look at it
            it is held by session SESSION (test), which counts as lost unless it is heard of by LATER
            the pause has the key approve
            it may wait for ever
            it asks for no input
            its process waits for that
            What would have to change: somebody resumes it: antiphon flow-run resume RUN
        Resuming it would be accepted.
        Of its task runs 0 run and 1 wait.
        Task run task (TASK) is NotReady since BEFORE; running it now would leave it NotReady: \\
        the flow run is paused; its tasks run when it is resumed.
            flow run: RUN
            its state: Paused
            What would have to change: resume flow run RUN
        """,
    )


def test_a_suspension_that_asks_for_input(scene: Scene) -> None:
    run = scene.run(deploymentId=scene.deployment())
    scene.world.propose(run, "RUNNING")
    details = {
        "pause_reschedule": True,
        "pause_expire_time": {"seconds": 4_000_000_000},
        "input_schema": '{"type": "string"}',
        "pause_key": "approve",
    }
    scene.world.propose(run, "PAUSED", state={"name": "Suspended", "details": details})
    scene.said(
        run,
        """
        Flow run otter (RUN) is Suspended since BEFORE.
        Why: it was paused and nobody has resumed it yet.
            the pause has the key approve
            it has FAILED unless it is resumed by LATER
            it asks for input that fits the JSON schema {"type": "string"}
            its process has ended; another one goes on with it
            What would have to change: somebody resumes it: antiphon flow-run resume RUN
        Resuming it would be accepted.
            it is scheduled for BEFORE
        """,
    )


def test_a_run_that_is_stopping_and_how_far_its_holder_is(scene: Scene) -> None:
    run = scene.held()
    scene.world.call("CancelFlowRun", {"id": run, "reason": "enough"})
    expected = """
        Flow run otter (RUN) is Cancelling since BEFORE.
        Why: it was asked to stop, and its holder has not confirmed that it has.
            the state says: enough
            it is held by session SESSION (test), which counts as lost unless it is heard of by LATER
            session SESSION was told to stop BEFORE; {}
            LATER: the server sets it to CANCELLED, whether or not it has stopped
            What would have to change: its holder confirms, or somebody ends it by force: \\
        antiphon flow-run set-state CANCELLED RUN --force
        """
    scene.said(run, expected.format("nothing was heard of that yet"))
    command = scene.session.next("command").command.id
    for stage, message, heard in [
        ("RECEIVED", "", "it has heard that BEFORE"),
        ("APPLIED", "interrupted\nin line 3", "it has done that BEFORE: interrupted …"),
    ]:
        said = CommandResult(command_id=command, stage=CommandStage.Value(f"COMMAND_STAGE_{stage}"), message=message)
        scene.session.say(scene.session.durable(command_result=said))
        scene.session.acked(scene.session.sequence)
        scene.said(run, expected.format(heard))
    scene.session.propose(run, "CANCELLED", state={"message": "stopped"})
    scene.said(
        run,
        """
        Flow run otter (RUN) is Cancelled since BEFORE.
        Why: stopped.
            it ran for A WHILE
            session SESSION was told to stop BEFORE; it has done that BEFORE: interrupted …
        A retry would be refused: the run has ended and has no deployment that would run it again.
            What would have to change: propose RUNNING where you can run it yourself, or create a new run
        Running it again by hand would be accepted.
        """,
    )


def test_what_a_worker_started_is_killed_before_it_is_given_up(scene: Scene) -> None:
    run = scene.run(infrastructurePid="host:42")
    scene.session.propose(run, "PENDING")
    scene.session.propose(run, "RUNNING")
    scene.world.call("CancelFlowRun", {"id": run})
    *_, last, change = scene.told(run).splitlines()
    assert last == (
        "    LATER: the session that started host:42, if it is there, is told to kill it and has some time for that;"
        " else the server sets it to CANCELLED, whether or not it has stopped"
    )
    assert change.startswith("    What would have to change: ")


def test_a_failure_of_a_deployment_can_be_retried(scene: Scene) -> None:
    run = scene.run(deploymentId=scene.deployment())
    scene.session.propose(run, "RUNNING")
    scene.session.propose(run, "FAILED", state={"message": "ValueError: no\nmore"})
    scene.said(
        run,
        """
        Flow run otter (RUN) is Failed since BEFORE.
        Why: ValueError: no …
            it ran for A WHILE
        A retry would be accepted.
            it is scheduled for BEFORE
            antiphon flow-run retry RUN
        Running it again by hand would be accepted.
        """,
    )


def test_a_result_is_not_forgotten(scene: Scene) -> None:
    run = scene.held()
    payload = {"metadata": {"encoding": "json/plain"}, "data": b"1"}
    scene.session.propose(run, "COMPLETED", state={"data": payload})
    told = scene.told(run)
    assert "Why: it ended as its code wanted.\n    it ran for A WHILE\n" in told
    assert told.count("would be refused") == 2


def test_a_run_that_never_ran(scene: Scene) -> None:
    run = scene.run()
    scene.world.propose(run, "SCHEDULED")
    scene.world.call("CancelFlowRun", {"id": run})
    assert "Why: somebody asked it to stop and gave no reason.\n    it never ran\n" in scene.told(run)


def test_json_has_the_messages_that_the_words_are_made_of(scene: Scene) -> None:
    run = scene.held()
    scene.limit("tag:x", 1)
    for name in ("one", "two"):
        scene.session.propose(scene.task(run, name, tags=["x"]), "RUNNING", task=True)
    document = json.loads(scene.told(run, "--json"))
    assert list(document) == [
        "flow_run",
        "answers",
        "commands",
        "sessions",
        "running_task_runs",
        "waiting_task_runs",
    ]
    assert (document["flow_run"]["id"], document["answers"], document["commands"]) == ("RUN", [], [])
    assert [session["id"] for session in document["sessions"]] == ["SESSION"]
    assert [task["name"] for task in document["running_task_runs"]] == ["one"]
    (waiting,) = document["waiting_task_runs"]
    assert (waiting["task_run"]["id"], waiting["answer"]["question"]) == ("TWO", "go_on")
    assert waiting["answer"]["request"]["as_holder"] is True
    assert waiting["answer"]["response"]["verdict"]["kind"] == "VERDICT_KIND_WAIT"
    scene.world.call("CancelFlowRun", {"id": run})
    (command,) = json.loads(scene.told(run, "--json"))["commands"]
    assert (command["kind"], command["session_id"]) == ("FLOW_RUN_COMMAND_KIND_CANCEL", "SESSION")
    free = json.loads(scene.told(scene.run(), "--json"))
    assert [answer["question"] for answer in free["answers"]] == ["claim", "start"]


def test_nothing_is_written(scene: Scene) -> None:
    run = scene.run()
    before = scene.world.call("GetFlowRun", {"id": run})
    scene.told(run)
    assert scene.world.call("GetFlowRun", {"id": run}) == before
    assert scene.world.call("ListFlowRunStates", {"id": run}).states == []


def test_a_run_is_found_by_its_name_and_an_unknown_one_is_not(scene: Scene) -> None:
    scene.run(name="[bold]\x1b[31mred")
    told = scene.told("[bold]\x1b[31mred")
    assert told.startswith("Flow run [bold]\\x1b[31mred (RUN) is without a state")
    result = scene.cli("flow-run", "explain", MISSING)
    assert (result.exit_code, result.stdout) == (3, "")
    assert MISSING in result.stderr


def test_a_run_that_moves_meanwhile_is_looked_at_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    run = scene.run()
    look, moves = explaining._look, iter(["SCHEDULED", "PENDING"])

    def look_and_move(client: Any, flow_run: Any) -> Any:
        explained = look(client, flow_run)
        for type_ in moves:
            scene.world.propose(run, type_)
            break
        return explained

    monkeypatch.setattr(explaining, "_look", look_and_move)
    told = scene.told(run)
    assert told.startswith("Flow run otter (RUN) is Pending since BEFORE.")
    assert told.endswith("Bringing it to RUNNING would be accepted.\n")
