"""Moving a database from one schema to another."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine


def upgrade(engine: Engine, revision: str) -> None:
    """Brings the schema up to `revision`, all steps in one transaction."""
    with engine.begin() as connection:
        _take_time(connection)
        command.upgrade(config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Takes the schema back to `revision`; `base` leaves an empty database."""
    with engine.begin() as connection:
        _take_time(connection)
        command.downgrade(config(connection), revision)


def _take_time(connection: Connection) -> None:
    """A migration may take as long as it takes, and meanwhile nobody writes anyway."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def config(connection: Connection) -> Config:
    """Alembic's settings, without a file."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings
