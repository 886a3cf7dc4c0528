"""Referrals and all that stands beside them; what is signed, audited or meant to be written is only ever added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "first"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED = sa.text("state <> 'done'")
APPEND_ONLY = {"opinions": ("referral_id", "version"), "audit": ("sequence",), "ledger": ("key", "line")}


def upgrade() -> None:
    """Make every table, then close those that only grow."""
    _tables()
    close = _close_sqlite if op.get_bind().dialect.name == "sqlite" else _close_postgresql
    for table, key in APPEND_ONLY.items():
        close(table, key)


def _close_sqlite(table: str, key: tuple[str, ...]) -> None:
    # INSERT OR REPLACE removes the old row without asking the DELETE trigger (recursive_triggers is off by default).
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    there = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 - names of ours
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS ({there}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
    )
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
        )


def _close_postgresql(table: str, _: tuple[str, ...]) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} only grows'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_grows()"
    )


def _tables() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", COUNTER, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("verb", sa.String(length=60), nullable=False),
        sa.Column("referral_id", sa.String(length=64), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_referral_id"), "audit", ["referral_id"], unique=False)
    op.create_table(
        "browsers",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("opened", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_browsers")),
    )
    op.create_table(
        "launches",
        sa.Column("state_sha256", sa.String(length=64), nullable=False),
        sa.Column("pending", sa.Text(), nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("state_sha256", name=op.f("pk_launches")),
    )
    op.create_index(op.f("ix_launches_expires"), "launches", ["expires"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row_id", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("resource", sa.String(length=400), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", "line", name=op.f("pk_ledger")),
    )
    op.create_table(
        "referrals",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("patient", sa.String(length=400), nullable=False),
        sa.Column("organisation", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("expert", sa.String(length=600), nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
    )
    op.create_index(op.f("ix_referrals_opened_at"), "referrals", ["opened_at"], unique=False)
    op.create_index(
        op.f("ix_referrals_organisation_status_opened_at"),
        "referrals",
        ["organisation", "status", "opened_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_referrals_site_patient_opened_at"), "referrals", ["site", "patient", "opened_at"], unique=False
    )
    op.create_table(
        "invitations",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("referral_id", sa.String(length=64), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("revoked", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_invitations_referral_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_referral_id"), "invitations", ["referral_id"], unique=False)
    op.create_table(
        "lines",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("site", sa.String(length=200), nullable=False),
        sa.Column("organisation", sa.String(length=200), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=600), nullable=False),
        sa.Column("patient", sa.String(length=400), nullable=False),
        sa.Column("encounter", sa.String(length=400), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("referral_id", sa.String(length=64), nullable=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("used", MOMENT, nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.Column("ended", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["browser"], ["browsers.sha256"], name=op.f("fk_lines_browser")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lines")),
    )
    op.create_index(op.f("ix_lines_browser"), "lines", ["browser"], unique=False)
    op.create_index(op.f("ix_lines_expires"), "lines", ["expires"], unique=False)
    op.create_table(
        "opinions",
        sa.Column("referral_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_opinions_referral_id")),
        sa.PrimaryKeyConstraint("referral_id", "version", name=op.f("pk_opinions")),
    )
    op.create_table(
        "outbox",
        sa.Column("sequence", COUNTER, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("referral_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("lane", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due", MOMENT, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("finished", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_outbox_referral_id")),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox")),
        sa.UniqueConstraint("id", name=op.f("uq_outbox_id")),
    )
    op.create_index("ix_outbox_due", "outbox", ["state", "due"], unique=False)
    op.create_index("ix_outbox_referral_id", "outbox", ["referral_id"], unique=False)
    op.create_index(
        "ix_outbox_unfinished",
        "outbox",
        ["referral_id", "lane", "sequence"],
        unique=False,
        sqlite_where=UNFINISHED,
        postgresql_where=UNFINISHED,
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("referral_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["referral_id"], ["referrals.id"], name=op.f("fk_uploads_referral_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_referral_id"), "uploads", ["referral_id"], unique=False)
    op.create_table(
        "handoffs",
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        sa.Column("line_id", sa.String(length=64), nullable=False),
        sa.Column("expires", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["lines.id"], name=op.f("fk_handoffs_line_id")),
        sa.PrimaryKeyConstraint("code_sha256", name=op.f("pk_handoffs")),
    )
    op.create_index(op.f("ix_handoffs_expires"), "handoffs", ["expires"], unique=False)
    # ### end Alembic commands ###
