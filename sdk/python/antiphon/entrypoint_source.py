"""What the source of an entrypoint says, without running it: whether the function is async, and the options of its
decorator. For flows whose file cannot be run here, since it imports what is not installed."""

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

from antiphon.entrypoints import Entrypoint, parse_entrypoint
from antiphon.exceptions import MissingFlowError, ScriptError

_Function = ast.FunctionDef | ast.AsyncFunctionDef

#: Expressions of these alone call nothing and reach nothing but constants.
_HARMLESS = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.JoinedStr, ast.FormattedValue),
    *(ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp, ast.USub, ast.Not, ast.BinOp, ast.Add, ast.Sub, ast.Div),
)


class SourceFunction:
    """The function of an entrypoint as its file says it.

    Raises ValueError for what is no entrypoint, ScriptError where there is no source, MissingFlowError where it does
    not define the function.
    """

    def __init__(self, text: str) -> None:
        self.entrypoint = parse_entrypoint(text)
        self._tree = _parsed(_file_of(self.entrypoint), self.entrypoint)
        self._function = _found(self._tree, self.entrypoint)

    @property
    def is_async(self) -> bool:
        """Whether it is an `async def`."""
        return isinstance(self._function, ast.AsyncFunctionDef)

    @property
    def doc(self) -> str | None:
        """Its docstring."""
        return ast.get_docstring(self._function)

    @property
    def name(self) -> str:
        """Its own name."""
        return self._function.name

    def decorator_arguments(self, decorator: str) -> dict[str, Any]:
        """Return the options that `@decorator(...)` has on it: those that are made of constants, also of the
        module's. Others are left out."""
        call = next((each for each in self._function.decorator_list if _is_call_of(each, decorator)), None)
        if not isinstance(call, ast.Call):
            return {}
        constants = _constants(self._tree)
        found = {}
        for keyword in call.keywords:
            if keyword.arg is not None and _is_harmless(keyword.value, constants):
                found[keyword.arg] = _evaluated(keyword.value, constants)
        return found


def _file_of(entrypoint: Entrypoint) -> Path:
    if entrypoint.path is not None:
        return Path(entrypoint.path)
    name = str(entrypoint.module)
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if loaded is not None:
        return Path(loaded)
    for folder in ("", *sys.path):
        base = Path(folder, *name.split("."))
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    raise ScriptError(ModuleNotFoundError(f"No module named {name!r}"), name)


def _parsed(file: Path, entrypoint: Entrypoint) -> ast.Module:
    try:
        return ast.parse(importlib.util.decode_source(file.read_bytes()), filename=str(file))
    except (OSError, SyntaxError, ValueError) as error:
        raise ScriptError(error, entrypoint.place) from error


def _found(tree: ast.Module, entrypoint: Entrypoint) -> _Function:
    body: list[ast.stmt] = tree.body
    *classes, name = entrypoint.name.split(".")
    for each in classes:
        body = next((node.body for node in body if isinstance(node, ast.ClassDef) and node.name == each), [])
    for node in reversed(body):
        if isinstance(node, _Function) and node.name == name:
            return node
    raise MissingFlowError(
        f"{entrypoint.place} defines no function {entrypoint.name!r}. Look at the part of {entrypoint.text!r} behind "
        "the colon."
    )


def _is_call_of(node: ast.expr, decorator: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Name) and called.id == decorator) or (
        isinstance(called, ast.Attribute) and called.attr == decorator
    )


def _constants(tree: ast.Module) -> dict[str, Any]:
    """The module's names that are given constants, in order, so that one may be made of others."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        if node.value is None:
            continue
        for name in names:
            found.pop(name, None)
            if _is_harmless(node.value, found):
                found[name] = _evaluated(node.value, found)
    return found


def _is_harmless(node: ast.expr, constants: dict[str, Any]) -> bool:
    if not all(
        isinstance(each, _HARMLESS) and (not isinstance(each, ast.Name) or each.id in constants)
        for each in ast.walk(node)
    ):
        return False
    try:
        _evaluated(node, constants)
    except Exception:  # noqa: BLE001 - such as 1 + "text": what cannot be worked out is left out
        return False
    return True


def _evaluated(node: ast.expr, constants: dict[str, Any]) -> Any:
    code = compile(ast.Expression(node), "<option>", "eval")
    return eval(code, {"__builtins__": {}}, constants)
