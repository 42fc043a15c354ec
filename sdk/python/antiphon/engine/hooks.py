"""Running the hooks of flows and tasks. A hook's exception is logged and ignored."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.engine.effects import Call, Life, Outcome
from antiphon.engine.ending import is_interrupt
from antiphon.engine.scopes import RunScope, set_apart, standing_in
from antiphon.exceptions import TerminationSignal
from antiphon.logging.prints import patch_print
from antiphon.logging.run_loggers import run_logger
from antiphon.signatures import function_name


def contexts_of(run: FlowRunContext | TaskRunContext) -> tuple[AbstractContextManager[Any], ...]:
    """What stands around one call of a run's code, be it the function or a hook."""
    return (run, patch_print()) if run.log_prints else (run,)


def run_hooks(
    hooks: Iterable[Callable[..., Any]], arguments: tuple[Any, ...], run: FlowRunContext | TaskRunContext
) -> Life:
    """An engine's part. Hooks run one after the other, in the run's context and outside of its scope: a cancelled run
    has hooks too."""
    for hook in hooks:
        # Those that are called because the process is to end are not cut short by that.
        apart = nullcontext(RunScope()) if run.scope.signal is TerminationSignal else set_apart(run.scope)
        with apart as scope:
            outcome: Outcome = yield Call(hook, arguments, {}, scope, (*contexts_of(run), standing_in(scope)))
        if outcome.error is None:
            continue
        if is_interrupt(outcome.error):
            raise outcome.error
        run_logger(run).error(
            "Hook %s raised %r; it is ignored.", function_name(hook), outcome.error, exc_info=outcome.error
        )
