"""The tables of what stands beside the referrals: cards in charts, reports not taken, signs of life."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, Text

from smart_app.store.tables import Moment, metadata, words_of

cards = Table(
    "cards",
    metadata,
    Column("uuid", String(64), primary_key=True),
    Column("site", String(200), nullable=False),
    Column("person", String(600), nullable=False),
    Column("patient", String(400), nullable=False),
    Column("topic", String(200), nullable=False),
    Column("shown", Moment, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("answered", Moment),
    Index(None, "site", "person", "patient"),
)

pulses = Table(
    "pulses",
    metadata,
    Column("worker", String(100), primary_key=True),
    Column("at", Moment, nullable=False),
)

strays = Table(
    "strays",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("system", String(200), nullable=False),
    Column("referral_id", String(64), nullable=False),
    Column("received", Moment, nullable=False),
    Column("differs", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("closed", Moment),
    words_of("closed_by"),
    words_of("reason"),
)
