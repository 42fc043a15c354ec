"""`scripts/generate` and `PYTHONPATH=scripts/lib python -m monitoring`: writes the tables anew."""

from monitoring.page import PAGES, rendered

for page in PAGES:
    page.write_text(rendered(page))
