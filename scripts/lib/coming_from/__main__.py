"""`scripts/generate` and `PYTHONPATH=scripts/lib python -m coming_from`: writes `docs/coming-from-prefect.md` anew."""

import sys

from coming_from.page import PAGE, render

try:
    PAGE.write_text(render())
except ValueError as error:
    sys.exit(str(error))
