"""Hospitals that are added while we run, and the names under which patients look for theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "sites"
down_revision = "first"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "sites",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("changed", MOMENT, nullable=False),
        sa.Column("tested", MOMENT, nullable=True),
        sa.Column("test", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
    )
    op.create_table(
        "brand_bundles",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("imported", MOMENT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_brand_bundles")),
    )
    op.create_table(
        "brands",
        sa.Column("id", COUNTER, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("name", "folded", "place", "portal", "aliases", "words")
        ),
        sa.ForeignKeyConstraint(["source"], ["brand_bundles.source"], name=op.f("fk_brands_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brands")),
    )
    op.create_index(op.f("ix_brands_source"), "brands", ["source"], unique=False)
    op.create_table(
        "brand_endpoints",
        sa.Column("brand_id", COUNTER, autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brands.id"], name=op.f("fk_brand_endpoints_brand_id")),
        sa.PrimaryKeyConstraint("brand_id", "address", name=op.f("pk_brand_endpoints")),
    )
    op.create_index(op.f("ix_brand_endpoints_address"), "brand_endpoints", ["address"], unique=False)
