"""docs/settings.md: its table has every setting as it is, and its code runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

from antiphon.settings.kinds import text_of
from antiphon.settings.rows import SETTINGS

#: `<home>` would be taken for HTML.
ESCAPED = "\\<"
PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()


def table() -> str:
    """What the page has to say. `python tests/docs/test_settings_page.py` prints it."""
    rows = (
        (f"`{row.name}`", shown(row.about.default), row.about.description.replace("<", ESCAPED), row.about.kind.allowed)
        for row in SETTINGS.values()
    )
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def shown(default: object) -> str:
    text = text_of(default)
    return f"`{text}`" if text else ""


def test_the_table_has_every_setting() -> None:
    assert PAGE.partition("| --- | --- | --- | --- |\n")[2] == table()


def test_the_code_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANTIPHON_")}
    environment["ANTIPHON_HOME"] = str(tmp_path)
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True, timeout=60)


if __name__ == "__main__":
    print(table(), end="")
