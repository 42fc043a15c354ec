"""The copy of an SQLite database that is made before its schema changes."""

import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from antiphon_server.domain.errors import AntiphonError, FailedPrecondition
from antiphon_server.storage.schema import HEAD
from antiphon_server.storage.sqlite_copy import COMPANIONS, copy_whole

logger = logging.getLogger(__name__)

#: Of one database's copies so many are kept.
KEPT = 3
#: The folder beside the database in which they lie.
FOLDER = "backups"
_PREFIX = "before-upgrade-"
_PART = f".{_PREFIX}antiphon.part"
#: Of the size of the database, for what the upgrade itself writes.
_MARGIN = 0.1


def stamp() -> str:
    """Now, for the name of a file: in UTC, in the order of time."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def back_up_before_upgrade(database: Path, revision: str, *, free: Callable[[Path], int] | None = None) -> Path:
    """Copies the database of schema `revision`, gives the copy's path, and takes the oldest copies of this kind away.

    One process at a time may do it, which has the database to itself. `free` tells the bytes that fit into a folder.
    Raises FailedPrecondition (UPGRADE_BACKUP_FAILED).
    """
    folder = database.with_name(FOLDER)
    target = folder / f"{_PREFIX}{revision}-{stamp()}.db"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _need_room(database, folder, free or _free)
        copy_whole(database, folder / _PART, target)
        logger.info("the database has schema %s; a copy of it is %s. It is upgraded to %s", revision, target, HEAD)
        for old in sorted(folder.glob(f"{_PREFIX}*.db"), key=_age)[:-KEPT]:
            old.unlink()
            logger.info("deleted %s, of which there are %d newer ones", old, KEPT)
    except (AntiphonError, OSError) as error:
        raise _refusal(database, revision, str(error)) from error
    return target


def _age(copy: Path) -> str:
    """The time in its name: one that was touched is not newer."""
    return copy.name.rpartition("-")[2]


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _need_room(database: Path, folder: Path, free: Callable[[Path], int]) -> None:
    files = (database.with_name(database.name + suffix) for suffix in ("", *COMPANIONS[:1]))
    needed = round(sum(file.stat().st_size for file in files if file.exists()) * (1 + _MARGIN))
    left = free(folder)
    if left < needed:
        raise OSError(f"it needs {needed / 1e6:.1f} MB and {left / 1e6:.1f} MB are free in {folder}")


def _refusal(database: Path, revision: str, why: str) -> FailedPrecondition:
    return FailedPrecondition(
        "UPGRADE_BACKUP_FAILED",
        f"the database {database} has schema {revision} and is not upgraded to {HEAD}, because it cannot be backed up "
        f"first: {why}. Mend that; or, where you have a backup, start once with `antiphon server start "
        "--no-upgrade-backup`",
    )
