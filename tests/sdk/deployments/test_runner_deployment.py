"""`Flow.to_deployment`, `Flow.deploy`, `deploy` and RunnerDeployment."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import antiphon
from antiphon import flow
from antiphon.blocks.system import Secret
from antiphon.deployments import ConcurrencyLimitConfig, EntrypointType, RunnerDeployment, deploy
from antiphon.exceptions import (
    ConfigurationError,
    InvalidNameError,
    MissingFlowError,
    ObjectNotFound,
    ObjectUnsupported,
    SerializationError,
    ServerError,
)
from antiphon.filesystems import LocalFileSystem
from antiphon.flows import Flow, load_flow_from_entrypoint
from antiphon.runner.storage import GitRepository
from antiphon.schedules import Cron, Interval
from antiphon.settings import temporary_settings
from in_loop import in_loop
from stored import Stored


@pytest.fixture
def hello(project: Path) -> Flow[..., Any]:
    """The flow of the project."""
    return load_flow_from_entrypoint("flows.py:hello")


def test_what_a_deployment_says_reaches_the_server(
    hello: Flow[..., Any], project: Path, pool: str, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    id = hello.deploy(
        "full",
        work_pool_name=pool,
        work_queue_name="urgent",
        job_variables={"env": {"A": "1"}},
        schedules=[Cron("@daily", slug="a"), Interval(3600, slug="b", parameters={"times": 4})],
        concurrency_limit=ConcurrencyLimitConfig(limit=2, collision_strategy="CANCEL_NEW", grace_period_seconds=90),
        parameters={"times": 3},
        description="Why.",
        tags=["x"],
        version="7",
    )
    made = stored.deployment("hello", "full")
    assert made.id == str(id)
    assert (made.entrypoint, made.path, made.pull_steps) == ("flows.py:hello", str(project), "")
    assert (made.work_pool_name, made.work_queue_name, made.job_variables) == (pool, "urgent", '{"env": {"A": "1"}}')
    assert [each.slug for each in made.schedules] == ["a", "b"]
    assert (made.concurrency_limit, made.collision_strategy, made.grace_period.seconds) == (2, 2, 90)
    assert (json.loads(made.parameters.data), made.description, list(made.tags)) == ({"times": 3}, "Why.", ["x"])
    assert (made.version, made.enforce_parameter_schema) == ("7", True)
    schema = json.loads(made.parameter_schema)
    assert (list(schema["properties"]), schema["additionalProperties"]) == (["name", "times"], False)
    said = capsys.readouterr().out
    assert "antiphon deployment run 'hello/full'" in said and f"antiphon worker start --pool '{pool}'" in said


def test_what_is_left_open_stays_as_it_is(hello: Flow[..., Any], pool: str, stored: Stored) -> None:
    def again(**options: Any) -> Any:
        hello.deploy("open", work_pool_name=pool, print_next_steps=False, **options)
        return stored.deployment("hello", "open")

    first = again(cron=["@daily", "@hourly"], paused=True, tags=["a"], concurrency_limit=1)
    second = again()
    assert (second.id, second.paused, len(second.schedules)) == (first.id, True, 2)
    assert (list(second.tags), second.HasField("concurrency_limit")) == ([], False)
    third = again(schedules=[], paused=False)
    assert (third.paused, len(third.schedules)) == (False, 0)


def test_in_async_code(hello: Flow[..., Any], pool: str, stored: Stored) -> None:
    @in_loop
    async def test() -> None:
        made = await hello.to_deployment("async", work_pool_name=pool)
        assert made == await hello.ato_deployment("async", work_pool_name=pool)
        id = await made.apply()
        assert id == await made.aapply()
        assert id == await hello.deploy("async", work_pool_name=pool, print_next_steps=False)  # type: ignore[misc]
        assert [id] == await deploy(made, print_next_steps_message=False)  # type: ignore[misc]

    test()


def test_code_from_a_storage(project: Path, pool: str, containers: str, stored: Stored) -> None:
    found = flow.from_source(str(project), "flows.py:another")
    with pytest.warns(UserWarning, match="is in a folder of this machine, and the workers of the pool 'containers'"):
        found.deploy("stored", work_pool_name=containers, print_next_steps=False)
    made = stored.deployment("other", "stored")
    assert (made.path, made.version, made.entrypoint) == ("", "2.1", "flows.py:another")
    step = {"antiphon.deployments.steps.set_working_directory": {"directory": str(project)}}
    assert json.loads(made.pull_steps) == [step]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.deploy("stored", work_pool_name=containers, print_next_steps=False, ignore_warnings=True)
        found.deploy("stored", work_pool_name=pool, print_next_steps=False)


def test_code_of_a_git_repository(repository: str, containers: str, stored: Stored) -> None:
    found = flow.from_source(GitRepository(repository, branch="v1"), "flows.py:hello")
    found.deploy("git", work_pool_name=containers, print_next_steps=False)
    made = stored.deployment("hello", "git")
    clone = {"repository": repository, "branch": "v1"}
    assert json.loads(made.pull_steps) == [{"antiphon.deployments.steps.git_clone": clone}]
    assert (made.path, made.entrypoint) == ("", "flows.py:hello")


def test_a_block_of_storage(project: Path, stored: Stored) -> None:
    block = LocalFileSystem(basepath=str(project))
    unsaved = RunnerDeployment.from_storage(block, "flows.py:hello", "block")
    with pytest.raises(ValueError, match=r"finds the block LocalFileSystem by its name\. Save it first"):
        unsaved.apply()
    block.save("deployed-code", overwrite=True)
    made = RunnerDeployment.from_storage(block, "flows.py:hello", "block")
    made.apply()
    steps = json.loads(stored.deployment("hello", "block").pull_steps)
    arguments = {"block_document_name": "deployed-code", "block_type_slug": "local-file-system"}
    assert steps == [{"antiphon.deployments.steps.pull_with_block": arguments}]


def test_a_secret_is_never_kept_as_plain_text(hello: Flow[..., Any], stored: Stored) -> None:
    storage = GitRepository("https://x.test/a.git", credentials={"access_token": "tk-plain"})
    made = RunnerDeployment.from_flow(hello, "secret")
    with pytest.raises(ValueError, match="would be kept with the deployment as plain text"):
        made.model_copy(update={"storage": storage}).apply()
    token = Secret(value="tk")
    token.save("deploy-token", overwrite=True)
    storage = GitRepository("https://x.test/a.git", credentials={"access_token": token})
    made.model_copy(update={"storage": storage}).apply()
    steps = stored.deployment("hello", "secret").pull_steps
    assert "{{ antiphon.blocks.secret.deploy-token }}" in steps


def test_entrypoints(hello: Flow[..., Any], project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = load_flow_from_entrypoint("flows.py:Jobs.inside")
    assert RunnerDeployment.from_flow(inside, "x").entrypoint == "flows.py:Jobs.inside"
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    made = RunnerDeployment.from_flow(hello, "x")
    assert (made.path, made.entrypoint) == (str(project), "flows.py:hello")
    monkeypatch.syspath_prepend(str(project))
    module = load_flow_from_entrypoint("flows.hello")
    made = RunnerDeployment.from_flow(module, "x", entrypoint_type=EntrypointType.MODULE_PATH)
    assert made.entrypoint == "flows.hello"
    named = RunnerDeployment.from_entrypoint("flows:hello", "x", flow_name="renamed", cron="@daily")
    assert (named.full_name, named.entrypoint) == ("renamed/x", "flows:hello")


def test_the_work_pool_of_the_settings(hello: Flow[..., Any], pool: str, stored: Stored) -> None:
    with temporary_settings({"deployments.default_work_pool_name": pool}):
        hello.deploy("settings", print_next_steps=False)
    assert stored.deployment("hello", "settings").work_pool_name == pool


def test_several_at_once(hello: Flow[..., Any], project: Path, pool: str, stored: Stored) -> None:
    other = load_flow_from_entrypoint("flows.py:another")
    good = hello.to_deployment("good", parameters={"times": 1})
    bad = other.to_deployment("bad", parameters={"x": "no number"})
    with pytest.raises(ConfigurationError, match=r"(?s)1 of 2 deployments were not made:\nother/bad: .*not of type"):
        deploy(bad, good, work_pool_name=pool)
    assert stored.deployment("hello", "good").work_pool_name == pool
    ids = deploy(good, other.to_deployment("fine"), work_pool_name=pool, print_next_steps_message=False)
    assert [str(id) for id in ids] == [stored.deployment(*names).id for names in (("hello", "good"), ("other", "fine"))]
    assert antiphon.deploy is deploy


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"name": "a/b"}, InvalidNameError, "The name of a deployment must not contain '/'"),
        ({"name": ""}, InvalidNameError, "The name of a deployment is empty"),
        ({"cron": "@daily", "interval": 5}, ValueError, "Only one of interval, cron, rrule, schedule and schedules"),
        ({"schedules": [{"cron": "@daily"}]}, TypeError, "is made by Cron, Interval or RRule of antiphon.schedules"),
        ({"schedule": "@daily"}, TypeError, "is made by Cron, Interval or RRule"),
        ({"cron": "@dayly"}, ServerError, "'@dayly' is no cron schedule"),
        ({"rrule": "FREQ=NEVER"}, ServerError, "FREQ=NEVER"),
        ({"tags": "x"}, TypeError, r"write tags=\['x'\]"),
        ({"triggers": [1]}, ObjectUnsupported, "keeps no triggers of a deployment yet"),
        ({"parameters": {"times": "x"}}, ServerError, "'x' is not of type 'integer'"),
        ({"parameters": {"tims": 1}}, ServerError, "'tims' was unexpected"),
        ({"parameters": {"name": object()}}, SerializationError, "'name' is object. Give numbers"),
        ({"parameters": {"name": Secret(value="x")}}, SerializationError, "Give the block's name, and load it in the"),
        ({"job_variables": {"a": object()}}, SerializationError, "The job_variables of a deployment cannot be said"),
        ({"work_queue_name": "nope"}, ObjectNotFound, "work pool 'local' has no work queue 'nope'"),
        ({"work_pool_name": "nope"}, ObjectNotFound, "There is no work pool 'nope'. Make it with `antiphon work-pool"),
        ({"work_pool_name": None}, ValueError, "A deployment needs a work pool, whose workers run it"),
        ({"work_pool_name": "containers"}, ValueError, "could not have the code of 'hello/x'. Give an image"),
        ({"image": "a/b"}, ValueError, "The work pool 'local' runs processes, and no images"),
        ({"version_type": "vcs:svn"}, ConfigurationError, "There is no version type 'vcs:svn'"),
        ({"version_type": "vcs:github"}, ConfigurationError, "which set GITHUB_SHA, and it is not set here"),
        ({"version_type": "prefect:simple"}, ConfigurationError, "antiphon:simple needs a version"),
    ],
)
def test_mistakes_are_told(
    options: dict[str, Any],
    error: type[Exception],
    message: str,
    hello: Flow[..., Any],
    pool: str,
    containers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    with pytest.raises(error, match=message):
        hello.deploy(**{"name": "x", "work_pool_name": pool, **options})


def typed() -> Flow[..., Any]:
    names: dict[str, Any] = {"flow": flow}
    exec("@flow\ndef typed(): ...", names)
    made: Flow[..., Any] = names["typed"]
    return made


def local() -> Flow[..., Any]:
    @flow
    def inner() -> None: ...

    return inner


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (typed, "'typed' is not in a file, such as one typed into an interpreter"),
        (local, "'inner' is defined inside a function, where no other process finds it"),
    ],
)
def test_flows_that_no_other_process_finds(make: Callable[[], Flow[..., Any]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make().to_deployment("x")


def test_more_mistakes(project: Path, stored: Stored) -> None:
    with pytest.raises(MissingFlowError, match="is no flow but Task"):
        RunnerDeployment.from_entrypoint("flows.py:no_flow", "x")
    with pytest.raises(ValueError, match="There is nothing to deploy"):
        deploy()
    made = RunnerDeployment.from_entrypoint("flows.py:hello", "x")
    with pytest.raises(ValueError, match="An image can be given only with a work pool"):
        made.apply(image="a/b:c")
    with pytest.raises(ValueError, match="job_variables can be given only with a work pool"):
        made.model_copy(update={"job_variables": {"a": 1}}).apply()


def test_a_version_of_continuous_integration(
    hello: Flow[..., Any], pool: str, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SHA", "0123456789abcdef")
    monkeypatch.setenv("GITHUB_REPOSITORY", "me/it")
    hello.deploy("ci", work_pool_name=pool, version_type="vcs:github", print_next_steps=False)
    made = stored.deployment("hello", "ci")
    assert (made.version, made.labels["version.repository"]) == ("01234567", "me/it")
