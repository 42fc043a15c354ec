"""Changes the profiles file: comments and order stay, and the file is replaced whole or not at all."""

import importlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from antiphon import file_lock
from antiphon.exceptions import MissingProfileError, SettingError
from antiphon.settings.profiles_file import read_profiles

_LOCK_TIMEOUT_SECONDS = 10.0


class ProfileTaken(SettingError):
    """There is a profile of that name already."""


def set_values(path: Path, profile: str | None, values: Mapping[str, object]) -> str:
    """Put `values` into a profile, the active one for None, and return its name. Raises SettingError."""
    with _editing(path) as document:
        name = profile or read_profiles(path).active
        _fill(_profiles(document).setdefault(name, _tomlkit().table()), values)
    return name


def unset_values(path: Path, profile: str | None, keys: Sequence[str]) -> str:
    """Take `keys` out of a profile, the active one for None, and return its name.

    Raises SettingError, and then nothing is changed, where one is not set there.
    """
    with _editing(path) as document:
        name = profile or read_profiles(path).active
        table = _profiles(document).setdefault(name, _tomlkit().table())
        missing = [key for key in keys if key not in table]
        if missing:
            raise SettingError(
                f"{', '.join(missing)} is not set in profile {name!r} of {path}. See `antiphon config view`."
            )
        for key in keys:
            del table[key]
    return name


def create_profile(path: Path, name: str, values: Mapping[str, object]) -> None:
    """Add a profile with `values`. Raises ProfileTaken, SettingError."""
    with _editing(path) as document:
        profiles = _profiles(document)
        _check_free(profiles, name, path)
        profiles[name] = _table(values)


def activate_profile(path: Path, name: str) -> None:
    """Make a profile the active one. Raises SettingError."""
    with _editing(path) as document:
        _activate(document, name)


def delete_profile(path: Path, name: str) -> None:
    """Remove a profile. Raises MissingProfileError, SettingError."""
    with _editing(path) as document:
        del _profiles(document)[_present(_profiles(document), name, path)]


def rename_profile(path: Path, name: str, new_name: str) -> None:
    """Give a profile another name; an active one stays active.

    Raises MissingProfileError, ProfileTaken, SettingError.
    """
    with _editing(path) as document:
        profiles = _profiles(document)
        _present(profiles, name, path)
        _check_free(profiles, new_name, path)
        profiles[new_name] = _table(dict(profiles[name]))
        del profiles[name]
        if read_profiles(path).active == name:
            _activate(document, new_name)


def replace_profiles(path: Path, tables: Mapping[str, Mapping[str, object]], active: str | None) -> None:
    """Have the file hold these profiles and no others. Raises SettingError."""
    with _editing(path) as document:
        profiles = _profiles(document)
        for name in [name for name in profiles if name not in tables]:
            del profiles[name]
        for name, values in tables.items():
            table = profiles.setdefault(name, _tomlkit().table())
            for key in [key for key in table if key not in values]:
                del table[key]
            _fill(table, {key: value for key, value in values.items() if table.get(key) != _to_toml(value)})
        if active is not None:
            _activate(document, active)
        else:
            document.pop("active", None)


def _profiles(document: Any) -> Any:
    return document.setdefault("profiles", _tomlkit().table(is_super_table=True))


def _activate(document: Any, name: str) -> None:
    if "active" in document:
        document["active"] = name
        return
    # At the end of a document it would belong to the last table.
    body = _tomlkit().document()
    body["active"] = name
    for key, value in document.items():
        body[key] = value
    document.clear()
    document.update(body)


def _present(profiles: Any, name: str, path: Path) -> str:
    if name not in profiles:
        raise MissingProfileError(f"There is no profile {name!r} in {path}. See `antiphon profile ls`.")
    return name


def _check_free(profiles: Any, name: str, path: Path) -> None:
    if name in profiles:
        raise ProfileTaken(
            f"There is a profile {name!r} in {path} already. Choose another name, or `antiphon profile delete {name}`."
        )


def _table(values: Mapping[str, object]) -> Any:
    table = _tomlkit().table()
    _fill(table, values)
    return table


def _fill(table: Any, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        table[key] = _to_toml(value)


@contextmanager
def _editing(path: Path) -> Iterator[Any]:
    """Give the file's document to change, and write it after that; two editors take turns."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = file_lock.acquire(path.with_name("profiles.lock"), _LOCK_TIMEOUT_SECONDS)
    except OSError as error:
        raise _unwritable(path, error) from error
    except file_lock.LockTimeout:
        raise SettingError(f"Another program has been changing {path} for {_LOCK_TIMEOUT_SECONDS:g} s.") from None
    try:
        read_profiles(path)  # has it sound, or tells what is wrong
        document = _parse(path)
        yield document
        _write(path, _tomlkit().dumps(document))
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        file_lock.release(lock)


def _parse(path: Path) -> Any:
    """The file as it is; `read_profiles` has found it sound."""
    tomlkit = _tomlkit()
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except tomlkit.exceptions.TOMLKitError as error:
        raise SettingError(f"{path} is not valid TOML: {error}. Mend it or delete it.") from error


def _tomlkit() -> Any:
    """Loaded by those who change profiles, not by all who have settings."""
    return importlib.import_module("tomlkit")


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
