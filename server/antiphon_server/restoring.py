"""Puts a copy of a database in the place of the one that a home has, which is kept aside.

The copy is made whole under another name. Then one rename decides: from then on it is `.antiphon-restored-STAMP.db`,
and whoever takes the home next, be it a server or another restore, does what is left to do (`finish`). So a process
that is killed leaves the database of before, untouched, or the new one; never one with the other's log of last commits,
which SQLite would play into it.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from antiphon_server.disk import sync_folder
from antiphon_server.storage.sqlite_copy import COMPANIONS, Contents, copy, remove
from antiphon_server.storage.upgrade_backup import stamp

_PART = ".antiphon-restore.part"
_DECIDED = ".antiphon-restored-"
_ASIDE = "antiphon-replaced-"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of a restore."""

    contents: Contents
    #: Where the database of before is; None where there was none.
    aside: Path | None


def restore(source: Path, database: Path) -> Restored:
    """Puts a copy of `source` in the place of `database`. The home of the database must be the caller's alone.

    Raises what `sqlite_copy.copy` raises; then nothing has changed.
    """
    folder = database.parent
    part = folder / _PART
    try:
        contents = copy(source, part)
        had_one = database.exists()
        moment = stamp()
        os.rename(part, folder / f"{_DECIDED}{moment}.db")
    except BaseException:
        remove(part)
        raise
    sync_folder(folder)
    finish(database)
    return Restored(contents, _aside(database, moment) if had_one else None)


def decided(database: Path) -> Path | None:
    """The copy that is to take the database's place, where a restore was cut off."""
    return next(database.parent.glob(f"{_DECIDED}*.db"), None)


def finish(database: Path) -> None:
    """Ends a restore that was decided, and clears away what one left that was not. The home must be the caller's."""
    copy = decided(database)
    if copy is None:
        remove(database.with_name(_PART))
        return
    aside = _aside(database, copy.stem.removeprefix(_DECIDED))
    for suffix in ("", *COMPANIONS):
        old = database.with_name(database.name + suffix)
        if old.exists():
            _move_aside(old, aside.with_name(aside.name + suffix))
    # On the disk in this order: the new database must never lie beside the old one's log.
    sync_folder(database.parent)
    os.rename(copy, database)
    sync_folder(database.parent)


def _move_aside(old: Path, aside: Path) -> None:
    if aside.exists():
        # Only a server of a release that knows nothing of this can have made a second one.
        raise FileExistsError(
            f"a restore was cut off, and both {old} and {aside} are there: move one of them to another folder"
        )
    os.rename(old, aside)


def _aside(database: Path, moment: str) -> Path:
    return database.with_name(f"{_ASIDE}{moment}.db")
