"""`antiphon init`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

from antiphon.deployments.project_file import ProjectFile

Antiphon = Callable[..., Result]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / 'a "shop"'
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_project_of_this_folder(antiphon: Antiphon, project: Path) -> None:
    done = antiphon("init")
    assert done.exit_code == 0
    assert done.stdout.startswith("antiphon.yaml, .antiphonignore written in ")
    made = yaml.safe_load((project / "antiphon.yaml").read_text())
    assert made["name"] == 'a "shop"'
    assert made["pull"] == made["deployments"] == []
    assert ProjectFile(project / "antiphon.yaml").deployments == []
    assert "__pycache__/" in (project / ".antiphonignore").read_text()


def test_what_is_there_stays(antiphon: Antiphon, project: Path) -> None:
    (project / "antiphon.yaml").write_text("name: mine\n")
    assert json.loads(antiphon("init", "--json").stdout) == {"files": [".antiphonignore"]}
    assert (project / "antiphon.yaml").read_text() == "name: mine\n"
    assert antiphon("init").stdout.startswith("Nothing was written: the files are there.")


def test_a_recipe_with_its_fields(antiphon: Antiphon, project: Path) -> None:
    fields = {"image_name": "a/b", "tag": "1.0", "repository": "https://x.test/r.git", "branch": "main"}
    typed = [each for key, value in fields.items() for each in ("-f", f"{key}={value}")]
    assert antiphon("init", "--recipe", "docker-git", "--name", "x", *typed).exit_code == 0
    made = yaml.safe_load((project / "antiphon.yaml").read_text())
    assert made["name"] == "x"
    assert "__pycache__/" in (project / ".dockerignore").read_text()
    (build,) = made["build"]
    assert build["antiphon.deployments.steps.build_docker_image"]["tag"] == "1.0"
    assert made["push"][0]["antiphon.deployments.steps.push_docker_image"]["tag"] == "{{ image.tag }}"
    clone = {"repository": "https://x.test/r.git", "branch": "main"}
    assert made["pull"] == [{"antiphon.deployments.steps.git_clone": clone}]


def test_fields_are_asked_for_at_a_terminal(antiphon: Antiphon, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_CLI_PROMPT", "true")
    answers: dict[str, str] = {"Its branch": "dev"}

    def prompt(question: str, **_: Any) -> str:
        return answers.get(question, "https://x.test/r.git")

    monkeypatch.setattr("typer.prompt", prompt)
    assert antiphon("init", "--recipe", "git").exit_code == 0
    (step,) = yaml.safe_load((project / "antiphon.yaml").read_text())["pull"]
    assert step["antiphon.deployments.steps.git_clone"]["branch"] == "dev"


@pytest.mark.parametrize(
    ("typed", "code", "message"),
    [
        (["--recipe", "gti"], 1, "There is no recipe 'gti' (did you mean 'git'?). There are local, git, docker"),
        (["--recipe", "git", "-f", "branch=x"], 2, "needs repository: give --field repository=VALUE."),
        (["--recipe", "docker", "--yes"], 2, "give --field image_name=VALUE --field tag=VALUE."),
        (["-f", "branch=x"], 1, "The recipe 'local' has no field 'branch'. It has none."),
        (["-f", "branch"], 2, "--field is NAME=VALUE"),
    ],
)
def test_mistakes_are_told(typed: list[str], code: int, message: str, antiphon: Antiphon, project: Path) -> None:
    done = antiphon("init", *typed)
    assert done.exit_code == code
    assert message in " ".join(done.stderr.replace("│", "").split())
    assert list(project.iterdir()) == []


def test_a_folder_that_takes_no_files_is_told(antiphon: Antiphon, project: Path) -> None:
    project.rmdir()
    done = antiphon("init", "--name", "shop")
    assert (done.exit_code, "antiphon.yaml cannot be written here: No such file" in done.stderr) == (1, True)
