"""Leases of slots whose time is kept elsewhere than in the database."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("slot_leases", sa.Column("sure_time", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("slot_leases", "sure_time")
