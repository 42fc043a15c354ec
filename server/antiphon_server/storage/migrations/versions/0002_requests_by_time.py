"""Finding the answers that are to be forgotten."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(op.f("ix_requests_create_time"), "requests", ["create_time"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_requests_create_time"), table_name="requests")
