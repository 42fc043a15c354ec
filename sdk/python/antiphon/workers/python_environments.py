"""Virtual environments for flow runs that need packages of their own. They are made once, and kept in `antiphon`'s home
under a digest of what was asked for."""

import asyncio
import hashlib
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import site
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from antiphon import file_lock
from antiphon.exceptions import ConfigurationError
from antiphon.settings import get_current_settings
from antiphon.workers.threads import in_thread

_BIN = "Scripts" if os.name == "nt" else "bin"
#: Seconds for which another worker of this home may make the same environment.
_PATIENCE = 1800.0
#: Of what an installer says, the end is kept for people.
_LAST_WORDS = 2000


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """One virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / _BIN / "python"

    @property
    def engine_command(self) -> str:
        """What runs a flow run in it."""
        return shlex.join([str(self.python), "-m", "antiphon.engine"])

    def environment(self, given: Mapping[str, str | None]) -> dict[str, str | None]:
        """Variables with which `python`, `pip` and the like are those of this one."""
        path = given.get("PATH") or os.environ.get("PATH", os.defpath)
        return {
            **given,
            "VIRTUAL_ENV": str(self.folder),
            "PATH": os.pathsep.join([str(self.folder / _BIN), path]),
            "PYTHONHOME": None,
        }


class PythonEnvironments:
    """Those of one worker. Belongs to its event loop."""

    def __init__(self) -> None:
        #: By folder, or by what was asked for.
        self._found: dict[str, asyncio.Future[PythonEnvironment]] = {}

    async def found_for(self, venv: Path | None, requirements: Sequence[str]) -> PythonEnvironment | None:
        """Return the environment that a run asks for; None where it asks for none.

        Raises ConfigurationError where it cannot be used or made, or both are asked for.
        """
        if venv is not None and requirements:
            raise ConfigurationError(
                "The job variables give both `venv` and `requirements`. Give one: an environment that is there, or the "
                "packages for one that is made."
            )
        if venv is not None:
            return await self._once(str(venv), partial(_checked, venv))
        if requirements:
            wanted = _parsed(requirements)
            return await self._once("\n".join(wanted), partial(_made, wanted))
        return None

    async def _once(self, key: str, make: Callable[[], PythonEnvironment]) -> PythonEnvironment:
        """Runs that ask for the same at once wait for one; what failed is tried again by the next."""
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = asyncio.ensure_future(in_thread("environment", make))
        try:
            return await asyncio.shield(found)
        except Exception:
            if self._found.get(key) is found:
                del self._found[key]
            raise


def _checked(folder: Path) -> PythonEnvironment:
    environment = PythonEnvironment(folder.expanduser().absolute())
    try:
        done = subprocess.run(
            [environment.python, "-c", "import antiphon.engine"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ConfigurationError(
            f"{str(folder)!r} is no virtual environment on this machine: {environment.python} cannot be started "
            f"({error.strerror or error}). Make it with `python -m venv {folder}`, or mend `venv` in the job variables."
        ) from error
    if done.returncode:
        raise ConfigurationError(
            f"The virtual environment {str(folder)!r} cannot run flow runs: {_last_line(done.stderr)}. Install "
            f"antiphon in it: {environment.python} -m pip install antiphon"
        )
    return environment


def _parsed(requirements: Sequence[str]) -> list[str]:
    for each in requirements:
        try:
            Requirement(each)
        except InvalidRequirement as error:
            raise ConfigurationError(
                _told(f"{each!r} under `requirements` in the job variables is no package: {error}.")
            ) from error
    return sorted(set(requirements))


def _made(requirements: list[str]) -> PythonEnvironment:
    version = importlib.metadata.version("antiphon")
    wanted = json.dumps([requirements, sys.version, sys.executable, version, _our_folders()])
    folder = get_current_settings().home / "environments" / hashlib.sha256(wanted.encode()).hexdigest()[:24]
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / "complete"
    try:
        lock = file_lock.acquire(folder.with_suffix(".lock"), _PATIENCE)
    except file_lock.LockTimeout as error:
        raise ConfigurationError(
            f"Another process has been making the environment {folder} for {_PATIENCE:g} s. See what it waits for."
        ) from error
    try:
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _install(folder, requirements)
            done.touch()
    finally:
        file_lock.release(lock)
    return PythonEnvironment(folder)


def _install(folder: Path, requirements: list[str]) -> None:
    environment = PythonEnvironment(folder)
    uv = shutil.which("uv")
    if uv is not None:
        _do([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], requirements)
        install = [uv, "pip", "install", "--quiet", "--python", str(environment.python)]
    else:
        _do([sys.executable, "-m", "venv", str(folder)], requirements)
        install = [str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _do([*install, *requirements], requirements)
    # What the worker itself has is found behind that, antiphon above all: the run speaks with the same server.
    packages = subprocess.run(
        [environment.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    Path(packages, "antiphon-worker.pth").write_text("\n".join(_our_folders()) + "\n")


def _our_folders() -> list[str]:
    """Where the packages of this interpreter are, and antiphon, which may be worked on."""
    own = Path(__file__).resolve().parents[2]
    folders = [*site.getsitepackages(), str(own)]
    return [each for each in dict.fromkeys(folders) if os.path.isdir(each)]


def _do(command: list[str], requirements: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ConfigurationError(f"{command[0]} cannot be started: {error.strerror or error}.") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-_LAST_WORDS:]
        words = f"An environment with {', '.join(requirements)} could not be made. {Path(command[0]).name} says: {said}"
        raise ConfigurationError(_told(words))


def _told(text: str) -> str:
    """Without what stands before the host in URLs: that may be a secret that a template has filled in."""
    return re.sub(r"(?<=://)[^/@\s]+@", "", text)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "its Python ends at once"
