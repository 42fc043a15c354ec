"""`scripts/generate` and `PYTHONPATH=scripts/lib python -m monitoring`: writes the tables anew."""

from monitoring.page import PAGE, rendered

PAGE.write_text(rendered())
