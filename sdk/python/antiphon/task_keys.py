"""The name by which a task is known to all processes that have its code."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

#: As long as the contract lets it be.
MAX_LENGTH: Final = 500
_MAIN: Final = frozenset({"__main__", "__mp_main__"})


def task_key_of(fn: Callable[..., Any], name: str) -> str:
    """Return `module.qualified_name`; `name` stands for what has none.

    A script is named as others import it: a worker that is started as `python tasks.py` serves what a web application
    has from `import tasks`.
    """
    module = getattr(fn, "__module__", "")
    if module in _MAIN:
        module = _main_module_name(module)
    return f"{module}.{getattr(fn, '__qualname__', name)}"[-MAX_LENGTH:]


def _main_module_name(module: str) -> str:
    main = sys.modules.get(module)
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    if not file:
        return module  # typed in, or given by `-c`: nobody else can import it
    return module_of(Path(file))[0]


def module_of(file: Path) -> tuple[str, Path]:
    """Return the name by which a file is imported, packages included, and the folder that must be on the path."""
    file = file.absolute()
    parts, folder = [file.stem], file.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts), folder
