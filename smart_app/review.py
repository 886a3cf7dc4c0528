"""An expert takes a case, gives it back, asks, drafts, signs and revises. Never erases."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smart_app.case import Agreement, Change, Opinion, Party
from smart_app.completeness import overrides
from smart_app.gates import REPORT_SIDE
from smart_app.ports import Ports
from smart_app.referral import Referral, Unfinished, WrongStatus
from smart_app.side import abbreviated, doubt
from smart_app.store import Transaction
from smart_app.telling import WITHIN, Told, faults_of

WORDS = ("answer", "findings", "comparison", "impression", "recommendation", "limits", "plain_words")
FIRST_READ = ("before", "after", "none")
CONFIRM = ("name", "birth_date", "side", "study_date")


def accept(ports: Ports, expert: Party, referral_id: str) -> Referral:
    """This expert takes the case. Raises WrongStatus where a colleague was first."""
    return _change(ports, expert, referral_id, "accept", lambda r: r.accept(expert, ports.now()), ("notify_referrer",))


def decline(ports: Ports, expert: Party, referral_id: str, reason: str) -> Referral:
    """Given back with a reason. Raises Unfinished, NotYours."""
    return _change(
        ports, expert, referral_id, "decline", lambda r: r.decline(expert, ports.now(), reason), ("notify_referrer",)
    )


def ask(ports: Ports, expert: Party, referral_id: str, text: str) -> Referral:
    """A question to the asker; the clock stops. Raises Unfinished, NotYours."""
    return _change(
        ports, expert, referral_id, "ask", lambda r: r.ask_back(expert, ports.now(), text), ("notify_referrer",)
    )


def begin_reading(ports: Ports, expert: Party, referral_id: str) -> Referral:
    """The accepting expert opens the images. Raises WrongStatus, NotYours."""
    return _change(ports, expert, referral_id, "begin_reading", lambda r: r.begin_reading(expert, ports.now()), ())


def hold(ports: Ports, who: Party, referral_id: str, reason: str) -> Referral:
    """Suspected wrong patient: images and opinion are hidden at once and everybody is told."""
    owed = ("notify_referrer", "notify_desk")
    return _change(ports, who, referral_id, "hold", lambda r: r.hold(who, ports.now(), reason), owed, reason)


def release(ports: Ports, who: Party, referral_id: str, reason: str) -> Referral:
    """One named person closes the check and says how."""
    return _change(ports, who, referral_id, "release", lambda r: r.release(who, ports.now(), reason), (), reason)


def retract(ports: Ports, expert: Party, referral_id: str, reason: str) -> Referral:
    """Entered in error. The tombstone stays, and a person must mend what stands in the chart."""
    owed = ("file_retraction", "notify_referrer")
    return _change(
        ports, expert, referral_id, "retract", lambda r: r.retract(expert, ports.now(), reason), owed, reason
    )


def tell(ports: Ports, expert: Party, referral_id: str, given: Mapping[str, str]) -> Referral:
    """A person was told of what is critical in the newest version. Raises Unfinished naming what is missing."""

    def telling(referral: Referral) -> Referral:
        opinion = referral.opinion
        if opinion is None or not opinion.critical:
            raise WrongStatus("Nothing in this opinion is called critical.")
        faults = faults_of(opinion.tier or 1, given)
        if faults:
            raise Unfinished("Nobody counts as told yet.", **faults)
        finding, heard = given["finding"].strip(), given["heard"].strip()
        read_back = given.get("read_back") == "yes"
        return referral.tell(Told(opinion.version, finding, ports.now(), expert, heard, given["how"], read_back))

    told = _change(ports, expert, referral_id, "tell", telling, ())
    with ports.store.transaction() as tx:
        for row in tx.outbox.of_referral(referral_id):
            if row.action == "chase_critical" and row.state == "parked":
                tx.outbox.settle(row.id, expert, "A person was told.")
    return told


def must_reach(opinion: Opinion) -> int:
    """The tier within which a person must have it: a difference that changes care is not routine either (rule 16)."""
    changes_care = opinion.agreement in (Agreement.IMPORTANT_DETECTION, Agreement.IMPORTANT_INTERPRETATION)
    return opinion.tier or (3 if changes_care else 0)


def _tier(words: Mapping[str, str]) -> int:
    """The tier that was chosen; an older form's plain yes is the first."""
    said = words.get("critical", "no")
    return 1 if said == "yes" else int(said) if said in {str(tier) for tier in WITHIN} else 0


def save_draft(ports: Ports, expert: Party, referral_id: str, words: Mapping[str, str]) -> Referral:
    """Keep the expert's unsigned words, and when. They are never shown to anybody else."""
    kept = {name: str(value) for name, value in words.items() if name in DRAFT_FIELDS}
    kept["saved_at"] = ports.now().isoformat()
    return _change(ports, expert, referral_id, "draft", lambda r: r.keep_draft(expert, kept), ())


