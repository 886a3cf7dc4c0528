"""One de-identification: every file gets a verdict, every cleaned one is searched, then all are released.

Rule: nothing is visible before everything was searched for everything that is known; the counts add up to the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from imaging.deidentify.elements import Odd
from imaging.deidentify.gate import MAY_BE_RELEASED, reason_against
from imaging.deidentify.instance import Rewriter, Rewritten
from imaging.deidentify.keys import Keys
from imaging.deidentify.known import Known
from imaging.deidentify.ledger import Entry, Ledger
from imaging.deidentify.odd import clean_oddly
from imaging.deidentify.outcome import Became, Outcome, Quarantined, Released
from imaging.deidentify.output import Output, same_bytes
from imaging.deidentify.patients import Patients
from imaging.deidentify.probes import UNREADABLE, digest_of, form_of, holds_something, searched
from imaging.deidentify.profiles import Option, Profile
from imaging.deidentify.rewrite import Cleaner, Patient
from imaging.deidentify.scan import Scanner
from imaging.errors import NotDicom, OutputUnusable
from imaging.study import Header
from imaging.verdict import LIMITS, Found, Limits, Verdict, judge
from imaging.walking import walk
from imaging.zips import DAMAGED

HEADS = frozenset(("HEAD", "BRAIN", "SKULL", "FACE", "HEADNECK", "HEAD AND NECK", "ORBIT", "NECK", "WHOLEBODY"))
SEARCHED = {UNREADABLE: "cannot-be-rewritten"}
LEFT_BEHIND = frozenset({"quarantined", "unreadable", "locked", "too-large", "report"})


def deidentify(
    paths: Iterable[Path],
    out: Path,
    *,
    keys: Keys,
    profile: Profile,
    ledger: Path,
    same_person: bool = False,
    looked_at: frozenset[str] = frozenset(),
    limits: Limits = LIMITS,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Clean everything below `paths` into the folder `out`, and answer what became of each file.

    `ledger` is a file of this folder's own, outside of it, that lets a broken run go on and a later one fit.
    `looked_at` are new SOP Instance UIDs of pictures in which a person found no name. `progress` hears the number of
    each file. Raises OutputUnusable, UnsafeMedia.
    """
    sources = list(paths)
    refuse_overlap(sources, out)
    options = ",".join(sorted(option.name for option in profile.options))
    empty = not out.is_dir() or not any(out.iterdir())
    book = Ledger(ledger, keys.token(f"{profile.name}|{options}|{same_person}"), empty=empty)
    try:
        patients = Patients(keys, book.patients, same_person=same_person)
        run = _Run(Output(out), book, keys, Outcome(profile), patients, looked_at)
        for number, found in enumerate(walk(sources, limits, run.look), 1):
            run.take(number, found)
            progress(number)
        run.release()
        return run.outcome
    finally:
        book.close()


def refuse_overlap(sources: list[Path], out: Path) -> None:
    """Raises OutputUnusable where input and output lie in one another: a second run would read what the first wrote."""
    target = out.resolve()
    for source in sources:
        given = source.resolve()
        if target == given or (given.is_dir() and given in target.parents) or target in given.parents:
            raise OutputUnusable(f"{out}: the folder for the output must not lie in the input, nor around it.")


