"""Entrypoints: texts that say where an object is, such as `flows.py:hello`, `package.flows:hello` and
`package.flows.hello`. The object may be in a class: `flows.py:Jobs.hello`."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from antiphon.exceptions import MissingFlowError, ScriptError

#: Of modules that were made of files, so that they stand in nobody's way.
_MODULE_PREFIX = "__antiphon_script_"


@dataclass(frozen=True, slots=True)
class Entrypoint:
    """One taken apart: either a file or a module, and the name of the object there."""

    text: str
    #: The file as it was written; None for a module.
    path: str | None
    module: str | None
    name: str

    @property
    def place(self) -> str:
        """The file or the module, for people."""
        return self.path if self.path is not None else str(self.module)


def parse_entrypoint(text: str) -> Entrypoint:
    """Take an entrypoint apart. Raises ValueError where it is none."""
    if not isinstance(text, str):
        raise TypeError(f"An entrypoint is text such as 'flows.py:my_flow', not {type(text).__name__}: {text!r}.")
    place, colon, name = text.rpartition(":")
    if not colon:
        place, dot, name = text.rpartition(".")
        if not dot or name == "py":
            raise _malformed(text)
    if not place or not all(part.isidentifier() for part in name.split(".")):
        raise _malformed(text)
    if colon and (place.endswith(".py") or "/" in place or os.sep in place):
        return Entrypoint(text, place, None, name)
    return Entrypoint(text, None, place, name)


def _malformed(text: str) -> ValueError:
    return ValueError(
        f"{text!r} is no entrypoint. It says where a flow is: 'path/to/file.py:my_flow', 'package.module:my_flow' or "
        "'package.module.my_flow'."
    )


def import_object(text: str) -> Any:
    """Return the object at an entrypoint; all code of its file runs.

    Raises ValueError for what is no entrypoint, ScriptError where the file or module cannot be loaded,
    MissingFlowError where it has no such name.
    """
    entrypoint = parse_entrypoint(text)
    module = load_script(entrypoint.path) if entrypoint.path is not None else _import_module(str(entrypoint.module))
    found: Any = module
    for part in entrypoint.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise MissingFlowError(
                f"There is no {entrypoint.name!r} in {entrypoint.place}. Look at the part of {text!r} behind "
                f"{'the colon' if ':' in text else 'the last dot'}; {_names_of(module)}"
            ) from None
    return found


def _names_of(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    shown = ", ".join(sorted(name for name in names if not name.startswith("_"))[:20])
    return f"there are: {shown}." if shown else "nothing is defined there."


def load_script(path: "str | os.PathLike[str]") -> ModuleType:
    """Run a file as a module of its own and return that. Modules beside the file can be imported as it runs.

    Raises ScriptError where it is not there, or raises.
    """
    file = Path(path)
    spec = importlib.util.spec_from_file_location(_module_name(file), file)
    if spec is None or spec.loader is None:
        raise ScriptError(ImportError(f"{file} is no Python file"), str(path))
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(spec.name)
    sys.modules[spec.name] = module
    try:
        with _importable(file.absolute().parent):
            spec.loader.exec_module(module)
    except Exception as error:
        if before is None:
            del sys.modules[spec.name]
        else:
            sys.modules[spec.name] = before
        raise ScriptError(error, str(path)) from error
    return module


def _module_name(file: Path) -> str:
    """One that is the same in each process, since tasks are known by it; a file of the same name elsewhere gets a
    number."""
    stem = "".join(each if each.isalnum() else "_" for each in file.stem)
    name, count = f"{_MODULE_PREFIX}{stem}", 1
    while (loaded := sys.modules.get(name)) is not None:
        there = getattr(loaded, "__file__", None)
        if there is not None and os.path.abspath(there) == os.path.abspath(file):
            break
        count += 1
        name = f"{_MODULE_PREFIX}{stem}_{count}"
    return name


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Has modules in this folder found; those that are loaded stay so."""
    entry = str(folder)
    if entry in sys.path:
        yield
        return
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        # The code may have taken it out itself.
        if entry in sys.path:
            sys.path.remove(entry)


def _import_module(name: str) -> ModuleType:
    """What stands in the working directory counts too, as it does for `python -m`."""
    with _importable(Path.cwd()):
        # One that was written since the folder was listed is to be found.
        importlib.invalidate_caches()
        try:
            return importlib.import_module(name)
        except Exception as error:
            raise ScriptError(error, name) from error
