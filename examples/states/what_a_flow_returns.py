"""What a flow returns decides how it ends.

A value completes it. Futures and states are looked at: one that failed fails the flow. An exception fails it.

Prints:
    a value: Completed
    futures: Failed, 1/3 states failed.
    an exception: Failed
"""

from antiphon import flow, task
from antiphon.futures import AntiphonFutureList


@task
def check(file: str) -> str:
    if not file.endswith(".csv"):
        raise ValueError(f"{file} is no table")
    return file


FILES = ["a.csv", "b.csv", "c.jpg"]


@flow
def returns_a_value() -> int:
    checked = check.map(FILES)
    checked.wait()
    return sum(one.state.is_completed() for one in checked)


@flow
def returns_futures() -> AntiphonFutureList[str]:
    return check.map(FILES)


@flow
def raises() -> list[str]:
    return [check(file) for file in FILES]


if __name__ == "__main__":
    print("a value:", returns_a_value(return_state=True).name)
    state = returns_futures(return_state=True)
    print(f"futures: {state.name}, {state.message}")
    print("an exception:", raises(return_state=True).name)
