"""Block classes of modules and files, told to the server."""

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from antiphon.blocks.class_keys import BUILT_IN
from antiphon.blocks.core import Block
from antiphon.exceptions import AntiphonException


class NoBlocks(AntiphonException):
    """A module or file cannot be loaded, or has no block class."""


def register_blocks(module: str | None, file: str | None) -> list[str]:
    """Registers the classes in a module or file, or the built-in ones; gives their names. Raises NoBlocks."""
    if module is not None:
        found = _classes_in(_module(module))
    elif file is not None:
        found = _classes_in(_file(Path(file)))
    else:
        found = [Block.get_block_class_from_key(slug) for slug in BUILT_IN]
    if not found:
        raise NoBlocks(
            f"There is no block class in {module or file}, which is a subclass of antiphon.blocks.core.Block."
        )
    for kind in found:
        kind.register_type_and_schema()
    return sorted(f"{kind.get_block_type_name()} ({kind.get_block_type_slug()})" for kind in found)


def _classes_in(module: ModuleType) -> list[type[Block]]:
    kinds = [kind for kind in vars(module).values() if Block.is_block_class(kind) and kind is not Block]
    return list(dict.fromkeys(kind for kind in kinds if not inspect.isabstract(kind)))


def _module(name: str) -> ModuleType:
    # As `python -m` would find it.
    sys.path.insert(0, "")
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NoBlocks(f"The module {name} cannot be imported: {error}. Is it installed, or in this folder?") from error
    finally:
        sys.path.remove("")


def _file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"antiphon_blocks_of_{path.stem}", path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise NoBlocks(f"{path} is no Python file. Its name must end with .py.")
    module = importlib.util.module_from_spec(spec)
    # Pydantic looks there for the names in annotations.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise NoBlocks(f"{path} cannot be run: {type(error).__name__}: {error}.") from error
    return module
