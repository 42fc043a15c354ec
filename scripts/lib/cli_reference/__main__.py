"""`scripts/generate` and `PYTHONPATH=scripts/lib python -m cli_reference`: writes both files anew."""

from cli_reference.page import PAGE, render
from cli_reference.schemas import SCHEMAS, render_schemas

PAGE.write_text(render())
SCHEMAS.write_text(render_schemas())
