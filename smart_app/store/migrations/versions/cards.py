"""Cards that were shown in a chart, so that one that was put aside stays quiet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "cards"
down_revision = "sites"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "cards",
        sa.Column("uuid", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("person", sa.String(length=600), nullable=False),
        sa.Column("patient", sa.String(length=400), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("shown", MOMENT, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("answered", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_cards")),
    )
    op.create_index(op.f("ix_cards_site_person_patient"), "cards", ["site", "person", "patient"], unique=False)
