"""`antiphon deploy`: the real command line against a real server."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from antiphon.cli.schedule_options import GivenSchedule
from world import World

FLOWS = '''
from antiphon import flow


@flow
def hello(name: str = "world", times: int = 1) -> str:
    """Says hello."""
    return f"hello {name}"


@flow(name="other")
def another(x: int) -> int:
    return x
'''

PROJECT = """\
name: shop
definitions:
  nightly: &nightly
    - cron: "0 3 * * *"
      timezone: Europe/Berlin
      slug: nightly
  pool: &pool
    name: local
    work_queue_name: urgent
deployments:
  - name: first
    entrypoint: flows.py:hello
    version: "1.4"
    tags: [a, b]
    parameters: {times: 3}
    schedules: *nightly
    work_pool: *pool
  - name: second
    entrypoint: flows.py:another
    parameters: {x: 1}
    concurrency_limit: {limit: 2, collision_strategy: CANCEL_NEW}
    work_pool:
      <<: *pool
      job_variables: {env: {A: "1"}}
"""

Antiphon = Callable[..., Result]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "flows.py").write_text(FLOWS)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def pools(world: World) -> World:
    for name, kind in (("local", "process"), ("containers", "docker")):
        pool = world.call("CreateWorkPool", {"workPool": {"name": name, "type": kind}}).work_pool
        world.call("CreateWorkQueue", {"workQueue": {"name": "urgent", "workPoolId": pool.id}})
    return world


def deployment(world: World, name: str) -> Any:
    flow_name, _, own = name.partition("/")
    return world.call("GetDeployment", {"name": {"flowName": flow_name, "name": own}}).deployment


def refused(result: Result, code: int = 1) -> str:
    """What was said, on one line of single blanks."""
    assert result.exit_code == code, (result.stdout, result.stderr)
    return " ".join(result.stderr.split())


def test_a_flow_by_its_entrypoint_and_options(pools: World, antiphon: Antiphon, project: Path) -> None:
    done = antiphon(
        *("deploy", "flows.py:hello", "-n", "mine", "-p", "local", "--cron", "@daily", "--timezone", "Asia/Tokyo"),
        *("--param", "times=5", "--params", '{"name": "you"}', "-t", "x", "--concurrency-limit", "3", "--version", "7"),
        *("--job-variable", "image=a", "--job-variable", '{"n": 1}', "-d", "Why.", "--interval", "60", "-q", "urgent"),
        *("--collision-strategy", "cancel-new", "--no-enforce-parameter-schema"),
    )
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == "hello/mine is made."
    made = deployment(pools, "hello/mine")
    assert (made.entrypoint, made.path, made.version, made.description) == ("flows.py:hello", str(project), "7", "Why.")
    assert json.loads(made.parameters.data) == {"times": 5, "name": "you"}
    assert (list(made.tags), made.concurrency_limit, made.work_queue_name) == (["x"], 3, "urgent")
    assert [each.WhichOneof("rule") for each in made.schedules] == ["cron", "interval"]
    assert {each.time_zone for each in made.schedules} == {"Asia/Tokyo"}
    assert json.loads(made.job_variables) == {"image": "a", "n": 1}
    assert not made.enforce_parameter_schema
    assert list(json.loads(made.parameter_schema)["properties"]) == ["name", "times"]


def test_all_of_a_project_file(pools: World, antiphon: Antiphon, project: Path) -> None:
    (project / "antiphon.yaml").write_text(PROJECT)
    done = antiphon("deploy", "--all", "--json")
    assert done.exit_code == 0, done.stderr
    outcomes = json.loads(done.stdout)
    assert [(each["name"], each["status"]) for each in outcomes] == [
        ("hello/first", "created"),
        ("other/second", "created"),
    ]
    first, second = deployment(pools, "hello/first"), deployment(pools, "other/second")
    assert (first.version, list(first.tags), first.work_queue_name) == ("1.4", ["a", "b"], "urgent")
    assert (first.schedules[0].slug, first.schedules[0].time_zone) == ("nightly", "Europe/Berlin")
    assert (second.concurrency_limit, second.collision_strategy) == (2, 2)
    assert json.loads(second.job_variables) == {"env": {"A": "1"}}

    again = json.loads(antiphon("deploy", "--all", "--json").stdout)
    assert [(each["status"], each["changes"]) for each in again] == [("unchanged", []), ("unchanged", [])]


def test_a_change_is_shown_before_it_is_made(pools: World, antiphon: Antiphon, project: Path) -> None:
    (project / "antiphon.yaml").write_text(PROJECT)
    fresh = antiphon("deploy", "-n", "first", "--dry-run")
    assert "hello/first would be made:" in fresh.stdout and 'entrypoint: "flows.py:hello"' in fresh.stdout
    assert (
        pools.refused("GetDeployment", {"name": {"flowName": "hello", "name": "first"}}).reason
        == "DEPLOYMENT_NOT_FOUND"
    )

    assert antiphon("deploy", "-n", "first").exit_code == 0
    (project / "antiphon.yaml").write_text(PROJECT.replace("times: 3", "times: 4").replace("0 3 * *", "0 5 * *"))
    shown = antiphon("deploy", "-n", "first", "--dry-run").stdout
    assert shown.startswith("hello/first would be changed:\n")
    assert '  parameters: {"times": 3} -> {"times": 4}\n' in shown and "schedules:" in shown and "tags" not in shown
    assert json.loads(deployment(pools, "hello/first").parameters.data) == {"times": 3}

    assert antiphon("deploy", "-n", "first").stdout.startswith("hello/first is changed:\n")
    assert antiphon("deploy", "-n", "first", "--dry-run").stdout == "hello/first would stay as it is.\n"


def test_schedules_that_the_file_does_not_name_stay(pools: World, antiphon: Antiphon, project: Path) -> None:
    assert antiphon("deploy", "flows.py:hello", "-n", "x", "-p", "local", "--cron", "@daily").exit_code == 0
    assert antiphon("deploy", "flows.py:hello", "-n", "x", "-p", "local").exit_code == 0
    assert len(deployment(pools, "hello/x").schedules) == 1
    entry = "deployments: [{name: x, entrypoint: 'flows.py:hello', schedules: [], work_pool: {name: local}}]"
    (project / "antiphon.yaml").write_text(entry)
    assert antiphon("deploy").exit_code == 0
    assert len(deployment(pools, "hello/x").schedules) == 0


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (["second"], ["other/second"]),
        (["*"], ["hello/first", "other/second"]),
        (["hello/*"], ["hello/first"]),
        (["other/s*", "first"], ["hello/first", "other/second"]),
    ],
)
def test_names_are_patterns(names: list[str], made: list[str], pools: World, antiphon: Antiphon, project: Path) -> None:
    (project / "antiphon.yaml").write_text(PROJECT)
    done = antiphon("deploy", "--json", "--dry-run", *(each for name in names for each in ("-n", name)))
    assert [each["name"] for each in json.loads(done.stdout)] == made


def test_steps_build_and_the_rest_has_what_they_gave(pools: World, antiphon: Antiphon, project: Path) -> None:
    pools.call("CreateVariable", {"variable": {"name": "limit", "value": "4"}})
    (project / "antiphon.yaml").write_text(
        """\
