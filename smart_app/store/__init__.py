"""Where everything of ours is kept: SQLite by default, PostgreSQL by URL. The only part that knows SQL.

with store.transaction() as tx:
    tx.referrals.save(referral)
    tx.outbox.owe(referral.id, "file_opinion", version=1)
"""

from __future__ import annotations

from smart_app.store.audit import AuditLine
from smart_app.store.database import Store, Transaction, utc_now
from smart_app.store.errors import (
    DocumentUnreadable,
    LedgerClosed,
    NoSuchRow,
    StoreError,
    StoreOutdated,
    StoreUnavailable,
)
from smart_app.store.invitations import Invitation
from smart_app.store.ledger import Entry
from smart_app.store.outbox import LANES, Owed
from smart_app.store.sessions import Line, digest

__all__ = [
    "LANES",
    "AuditLine",
    "DocumentUnreadable",
    "Entry",
    "Invitation",
    "LedgerClosed",
    "Line",
    "NoSuchRow",
    "Owed",
    "Store",
    "StoreError",
    "StoreOutdated",
    "StoreUnavailable",
    "Transaction",
    "digest",
    "utc_now",
]
