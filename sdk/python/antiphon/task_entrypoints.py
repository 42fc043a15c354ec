"""Finding tasks by what a command line says of them."""

import importlib
import sys
from pathlib import Path
from typing import Any

from antiphon.exceptions import EntrypointError
from antiphon.task_keys import module_of
from antiphon.tasks import Task


def load_task_from_entrypoint(entrypoint: str) -> Task[..., Any]:
    """Return the task of `path/to/file.py:name`, or `module:name`. Raises EntrypointError."""
    where, colon, name = entrypoint.rpartition(":")
    if not colon or not where or not name:
        raise EntrypointError(
            f"{entrypoint!r} names no task. Say which file or module, a colon, and which task: `jobs.py:send_invoice`."
        )
    module = _module_in(Path(where)) if where.endswith(".py") else _imported(where)
    found = getattr(module, name, None)
    if not isinstance(found, Task):
        what = "there is no such name" if found is None else f"it is a {type(found).__name__}"
        known = ", ".join(task.name for task in tasks_in(module)) or "none"
        raise EntrypointError(f"{entrypoint} is no task: {what}. Tasks there: {known}.")
    return found


def load_tasks_of_module(name: str) -> list[Task[..., Any]]:
    """Return all tasks of a module. Raises EntrypointError where there are none."""
    tasks = tasks_in(_imported(name))
    if not tasks:
        raise EntrypointError(f"There is no task in module {name}. Name a module that has functions with @task.")
    return tasks


def tasks_in(module: Any) -> list[Task[..., Any]]:
    """Return the tasks of a module, each once."""
    found = (each for each in vars(module).values() if isinstance(each, Task))
    return list({id(task): task for task in found}.values())


def _module_in(file: Path) -> Any:
    if not file.is_file():
        raise EntrypointError(f"There is no file {file}. Give its path from here, {Path.cwd()}.")
    name, folder = module_of(file)
    return _imported(name, folder)


def _imported(name: str, folder: Path | None = None) -> Any:
    """As others would import it: its tasks are known by that name."""
    sys.path.insert(0, str(folder or Path.cwd()))
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever a person's module raises
        raise EntrypointError(f"Module {name} cannot be imported: {type(error).__name__}: {error}") from error
