"""`scripts/generate` and `PYTHONPATH=scripts/lib python -m doctor_page`: writes the tables anew."""

from doctor_page.page import PAGE, rendered

PAGE.write_text(rendered())
