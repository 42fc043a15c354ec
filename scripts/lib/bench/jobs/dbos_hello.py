"""The smallest workflow of DBOS, to compare with hello.py."""

import os

from dbos import DBOS

DBOS(config={"name": "bench", "system_database_url": os.environ["BENCH_DBOS_DATABASE_URL"]})


@DBOS.workflow()
def hello():
    return "hello"


if __name__ == "__main__":
    DBOS.launch()
    assert hello() == "hello"
    DBOS.destroy()
