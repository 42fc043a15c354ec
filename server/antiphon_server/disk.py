"""What must be on the disk before one goes on."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Returns once names that were made, changed or taken away in the folder outlive the machine's end."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """Returns once what was written to the file outlives the machine's end."""
    _sync(path, os.O_RDWR)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
