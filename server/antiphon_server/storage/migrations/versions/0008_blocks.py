"""Blocks: their types, schemas and documents."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "block_types",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=False),
        sa.Column("documentation_url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("code_example", sa.Text(), nullable=False),
        sa.Column("is_protected", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_types")),
        sa.UniqueConstraint("slug", name=op.f("uq_block_types_slug")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block_schemas",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("block_type_id", sa.String(length=36), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("capabilities", sa.Text(), nullable=False),
        sa.Column("class_version", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_schemas")),
        sa.UniqueConstraint("checksum", name=op.f("uq_block_schemas_checksum")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block_documents",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("block_type_id", sa.String(length=36), nullable=False),
        sa.Column("block_schema_id", sa.String(length=36), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("secret_fields", sa.Text(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_documents")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "block_references",
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("referenced_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "referenced_id", name=op.f("pk_block_references")),
        sqlite_with_rowid=False,
    )
    for table in ("block_types", "block_schemas", "block_documents"):
        op.create_index(op.f(f"ix_{table}_create_time_id"), table, ["create_time", "id"])
    op.create_index(op.f("ix_block_schemas_block_type_id"), "block_schemas", ["block_type_id"])
    op.create_index(
        op.f("ix_block_documents_block_type_id_name"), "block_documents", ["block_type_id", "name"], unique=True
    )
    op.create_index(op.f("ix_block_documents_block_schema_id"), "block_documents", ["block_schema_id"])
    op.create_index(op.f("ix_block_references_referenced_id"), "block_references", ["referenced_id"])


def downgrade() -> None:
    for table in ("block_references", "block_documents", "block_schemas", "block_types"):
        op.drop_table(table)