build:
  - antiphon.deployments.steps.run_shell_script:
      id: sha
      script: |
        echo abc
push:
  prefect.deployments.steps.run_shell_script: {script: "echo pushed {{ sha.stdout }}"}
pull:
  - prefect.deployments.steps.git_clone:
      id: clone
      repository: https://github.com/a/b.git
      branch: "{{ sha.stdout }}"
      access_token: "{{ prefect.blocks.secret.token }}"
  - antiphon.deployments.steps.pip_install_requirements: {directory: "{{ clone.directory }}"}
deployments:
  - name: one
    version: "v{{ sha.stdout }}"
    entrypoint: flows.py:hello
    concurrency_limit: "{{ antiphon.variables.limit }}"
    tags: ["{{ $MY_TAG }}"]
    work_pool: {name: containers}
  - name: two
    entrypoint: flows.py:hello
    work_pool: {name: containers}
    pull: []
"""
    )
    dry = antiphon("deploy", "-n", "one", "--dry-run")
    assert "$MY_TAG" in refused(dry) and "which is not set here" in dry.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_TAG", "mine")
        done = antiphon("deploy", "-n", "one")
    assert done.exit_code == 0, done.stderr
    assert "Running run_shell_script step" in done.stderr
    made = deployment(pools, "hello/one")
    assert (made.version, list(made.tags), made.concurrency_limit, made.path) == ("vabc", ["mine"], 4, "")
    steps = json.loads(made.pull_steps)
    assert list(steps[0]) == ["antiphon.deployments.steps.git_clone"]
    clone = steps[0]["antiphon.deployments.steps.git_clone"]
    assert (clone["branch"], clone["access_token"]) == ("abc", "{{ prefect.blocks.secret.token }}")
    assert "{{ clone.directory }}" in str(steps[1])
    said = refused(antiphon("deploy", "-n", "two"))
    assert "could not have the code of 'hello/two'. Say how it comes to them by `pull`" in said


def test_one_that_fails_does_not_keep_the_others_back(pools: World, antiphon: Antiphon, project: Path) -> None:
    (project / "antiphon.yaml").write_text(PROJECT.replace("parameters: {times: 3}", "parameters: {times: many}"))
    done = antiphon("deploy", "--all", "--json")
    assert done.exit_code == 1
    first, second = json.loads(done.stdout)
    assert (first["status"], second["status"]) == ("failed", "created")
    assert "'many' is not of type 'integer'" in first["error"]
    assert "first: " in done.stderr


MISTAKES = [
    (["flows.py:nope", "-n", "x", "-p", "local"], 1, "There is no 'nope' in flows.py"),
    (["gone.py:hello", "-n", "x", "-p", "local"], 1, "gone.py"),
    (["broken.py:hello", "-n", "x", "-p", "local"], 1, "raised an exception: ValueError('no luck')"),
    (["hello", "-n", "x", "-p", "local"], 1, "'hello' is no entrypoint. It says where a flow is"),
    (["flows.py:FLOW", "-n", "x", "-p", "local"], 1, "There is no 'FLOW' in flows.py"),
    (["flows.py:hello", "-n", "x", "-p", "nope"], 3, "There is no work pool 'nope'. Make it with `antiphon work-pool"),
    (["flows.py:hello", "-n", "x", "-p", "local", "-q", "nope"], 3, "work pool 'local' has no work queue 'nope'"),
    (["flows.py:hello", "-n", "x"], 1, "A deployment needs a work pool, whose workers run it."),
    (["flows.py:hello", "-p", "local"], 2, "needs a name: `antiphon deploy flows.py:hello --name nightly`."),
    (["flows.py:hello", "-n", "x", "-p", "containers"], 1, "could not have the code of 'hello/x'."),
    (["flows.py:hello", "-n", "x", "-p", "local", "--cron", "* *"], 1, "'* *' is no cron schedule: it has 2 fields"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--rrule", "FREQ=NO"], 1, "FREQ=NO"),
    (
        ["flows.py:hello", "-n", "x", "-p", "local", "--cron", "@daily", "--timezone", "Europe/Berln"],
        1,
        "Europe/Berlin",
    ),
    (["flows.py:hello", "-n", "x", "-p", "local", "--timezone", "UTC"], 2, "--timezone belongs to --cron"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--param", "times"], 2, "--param 'times' has no name and value"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--params", "[1]"], 2, "--params has to be a JSON object"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--params", '{"times": NaN}'], 2, "--params is no JSON"),
    (
        ["flows.py:hello", "-n", "x", "-p", "local", "--param", "times=1", "--param", "times=2"],
        2,
        "gives 'times' twice",
    ),
    (
        ["flows.py:hello", "-n", "x", "-p", "local", "--job-variable", "n=1", "--job-variable", '{"n": 2}'],
        2,
        "'n' twice",
    ),
    (["flows.py:hello", "-n", "x", "-p", "local", "--interval", "1 fortnight"], 2, "'1 fortnight' is no span of time"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--param", "times=a"], 1, "'a' is not of type 'integer'"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--param", "tmes=1"], 1, "'tmes' was unexpected"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--collision-strategy", "ENQUEUE"], 2, "give both"),
    (["flows.py:hello", "-n", "a%b", "-p", "local"], 1, "The name of a deployment must not contain '%'"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--trigger", "{}"], 1, "Leave --trigger out"),
    (["flows.py:hello", "-n", "x", "-p", "local", "--sla", "{}"], 1, "Leave --sla out"),
    (
        ["flows.py:hello", "-n", "x", "-p", "local", "--version-type", "vcs:svn"],
        1,
        "There is no version type 'vcs:svn'.",
    ),
    (["--all"], 1, "--all takes the deployments of a project file, and there are none."),
    ([], 1, "There is nothing to deploy: no antiphon.yaml with deployments is here."),
    (["-n", "x"], 1, "There is no deployment 'x', since there is no antiphon.yaml"),
    (["--antiphon-file", "no.yaml"], 1, "The project file no.yaml cannot be read"),
]


@pytest.mark.parametrize(
    ("typed", "code", "message"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else None
)
def test_mistakes_are_told(
    typed: list[str], code: int, message: str, pools: World, antiphon: Antiphon, project: Path
) -> None:
    (project / "broken.py").write_text("raise ValueError('no luck')\n")
    said = refused(antiphon("deploy", *typed), code)
    assert message.replace(" ", "") in said.replace("│", "").replace(" ", "")
    assert "Traceback" not in said


def test_an_anchor_is_a_time_of_the_schedules_zone(pools: World, antiphon: Antiphon) -> None:
    options = ("--interval", "1h 30m", "--anchor-date", "2026-01-01 09:00", "--timezone", "Asia/Tokyo")
    assert antiphon("deploy", "flows.py:hello", "-n", "x", "-p", "local", *options).exit_code == 0
    (schedule,) = deployment(pools, "hello/x").schedules
    assert schedule.interval.interval.ToTimedelta() == timedelta(minutes=90)
    midnight = datetime(2026, 1, 1, tzinfo=UTC)
    assert schedule.interval.anchor_time.ToDatetime(UTC) == midnight
    served = GivenSchedule(interval="1h 30m", anchor_date="2026-01-01 09:00", timezone="Asia/Tokyo").served()
    assert served.anchor_date == midnight


@pytest.mark.parametrize(
    ("typed", "code", "message"),
    [
        (["flow", "serve", "flows.py", "--name", "x"], 2, "'flows.py' is no entrypoint"),
        (["flow", "serve", "flows.py:nope", "--name", "x"], 1, "There is no 'nope' in flows.py"),
        (
            ["flow", "serve", "flows.py:hello", "--name", "x", "--cron", "@daily", "--timezone", "No"],
            2,
            "no time zone 'No'",
        ),
        (["flow", "serve", "flows.py:hello", "--name", "x", "--interval", "0"], 2, "from one second to ten years"),
        (["flow", "serve", "flows.py:hello", "--name", "x", "--timezone", "UTC"], 2, "--timezone belongs to --cron"),
        (["flow", "serve", "flows.py:hello", "--name", "x", "--cron", "a", "--rrule", "b"], 2, "Give one of --cron"),
        (["flow", "serve", "flows.py:hello", "--name", "x", "--anchor-date", "now"], 2, "--anchor-date belongs to"),
    ],
)
def test_who_serves_is_told_of_mistakes(typed: list[str], code: int, message: str, antiphon: Antiphon) -> None:
    said = refused(antiphon(*typed), code).replace("│", "")
    assert message.replace(" ", "") in said.replace(" ", "")


#: A deployment that needs nothing more.
ONE = "deployments:\n  - {name: x, entrypoint: 'f.py:a'}\n"
FILE_MISTAKES = [
    (
        "deployments:\n  - nam: x\n",
        "antiphon.yaml:2: deployments[0].nam: there is no field 'nam' (did you mean 'name'?).",
    ),
    (
        "deployments:\n  - name: x\n    triggers: []\n",
        "antiphon.yaml:3: deployments[0].triggers: Antiphon has no triggers",
    ),
    ("deployments:\n  - name: x\n    sla: {}\n", "antiphon.yaml:3: deployments[0].sla: Antiphon has no sla here"),
    ("deployment: []\n", "antiphon.yaml:1: deployment: there is no field 'deployment' (did you mean 'deployments'?)."),
    ("name: x\nname: y\n", "antiphon.yaml:2: this is no YAML: the key 'name' stands here twice."),
    ("deployments: [\n", "this is no YAML"),
    ("deployments:\n  - version: 1.10\n", "antiphon.yaml:2: deployments[0].version: a version is text, and YAML takes"),
    ("deployments:\n  - name: 2026-02-31\n", "antiphon.yaml:2: this is no YAML: '2026-02-31' cannot be: day is out of"),
    ("name: " + "[" * 5000, "antiphon.yaml:1: this is no YAML: it is nested too deeply."),
    ("a: &a\n  b: *a\n", "antiphon.yaml:1: this is no YAML: an anchor stands for what it is a part of."),
    ("? [x]\n: y\n", "antiphon.yaml:1: this is no YAML: a key is text."),
    ("name: !!python/name:os.system\n", "antiphon.yaml:1: this is no YAML: could not determine a constructor"),
    ("- x\n", "antiphon.yaml:1: a project file has fields"),
    (
        "deployments:\n  - name: x\n    tags: {a: 1}\n",
        "antiphon.yaml:3: deployments[0].tags: input should be a valid list",
    ),
    (
        "deployments:\n  - name: x\n    schedules:\n      - cron: a\n        interval: 3\n",
        "antiphon.yaml:4: deployments[0].schedules[0]: it has one of cron, interval and rrule, and this has cron and",
    ),
    (
        "deployments:\n  - name: x\n    schedules:\n      - cron: '@daily'\n        anchor_date: 2026-01-01\n",
        "antiphon.yaml:4: deployments[0].schedules[0]: anchor_date goes with interval, and this has cron",
    ),
    (
        "deployments:\n  - name: x\n    work_pool: {name: a}\n    concurrency_limit: {limit: 1, colision: ENQUEUE}\n",
        "antiphon.yaml:4: deployments[0].concurrency_limit.colision: there is no field 'colision'",
    ),
    ("pull:\n  - {a: {}, b: {}}\n", "antiphon.yaml:2: pull[0]: A step is one function's name"),
    (
        "pull:\n  - prefect_aws.steps.pull: {}\n",
        "antiphon.yaml:2: pull[0]: The step 'prefect_aws.steps.pull' is one of",
    ),
    (
        "deployments:\n  - name: x\n    version: '{{ a b }}'\n",
        "antiphon.yaml:3: deployments[0].version: {{ a b }} is no",
    ),
    ("deployments:\n  - entrypoint: flows.py:hello\n", "The deployment of flows.py:hello has no name."),
    ("deployments:\n  - name: x\n", "The deployment x has no entrypoint, such as flows.py:my_flow."),
    (
        "deployments:\n  - {name: x, entrypoint: 'f.py:a', version: '{{ no.x }}'}\n",
        "{{ no.x }} names 'no', which is no",
    ),
    (
        "deployments:\n  - {name: x, entrypoint: 'f.py:a', version: '{{ antiphon.variables.no }}'}\n",
        "needs the variable 'no', which is not there. Make it with `antiphon variable set no VALUE`.",
    ),
    (
        "deployments:\n  - {name: x, entrypoint: 'f.py:a', version: '{{ antiphon.blocks.secret.no }}'}\n",
        "needs the block 'secret/no', which is not there.",
    ),
    (
        "build:\n  - antiphon.deployments.steps.run_shell_script: {script: nope-nope}\n" + ONE,
        "nope-nope cannot be run: No such file or directory. Each line is a program with its arguments",
    ),
    (
        "build:\n  - antiphon.deployments.steps.run_shel_script: {}\n" + ONE,
        "There is no step 'run_shel_script' in antiphon.deployments.steps (did you mean 'run_shell_script'?).",
    ),
    (
        "pull:\n  - antiphon.deployments.steps.git_clone: {repository: '{{ x.y }}'}\n"
        "deployments:\n  - {name: x, entrypoint: 'flows.py:hello'}\n",
        "{{ x.y }} names 'x', which is no output of a step. No step has run before.",
    ),
]


@pytest.mark.parametrize(("text", "message"), FILE_MISTAKES)
def test_mistakes_in_the_file_are_told(
    text: str, message: str, pools: World, antiphon: Antiphon, project: Path
) -> None:
    (project / "antiphon.yaml").write_text(text)
    said = refused(antiphon("deploy"))
    assert message in said
    assert "Traceback" not in said


def test_a_value_that_does_not_fit_once_it_is_filled_in(pools: World, antiphon: Antiphon, project: Path) -> None:
    pools.call("CreateVariable", {"variable": {"name": "limit", "value": '"many"'}})
    (project / "antiphon.yaml").write_text(
        "deployments:\n  - name: x\n    entrypoint: flows.py:hello\n"
        "    concurrency_limit: '{{ antiphon.variables.limit }}'\n"
    )
    assert "antiphon.yaml:4: deployments[0].concurrency_limit: input should be" in refused(antiphon("deploy"))


def test_a_server_that_is_not_there(antiphon: Antiphon, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_URL", f"unix:{project / 'no.sock'}")
    assert "No server answers" in refused(antiphon("deploy", "flows.py:hello", "-n", "x", "-p", "local"), 4)


def test_with_json_nothing_else_is_on_stdout(pools: World, antiphon: Antiphon, project: Path) -> None:
    (project / "flows.py").write_text(f"print('loud')\n{FLOWS}")
    step = "antiphon.deployments.steps.run_shell_script: {script: echo built, stream_output: true}"
    (project / "antiphon.yaml").write_text(f"build:\n  - {step}\n{PROJECT}")
    done = antiphon("deploy", "--all", "--json")
    assert [each["status"] for each in json.loads(done.stdout)] == ["created", "created"]
    # The steps of the whole file are done once.
    assert (done.stderr.count("built\n"), done.stderr.count("loud\n")) == (1, 2)


def test_several_deployments_need_a_choice(pools: World, antiphon: Antiphon, project: Path) -> None:
    (project / "antiphon.yaml").write_text(PROJECT)
    said = refused(antiphon("deploy"), 2).replace("│ ", "")
    assert "antiphon.yaml has 2 deployments: first, second. Say which by --name, or --all." in said
    assert "There is no deployment 'frist' (did you mean 'first'?). There are first, second." in refused(
        antiphon("deploy", "-n", "frist")
    )
    assert "2 deployments are meant, and options are for one." in refused(antiphon("deploy", "--all", "-t", "x"), 2)


def test_a_project_file_of_prefect_is_named_and_read_when_asked(
    pools: World, antiphon: Antiphon, project: Path
) -> None:
    text = PROJECT.replace("name: shop", "name: shop\nprefect-version: 3.8.8\nbuild: null\npush: null\npull: null")
    (project / "prefect.yaml").write_text(text)
    said = refused(antiphon("deploy", "--all"))
    assert "prefect.yaml is not read unless you say --antiphon-file prefect.yaml" in said
    done = antiphon("deploy", "--all", "--prefect-file", "prefect.yaml")
    assert done.exit_code == 0, done.stderr
    assert deployment(pools, "hello/first").version == "1.4"


def test_at_a_terminal_what_is_missing_is_asked_for(
    pools: World, antiphon: Antiphon, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIPHON_CLI_PROMPT", "true")
    asked = typed(monkeypatch, "asked", "2")
    done = antiphon("deploy", "flows.py:hello")
    assert done.exit_code == 0, done.stderr
    assert asked == ["Name of the deployment", "Which work pool?"]
    assert deployment(pools, "hello/asked").work_pool_name == "local"
    (project / "prefect.yaml").write_text(PROJECT)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    typed(monkeypatch, "second")
    assert antiphon("deploy").stdout == "other/second is made.\n"
    assert "needs a name" in refused(antiphon("deploy", "flows.py:hello", "--yes"), 2)


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Has somebody type; gives what they are asked."""
    asked: list[str] = []
    left = list(answers)

    def prompt(question: str, **_: Any) -> str:
        asked.append(question)
        return left.pop(0)

    monkeypatch.setattr("typer.prompt", prompt)
    return asked


def test_the_version_may_be_the_commit(pools: World, antiphon: Antiphon, project: Path) -> None:
    typed_line = ("deploy", "flows.py:hello", "-n", "x", "-p", "local", "--version-type", "vcs:git")
    assert "needs a git repository with a commit" in refused(antiphon(*typed_line))
    for line in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *line.split()], check=True, cwd=project)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert antiphon(*typed_line).exit_code == 0
    made = deployment(pools, "hello/x")
    assert (made.version, made.labels["version.commit_sha"], made.labels["version.type"]) == (
        commit[:8],
        commit,
        "vcs:git",
    )
