"""`return_state=True` gives the state of a run in place of its result, and raises nothing.

Where a failure is one of the things that can happen, and the flow decides what it means.

Prints:
    1200: Completed, 12.0
    twelve: Failed, could not convert string to float: 'twelve'
    flow: Completed
"""

from antiphon import flow, task


@task
def parse_price(text: str) -> float:
    return float(text) / 100


@flow
def import_prices(texts: list[str]) -> int:
    good = 0
    for text in texts:
        state = parse_price(text, return_state=True)
        if state.is_completed():
            print(f"{text}: {state.name}, {state.result()}")
            good += 1
        else:
            error = state.result(raise_on_failure=False)
            print(f"{text}: {state.name}, {error}")
    return good


if __name__ == "__main__":
    state = import_prices(["1200", "twelve"], return_state=True)
    print(f"flow: {state.name}")
