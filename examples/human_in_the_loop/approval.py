"""A flow that asks a person and waits: the answer is checked against a model before it counts.

Here a second coroutine plays the person; a real one types `antiphon flow-run resume <name> --input '{"approved":
true}'`.

Prints:
    the reviewer is asked: Are 1240 EUR for ada in order?
    paid 1240 EUR to ada (known customer)
"""

import asyncio

from antiphon import flow, get_client, pause_flow_run
from antiphon.client.schemas.filters import FlowRunFilter, FlowRunFilterName, FlowRunFilterState, FlowRunFilterStateName
from antiphon.flow_runs import aresume_flow_run
from antiphon.input import RunInput


class Approval(RunInput):
    approved: bool
    comment: str = ""


@flow
async def pay(customer: str, euros: int) -> str:
    question = f"Are {euros} EUR for {customer} in order?"
    print("the reviewer is asked:", question)
    answer = await pause_flow_run(wait_for_input=Approval.with_initial_data(description=question), timeout=3600)
    if not answer.approved:
        return f"refused: {answer.comment}"
    return f"paid {euros} EUR to {customer} ({answer.comment})"


async def reviewer(flow_run_name: str) -> None:
    paused = FlowRunFilter(
        name=FlowRunFilterName(any_=[flow_run_name]),
        state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Paused"])),
    )
    async with get_client() as client:
        while not (runs := await client.read_flow_runs(flow_run_filter=paused, limit=1)):
            await asyncio.sleep(0.1)
    await aresume_flow_run(runs[0].id, run_input={"approved": True, "comment": "known customer"})


async def main() -> None:
    name = "payment-of-ada"
    said, _ = await asyncio.gather(pay.with_options(flow_run_name=name)("ada", 1240), reviewer(name))
    print(said)


if __name__ == "__main__":
    asyncio.run(main())
