"""The pause that a command is about."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("commands", sa.Column("state_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("commands") as commands:
        commands.drop_column("state_id")
