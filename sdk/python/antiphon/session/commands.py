"""Commands of the server: who carries them out, and what is answered."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeAlias

from antiphon.ids import new_id
from antiphon.text_limits import clip_characters
from antiphon.v1.session_pb2 import (
    COMMAND_STAGE_APPLIED,
    COMMAND_STAGE_RECEIVED,
    COMMAND_STAGE_REFUSED,
    COMMAND_STAGE_TOO_LATE,
    Command,
    CommandResult,
    CommandStage,
    RevokeRun,
)

RunHandler: TypeAlias = Callable[[Command], CommandStage]

#: How many commands are remembered, in case that they are sent again.
_MEMORY = 4096
#: The contract's limit.
_MAX_MESSAGE = 10_000
_FINAL = (COMMAND_STAGE_APPLIED, COMMAND_STAGE_REFUSED, COMMAND_STAGE_TOO_LATE)

logger = logging.getLogger("antiphon.session")


class CommandDesk:
    """Gives commands to the handlers of the runs that they concern. `handle` belongs to the session's thread."""

    def __init__(self, answer: Callable[[CommandResult], object]) -> None:
        """`answer` sends a result to the server."""
        self._answer = answer
        self._handlers: dict[str, RunHandler] = {}
        self._results: OrderedDict[str, CommandResult] = OrderedDict()
        #: The server has said that it will stop.
        self.draining = False

    def set_handler(self, run_id: str, handler: RunHandler) -> None:
        """Have `handler` called with the commands for a run, in the session's thread: it must be quick."""
        self._handlers[run_id] = handler

    def remove_handler(self, run_id: str) -> None:
        """The run has ended: commands for it are TOO_LATE from now on."""
        self._handlers.pop(run_id, None)

    def handle(self, command: Command) -> None:
        """Carry out a command once and answer it each time that it is sent.

        One without an id (Drain is one) is a word to all, which nobody waits to be answered.
        """
        if not command.id:
            self._carry_out(command)
            return
        result = self._results.get(command.id)
        if result is None:
            self._answer(CommandResult(command_id=command.id, stage=COMMAND_STAGE_RECEIVED))
            stage, message = self._carry_out(command)
            result = CommandResult(command_id=command.id, stage=stage, message=clip_characters(message, _MAX_MESSAGE))
            self._results[command.id] = result
            if len(self._results) > _MEMORY:
                self._results.popitem(last=False)
        self._answer(result)

    def revoke_all(self, reason: str) -> None:
        """The session is lost, and every run with it: tell the handlers as the server would."""
        for run_id in list(self._handlers):
            self._call(run_id, Command(id=new_id(), revoke_run=RevokeRun(flow_run_id=run_id, reason=reason)))

    def _carry_out(self, command: Command) -> tuple[CommandStage, str]:
        kind = command.WhichOneof("body")
        if kind == "drain":
            self.draining = True
            return COMMAND_STAGE_APPLIED, ""
        if kind in ("cancel_run", "pause_run", "resume_run", "suspend_run"):
            return self._call(_run_of(getattr(command, kind)), command)
        if kind == "revoke_run":
            return self._call(_run_of(command.revoke_run), command)
        return COMMAND_STAGE_REFUSED, "this client does not know the command; upgrade antiphon where the run runs"

    def _call(self, run_id: str, command: Command) -> tuple[CommandStage, str]:
        handler = self._handlers.get(run_id)
        if handler is None:
            return COMMAND_STAGE_TOO_LATE, ""
        try:
            stage = handler(command)
        except Exception as error:
            logger.exception("Run %s could not carry out %s", run_id, command.WhichOneof("body"))
            return COMMAND_STAGE_REFUSED, f"{type(error).__name__}: {error}"
        if stage not in _FINAL:
            logger.error("The command handler of run %s gave %r, which says nothing of the outcome", run_id, stage)
            return COMMAND_STAGE_REFUSED, "the handler of the run did not say what became of the command"
        return stage, ""


def _run_of(body: Any) -> str:
    """The run that a command is about."""
    return str(body.flow_run_id or getattr(body, "task_run_id", ""))
