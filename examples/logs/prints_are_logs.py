"""`log_prints=True` makes log lines of what code prints, so that scripts need no change to leave a trace.

Prints:
    ... | INFO    | Flow run ... - adding 3 numbers
    ... | INFO    | Task run 'add-0' - the sum is 6
    a print outside of runs is a print: 6
"""

from antiphon import flow, task


@task
def add(numbers: list[int]) -> int:
    total = sum(numbers)
    print("the sum is", total)  # the task takes the flow's word
    return total


@flow(log_prints=True)
def sums(numbers: list[int]) -> int:
    print(f"adding {len(numbers)} numbers")
    return add(numbers)


if __name__ == "__main__":
    print("a print outside of runs is a print:", sums([1, 2, 3]))
