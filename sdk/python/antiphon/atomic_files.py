"""Files that are there whole or not at all."""

import os
from pathlib import Path

from antiphon.ids import new_id


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see all of it or nothing, also after the machine lost its power."""
    # In the same folder, since a rename must not cross file systems; a name of its own for each writer.
    temporary = path.parent / f".{new_id()}.part"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