class _Run:
    def __init__(
        self,
        output: Output,
        book: Ledger,
        keys: Keys,
        outcome: Outcome,
        patients: Patients,
        looked_at: frozenset[str],
    ) -> None:
        self.outcome = outcome
        self._output, self._book, self._keys, self._patients = output, book, keys, patients
        self._looked_at = looked_at
        self._known = Known()
        self._rewriter = Rewriter(Cleaner(outcome.profile, keys, self._known))
        self._ready: dict[str, tuple[int, str, Became]] = {}  # by token, what waits: file, modality, verdict
        self._left: set[int] = set()  # numbers of files that do not come out
        self._number = 1  # of the file that is looked at
        self._became: Became | Verdict = Verdict.UNREADABLE
        output.keep_aside({entry.place for entry in book.entries.values()})

    def look(self, name: str, stream: BinaryIO, size: int) -> tuple[Verdict, Header | None, str]:
        """Judge a file as ever; a picture is cleaned while it stands open, since a ZIP is unpacked only once."""
        if (again := self._rewriter.again(stream, size)) is not None:
            done, known_header, patient = again
            self._became = self._judged(known_header, patient, done, size)
            return Verdict.IMAGE, known_header, ""
        stream.seek(0)
        verdict, header, why = judge(name, stream, size)
        if verdict is Verdict.IMAGE and header is not None:
            try:
                self._became = self._clean(header, stream, size)
            except (NotDicom, *DAMAGED):
                self._became = Verdict.UNREADABLE
        return verdict, header, why

    def take(self, number: int, found: Found) -> None:
        """One file more, with its verdict."""
        became = self._became if found.verdict is Verdict.IMAGE else found.verdict
        self.outcome.counts[became.value] += 1
        self.outcome.names[number] = found.name
        if became.value in LEFT_BEHIND:
            self._left.add(number)
        self._number = number + 1

    def _clean(self, header: Header, stream: BinaryIO, size: int) -> Verdict | Became:
        patient = self._patients.patient(header)
        if patient is None:
            return self._aside(self._number, header, "mixed-study")
        done = self._rewritten(header, stream, size, patient)
        if done is None:
            return self._aside(self._number, header, "cannot-be-rewritten")
        try:
            return self._judged(header, patient, done, size)
        finally:
            done.close()

    def _judged(self, header: Header, patient: Patient, done: Rewritten, size: int) -> Verdict | Became:
        reason = reason_against(header, done.content)
        if reason in MAY_BE_RELEASED and self._keys.uid(header.instance.sop_instance_uid) in self._looked_at:
            reason = ""
            self.outcome.notes["looked-at"] += 1
        if not reason and holds_something(done.source, *done.spare):
            reason = "more-than-the-picture"
        if reason:
            return self._aside(self._number, header, reason)
        return self._put_by(header, patient, done, size)

    def _rewritten(self, header: Header, stream: BinaryIO, size: int, patient: Patient) -> Rewritten | None:
        try:
            return self._rewriter.rewrite(stream, size, header, patient)
        except Odd:
            self.outcome.notes["odd"] += 1
        try:
            meta = self._rewriter.meta(header, header.instance.transfer_syntax_uid)
            done = clean_oddly(stream, self._rewriter.cleaner, patient)
        except Odd:
            return None
        done.meta = meta
        return done

    def _put_by(self, header: Header, patient: Patient, done: Rewritten, size: int) -> Verdict | Became:
        """Write it aside, where it waits for release."""
        where, uid = header.instance, self._keys.uid
        token = self._keys.token(f"sop|{where.sop_instance_uid}")
        if token in self._ready:
            return self._again(header, token, done)
        digest = digest_of(done)
        earlier = self._book.entries.get(token)
        if earlier is not None and self._present(earlier):
            if (earlier.digest, earlier.size) != (digest, size):
                return self._aside(self._number, header, "same-number-other-content")
            became = Became.ALREADY
        else:
            study, series = uid(where.study_instance_uid), uid(where.series_instance_uid)
            place = f"{patient.pseudonym}/{study}/{series}/{uid(where.sop_instance_uid)}"
            form = form_of(done)
            head, who = len(done.meta) + len(done.body), self._patients.who(header.person)
            written = self._output.write(place, done)
            self._book.add(Entry(token, digest, size, patient.pseudonym, place, written, head, study, who, form))
            became = Became.DONE
        self._note(header, done)
        self._ready[token] = self._number, header.modality, became
        return became

    def _note(self, header: Header, done: Rewritten) -> None:
        """What the sender should hear of a picture that is released."""
        notes = self.outcome.notes
        notes["cleaned-before"] += done.content.cleaned_before
        notes["shifted-before"] += done.content.shifted_before
        notes["nameless"] += not (header.person.name or header.person.id)
        notes["heads"] += header.modality in ("CT", "MR", "PT") and header.body_part.upper() in HEADS

    def _present(self, entry: Entry) -> bool:
        """Is what an earlier run made still there, whole?"""
        path = self._where(entry)
        return path is not None and os.stat(path).st_size == entry.written  # noqa: PTH116

    def _where(self, entry: Entry) -> str | None:
        """The file of an instance: in the folder, or aside."""
        for path in (self._output.final(entry.place), self._output.staged(entry.place)):
            if os.path.isfile(path):  # noqa: PTH113  (a path object for each costs too much)
                return path
        return None

    def _again(self, header: Header, token: str, done: Rewritten) -> Verdict | Became:
        """A second file of one instance: the same to the byte, or another's number."""
        entry = self._book.entries[token]
        again = f"{entry.place}.again"
        self._output.write(again, done)
        same = same_bytes(self._where(entry) or "", self._output.staged(again))
        Path(self._output.staged(again)).unlink()
        return Became.DUPLICATE if same else self._aside(self._number, header, "same-number-other-content")

    def _aside(self, number: int, header: Header, reason: str) -> Became:
        where, uid = header.instance, self._keys.uid
        study, sop = uid(where.study_instance_uid), uid(where.sop_instance_uid)
        self.outcome.quarantined.append(Quarantined(number, reason, header.modality, study, sop))
        return Became.ASIDE

    def release(self) -> None:
        """Search everything that waits, and make visible what is clean."""
        scanner = Scanner(self._known, dates_move=self.outcome.profile.has(Option.DATES))
        self.outcome.notes["namesakes"] += self._patients.namesakes()
        clean = set()
        for token, (number, modality, became) in self._ready.items():
            entry = self._book.entries[token]
            _, study, series, sop = entry.place.split("/")
            path = self._where(entry) or ""
            leaks = searched(path, entry, scanner)
            if leaks:
                Path(path).unlink()
                reason = SEARCHED.get(leaks[0].kind, "residual-identifier")
                self.outcome.quarantined.append(Quarantined(number, reason, modality, study, sop, tuple(leaks)))
                self._left.add(number)
                self.outcome.counts[became.value] -= 1
                self.outcome.counts[Became.ASIDE.value] += 1
                continue
            clean.add(entry.place)
            self.outcome.released.append(Released(entry.pseudonym, study, series, sop, modality))
        self.outcome.names = {number: self.outcome.names[number] for number in sorted(self._left)}
        self._output.keep_aside(clean)  # what a broken run left and nobody searched now does not come out
        self._output.release()
        self._output.close()
