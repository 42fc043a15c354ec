"""The flow that workers start, in a process of its own each time."""

from antiphon import flow
from chaos.work.code import double, limited, say
from chaos.work.noting import executing, note_leases, note_sessions

note_sessions()
note_leases()


@flow
def deployed(number: int = 1) -> int:
    with executing("flow_run"):
        say("deployed")
        return double(number) + limited(number)
