"""Folders copied with all that is below them, but for what an ignore file names."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec


def ignored_by(ignore_file: str | None) -> Callable[[str], bool]:
    """Return what says of a relative path (`/` at the end of a folder's) whether a file with patterns as in .gitignore
    names it. Raises OSError where that cannot be read."""
    if ignore_file is None:
        return lambda _: False
    lines = Path(ignore_file).expanduser().read_text(encoding="utf-8").splitlines()
    return GitIgnoreSpec.from_lines(lines).match_file


def check_links(source: Path, base: Path) -> None:
    """Raises ValueError where a symbolic link below `source` leads out of `base`, which is resolved."""
    for folder, folders, files in os.walk(source):
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.is_symlink() and not path.resolve().is_relative_to(base):
                raise ValueError(f"The symbolic link {path} leads to {path.resolve()}, outside of the folder {base}.")


def copy(source: Path, target: Path, *, ignore_file: str | None = None, keep_links: bool = False) -> None:
    """Copy what is in `source` into `target`; both are resolved. What is there stays or is replaced. Raises OSError."""
    if source == target:
        return
    ignored = ignored_by(ignore_file)

    def left_out(folder: str, names: list[str]) -> list[str]:
        paths = [Path(folder, name) for name in names]
        return [path.name for path in paths if path == target or ignored(_relative(path, source))]

    shutil.copytree(source, target, ignore=left_out, dirs_exist_ok=True, symlinks=keep_links)


def files_below(source: Path, ignore_file: str | None) -> Iterator[tuple[Path, str]]:
    """Yield the files below a folder, each with its path relative to that, `/` between."""
    ignored = ignored_by(ignore_file)
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(each for each in folders if not ignored(_relative(Path(folder, each), source)))
        for name in sorted(files):
            path = Path(folder, name)
            relative = _relative(path, source)
            if not ignored(relative):
                yield path, relative


def _relative(path: Path, source: Path) -> str:
    return path.relative_to(source).as_posix() + ("/" if path.is_dir() else "")
