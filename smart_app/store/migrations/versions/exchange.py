"""When each referral was changed last, and reports of other systems that were not taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "exchange"
down_revision = "cards"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the column, as far back as we know, and the table."""
    op.add_column("referrals", sa.Column("changed", MOMENT, nullable=True))
    op.execute("UPDATE referrals SET changed = opened_at")
    op.create_index(op.f("ix_referrals_organisation_changed_id"), "referrals", ["organisation", "changed", "id"])
    op.create_table(
        "strays",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=200), nullable=False),
        sa.Column("referral_id", sa.String(length=64), nullable=False),
        sa.Column("received", MOMENT, nullable=False),
        sa.Column("differs", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("closed", MOMENT, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strays")),
    )
