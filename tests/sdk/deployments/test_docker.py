"""Images of deployments, built and pushed by a Docker engine."""

import asyncio
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.deployments.steps import build_docker_image, push_docker_image, run_step
from antiphon.docker import DockerImage
from antiphon.exceptions import AntiphonImportError, InfrastructureError, StepExecutionError
from antiphon.flows import load_flow_from_entrypoint
from antiphon.settings import temporary_settings
from docker_engine_stand_in import DockerEngine
from stored import Stored


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DockerEngine]:
    """The engine of this test."""
    with DockerEngine() as running:
        monkeypatch.setenv("DOCKER_HOST", running.url)
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield running


def test_a_flow_is_deployed_with_its_image(
    project: Path, containers: str, stored: Stored, engine: DockerEngine
) -> None:
    (project / "requirements.txt").write_text("pandas\n")
    found = load_flow_from_entrypoint("flows.py:hello")
    said = io.StringIO()
    image = DockerImage("registry.test:5000/shop/hello", "1.0", stream_progress_to=said)
    found.deploy("image", work_pool_name=containers, image=image, job_variables={"env": {"A": "1"}})
    assert said.getvalue() == "Step 1/1\nPushed\n"
    (build,) = engine.calls("/build")
    assert build.query["t"] == "registry.test:5000/shop/hello:1.0"
    assert build.files["flows.py"] == (project / "flows.py").read_text()
    dockerfile = build.files[build.query["dockerfile"]]
    assert "RUN pip install --no-cache-dir -r /opt/antiphon/project/requirements.txt" in dockerfile
    assert dockerfile.startswith(f"FROM python:{sys.version_info[0]}.{sys.version_info[1]}-slim\n")
    assert dockerfile.endswith("COPY . /opt/antiphon/project/\nWORKDIR /opt/antiphon/project\n")
    assert not (project / "Dockerfile").exists()
    (push,) = engine.calls("/images/registry.test:5000/shop/hello/push")
    assert push.query["tag"] == "1.0"
    made = stored.deployment("hello", "image")
    assert (made.path, made.entrypoint) == ("/opt/antiphon/project", "flows.py:hello")
    variables = json.loads(made.job_variables)
    assert variables == {"env": {"A": "1"}, "image": "registry.test:5000/shop/hello:1.0"}


def test_an_image_that_is_there_is_neither_built_nor_pushed(
    project: Path, containers: str, stored: Stored, engine: DockerEngine
) -> None:
    found = load_flow_from_entrypoint("flows.py:hello")
    found.deploy("image", work_pool_name=containers, image="a/b", build=False, push=False, print_next_steps=False)
    image = json.loads(stored.deployment("hello", "image").job_variables)["image"]
    assert image == "a/b:latest" and engine.asked == []
    found.deploy("image", work_pool_name=containers, image="a/b", push=False, print_next_steps=False)
    assert [each.path for each in engine.asked] == ["/build"]


def test_the_steps(project: Path, engine: DockerEngine) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    made = build_docker_image("a/b", tag="1", additional_tags=["new"], buildargs={"X": "y"})
    called = {"image_name": "a/b", "tag": "1", "image": "a/b:1", "additional_tags": ["new"]}
    assert made == {**called, "image_id": "sha256:abc"}
    (build,) = engine.calls("/build")
    assert (json.loads(build.query["buildargs"]), build.files["Dockerfile"]) == ({"X": "y"}, "FROM scratch\n")
    assert [each.query for each in engine.calls("/images/a/b:1/tag")] == [{"tag": "new", "repo": "a/b", "force": "0"}]
    pushed = asyncio.run(in_async_code())
    assert pushed == called
    pushes = engine.calls("/images/a/b/push")
    assert [each.query["tag"] for each in pushes] == ["1", "new"]
    assert pushes[0].login == {"username": "ann", "password": "pw"}
    assert build_docker_image("a/b")["tag"] != build_docker_image("a/b")["tag"]


async def in_async_code() -> object:
    login = {"username": "ann", "password": "pw"}
    return await push_docker_image("a/b", "1", login, ["new"])  # type: ignore[misc]


def test_what_the_engine_says_is_told(project: Path, engine: DockerEngine) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    engine.events = [{"error": "pip: no such package"}]
    with pytest.raises(InfrastructureError, match=r"The image a/b:1 was not built: pip: no such package"):
        build_docker_image("a/b:1")
    engine.events = [{"error": "denied"}]
    with pytest.raises(InfrastructureError, match=r"The image a/b:1 was not pushed: denied"):
        push_docker_image("a/b:1")
    step = {"prefect_docker.deployments.steps.build_docker_image": {"image_name": "a", "dockerfile": "no/Dockerfile"}}
    with pytest.raises(StepExecutionError, match=r"There is no Dockerfile 'no/Dockerfile' in .*Write one, or `auto`"):
        run_step(step)


def test_an_engine_that_is_not_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{project}/no.sock")
    with pytest.raises(InfrastructureError, match=r"No Docker engine answers: .*Start it, or set DOCKER_HOST"):
        DockerImage("a/b").build()
    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(AntiphonImportError, match=r"Install antiphon\[docker\]"):
        DockerImage("a/b").build()


def test_names_of_images(stored: Stored) -> None:
    assert DockerImage("a/b", tag="1").reference == "a/b:1"
    assert DockerImage("host:5000/a").name == "host:5000/a"
    with temporary_settings({"deployments.default_docker_build_namespace": "me"}):
        assert (DockerImage("a", "1").reference, DockerImage("x/a", "1").reference) == ("me/a:1", "x/a:1")
    with pytest.raises(ValueError, match="Two tags were given: '1' in 'a:1', and tag='2'"):
        DockerImage("a:1", tag="2")
