"""The job of a run in a container."""

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import ConfigurationError
from antiphon.settings import temporary_settings
from antiphon.workers.docker import DockerWorker, DockerWorkerJobConfiguration
from antiphon.workers.docker.configuration import ImagePullPolicy, container_name


def prepared(flow_run: FlowRun, **fields: Any) -> DockerWorkerJobConfiguration:
    job = DockerWorkerJobConfiguration.model_validate({"image": "i:1", **fields})
    job.prepare_for_flow_run(flow_run)
    return job


@pytest.mark.parametrize("volume", ["/a:/b", "/a:/b:ro", "name:/b:rw", "/only/inside", "C:\\data:/b", "C:\\data:/b:ro"])
def test_volumes(volume: str) -> None:
    assert DockerWorkerJobConfiguration(volumes=[volume]).volumes == [volume]


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        ("a", "absolute path in the container"),
        ("/a:b", "must be absolute"),
        ("a/b:/c", "neither an absolute path nor a name"),
        ("/a:/b:z", "must be ro or rw"),
        ("", "absolute path"),
    ],
)
def test_what_is_no_volume(volume: str, why: str) -> None:
    with pytest.raises(ValidationError, match=f"{why}.*Write `/path/here:/path/in/container`"):
        DockerWorkerJobConfiguration(volumes=[volume])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"networks": ["a"], "network_mode": "host"}, "cannot both be set"),
        ({"memswap_limit": "1g"}, "needs a `mem_limit`"),
        ({"container_create_kwargs": {"image": "x", "environment": {}}}, "has environment, image, which the job says"),
        ({"image_pull_policy": "Sometimes"}, "IfNotPresent"),
    ],
)
def test_what_does_not_fit_together(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        DockerWorkerJobConfiguration(**fields)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", ImagePullPolicy.ALWAYS),
        ("a:latest", ImagePullPolicy.ALWAYS),
        ("registry:5000/a", ImagePullPolicy.ALWAYS),
        ("a:1", ImagePullPolicy.IF_NOT_PRESENT),
        ("registry:5000/a:1", ImagePullPolicy.IF_NOT_PRESENT),
        ("a@sha256:0123", ImagePullPolicy.IF_NOT_PRESENT),
    ],
)
def test_when_an_image_is_pulled(image: str, policy: ImagePullPolicy) -> None:
    assert DockerWorkerJobConfiguration(image=image).pull_policy() is policy
    assert DockerWorkerJobConfiguration(image=image, image_pull_policy="Never").pull_policy() is ImagePullPolicy.NEVER


@pytest.mark.skipif(sys.platform != "linux", reason="Docker has the network of its host on Linux only")
def test_a_server_on_this_machine(flow_run: FlowRun) -> None:
    with temporary_settings({"api.url": "grpc://127.0.0.1:4200"}):
        job = prepared(flow_run)
        assert (job.get_network_mode(), job.env["ANTIPHON_API_URL"]) == ("host", "grpc://127.0.0.1:4200")
        assert not job.needs_host_name()
        job = prepared(flow_run, networks=["mine"])
        assert (job.get_network_mode(), job.env["ANTIPHON_API_URL"]) == (None, "grpc://host.docker.internal:4200")
        assert job.needs_host_name()
        job = prepared(flow_run, env={"ANTIPHON_API_URL": "grpc://127.0.0.1:1"}, networks=["mine"])
        assert job.env["ANTIPHON_API_URL"] == "grpc://127.0.0.1:1", "who says it means it"
    with temporary_settings({"api.url": "grpc://server.example.com:4200"}):
        job = prepared(flow_run)
        assert (job.get_network_mode(), job.needs_host_name()) == (None, False)


def test_a_server_on_a_socket(flow_run: FlowRun) -> None:
    with temporary_settings({"api.url": "unix:/run/antiphon/s"}):
        for volumes in ([], ["/run/anti:/run/anti"], ["/run/antiphon:/elsewhere"]):
            with pytest.raises(ConfigurationError, match=r"does not see that Unix socket.*`volumes`"):
                prepared(flow_run, volumes=volumes)
        for volume in ("/run/antiphon:/run/antiphon", "/run/antiphon/s:/run/antiphon/s:ro", "/run:/run"):
            assert prepared(flow_run, volumes=[volume]).env["ANTIPHON_API_URL"] == "unix:/run/antiphon/s"


def test_no_server_that_can_be_reached(flow_run: FlowRun) -> None:
    with temporary_settings({"api.url": None}), pytest.raises(ConfigurationError, match="a container cannot reach"):
        prepared(flow_run)


def test_places_of_the_worker_stay_there(flow_run: FlowRun, tmp_path: Any) -> None:
    places = {"home": tmp_path, "results.local_storage_path": tmp_path}
    with temporary_settings({"api.url": "h:1", "logging.level": "DEBUG", **places}):
        env = prepared(flow_run).env
        assert str(tmp_path) not in env.values() and env["ANTIPHON_LOGGING_LEVEL"] == "DEBUG"
        assert prepared(flow_run, env={"ANTIPHON_HOME": "/data"}).env["ANTIPHON_HOME"] == "/data"


@pytest.mark.parametrize(
    ("name", "made"),
    [("merry-otter", "merry-otter"), ("a b/c", "a-b-c"), ("_x.y", "x.y"), ("x", "antiphon-x"), ("é", None), ("", None)],
)
def test_names(name: str, made: str | None) -> None:
    assert container_name(name) == made


def test_names_have_an_end() -> None:
    assert len(container_name("x" * 1000) or "") == 250


def test_the_template_has_every_variable() -> None:
    template = DockerWorker.get_default_base_job_template()
    assert set(template["job_configuration"]) == set(template["variables"]["properties"])
