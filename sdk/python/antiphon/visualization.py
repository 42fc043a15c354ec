"""Graphs of what a flow would call: its code runs, its tasks and subflows do not.

While a `Drawing` is open in a context, calls of tasks and flows are noted in it and give stand-ins.
"""

import importlib
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from antiphon.collections_visit import find_upstream
from antiphon.engine.effects import Call, Life, Outcome
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonException
from antiphon.parameters import bind, call_args
from antiphon.state_core import State, StateType

_drawing: ContextVar["Drawing | None"] = ContextVar("antiphon_drawing", default=None)


class FlowVisualizationError(AntiphonException):
    """A flow could not be drawn, since its code raised."""


class VisualizationUnsupportedError(AntiphonException):
    """A flow does what cannot be drawn, such as mapping: how many runs there would be depends on values."""


class GraphvizImportError(AntiphonException, ImportError):
    """The package `graphviz` is not installed."""


class GraphvizExecutableNotFoundError(AntiphonException):
    """Graphviz's program `dot` is not there."""


class VizTask:
    """What a task gives while its flow is drawn: a stand-in for the value and for the future of it."""

    def __init__(self, name: str, upstream: "list[VizTask]") -> None:
        self.name = name
        self.upstream = upstream
        #: What the task says in `viz_return_value`; the stand-in itself where it says nothing.
        self.value: Any = self

    @property
    def state(self) -> State:
        """As if the run had completed."""
        return State(StateType.COMPLETED, data=self.value)

    def wait(self, timeout: float | None = None) -> None:
        """Return at once: nothing runs."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return the `viz_return_value`, or the stand-in."""
        return self.value

    def add_done_callback(self, fn: "Callable[[VizTask], None]") -> None:
        """Call `fn` at once."""
        fn(self)

    def __repr__(self) -> str:
        return f"VizTask({self.name!r})"


class Drawing:
    """The calls that a flow made, in order."""

    def __init__(self) -> None:
        self.tasks: list[VizTask] = []
        self._counts: dict[str, int] = {}
        #: By id: the values that stand for what tasks give. The tasks keep them alive.
        self._values: dict[int, VizTask] = {}

    def note(self, name: str, value: Any, arguments: Any) -> VizTask:
        """Add a call with these arguments. `value` is what it gives, None for nothing in particular."""
        count = self._counts[name] = self._counts.get(name, -1) + 1
        task = VizTask(f"{name}-{count}", self._upstream(arguments))
        if value is not None:
            task.value = value
            if not _is_shared(value):
                self._values[id(value)] = task
        self.tasks.append(task)
        return task

    def _upstream(self, arguments: Any) -> list[VizTask]:
        found = [each for each in find_upstream(arguments) if isinstance(each, VizTask)]
        if self._values:
            found.extend(task for value in _values_in(arguments) if (task := self._values.get(id(value))) is not None)
        return list(dict.fromkeys(found))


def drawing_around() -> Drawing | None:
    """Return what calls are to be noted in, or None where they are to run."""
    return _drawing.get()


@contextmanager
def drawing(made: Drawing) -> Iterator[None]:
    """Has the calls inside the block noted."""
    token = _drawing.set(made)
    try:
        yield
    finally:
        _drawing.reset(token)


