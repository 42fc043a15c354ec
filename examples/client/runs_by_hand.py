"""A run that no flow of Python carries out: its states are proposed by hand, and the server decides on each.

For work that is done elsewhere and should be seen in the same place: a shell script, a machine, a person.

Prints:
    back to pending: ABORT, it stays Running
    Pending, Running, Completed
"""

from antiphon import flow, get_client
from antiphon.states import Completed, Pending, Running


@flow
def oven(program: str) -> None: ...


if __name__ == "__main__":
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(oven, parameters={"program": "bread"}, tags=["kitchen"], state=Pending())
        client.set_flow_run_state(run.id, Running(message="at 230 degrees"))
        answer = client.set_flow_run_state(run.id, Pending())
        state = client.read_flow_run(run.id).state
        print(f"back to pending: {answer.status}, it stays {state.name if state else ''}")
        client.set_flow_run_state(run.id, Completed(message="40 loaves"))
        print(", ".join(state.name for state in client.read_flow_run_states(run.id)))
