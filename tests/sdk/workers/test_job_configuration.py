"""From a pool's template and values to what a worker needs to know."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import ConfigurationError
from antiphon.settings import temporary_settings
from antiphon.workers import BaseJobConfiguration, BaseVariables, BaseWorker, ProcessWorker
from antiphon.workers.process import ProcessJobConfiguration

RUN = FlowRun(id=uuid4(), flow_id=uuid4(), name="quiet-owl")


class Configuration(BaseJobConfiguration):
    """With a field that stands elsewhere in the template."""

    image: str | None = None
    cpus: int = 1


def made(template: dict[str, Any], **values: Any) -> Configuration:
    return asyncio.run(Configuration.from_template_and_values(template, values))


def template_of(**configuration: Any) -> dict[str, Any]:
    return {
        "job_configuration": configuration,
        "variables": {
            "type": "object",
            "properties": {
                "image": {"type": "string"},
                "cpus": {"type": "integer", "default": 2},
                "env": {"type": "object", "default": {"A": "default", "B": "default"}},
            },
        },
    }


def test_values_come_before_defaults_and_what_has_neither_is_left_out() -> None:
    template = template_of(image="{{ image }}", cpus="{{ cpus }}", command="run {{ image }} on {{ cpus }}")
    assert made(template).cpus == 2
    assert made(template).image is None
    assert made(template).command == "run  on 2"
    given = made(template, image="x", cpus=4)
    assert (given.image, given.cpus, given.command) == ("x", 4, "run x on 4")


def test_environments_are_merged_and_are_texts() -> None:
    template = template_of(env={"FIXED": 1, "A": "fixed"})
    assert made(template, env={"A": True, "C": None, "D": 1.5}).env == {
        "FIXED": "1",
        "A": "true",
        "B": "default",
        "C": None,
        "D": "1.5",
    }
    assert made(template_of(env="{{ env }}"), env={"B": "mine"}).env == {"A": "default", "B": "mine"}


def test_the_environment_of_the_worker_is_filled_in_and_other_braces_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY", "my.registry")
    template = template_of(image="{{ $REGISTRY }}/{{ image }}", command="{{ image }}")
    given = made(template, image="{{ jinja_of_somebody }}")
    assert given.image == "my.registry/{{ jinja_of_somebody }}"


@pytest.mark.parametrize(
    ("template", "values", "words"),
    [
        (template_of(image="{{ imag }}"), {}, ["'imag'", "did you mean 'image'", "work-pool update"]),
        (template_of(image="{{ $NOT_SET_HERE }}"), {}, ["NOT_SET_HERE", "Set it"]),
        (template_of(image="{{ cpus.inner }}"), {}, ["'inner'", "'cpus'"]),
        (
            {"job_configuration": {}, "variables": {"properties": {"image": {}}, "required": ["image"]}},
            {},
            ["'image'", "`job_variables`"],
        ),
    ],
)
def test_what_cannot_be_filled_in_names_the_variable_and_the_way_out(
    template: dict[str, Any], values: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        made(template, **values)
    for word in words:
        assert word in str(caught.value)


def test_values_of_a_wrong_type_are_refused_and_not_told() -> None:
    """They may be secrets, and what is said stands in the run's state."""
    with pytest.raises(ValidationError, match="cpus") as caught:
        made(template_of(cpus="{{ cpus }}"), cpus="hunter2")
    assert "hunter2" not in str(caught.value)


def test_a_job_is_made_ready_for_its_run() -> None:
    job = made(template_of(), env={"ANTIPHON__FLOW_RUN_ID": "somebody's", "MINE": "1"})
    with temporary_settings({"api.url": "server:4300"}):
        job.prepare_for_flow_run(RUN, worker_name="w", fencing_token=3)
    assert job.env["ANTIPHON__FLOW_RUN_ID"] == str(RUN.id)
    assert job.env["ANTIPHON__FENCING_TOKEN"] == "3"
    assert job.env["ANTIPHON_API_URL"] == "server:4300"
    assert job.name == "quiet-owl"
    assert job.command == "python -m antiphon.engine"
    assert job.is_using_a_runner
    assert job.labels["antiphon.io/flow-run-id"] == str(RUN.id)
    assert job.labels["antiphon.io/worker-name"] == "w"


def test_what_somebody_has_set_comes_before_the_settings_of_the_worker() -> None:
    job = Configuration(env={"ANTIPHON_API_URL": "other:1"}, command="mine", labels={"a": "b"}, name="n")
    with temporary_settings({"api.url": "server:4300"}):
        job.prepare_for_flow_run(RUN)
    assert (job.env["ANTIPHON_API_URL"], job.command, job.name) == ("other:1", "mine", "n")
    assert not job.is_using_a_runner
    assert job.labels["a"] == "b"
    assert "ANTIPHON__FENCING_TOKEN" not in job.env


def test_a_types_own_template_has_all_that_it_knows() -> None:
    template = ProcessWorker.get_default_base_job_template()
    assert set(template["job_configuration"]) == set(ProcessJobConfiguration.model_fields)
    assert set(template["job_configuration"]) <= set(template["variables"]["properties"])
    job = asyncio.run(ProcessJobConfiguration.from_template_and_values(template, {}))
    assert (job.stream_output, job.working_dir, job.env, job.command) == (True, None, {}, None)


def test_a_field_may_say_its_template_and_variables_may_be_those_of_the_configuration() -> None:
    class Fixed(BaseJobConfiguration):
        """One field is not a variable's."""

        size: str = "s"

    class Worker(BaseWorker):
        """Has no variables of its own."""

        type = "fixed"
        job_configuration = Fixed

        async def run(self, flow_run: Any, configuration: Any, task_status: Any = None) -> Any: ...

        async def kill_infrastructure(
            self, infrastructure_pid: str, configuration: Any, grace_seconds: int = 30
        ) -> None: ...

    template = Worker.get_default_base_job_template()
    assert template["job_configuration"]["size"] == "{{ size }}"
    assert template["variables"]["properties"]["size"]["default"] == "s"
    assert Worker.get_name_slug() == "fixed"


def test_types_are_found_by_their_names() -> None:
    assert BaseWorker.get_worker_class_from_type("process") is ProcessWorker
    assert {"process", "docker", "kubernetes"} <= set(BaseWorker.get_all_available_worker_types())
    with pytest.raises(ValueError, match=r"did you mean 'process'.*antiphon\.workers"):
        BaseWorker.get_worker_class_from_type("proces")


def test_a_schema_of_variables_has_defaults_for_collections() -> None:
    schema = BaseVariables.template_schema()
    assert schema["properties"]["env"]["default"] == {}
    assert schema["type"] == "object"
