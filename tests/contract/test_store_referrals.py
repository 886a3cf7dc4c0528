"""Referrals and uploads, on both databases: what was saved is read back, and nobody's save is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from smart_app.case import (
    Agreement,
    Ask,
    Change,
    FoundFile,
    Opinion,
    Party,
    Patient,
    PersonSeen,
    SeriesNote,
    Side,
    StudyNote,
    Upload,
    Urgency,
)
from smart_app.referral import NoSuchReferral, Referral, StaleReferral, Status
from smart_app.store import DocumentUnreadable, Store

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOCTOR = Party("clinician", "Dr Ada Ruiz", "https://ehr.example/Practitioner/1", "north")
EXPERT = Party("expert", "Dr Bo Lind", "https://id.example/users/7", "reading")


def referral(number: int = 1, **changes: object) -> Referral:
    """A referral as the clinician opens it."""
    plain = Referral(
        id=f"00000000-0000-4000-8000-{number:012d}",
        site="north",
        patient=Patient("Patient/1", "Núñez", ("Ana", "María"), "1970-02-03", "female"),
        requester=DOCTOR,
        ask=Ask("Is the mass larger?", Urgency.URGENT, side=Side.LEFT),
        organisation="reading",
        opened_at=AT + timedelta(minutes=number),
    )
    return replace(plain.gather(DOCTOR, AT), **changes)


def opinion(version: int = 1, **changes: object) -> Opinion:
    """A finished opinion of the expert."""
    words = Opinion(version, "Yes.", "12 mm, was 9 mm.", "Growth.", Agreement.NO_DIFFERENCE, EXPERT, AT)
    return replace(words, **changes)


def reading(number: int = 1) -> Referral:
    """A referral whose expert has the images open."""
    study = StudyNote("1.2.3", series=(SeriesNote("1.2.3.4", "CT", 1, instances=(("1.2.3.4.5", "1.2", None),)),))
    sent = referral(number).send(DOCTOR, AT, (study,), (), ({"field": "birth_date", "result": "match"},))
    return sent.accept(EXPERT, AT).begin_reading(EXPERT, AT)


def keep(store: Store, *cases: Referral) -> None:
    """Add them in one transaction."""
    with store.transaction() as tx:
        for case in cases:
            tx.referrals.add(case)


def test_a_referral_is_read_back_as_it_was_added(store: Store) -> None:
    """Every field, nested records and moments included."""
    case = reading()
    keep(store, case)
    with store.reading() as tx:
        assert tx.referrals.get(case.id) == case


def test_a_save_counts_the_version_and_is_read_back(store: Store) -> None:
    case = referral()
    keep(store, case)
    with store.transaction() as tx:
        saved = tx.referrals.save(tx.referrals.get(case.id).withdraw(DOCTOR, AT, "No longer needed"))
    assert saved.version == case.version + 1
    with store.reading() as tx:
        assert tx.referrals.get(case.id) == saved


def test_an_older_copy_cannot_be_saved(store: Store) -> None:
    """Two people read the same version; the second to save is told, and changes nothing."""
    case = referral()
    keep(store, case)
    with store.transaction() as tx:
        first = tx.referrals.save(replace(case, encounter="Encounter/1"))
    with pytest.raises(StaleReferral), store.transaction() as tx:
        tx.referrals.save(replace(case, encounter="Encounter/2"))
    with store.reading() as tx:
        assert tx.referrals.get(case.id) == first


def test_a_referral_that_was_never_added_is_unknown(store: Store) -> None:
    with pytest.raises(NoSuchReferral), store.reading() as tx:
        tx.referrals.get("nobody")
    with pytest.raises(NoSuchReferral), store.transaction() as tx:
        tx.referrals.save(referral())


def test_the_same_referral_is_not_opened_twice(store: Store) -> None:
    keep(store, referral())
    with pytest.raises(StaleReferral):
        keep(store, referral())


def test_an_exception_undoes_the_whole_transaction(store: Store) -> None:
    """The change and what it owes stand or fall together."""
    case = referral()
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:  # noqa: PT012
        tx.referrals.add(case)
        tx.outbox.owe(case.id, "invite_patient")
        tx.audit.write(AT, DOCTOR, "open", case.id, "referral")
        raise ZeroDivisionError
    with store.reading() as tx:
        assert tx.referrals.find() == []
        assert tx.outbox.of_referral(case.id) == []
        assert tx.audit.latest() == []


def test_find_answers_what_fits_every_criterion_newest_first(store: Store) -> None:
    mine = reading(3)
    other_patient = referral(2, patient=Patient("Patient/2", "Berg"))
    other_site = referral(4, site="south")
    other_reader = referral(5, organisation="elsewhere")
    keep(store, referral(1), other_patient, mine, other_site, other_reader)
    with store.reading() as tx:
        assert [r.id for r in tx.referrals.find()] == [referral(n).id for n in (5, 4, 3, 2, 1)]
        assert [r.id for r in tx.referrals.find(site="north", patient="Patient/1", organisation="reading")] == [
            mine.id,
            referral(1).id,
        ]
        assert tx.referrals.find(expert=EXPERT.reference) == [mine]
        assert tx.referrals.find(statuses=(Status.READING, Status.SIGNED)) == [mine]
        assert [r.id for r in tx.referrals.find(limit=2, offset=1)] == [other_site.id, mine.id]


def test_signed_versions_are_kept_beside_the_referral(store: Store) -> None:
    case = reading()
    keep(store, case)
    with store.transaction() as tx:
        signed = tx.referrals.save(tx.referrals.get(case.id).sign(opinion(), AT))
    changed = opinion(2, change=Change.CORRECTED, change_reason="Wrong side", answer="No.")
    with store.transaction() as tx:
        revised = tx.referrals.save(signed.revise(changed, AT))
    with store.reading() as tx:
        assert tx.referrals.get(case.id).opinions == (opinion(), changed)
        assert tx.referrals.find() == [revised]


@pytest.mark.parametrize("words", [(), (opinion(answer="No."),)], ids=["removed", "rewritten"])
def test_signed_words_cannot_be_saved_differently(store: Store, words: tuple[Opinion, ...]) -> None:
    """A referral that comes back without, or with other, signed words is refused whole."""
    case = reading().sign(opinion(), AT)
    keep(store, case)
    with pytest.raises(StaleReferral, match="never change"), store.transaction() as tx:
        tx.referrals.save(replace(case, opinions=words))
    with store.reading() as tx:
        assert tx.referrals.get(case.id) == case


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE opinions SET document = '{}'",
        "DELETE FROM opinions",
        "UPDATE audit SET why = ''",
        "DELETE FROM audit",
        "UPDATE ledger SET state = 'refused'",
        "DELETE FROM ledger",
        "INSERT INTO ledger SELECT * FROM ledger WHERE true ON CONFLICT (key, line) DO UPDATE SET state = 'refused'",
    ],
)
def test_the_database_itself_refuses_to_change_what_only_grows(store: Store, sql: str) -> None:
    """Signed words, audit and ledger: not even a statement of our own can alter them."""
    case = reading().sign(opinion(), AT)
    with store.transaction() as tx:
        tx.referrals.add(case)
        tx.audit.write(AT, EXPERT, "sign", case.id, "version 1")
        tx.ledger.intend(f"{case.id}:1", "row", "00", AT)
    with pytest.raises(DBAPIError, match="only grows"), store.transaction() as tx:
        tx.connection.execute(text(sql))
    with store.reading() as tx:
        assert tx.referrals.get(case.id) == case


@pytest.mark.parametrize("table", ["opinions", "audit", "ledger"])
def test_sqlite_replaces_no_row_of_what_only_grows(tmp_path: Path, table: str) -> None:
    """INSERT OR REPLACE would remove the old row without asking any DELETE trigger."""
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    store.migrate()
    with store.transaction() as tx:
        tx.referrals.add(reading().sign(opinion(), AT))
        tx.audit.write(AT, EXPERT, "sign", referral().id, "version 1")
        tx.ledger.intend("key", "row", "00", AT)
    with pytest.raises(DBAPIError, match="only grows"), store.transaction() as tx:
        tx.connection.execute(text(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"))
    store.close()


def test_signed_words_altered_behind_our_back_are_not_shown(store: Store) -> None:
    """Somebody with the rights of an administrator took the lock away: the hash still tells."""
    case = reading().sign(opinion(), AT)
    keep(store, case)
    with store.transaction() as tx:
        if tx.connection.dialect.name == "sqlite":
            tx.connection.execute(text("DROP TRIGGER opinions_no_update"))
        else:
            tx.connection.execute(text("ALTER TABLE opinions DISABLE TRIGGER ALL"))
        tx.connection.execute(text("UPDATE opinions SET document = replace(document, 'Growth.', 'Stable.')"))
    with pytest.raises(DocumentUnreadable, match="altered"), store.reading() as tx:
        tx.referrals.get(case.id)


def test_an_upload_is_kept_with_a_version_of_its_own(store: Store) -> None:
    keep(store, referral())
    upload = Upload("u1", referral().id)
    with store.transaction() as tx:
        assert tx.uploads.of_referral(referral().id) is None
        tx.uploads.add(upload)
    grown = replace(upload, files=(FoundFile("a\0b.dcm", "image", 12, person=0),), people=(PersonSeen("NUÑEZ^ANA"),))
    with store.transaction() as tx:
        saved = tx.uploads.save(grown)
    with pytest.raises(StaleReferral), store.transaction() as tx:
        tx.uploads.save(grown)
    with store.reading() as tx:
        assert tx.uploads.get("u1") == tx.uploads.of_referral(referral().id) == saved == replace(grown, version=1)
    with pytest.raises(NoSuchReferral), store.reading() as tx:
        tx.uploads.get("u2")


def test_text_that_a_database_cannot_hold_is_still_kept(store: Store) -> None:
    """PostgreSQL refuses NUL and half a surrogate pair; a form or a DICOM header may carry both."""
    case = referral(encounter="Encounter/\0\ud800")
    with store.transaction() as tx:
        tx.referrals.add(case)
        tx.audit.write(AT, DOCTOR, "open", case.id, "a\0b", "c\ud800")
    with store.reading() as tx:
        assert tx.referrals.get(case.id) == case
        assert (tx.audit.latest()[0].what, tx.audit.latest()[0].why) == ("ab", "c?")


def test_the_audit_names_who_and_when_in_order(store: Store) -> None:
    with store.transaction() as tx:
        tx.audit.write(AT, DOCTOR, "open", "r1", "referral")
        tx.audit.write(AT, EXPERT, "accept", "r2", "referral")
        tx.audit.write(AT, EXPERT, "decline", "r1", "referral", "Not my field")
    with store.reading() as tx:
        assert [(line.who, line.verb, line.why) for line in tx.audit.of_referral("r1")] == [
            (DOCTOR, "open", ""),
            (EXPERT, "decline", "Not my field"),
        ]
        assert [line.verb for line in tx.audit.latest(2)] == ["decline", "accept"]


def test_reading_refuses_to_write(store: Store) -> None:
    """A page that only shows can never change anything."""
    with pytest.raises(DBAPIError), store.reading() as tx:
        tx.referrals.add(referral())


def test_a_transaction_inside_a_transaction_is_refused_at_once(store: Store) -> None:
    """It would wait for itself until the database gives up."""
    with store.transaction(), pytest.raises(RuntimeError, match="inside"), store.transaction():
        pass
    with store.transaction() as tx:
        tx.referrals.add(referral())


def count_up(store: Store, times: int) -> None:
    """Read, add one, save; read again whenever somebody else was first."""
    for _ in range(times):
        while True:
            try:
                with store.transaction() as tx:
                    case = tx.referrals.get(referral().id)
                    tx.referrals.save(replace(case, encounter=str(int(case.encounter) + 1)))
                break
            except StaleReferral:
                continue


def test_increments_from_four_threads_are_all_kept(store: Store) -> None:
    """1,200 read-then-save acts make 1,200: no update is lost in silence."""
    keep(store, referral(encounter="0"))
    threads = [threading.Thread(target=count_up, args=(store, 300)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as tx:
        case = tx.referrals.get(referral().id)
    assert (case.encounter, case.version) == ("1200", 1200)


COUNTING = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("counting", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.count_up(module.Store(sys.argv[2]), 600)
"""


def test_increments_from_two_processes_are_all_kept(store: Store, database_url: str) -> None:
    """1,200 acts of two processes make 1,200."""
    keep(store, referral(encounter="0"))
    command = [sys.executable, "-c", COUNTING, __file__, database_url]
    root = Path(__file__).resolve().parents[2]
    processes = [subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(p.communicate(timeout=90)[1], p.returncode) for p in processes] == [("", 0), ("", 0)]
    with store.reading() as tx:
        assert tx.referrals.get(referral().id).encounter == "1200"


def test_two_processes_that_migrate_at_once_leave_one_whole_database(
    open_store: Callable[..., Store], database_url: str
) -> None:
    """Web and worker start together: one migrates, the other waits and finds it done."""
    threads = [threading.Thread(target=open_store().migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keep(open_store(), referral())
