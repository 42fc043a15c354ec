"""Running the hooks of flows and tasks. A hook's exception is logged and ignored."""

from collections.abc import Callable, Iterable
from typing import Any

from antiphon.engine.effects import Call, Life, Outcome
from antiphon.engine.ending import is_interrupt
from antiphon.engine.scopes import RunScope
from antiphon.logging.loggers import RunLogger
from antiphon.signatures import function_name


def run_hooks(
    hooks: Iterable[Callable[..., Any]],
    arguments: tuple[Any, ...],
    logger: RunLogger,
) -> Life:
    """An engine's part. Hooks run one after the other, outside of the run's scope: a cancelled run has hooks too."""
    for hook in hooks:
        outcome: Outcome = yield Call(hook, arguments, {}, RunScope())
        if outcome.error is None:
            continue
        if is_interrupt(outcome.error):
            raise outcome.error
        logger.error("Hook %s raised %r; it is ignored.", function_name(hook), outcome.error, exc_info=outcome.error)
