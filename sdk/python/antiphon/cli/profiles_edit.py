"""Writes settings into the profiles file: comments and order stay, and the file is replaced whole or not at all."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from antiphon import file_lock
from antiphon.exceptions import SettingError
from antiphon.profiles import load_profiles

_LOCK_TIMEOUT_SECONDS = 10.0


def set_values(path: Path, profile: str | None, values: Mapping[str, object]) -> str:
    """Put `values` into a profile, the active one for None, and return its name. Raises SettingError."""
    with _editing(path, profile) as (name, table):
        for key, value in values.items():
            table[key] = _to_toml(value)
    return name


def unset_values(path: Path, profile: str | None, keys: Sequence[str]) -> str:
    """Take `keys` out of a profile, the active one for None, and return its name.

    Raises SettingError, and then nothing is changed, where one is not set there.
    """
    with _editing(path, profile) as (name, table):
        missing = [key for key in keys if key not in table]
        if missing:
            raise SettingError(
                f"{', '.join(missing)} is not set in profile {name!r} of {path}. See `antiphon config view`."
            )
        for key in keys:
            del table[key]
    return name


@contextmanager
def _editing(path: Path, profile: str | None) -> Iterator[tuple[str, Any]]:
    """Give a profile's name and table to change, and write the file after that; two editors take turns."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = file_lock.acquire(path.with_name("profiles.lock"), _LOCK_TIMEOUT_SECONDS)
    except OSError as error:
        raise _unwritable(path, error) from error
    except file_lock.LockTimeout:
        raise SettingError(f"Another program has been changing {path} for {_LOCK_TIMEOUT_SECONDS:g} s.") from None
    try:
        name = profile or load_profiles(path).active
        document = _parse(path)
        profiles = document.setdefault("profiles", tomlkit.table(is_super_table=True))
        yield name, profiles.setdefault(name, tomlkit.table())
        _write(path, tomlkit.dumps(document))
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        file_lock.release(lock)


def _parse(path: Path) -> tomlkit.TOMLDocument:
    """The file as it is; `load_profiles` has found it sound."""
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except TOMLKitError as error:
        raise SettingError(f"{path} is not valid TOML: {error}. Mend it or delete it.") from error


def _write(path: Path, text: str) -> None:
    """Replace the file by a new one that is on the disk already, so that a crash leaves the old or the new one."""
    target = Path(os.path.realpath(path))  # a link into somebody's dotfiles stays one
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _to_toml(value: object) -> object:
    """A setting's value as TOML has it."""
    if value is None:
        return ""
    return str(value) if isinstance(value, Path) else value


def _unwritable(path: Path, error: OSError) -> SettingError:
    return SettingError(
        f"Cannot write {path}: {error.strerror}. Mend its permissions, or set ANTIPHON_HOME to another folder."
    )
