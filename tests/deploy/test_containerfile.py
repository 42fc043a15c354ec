"""deploy/Containerfile: what it copies is enough to install Antiphon, and what it starts is ours.

No container is built here: its steps are done in a folder, with the dependencies of this environment.
"""

import json
import os
import re
import shlex
import shutil
import signal
import site
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import ROOT
from server_process import PATIENCE
from shipped import DEPLOY, check_command, check_variables
from tools_needed import miss_tool

pytestmark = pytest.mark.timeout(300)

TEXT = (DEPLOY / "Containerfile").read_text()
BUILD_STAGE, LAST_STAGE = (stage.strip() for stage in re.split(r"^FROM .*$", TEXT, flags=re.MULTILINE)[1:])
PREFIX = "/opt/antiphon"


def steps(word: str, stage: str = TEXT) -> list[str]:
    return re.findall(rf"^{word} (.+)$", stage, re.MULTILINE)


(EXTRAS,) = re.findall(r"^ARG EXTRAS=(.+)$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the build stage makes, but for the packages of others."""
    source = tmp_path_factory.mktemp("source")
    prefix = tmp_path_factory.mktemp("opt") / "antiphon"
    for step in steps("COPY", BUILD_STAGE):
        *names, target = step.split()
        for name in names:
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(ROOT / name, source / target, ignore=ignore)
            else:
                shutil.copy(ROOT / name, source / target)
    for step in steps("RUN", BUILD_STAGE):
        words = [word.replace(PREFIX, str(prefix)) for word in shlex.split(step.replace("${EXTRAS}", EXTRAS))]
        if "install" in words:
            words.insert(words.index("install") + 1, "--no-deps")
        words[0] = sys.executable if words[0] == "python" else words[0]
        done = subprocess.run(words, cwd=source, capture_output=True, text=True)
        if "No matching distribution found for setuptools" in done.stderr:
            miss_tool("setuptools cannot be had: the container's steps need a package index")
        assert done.returncode == 0, f"{step}\n{done.stdout}\n{done.stderr}"
    (packages,) = prefix.glob("lib/python*/site-packages")
    # Behind its own: what is installed here comes first.
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    return prefix


def environment_of(prefix: Path, home: Path) -> dict[str, str]:
    """As the last stage sets it."""
    variables = dict(word.split("=", 1) for step in steps("ENV", LAST_STAGE) for word in step.split())
    assert variables["PATH"].startswith(f"{PREFIX}/bin:")
    assert variables["ANTIPHON_HOME"] in steps("VOLUME", LAST_STAGE)
    variables["PATH"] = variables["PATH"].replace(PREFIX, str(prefix))
    return variables | {"ANTIPHON_HOME": str(home)}


def test_what_is_copied_is_enough_to_install_and_to_serve(installed: Path, tmp_path: Path) -> None:
    environment = environment_of(installed, tmp_path / "home")
    where = subprocess.run(
        [installed / "bin" / "python", "-c", "import antiphon, antiphon_server; print(antiphon_server.__path__[0])"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(installed)), where
    (entrypoint,), (command,) = steps("ENTRYPOINT"), steps("CMD")
    words = [*json.loads(entrypoint), *json.loads(command)]
    # The port may be taken here.
    words[words.index("--port") + 1] = "0"
    words[0] = str(installed / "bin" / words[0])
    log = tmp_path / "log"
    with log.open("w") as output:
        server = subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=output, stderr=output)
    try:
        status = [installed / "bin" / "antiphon", "server", "status", "--wait", "--timeout", str(PATIENCE)]
        shown = subprocess.run(status, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr + log.read_text()
        # It is that very process, which hears what the container is told.
        assert f"process id {server.pid}" in shown.stdout
        (stop,) = steps("STOPSIGNAL")
        server.send_signal(signal.Signals[stop])
        assert server.wait(PATIENCE) == 0
    finally:
        server.kill()


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = steps("USER", LAST_STAGE)
    uid, gid = user.split(":")
    (make,) = steps("RUN", LAST_STAGE)
    assert int(uid) > 0
    assert f"groupadd --gid {gid} " in make
    assert f"useradd --uid {uid} " in make
    # Nothing is done as root afterwards.
    after = LAST_STAGE.partition("USER ")[2]
    assert "RUN" not in after


def test_nothing_is_taken_from_another_host_than_the_usual_one() -> None:
    images = {step.split()[0] for step in steps("FROM")}
    assert images == {"python:${PYTHON}-slim"}
    assert "://" not in TEXT
    assert not steps("ADD")


def test_the_versions_are_those_that_we_say() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    arguments = dict(step.split("=") for step in steps("ARG"))
    minimum = tuple(map(int, project["requires-python"].removeprefix(">=").split(".")))
    assert tuple(map(int, arguments["PYTHON"].split("."))) >= minimum
    extras = set(EXTRAS.split(","))
    # What a server is told to use by options and settings is there.
    assert {"metrics", "otel", "postgresql", "redis"} <= extras <= project["optional-dependencies"].keys()
    assert "--constraint constraints.txt" in BUILD_STAGE


def test_commands_and_variables_are_those_of_our_programs() -> None:
    (command,) = steps("CMD")
    check_command(json.loads(command))
    check_variables(re.findall(r"\bANTIPHON_[A-Z_]+", TEXT))
    (port,) = steps("EXPOSE")
    assert json.loads(command)[-1] == port
    assert os.access(Path(sys.executable).with_name(json.loads(steps("ENTRYPOINT")[0])[0]), os.X_OK)
