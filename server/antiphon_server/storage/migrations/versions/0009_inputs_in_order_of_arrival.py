"""Inputs of flow runs are numbered in the order of arrival, for those who wait for them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("flow_run_inputs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(
        "UPDATE flow_run_inputs SET sequence = numbered.place FROM (SELECT flow_run_id, key, row_number() OVER "
        "(ORDER BY create_time, flow_run_id, key) AS place FROM flow_run_inputs) AS numbered WHERE "
        "flow_run_inputs.flow_run_id = numbered.flow_run_id AND flow_run_inputs.key = numbered.key"
    )
    op.create_index(
        op.f("ix_flow_run_inputs_flow_run_id_sequence"), "flow_run_inputs", ["flow_run_id", "sequence"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_flow_run_inputs_flow_run_id_sequence"), table_name="flow_run_inputs")
    with op.batch_alter_table("flow_run_inputs", schema=None) as batch_op:
        batch_op.drop_column("sequence")
    op.execute("DELETE FROM meta WHERE key = 'flow_run_input_sequence'")