def drawn_calls(flow: Any, verb: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Life:
    """An engine: runs the flow's own code, and gives the Drawing of what it called."""
    if flow.isgenerator:
        raise VisualizationUnsupportedError(f"Flow {flow.name!r} yields, and {verb}() cannot draw such flows.")
    positional, named = call_args(flow.fn, bind(flow.fn, args, kwargs))
    warnings.warn(
        f"{verb}() runs the code of flow {flow.name!r} that is in no task or subflow.", UserWarning, stacklevel=2
    )
    made = Drawing()
    outcome: Outcome = yield Call(flow.fn, positional, named, RunScope(), contexts=(drawing(made),))
    error = outcome.error
    if isinstance(error, VisualizationUnsupportedError) or (error is not None and not isinstance(error, Exception)):
        raise error
    if error is not None:
        raise FlowVisualizationError(
            f"Flow {flow.name!r} could not be drawn: its code raised {type(error).__name__}: {error}. Where it works "
            "with what a task gives, say what that should be while it is drawn: @task(viz_return_value=[1, 2, 3])."
        ) from error
    return made


def stand_in(
    drawn: Drawing, decorated: Any, value: Any, parameters: dict[str, Any], wait_for: Any, return_state: bool
) -> Any:
    """Note a call of a task or flow, and give what the calling code should get for it."""
    task = drawn.note(decorated.name, value, [parameters, wait_for])
    given = task.state if return_state else task.value
    if decorated.isgenerator:
        return _agiven(given) if decorated.isasync else _given(given)
    return _awaited(given) if decorated.isasync else given


async def _awaited(value: Any) -> Any:
    return value


def _given(value: Any) -> Any:
    yield from value if isinstance(value, list | tuple) else (value,)


async def _agiven(value: Any) -> Any:
    for each in value if isinstance(value, list | tuple) else (value,):
        yield each


def _values_in(value: Any, depth: int = 0) -> Iterator[Any]:
    """The value and what is in the collections in it, as deep as arguments are written by people."""
    yield value
    if depth < 5 and isinstance(value, list | tuple | set | frozenset | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _values_in(each, depth + 1)


def _is_shared(value: Any) -> bool:
    """Whether Python has one object for all values like this, so that its id says nothing of where it came from."""
    return isinstance(value, bool) or (isinstance(value, int) and -6 < value < 257) or value in ("", b"", (), ...)


def mermaid_graph(drawn: Drawing) -> str:
    """Return a Mermaid flowchart of the calls, with an arrow from each to those that take what it gives."""
    ids = {task: f"n{place}" for place, task in enumerate(drawn.tasks)}
    lines = ["flowchart TD"]
    lines.extend(f'    {ids[task]}["{_escaped(task.name)}"]' for task in drawn.tasks)
    lines.extend(f"    {ids[before]} --> {ids[task]}" for task in drawn.tasks for before in task.upstream)
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def show_graph(drawn: Drawing, name: str) -> None:
    """Draw the calls by Graphviz: inside a notebook's cell, else as a PNG file in a new window.

    Raises GraphvizImportError without the package, GraphvizExecutableNotFoundError without the program.
    """
    graphviz = _graphviz()
    graph = graphviz.Digraph(name)
    for task in drawn.tasks:
        graph.node(_quoted(task.name), label=graphviz.escape(task.name))
        for before in task.upstream:
            graph.edge(_quoted(before.name), _quoted(task.name))
    try:
        if _shown_in_notebook(graph):
            return
        folder = tempfile.mkdtemp(prefix="antiphon-graph-")
        file = graph.render(filename=_file_name(name), directory=folder, format="png", cleanup=True)
    except graphviz.ExecutableNotFound as error:
        raise GraphvizExecutableNotFoundError(
            "The program `dot` is not there: the Python package graphviz only calls it. Install Graphviz "
            "(https://graphviz.org/download) so that `dot` is on the PATH, or use generate_mermaid_graph(), which "
            "needs neither."
        ) from error
    print(f"The graph of flow {name!r} is in {file}")
    _open(graphviz, file)


def _graphviz() -> Any:
    try:
        return importlib.import_module("graphviz")
    except ImportError as error:
        raise GraphvizImportError(
            "visualize() draws by the package graphviz, which is not installed: pip install 'antiphon[viz]'. "
            "generate_mermaid_graph() works without it."
        ) from error


def _quoted(name: str) -> str:
    """A node's name; a colon would have a meaning in an edge."""
    return name.replace(":", "\N{RATIO}")


def _file_name(name: str) -> str:
    return "".join(each if each.isalnum() or each in "-_." else "_" for each in name)[:100]


def _shown_in_notebook(graph: Any) -> bool:
    try:
        notebook = importlib.import_module("IPython").get_ipython()
    except ImportError:
        return False
    if notebook is None or not hasattr(notebook, "kernel"):
        return False
    importlib.import_module("IPython.display").display(graph)
    return True


def _open(graphviz: Any, file: str) -> None:
    """Show a file in a window of its own, where there is a program that does."""
    try:
        graphviz.view(Path(file), quiet=True)
    except (OSError, RuntimeError) as error:
        print(f"Nothing is there to show it: {error}")
