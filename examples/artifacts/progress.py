"""A progress artifact says how far a long task is, to everybody who looks at the server.

Prints:
    4 chunks of 844 airports, 100 % done
"""

from vega_datasets import local_data

from antiphon import flow, task
from antiphon.artifacts import Artifact, create_progress_artifact, update_progress_artifact


@task
def load(chunks: int) -> int:
    airports = local_data.airports()
    size = len(airports) // chunks
    progress = create_progress_artifact(0, key="airports-loaded", description="Airports that are loaded")
    for number in range(chunks):
        airports.iloc[number * size : (number + 1) * size].to_csv()
        update_progress_artifact(progress, 100 * (number + 1) / chunks)
    return size


@flow
def load_airports() -> None:
    size = load(4)
    artifact = Artifact.get("airports-loaded")
    if artifact is not None:
        print(f"4 chunks of {size} airports, {artifact.data:.0f} % done")


if __name__ == "__main__":
    load_airports()
