"""Whose pictures they are: each patient with a name of ours and a shift of their own, the same at any later time.

Rule: people are kept apart unless somebody says that all are one; a study is never split between two.
"""

from __future__ import annotations

from imaging.deidentify.keys import Keys
from imaging.deidentify.rewrite import Patient
from imaging.deidentify.words import plain
from imaging.names import CONFLICT, compare_names, dicom_name
from imaging.study import Header, Person


class Patients:
    """The patients of one folder. `earlier` is what former runs knew: new study UID to pseudonym and who."""

    def __init__(self, keys: Keys, earlier: dict[str, tuple[str, str]], *, same_person: bool) -> None:
        self._keys = keys
        self._same = same_person
        self._studies = dict(earlier)
        self._people: dict[str, Person] = {}  # by pseudonym, as first met in this run
        self._whos: dict[Person, str] = {}
        self._met: dict[tuple[Person, str], Patient | None] = {}

    def patient(self, header: Header) -> Patient | None:
        """Whose this picture is; None where its study is another person's."""
        study = header.instance.study_instance_uid
        key = (header.person, study)
        if key not in self._met:
            self._met[key] = self._find(header.person, study)
        return self._met[key]

    def who(self, person: Person) -> str:
        """What is kept of a person from run to run: tokens of number and birth date."""
        if person not in self._whos:
            parts = (plain(person.id).strip(), person.birth_date)
            self._whos[person] = ".".join(self._keys.token(f"who|{part}") if part else "" for part in parts)
        return self._whos[person]

    def namesakes(self) -> int:
        """Pairs of patients with one name and one birth date: perhaps one person with two numbers."""
        seen = [(plain(p.name), p.birth_date) for p in self._people.values() if p.name and p.birth_date]
        return len(seen) - len(set(seen))

    def _find(self, person: Person, study: str) -> Patient | None:
        own = self._keys.pseudonym(self._told_apart(person, study))
        new = self._keys.uid(study)
        pseudonym, who = self._studies.setdefault(new, (own, self.who(person)))
        if pseudonym != own:
            first = self._people.get(pseudonym)
            if _contradict(who, self.who(person)) or (first is not None and _others(first, person)):
                return None
        self._people.setdefault(pseudonym, person)
        return Patient(pseudonym, self._keys.shift(pseudonym))

    def _told_apart(self, person: Person, study: str) -> str:
        """The text by which this person differs from others."""
        if self._same:
            return "all"
        number = plain(person.id).strip()
        if number:
            return f"number|{number}|{person.birth_date}"
        return f"name|{plain(person.name)}|{person.birth_date}" if person.name else f"study|{study}"


def _contradict(one: str, other: str) -> bool:
    return any(a and b and a != b for a, b in zip(one.split("."), other.split("."), strict=False))


def _others(one: Person, other: Person) -> bool:
    """Two people, by their names, where number and birth date do not say."""
    if not one.name or not other.name or (one.birth_date and one.birth_date == other.birth_date):
        return False
    return compare_names(dicom_name(one.name), dicom_name(other.name)) == CONFLICT
