"""What can be seen without a server: settings and folders."""

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from antiphon.cli.doctor import symptoms
from antiphon.settings import Settings
from antiphon.settings.profiles import load_profile
from antiphon.settings.rows import SETTINGS
from antiphon.v1.admin_service_pb2 import DiagnosticFinding

__all__ = ["check_address_sources", "check_folders", "check_spelling"]

_PREFIX = "ANTIPHON_"
#: From 0 to 1: one letter too many, too few or another one in a name of ours is above.
_ALIKE = 0.9
#: Bytes.
_NO_ROOM = 100 * 1024**2


def check_spelling(environment: Mapping[str, str]) -> Iterator[DiagnosticFinding]:
    """Variables that were to be settings."""
    known = {row.name for row in SETTINGS.values()}
    for name in sorted(environment):
        if not name.startswith(_PREFIX) or name in known:
            continue
        meant = difflib.get_close_matches(name, known, 1, _ALIKE)
        if meant and meant[0] not in environment:
            message = f"{name} is in the environment, and there is no such setting; {meant[0]} is one"
            yield symptoms.SETTING_MISSPELT.found(message, name=name, meant=meant[0])


def check_address_sources(settings: Settings) -> Iterator[DiagnosticFinding]:
    """Whether the profile names another server than what holds. Raises SettingError, MissingProfileError."""
    row = SETTINGS["api.url"]
    written = load_profile(settings.profile).to_environment_variables().get(row.name)
    source = settings.sources[row.accessor]
    if written and settings.api.url and written != settings.api.url and not source.startswith("profile "):
        message = (
            f"profile {settings.profile!r} has {row.name}={written}, and {source} has {settings.api.url}, which counts"
        )
        yield symptoms.PROFILE_OVERRIDDEN.found(message, profile=settings.profile, source=source)


def check_folders(settings: Settings) -> Iterator[DiagnosticFinding]:
    """The home, and where results are kept."""
    for folder, setting in (
        (settings.home, "ANTIPHON_HOME"),
        (settings.results.local_storage_path, "ANTIPHON_RESULTS_LOCAL_STORAGE_PATH"),
    ):
        facts = {"folder": folder, "setting": setting}
        # One that is not there yet is made in the nearest one that is.
        there = next(each for each in (Path(folder), *Path(folder).absolute().parents) if os.path.lexists(each))
        try:
            with tempfile.TemporaryFile(dir=there):
                pass
        except OSError as error:
            message = f"{folder} cannot be written to: {error.strerror or error} ({there})"
            yield symptoms.FOLDER_NOT_WRITABLE.found(message, **facts)
            continue
        free = shutil.disk_usage(there).free
        if free < _NO_ROOM:
            message = f"{free / 1024**2:.0f} MiB are free on the disk of {folder}"
            yield symptoms.FOLDER_FULL.found(message, **facts, free=free)