def sign(
    ports: Ports, expert: Party, referral_id: str, words: Mapping[str, str], confirmed: frozenset[str] | set[str]
) -> Referral:
    """Freeze the words as version 1, owed to the chart. `confirmed` holds each of CONFIRM the expert ticked.

    Raises Unfinished naming every field that is missing, every unticked check and any doubt about the side.
    """

    def signing(referral: Referral) -> Referral:
        opinion = _opinion(ports, referral, expert, words, confirmed)
        return referral.sign(opinion, ports.now())

    return _sign_and_owe(ports, expert, referral_id, "sign", signing)


def revise(
    ports: Ports, expert: Party, referral_id: str, words: Mapping[str, str], confirmed: frozenset[str] | set[str]
) -> Referral:
    """The next version beside the old ones; `words` has `change` and `change_reason` too. Raises as `sign`."""

    def revising(referral: Referral) -> Referral:
        opinion = _opinion(ports, referral, expert, words, confirmed)
        return referral.revise(opinion, ports.now())

    return _sign_and_owe(ports, expert, referral_id, "revise", revising)


DRAFT_FIELDS = frozenset((*WORDS, "agreement", "critical", "first_report_read", "change", "change_reason"))


def _opinion(
    ports: Ports, referral: Referral, expert: Party, words: Mapping[str, str], confirmed: frozenset[str] | set[str]
) -> Opinion:
    text = {name: words.get(name, "").strip() for name in WORDS}
    faults = {name: "missing" for name in ("answer", "findings", "impression") if not text[name]}
    if words.get("agreement") not in set(Agreement):
        faults["agreement"] = "missing"
    if referral.prior_reports and words.get("first_report_read") not in FIRST_READ:
        faults["first_report_read"] = "missing"
    if referral.opinions and not words.get("change_reason", "").strip():
        faults["change_reason"] = "missing"
    faults.update({f"confirm_{name}": "unconfirmed" for name in CONFIRM if name not in confirmed})
    letter = abbreviated(*text.values())
    if letter:
        faults["side"] = "abbreviated"
    if side_doubt(referral, text):
        faults["side"] = "disagrees"
    if faults:
        raise Unfinished("This opinion cannot be signed yet.", **faults)
    change = words.get("change", "")
    return Opinion(
        version=len(referral.opinions) + 1,
        agreement=Agreement(words["agreement"]),
        signed_by=expert,
        signed_at=ports.now(),
        critical=_tier(words) > 0,
        tier=_tier(words),
        first_report_read=words.get("first_report_read") or "none",
        change=Change(change) if change in set(Change) else None,
        change_reason=words.get("change_reason", "").strip(),
        studies=tuple(study.study_instance_uid for study in referral.studies),
        **text,
    )


def side_doubt(referral: Referral, words: Mapping[str, str]) -> tuple[str, str] | None:
    """The two of question, headers, first report and these words that name different sides (safety rule 10)."""
    letters = [series.laterality for study in referral.studies for series in study.series]
    reported = (
        ()
        if REPORT_SIDE in overrides(referral)
        else [side for report in referral.prior_reports for side in report.sides]
    )
    conclusion = " ".join(words.get(name, "") for name in ("answer", "impression"))
    return doubt(referral.ask.side, letters, reported, conclusion, words.get("findings", ""))


def _sign_and_owe(
    ports: Ports, expert: Party, referral_id: str, verb: str, act: Callable[[Referral], Referral]
) -> Referral:
    with ports.store.transaction() as tx:
        referral = act(tx.referrals.get(referral_id))
        tx.referrals.save(referral)
        version = len(referral.opinions)
        tx.audit.write(ports.now(), expert, verb, referral_id, f"version {version}")
        tx.outbox.owe(referral_id, "file_opinion", due=ports.now(), version=version)
        tier = must_reach(referral.opinions[-1])
        if tier:
            tx.outbox.owe(referral_id, "chase_critical", due=ports.now() + WITHIN[tier], version=version)
        tx.outbox.owe(referral_id, "notify_referrer", due=ports.now(), why=verb)
    return referral


def _change(
    ports: Ports,
    who: Party,
    referral_id: str,
    verb: str,
    act: Callable[[Referral], Referral],
    owed: tuple[str, ...],
    why: str = "",
) -> Referral:
    with ports.store.transaction() as tx:
        referral = act(tx.referrals.get(referral_id))
        tx.referrals.save(referral)
        _record(ports, tx, who, verb, referral_id, owed, why.strip())
    return referral


def _record(
    ports: Ports, tx: Transaction, who: Party, verb: str, referral_id: str, owed: tuple[str, ...], why: str
) -> None:
    if verb != "draft":
        tx.audit.write(ports.now(), who, verb, referral_id, "referral", why)
        tx.outbox.owe(referral_id, "mirror_referral", due=ports.now())
    for action in owed:
        tx.outbox.owe(referral_id, action, due=ports.now(), why=verb)
