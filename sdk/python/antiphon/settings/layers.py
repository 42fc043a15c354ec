"""Where settings are read from: the environment, and files in the current folder. The first that has one counts.

`.env`            `ANTIPHON_LOGGING_LEVEL=DEBUG`
`antiphon.toml`   tables as the groups are: `[logging]`, `level = "DEBUG"`
`pyproject.toml`  the same below `[tool.antiphon]`
"""

import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.exceptions import SettingError
from antiphon.settings.rows import PREFIX, SETTINGS, find_row

ENVIRONMENT = "the environment"
_DOTENV, _OWN_FILE, _PROJECT_FILE = ".env", "antiphon.toml", "pyproject.toml"
#: What is in a file of other people's that concerns us.
_OUR_TRACES = {
    _DOTENV: re.compile(PREFIX.encode()),
    _PROJECT_FILE: re.compile(rb"tool\s*\.\s*[\"']?antiphon|\[\s*tool\s*\]"),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says: accessor -> value as it is written there."""

    source: str
    values: Mapping[str, object]


def current_folder() -> Path | None:
    """The folder whose files count; None where it was deleted."""
    try:
        return Path.cwd()
    except OSError:
        return None


def read_layers(environment: Mapping[str, str], folder: Path | None) -> Iterator[Layer]:
    """Yield what is set in the environment and in the files of `folder`, if given; the first layer goes first.

    Raises SettingError where a file cannot be read, or says what is no setting.
    """
    yield Layer(ENVIRONMENT, _from_variables(environment))
    if folder is None:
        return
    for name, parse in ((_DOTENV, _from_dotenv), (_OWN_FILE, _from_own_file), (_PROJECT_FILE, _from_project_file)):
        path = folder / name
        content = _content(path)
        if content is not None:
            yield Layer(str(path), parse(content, path))


def _from_variables(variables: Mapping[str, str | None]) -> dict[str, object]:
    """Settings among environment variables; those of other programs, and of other releases, are passed over."""
    found: dict[str, object] = {}
    for row in SETTINGS.values():
        for name in (row.name, *row.about.aliases):
            text = variables.get(name)
            if text is not None and (text.strip() or row.about.kind.takes_empty):
                found[row.accessor] = text
                break
    return found


def _content(path: Path) -> str | None:
    """A file that may concern us; None for one that is not there, or has not so much as our name in it."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise SettingError(
            f"Cannot read settings from {path}: {error.strerror}. Mend its permissions or move it."
        ) from error
    if path.name in _OUR_TRACES and not _OUR_TRACES[path.name].search(content):
        return None  # most projects: nothing is parsed, and no parser imported, for them
    try:
        return content.decode()
    except ValueError as error:
        raise SettingError(f"{path} is not UTF-8: {error}. Mend it or move it.") from error


def _from_dotenv(content: str, _path: Path) -> dict[str, object]:
    # Loaded here, since few people have such a file.
    parser = importlib.import_module("dotenv.main")
    io = importlib.import_module("io")
    return _from_variables(parser.dotenv_values(stream=io.StringIO(content)))


def _from_own_file(content: str, path: Path) -> dict[str, object]:
    return dict(_from_table(_parse_toml(content, path), "", str(path)))


def _from_project_file(content: str, path: Path) -> dict[str, object]:
    tool = _parse_toml(content, path).get("tool", {})
    table = tool.get("antiphon", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise SettingError(f"`tool.antiphon` in {path} must be a table, [tool.antiphon].")
    return dict(_from_table(table, "", f"[tool.antiphon] in {path}"))


def _parse_toml(content: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(content)
    except ValueError as error:
        raise SettingError(f"{path} is not valid TOML: {error}. Mend it or move it.") from error


def _from_table(table: Mapping[str, object], place: str, source: str) -> Iterator[tuple[str, object]]:
    groups = {accessor.rpartition(".")[0] for accessor in SETTINGS}
    for key, value in table.items():
        accessor = f"{place}{key}"
        if accessor in SETTINGS:
            yield accessor, value
        elif isinstance(value, dict) and any(f"{group}.".startswith(f"{accessor}.") for group in groups):
            yield from _from_table(value, f"{accessor}.", source)
        else:
            try:
                hint = f"Write {find_row(accessor).accessor}, in its table."
            except SettingError as error:
                hint = str(error).partition(". ")[2]
            raise SettingError(f"There is no setting {accessor!r} (read from {source}). {hint}")
