"""What the chart is told of without anybody asking (CDS Hooks): few cards, each with a reason a clinician would accept.

Rule: no card repeats what the chart shows already, and one that was overridden stays quiet for that person. A card
holds no finding: it says that something waits, and where.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fhir.study import ChartStudy
from smart_app.ports import Ports
from smart_app.referral import Referral, Status
from smart_app.sites import Site
from smart_app.worklists import of_patient

UNDER_WAY = (Status.SENT, Status.ACCEPTED, Status.READING, Status.SIGNED)
RECENT = timedelta(days=90)
QUIET_FOR = timedelta(days=30)
"""How long an overridden card stays quiet; a newer version of an opinion is another card."""


@dataclass(frozen=True)
class Card:
    """One card. `topic` tells it from others about the same patient; `opens` goes along to the launch."""

    topic: str
    summary: str  # at most 140 characters (CDS Hooks 2.0, card attributes)
    detail: str
    urgent: bool
    label: str
    opens: dict[str, str] = field(default_factory=dict)
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class DraftOrder:
    """An order that is being written. `codes` are "system|code"."""

    text: str
    codes: tuple[str, ...] = ()


def on_opening(ports: Ports, site: Site, user: str, patient: str) -> list[Card]:
    """A chart was opened (`patient-view`): what waits for its clinician in it."""
    cards = []
    for referral in of_patient(ports, site.id, patient):
        if referral.hidden:
            continue
        if referral.status is Status.DELIVERED:
            cards.append(_unread(referral))
        elif referral.status is Status.QUESTION:
            cards.append(_asked(referral))
    return _kept(ports, site, user, patient, cards)


def on_ordering(
    ports: Ports, site: Site, user: str, patient: str, orders: Sequence[DraftOrder], studies: Sequence[ChartStudy]
) -> list[Card]:
    """An order is being written (`order-select`, `order-sign`): would the images that are there answer it?"""
    under_way = [r for r in of_patient(ports, site.id, patient) if r.status in UNDER_WAY and not r.hidden]
    cards = []
    for order in orders:
        study = _same_examination(order, studies, ports.now())
        if study is None:
            continue
        uid = study.study_instance_uid
        asked = next((r for r in under_way if uid in {s.study_instance_uid for s in r.studies}), None)
        cards.append(_being_read(asked) if asked else _repeat(study))
    return _kept(ports, site, user, patient, cards)


def answered(ports: Ports, card_uuid: str, outcome: str) -> bool:
    """The clinician took the card or put it aside. False where we never showed it."""
    with ports.store.transaction() as tx:
        return tx.cards.answered(card_uuid, outcome, ports.now())


def _unread(referral: Referral) -> Card:
    version = len(referral.opinions)
    again = "A corrected second opinion" if version > 1 else "A second opinion"
    return Card(
        topic=f"unread:{referral.id}:{version}",
        summary=f"{again} is in this chart and nobody has said that it was read.",
        detail=f"Asked by {referral.requester.name or 'a clinician'}. Opening it shows the answer first.",
        urgent=True,
        label="Read the second opinion",
        opens={"referral": referral.id},
    )


def _asked(referral: Referral) -> Card:
    asked = sum(1 for event in referral.history if event.verb == "ask")
    return Card(
        topic=f"question:{referral.id}:{asked}",
        summary="The second reader has a question. The reading waits for the answer.",
        detail="Anybody of this patient's team may answer; the clock stands still until then.",
        urgent=True,
        label="Answer the question",
        opens={"referral": referral.id},
    )


def _being_read(referral: Referral) -> Card:
    return Card(
        topic=f"under-way:{referral.id}",
        summary="These images are with a second reader now. Their opinion may answer this order.",
        detail="The order can wait for the opinion, or go ahead if it cannot.",
        urgent=False,
        label="See how far it is",
        opens={"referral": referral.id},
    )


def _repeat(study: ChartStudy) -> Card:
    when = study.started[:10]
    name = study.description or " ".join(study.modalities) or "examination"
    return Card(
        topic=f"repeat:{study.study_instance_uid}",
        summary=f"{name[:70]} of {when} is there already. A second reading may save repeating it.",
        detail="Asking takes one question. An outside expert reads the images again, and the answer comes back here.",
        urgent=False,
        label="Ask for a second opinion",
        opens={"study": study.study_instance_uid},
    )


_MODALITIES = {
    "CT": {"ct", "cta", "tomography"},
    "MR": {"mr", "mri", "mra", "magnetic"},
    "US": {"us", "ultrasound", "sonography", "sonogram"},
    "PT": {"pet", "pt"},
    "MG": {"mg", "mammogram", "mammography", "tomosynthesis"},
    "DX": {"dx", "cr", "xr", "xray", "x-ray", "radiograph", "radiography"},
    "NM": {"nm", "scintigraphy", "spect"},
}
_ALIKE = {"CR": "DX", "PET": "PT", "CTA": "CT"}
_REGIONS = (
    {"brain", "head", "cranial", "skull", "cerebral"},
    {"chest", "thorax", "lung", "lungs", "thoracic"},
    {"abdomen", "abdominal", "liver", "pancreas", "kidney", "kidneys", "renal"},
    {"pelvis", "pelvic", "prostate", "uterus"},
    {"breast", "breasts", "mammogram", "mammography", "tomosynthesis"},
    {"spine", "lumbar", "cervical", "spinal"},
    {"knee"},
    {"hip", "hips"},
    {"shoulder"},
    {"ankle", "foot"},
    {"wrist", "hand"},
    {"heart", "cardiac", "coronary"},
    {"neck", "thyroid"},
)


def _same_examination(order: DraftOrder, studies: Iterable[ChartStudy], now: datetime) -> ChartStudy | None:
    """A recent study of the same kind and region as the order; None where either is not certain."""
    words = set(re.findall(r"[a-z]+(?:-[a-z]+)?", order.text.casefold()))
    kinds = {code for code, names in _MODALITIES.items() if words & names}
    places = {number for number, names in enumerate(_REGIONS) if words & names}
    for study in sorted(studies, key=lambda s: s.started, reverse=True):
        said = set(re.findall(r"[a-z]+(?:-[a-z]+)?", study.description.casefold()))
        seen = {number for number, names in enumerate(_REGIONS) if said & names}
        modalities = {_ALIKE.get(code, code) for code in study.modalities}
        if study.study_instance_uid and _recent(study.started, now) and kinds & modalities and places & seen:
            return study
    return None


def _recent(started: str, now: datetime) -> bool:
    """Is that moment (ISO 8601; a date alone is its midnight UTC) within the last 90 days?"""
    try:
        at = datetime.fromisoformat(started)
    except ValueError:
        return False
    at = at if at.tzinfo else at.replace(tzinfo=now.tzinfo)
    return timedelta(days=-1) <= now - at <= RECENT


def _kept(ports: Ports, site: Site, user: str, patient: str, cards: list[Card]) -> list[Card]:
    """Without those this person has put aside lately; what is shown is remembered, so that an answer finds it."""
    with ports.store.transaction() as tx:
        quiet = tx.cards.overridden(site.id, user, patient, since=ports.now() - QUIET_FOR)
        shown = [card for card in cards if card.topic not in quiet]
        for card in shown:
            tx.cards.shown(card.uuid, site.id, user, patient, card.topic, ports.now())
    return shown
