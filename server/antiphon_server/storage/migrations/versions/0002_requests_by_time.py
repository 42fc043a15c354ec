"""Finding the answers that are to be forgotten, and what waits for a run."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(op.f("ix_requests_create_time"), "requests", ["create_time"], unique=False)
    op.create_index(op.f("ix_waits_run_id"), "waits", ["run_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_waits_run_id"), table_name="waits")
    op.drop_index(op.f("ix_requests_create_time"), table_name="requests")
