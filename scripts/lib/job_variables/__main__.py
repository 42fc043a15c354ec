"""`scripts/generate` and `PYTHONPATH=scripts/lib python -m job_variables`: writes the tables anew."""

from job_variables.page import PAGES, rendered

for kind, page in PAGES.items():
    page.write_text(rendered(kind))
