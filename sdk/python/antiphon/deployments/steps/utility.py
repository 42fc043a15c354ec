"""Steps that run programs."""

import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from string import Template
from typing import IO, TypedDict

from antiphon.engine.dual import Work, ask, awaitable, dual
from antiphon.exceptions import StepExecutionError

__all__ = [
    "RunShellScriptResult",
    "apip_install_requirements",
    "arun_shell_script",
    "pip_install_requirements",
    "run_shell_script",
]

#: Characters of what a program said that stand in a message.
_SHOWN = 2000


class RunShellScriptResult(TypedDict):
    """What a script printed, without blanks at its ends."""

    stdout: str
    stderr: str


@dual
def run_shell_script(
    script: str,
    directory: str | None = None,
    env: Mapping[str, str] | None = None,
    stream_output: bool = True,
    expand_env_vars: bool = False,
    shell: bool = False,
) -> Work[RunShellScriptResult]:
    """Run the lines of a script one after the other, and return what they printed.

    Each line is a program with its arguments, and no shell stands between: pipes, `&&` and `$NAME` mean nothing, unless
    `shell` has the whole script run by one. `expand_env_vars` fills in `$NAME` first. `env` is added to the
    environment; `stream_output` also prints what comes as it comes. In async code this gives a coroutine. Raises
    StepExecutionError where a line fails.
    """
    return (yield from ask(partial(_run_script, script, directory, env or {}, stream_output, expand_env_vars, shell)))


@dual
def pip_install_requirements(
    directory: str | None = None, requirements_file: str = "requirements.txt", stream_output: bool = True
) -> Work[RunShellScriptResult]:
    """Install what a file of requirements names, by pip of this Python, and return what that printed.

    `directory` is where the file is, by default the working directory. In async code this gives a coroutine. Raises
    StepExecutionError where it is not there or pip fails.
    """
    if not (Path(directory or ".") / requirements_file).is_file():
        raise StepExecutionError(
            f"There is no file {requirements_file} in {Path(directory or '.').resolve()}. Give `directory`, such as "
            "`directory: {{ clone.directory }}` behind a git_clone with `id: clone`."
        )
    command = [sys.executable, "-m", "pip", "install", "-r", requirements_file]
    return (yield from ask(partial(_run_commands, [command], directory, os.environ, stream_output)))


arun_shell_script = awaitable(run_shell_script)
apip_install_requirements = awaitable(pip_install_requirements)


def _run_script(
    script: str, directory: str | None, env: Mapping[str, str], stream: bool, expand: bool, shell: bool
) -> RunShellScriptResult:
    environment = {**os.environ, **{name: str(value) for name, value in env.items()}}
    if expand:
        script = Template(script).safe_substitute(environment)
    if shell:
        return _run_commands([script], directory, environment, stream)
    commands = [
        _words(number, line)
        for number, line in enumerate(script.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    return _run_commands(commands, directory, environment, stream)


def _words(number: int, line: str) -> list[str]:
    try:
        return shlex.split(line, posix=sys.platform != "win32")
    except ValueError as error:
        raise StepExecutionError(
            f"Line {number} of the script cannot be split into words: {error}. Look at its quotes."
        ) from None


def _run_commands(
    commands: "Sequence[list[str] | str]", directory: str | None, environment: Mapping[str, str], stream: bool
) -> RunShellScriptResult:
    out: list[str] = []
    err: list[str] = []
    for command in commands:
        code = _run(command, directory, environment, (out, err), stream)
        if code:
            said = "".join(err).strip() or "".join(out).strip() or "nothing"
            raise StepExecutionError(f"{_shown(command)} ended with code {code}. It says: {said[-_SHOWN:]}")
    return {"stdout": "".join(out).strip(), "stderr": "".join(err).strip()}


def _run(
    command: "list[str] | str",
    directory: str | None,
    environment: Mapping[str, str],
    sinks: tuple[list[str], list[str]],
    stream: bool,
) -> int:
    try:
        process = subprocess.Popen(
            command,
            shell=isinstance(command, str),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise StepExecutionError(_cannot_start(command, directory, error)) from error
    with process:
        assert process.stdout is not None and process.stderr is not None
        echo = sys.stderr if stream else None
        reader = threading.Thread(target=_read, args=(process.stderr, sinks[1], echo), daemon=True)
        reader.start()
        try:
            _read(process.stdout, sinks[0], sys.stdout if stream else None)
        except BaseException:
            process.kill()
            raise
        reader.join()
    return process.returncode


def _read(source: IO[str], sink: list[str], echo: "IO[str] | None") -> None:
    for line in source:
        sink.append(line)
        if echo is not None:
            echo.write(line)
            echo.flush()


def _shown(command: "list[str] | str") -> str:
    """The program alone: what stands behind it may be a secret that a template has filled in."""
    return "The script" if isinstance(command, str) else command[0] + " ..." * (len(command) > 1)


def _cannot_start(command: "list[str] | str", directory: str | None, error: OSError) -> str:
    if directory is not None and not Path(directory).is_dir():
        return f"{_shown(command)} cannot run in {directory}: there is no such folder."
    hint = ""
    if isinstance(error, FileNotFoundError):
        hint = (
            " Each line is a program with its arguments: what only a shell knows, such as `cd` or pipes, needs "
            "`shell: true`."
        )
    return f"{_shown(command)} cannot be run: {error.strerror}.{hint}"
