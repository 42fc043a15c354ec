"""Steps of deployments, and what runs them."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest

from antiphon.blocks.system import Secret
from antiphon.deployments.steps import (
    git_clone,
    pip_install_requirements,
    pull_from_remote_storage,
    pull_with_block,
    run_shell_script,
    run_step,
    run_steps,
    set_working_directory,
)
from antiphon.deployments.steps.core import arun_steps, parsed_step
from antiphon.exceptions import StepExecutionError, TemplateError
from antiphon.filesystems import LocalFileSystem
from antiphon.runner.storage import GitRepository
from stored import Stored

OURS = "antiphon.deployments.steps"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def doubled(number: int, note: str = "") -> dict[str, Any]:
    return {"number": number * 2, "note": note}


async def adoubled(number: int) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"number": number * 2}


def silent() -> None: ...


def talkative() -> str:
    return "x"


def failing() -> None:
    raise KeyError("missing thing")


HERE = __name__


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "my_steps", sys.modules[HERE])


def test_steps_pass_on_what_they_give() -> None:
    steps: list[dict[str, Any]] = [
        {"my_steps.doubled": {"id": "one", "number": 2, "note": "n"}},
        {"my_steps.adoubled": {"number": "{{ one.number }}"}},
        {"my_steps.doubled": {"number": "{{ number }}", "note": "{{ given.x }}-{{ one.note }}"}},
        {"my_steps.silent": None},
    ]
    said: list[str] = []
    outputs = run_steps(steps, {"given": {"x": "g"}}, said.append)
    assert outputs == {"given": {"x": "g"}, "one": {"number": 4, "note": "n"}, "number": 16, "note": "g-n"}
    assert said[0] == " > Running doubled step..."


def test_steps_in_async_code(repository: str) -> None:
    steps = [
        {"my_steps.doubled": {"number": 1}},
        {"my_steps.adoubled": {"number": "{{ number }}"}},
        {f"{OURS}.git_clone": {"repository": repository, "clone_directory_name": "x"}},
        {f"{OURS}.run_shell_script": {"script": "cat version.txt", "directory": "{{ directory }}"}},
    ]
    outputs = asyncio.run(arun_steps(steps, print_function=lambda _: None))
    assert (outputs["number"], outputs["stdout"]) == (4, "2")

    async def main() -> Any:
        return await run_step({"my_steps.adoubled": {"number": 3}})  # type: ignore[misc]

    assert asyncio.run(main()) == {"number": 6}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"a": 1, "b": 2}, "A step is one function's name with its arguments under it"),
        ("git_clone", "A step is one function's name"),
        ({"my_steps.doubled": [1]}, r"The arguments of the step 'my_steps\.doubled' are names with values"),
        (
            {"doubled": {}},
            "'doubled' is no step: write the function's full name, such as antiphon",
        ),
        ({"no_such_module.step": {}}, "importing no_such_module raised ModuleNotFoundError.*name it under `requires`"),
        ({f"{OURS}.git_clne": {}}, r"There is no step 'git_clne' in .* \(did you mean 'git_clone'\?\)"),
        ({"my_steps.doubled": {"numbr": 1}}, r"The step doubled cannot be called with numbr: .*It takes number: int"),
        ({"my_steps.failing": {}}, "The step failing failed: 'missing thing'"),
        ({"my_steps.talkative": {}}, "The step talkative gave str, and a step gives a dict, or None"),
        ({"my_steps.silent": {"requires": "a b c"}}, "'a b c' under `requires` of the step silent is no package"),
        (
            {"my_steps.silent": {"requires": ["antiphon>=99"]}},
            "requires antiphon>=99, and that could not be inst",
        ),
        ({"prefect_aws.deployments.steps.pull_from_s3": {}}, "is one of Prefect's that Antiphon does not have"),
    ],
)
def test_what_is_no_step(step: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(StepExecutionError, match=message):
        run_step(step)


def test_a_template_in_a_step_that_leads_nowhere() -> None:
    with pytest.raises(TemplateError, match=r"In the step doubled: \{\{ x\.y \}\} names 'x'"):
        run_step({"my_steps.doubled": {"number": "{{ x.y }}"}})


def test_names_of_prefect_are_taken_for_ours() -> None:
    assert parsed_step({"prefect.deployments.steps.git_clone": {"repository": "x"}})[0] == f"{OURS}.git_clone"
    assert parsed_step({"prefect.deployments.steps.utility.run_shell_script": None}) == (f"{OURS}.run_shell_script", {})
    built = parsed_step({"prefect_docker.deployments.steps.build_docker_image": {}})
    assert built == (f"{OURS}.build_docker_image", {})


def test_git_clone(repository: str, here: Path) -> None:
    given = git_clone(repository, branch="v1")
    assert given == {"directory": "code-v1"}
    assert (here / "code-v1" / "version.txt").read_text() == "1"
    assert git_clone(repository, clone_directory_name="mine") == {"directory": "mine"}
    assert (here / "mine" / "version.txt").read_text() == "2"


def test_git_clone_that_cannot_be(repository: str, stored: Stored) -> None:
    clone = f"{OURS}.git_clone"
    with pytest.raises(StepExecutionError, match="git_clone failed: There is no branch or tag 'nope' in file:"):
        run_step({clone: {"repository": repository, "branch": "nope"}})
    with pytest.raises(StepExecutionError, match=r"could not be fetched\. git says"):
        run_step({clone: {"repository": repository.replace("code", "gone")}})
    both = {"repository": "https://x.test/y.git", "access_token": "a", "credentials": {"token": "b"}}
    with pytest.raises(StepExecutionError, match="access_token and credentials were given: give one"):
        run_step({clone: both})
    Secret(value="tk-8").save("step-token", overwrite=True)
    token = "{{ antiphon.blocks.secret.step-token }}"
    with pytest.raises(StepExecutionError, match="Credentials go with https:// only") as caught:
        run_step({clone: {"repository": repository, "access_token": token}})
    assert "tk-8" not in str(caught.value)


def test_the_step_of_a_repository_with_a_user_is_one_that_can_be_run(here: Path, stored: Stored) -> None:
    secret = Secret(value="tk-9")
    secret.save("step-user", overwrite=True)
    credentials = {"username": "bot", "access_token": secret}
    step = GitRepository("https://127.0.0.1:1/a/b.git", credentials=credentials).to_pull_step()
    (given,) = step.values()
    assert given["credentials"] == {"username": "bot", "access_token": "{{ antiphon.blocks.secret.step-user }}"}
    with pytest.raises(StepExecutionError, match=r"could not be fetched\. git says"):
        run_step(step)


def test_set_working_directory(here: Path) -> None:
    (here / "a").mkdir()
    assert set_working_directory("a") == {"directory": str(here / "a")}
    assert os.getcwd() == str(here / "a")
    with pytest.raises(StepExecutionError, match="The working directory 'gone' cannot be used here: No such file"):
        set_working_directory("gone")


def test_scripts(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "ann")
    (here / "sub").mkdir()
    done = run_shell_script("echo one $NAME\n# a comment\n\necho 'two words'")
    assert done == {"stdout": "one $NAME\ntwo words", "stderr": ""}
    assert capsys.readouterr().out == "one $NAME\ntwo words\n"
    assert run_shell_script("echo $NAME ${OTHER}", env={"OTHER": "x"}, expand_env_vars=True)["stdout"] == "ann x"
    done = run_shell_script("echo $OTHER | tr a-z A-Z; pwd; echo no >&2", "sub", {"OTHER": "x"}, False, shell=True)
    assert done == {"stdout": f"X\n{here / 'sub'}", "stderr": "no"}
    assert capsys.readouterr().out == "ann x\n"


@pytest.mark.parametrize(
    ("script", "options", "message"),
    [
        ("cd sub", {}, "cd ... cannot be run: No such file or directory.*needs `shell: true`"),
        ("echo a\necho 'open", {}, "Line 2 of the script cannot be split into words: No closing quotation"),
        ("ls --no-such-option", {}, "ls ... ended with code 2. It says: ls: unrec"),
        ("echo a; exit 3", {"shell": True}, "The script ended with code 3. It says: a"),
        ("echo a", {"directory": "gone"}, "echo ... cannot run in gone: there is no such folder"),
    ],
)
def test_scripts_that_fail(script: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(StepExecutionError, match=message):
        run_shell_script(script, stream_output=False, **options)


def test_requirements(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "needs.txt").write_text("packaging\n")
    done = pip_install_requirements("sub", "needs.txt", stream_output=False)
    assert "packaging" in done["stdout"]
    with pytest.raises(StepExecutionError, match=r"There is no file requirements\.txt in .*sub\. Give `directory`"):
        pip_install_requirements("sub")


def test_a_folder_that_fsspec_knows() -> None:
    fsspec.filesystem("memory").pipe_file("/step-code/sub/a.py", b"x")
    given = pull_from_remote_storage("memory://step-code/sub")
    assert Path(given["directory"], "a.py").read_text() == "x"
    with pytest.raises(StepExecutionError, match=r"The step pull_from_remote_storage failed: .*could not be brought"):
        run_step({f"{OURS}.pull_from_remote_storage": {"url": "memory://step-gone"}})


def test_a_block_of_storage(stored: Stored, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.py").write_text("x")
    LocalFileSystem(basepath=str(tmp_path / "kept")).save("step-code", overwrite=True)
    given = pull_with_block("step-code", "local-file-system")
    assert given == {"directory": "step-code"}
    assert Path("step-code", "a.py").read_text() == "x"
    with pytest.raises(StepExecutionError, match=r"The step pull_with_block failed: .*gone"):
        run_step({f"{OURS}.pull_with_block": {"block_document_name": "gone", "block_type_slug": "local-file-system"}})
    Secret(value="x").save("no-code", overwrite=True)
    with pytest.raises(TypeError, match="that has get_directory, such as RemoteFileSystem, and not from Secret"):
        pull_with_block("no-code", "secret")
