"""When each worker was seen at work last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "pulses"
down_revision = "exchange"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pulses",
        sa.Column("worker", sa.String(length=100), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_pulses")),
    )
