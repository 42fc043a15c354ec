"""Artifacts: what a run shows to people, kept at the server under a key that has versions.

`antiphon artifact ls` and `antiphon artifact inspect barley-by-site` show them in a terminal.

Prints:
    barley-by-site: 6 rows, the best is Waseca
    # Barley in Minnesota
"""

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task
from antiphon.artifacts import Artifact, create_link_artifact, create_markdown_artifact, create_table_artifact


@task
def mean_yields() -> pd.DataFrame:
    means = local_data.barley().groupby("site")["yield"].mean().round(1)
    return means.sort_values(ascending=False).reset_index()


@flow
def barley_report() -> None:
    yields = mean_yields()
    rows = yields.to_dict(orient="records")
    create_table_artifact(rows, key="barley-by-site", description="Bushels per acre, 1931 and 1932")
    best = rows[0]["site"]
    create_markdown_artifact(f"# Barley in Minnesota\n\nThe best site is **{best}**.", key="barley-report")
    create_link_artifact("https://vega.github.io/vega-datasets/", link_text="where the data is from", key="barley-data")
    print(f"barley-by-site: {len(rows)} rows, the best is {best}")


if __name__ == "__main__":
    barley_report()
    report = Artifact.get("barley-report")
    print(report.data if report else "nothing there")
