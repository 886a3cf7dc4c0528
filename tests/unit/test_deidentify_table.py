"""The table of PS3.15 Annex E: every attribute has one action in every profile, and every action does what it says."""

from __future__ import annotations

import struct

import pytest
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from imaging.deidentify import PROFILES, Keys, profile_named
from imaging.deidentify.elements import Coding, Odd, elements, items, written, written_items
from imaging.deidentify.known import Known
from imaging.deidentify.profiles import BASIC_CODE, Option
from imaging.deidentify.rewrite import Cleaner, Patient, Place, aged
from imaging.deidentify.table import WHEN_OPEN, Action, action_for, rows, safe_private, vrs
from imaging.errors import UnknownProfile

KEYS = Keys(bytes(range(32)))
WHO = Patient("SO-TEST", -100)
R = Action


def acted(keyword: str, profile: str = "basic") -> Action:
    """What a profile does to an attribute."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    return action_for(tag, vrs()[tag], PROFILES[profile])


@pytest.mark.parametrize(
    ("keyword", "basic", "dates", "research"),
    [
        ("PatientName", R.PSEUDONYM, R.PSEUDONYM, R.PSEUDONYM),
        ("PatientID", R.PSEUDONYM, R.PSEUDONYM, R.PSEUDONYM),
        ("PatientBirthDate", R.EMPTY, R.EMPTY, R.EMPTY),
        ("PatientSex", R.EMPTY, R.EMPTY, R.KEEP),
        ("PatientAge", R.REMOVE, R.REMOVE, R.AGE),
        ("PatientWeight", R.REMOVE, R.REMOVE, R.KEEP),
        ("AccessionNumber", R.EMPTY, R.EMPTY, R.EMPTY),
        ("StudyDate", R.EMPTY, R.DATE, R.DATE),
        ("StudyTime", R.EMPTY, R.DATE, R.DATE),
        ("AcquisitionDateTime", R.DUMMY, R.DATE, R.DATE),
        ("InstanceCreationDate", R.DUMMY, R.DATE, R.DATE),
        ("DateOfLastCalibration", R.REMOVE, R.DATE, R.DATE),
        ("PatientBirthTime", R.REMOVE, R.REMOVE, R.REMOVE),
        ("TimezoneOffsetFromUTC", R.REMOVE, R.DATE, R.DATE),
        ("StudyDescription", R.REMOVE, R.REMOVE, R.CLEAN),
        ("ProtocolName", R.DUMMY, R.DUMMY, R.CLEAN),
        ("PatientComments", R.REMOVE, R.REMOVE, R.REMOVE),
        ("ImageComments", R.REMOVE, R.REMOVE, R.REMOVE),
        ("InstitutionName", R.DUMMY, R.DUMMY, R.DUMMY),
        ("ReferringPhysicianName", R.EMPTY, R.EMPTY, R.EMPTY),
        ("OperatorsName", R.DUMMY, R.DUMMY, R.DUMMY),
        ("DeviceSerialNumber", R.DUMMY, R.DUMMY, R.KEEP),
        ("StationName", R.DUMMY, R.DUMMY, R.KEEP),
        ("DeviceUID", R.UID, R.UID, R.KEEP),
        ("StudyInstanceUID", R.UID, R.UID, R.UID),
        ("SOPClassUID", R.KEEP, R.KEEP, R.KEEP),
        ("ReferencedSOPClassUID", R.KEEP, R.KEEP, R.KEEP),
        ("CodingSchemeUID", R.KEEP, R.KEEP, R.KEEP),
        ("ReferencedImageSequence", R.TREE, R.TREE, R.TREE),
        ("SourceImageSequence", R.TREE, R.TREE, R.TREE),
        ("RequestAttributesSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("OtherPatientIDsSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("ContentSequence", R.TREE, R.TREE, R.TREE),
        ("GraphicAnnotationSequence", R.TREE, R.TREE, R.TREE),
        ("TextValue", R.DUMMY, R.DUMMY, R.DUMMY),
        ("UnformattedTextValue", R.DUMMY, R.DUMMY, R.CLEAN),
        ("ContentLabel", R.DUMMY, R.DUMMY, R.CLEAN),
        ("ContentDescription", R.EMPTY, R.EMPTY, R.CLEAN),
        ("DocumentTitle", R.EMPTY, R.EMPTY, R.CLEAN),
        ("PersonName", R.DUMMY, R.DUMMY, R.DUMMY),
        ("PersonIdentificationCodeSequence", R.DUMMY, R.DUMMY, R.DUMMY),
        ("OperatorIdentificationSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("OriginalAttributesSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("EncryptedAttributesSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("DigitalSignaturesSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("IconImageSequence", R.REMOVE, R.REMOVE, R.REMOVE),
        ("DataSetTrailingPadding", R.REMOVE, R.REMOVE, R.REMOVE),
        ("RetrieveURL", R.REMOVE, R.REMOVE, R.REMOVE),
        ("PlacerOrderNumberProcedure", R.REMOVE, R.REMOVE, R.REMOVE),
        ("BoardingPassID", R.REMOVE, R.REMOVE, R.REMOVE),
        ("Rows", R.KEEP, R.KEEP, R.KEEP),
        ("Manufacturer", R.KEEP, R.KEEP, R.KEEP),
        ("CodeMeaning", R.MEANING, R.MEANING, R.MEANING),
    ],
)
def test_an_attribute_has_the_action_of_its_profile(
    keyword: str, basic: Action, dates: Action, research: Action
) -> None:
    """The three profiles, attribute by attribute."""
    assert (acted(keyword), acted(keyword, "basic-dates"), acted(keyword, "research")) == (basic, dates, research)


def test_the_table_is_whole() -> None:
    """As many attributes as the edition has (2026c), each with a code that is known, none twice or misnamed."""
    table = rows()
    assert len(table) == 652
    assert {row["basic"] for row in table.values()} <= set(WHEN_OPEN)
    assert not set(table) & set(rows("own.csv"))
    for tag, row in {**table, **rows("own.csv")}.items():
        assert keyword_for_tag(tag) in ("", row["keyword"]), row
        options = [row[option.column] for option in Option if option.column]
        assert set(options) <= {"", "K", "C"}


def test_no_attribute_with_a_person_in_it_is_ever_kept() -> None:
    """Whatever the profile, names of people, addresses of machines and links go."""
    for profile in PROFILES.values():
        for tag, vr in vrs().items():
            if vr in ("PN", "AE", "UR"):
                assert action_for(tag, vr, profile) not in (R.KEEP, R.CLEAN), f"{tag:08X}"


def test_a_date_is_kept_true_in_no_profile() -> None:
    """One true date beside a moved one would tell how far all were moved."""
    for profile in PROFILES.values():
        for tag, vr in vrs().items():
            if vr in ("DA", "DT"):
                assert action_for(tag, vr, profile) is not R.KEEP, f"{tag:08X}"


@pytest.mark.parametrize(
    ("tag", "vr"), [(0x00110012, "LO"), (0x50000010, "US"), (0x60003000, "OW"), (0x501E2500, "LO")]
)
def test_private_curves_and_overlays_go(tag: int, vr: str) -> None:
    """Odd groups, 50xx and 60xx, every one of them."""
    assert action_for(tag, vr, PROFILES["research"]) in (R.REMOVE, R.PRIVATE)


@pytest.mark.parametrize("tag", [0x00100000, 0x00080000, 0x00000002, 0x00089999, 0x40101014])
def test_what_no_dictionary_describes_goes(tag: int) -> None:
    """Group lengths, commands, numbers that nobody has defined."""
    assert action_for(tag, "LO", PROFILES["research"]) is R.REMOVE


def test_the_codes_name_the_basic_profile_and_each_option() -> None:
    """CID 7050, as pydicom prints it."""
    from pydicom.sr.codedict import codes

    printed = [getattr(codes.cid7050, name) for name in dir(codes.cid7050)]
    known = {code.value: code.meaning for code in printed if hasattr(code, "meaning")}
    chosen = profile_named("research", safe_private=True).codes
    assert chosen[0] == BASIC_CODE
    assert {code for code, _ in chosen} == {
        "113100", "113103", "113104", "113105", "113107", "113108", "113109", "113111",
    }  # fmt: skip
    assert all(known[code] == meaning for code, meaning in chosen)


def test_an_unknown_profile_names_those_there_are() -> None:
    """The message helps."""
    with pytest.raises(UnknownProfile, match="basic, basic-dates, research"):
        profile_named("thorough")


def one(tag: int, vr: bytes, value: bytes, profile: str = "research", *, explicit: bool = True, **known: str) -> bytes:
    """The value that is left of one element; b"-" where none is."""
    cleaner = Cleaner(profile_named(profile, safe_private=True), KEYS, Known())
    for keyword, text in known.items():
        cleaner.known.learn(tag_for_keyword(keyword) or 0, vrs()[tag_for_keyword(keyword) or 0], text, WHO.pseudonym)
    data = written(tag, vr, value, explicit)
    coding = Coding(explicit, len(data))
    found = next(elements(data, 0, len(data), coding))
    out = cleaner.element(data, found, coding, Place(WHO))
    return out[len(out) - (len(out) - (found.value - found.start)) :] if out else b"-"


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize(
    ("tag", "vr", "value", "left"),
    [
        (0x00100010, b"PN", b"Doe^John", b"SO-TEST "),
        (0x00100030, b"DA", b"19610704", b""),
        (0x00101010, b"AS", b"093Y", b"090Y"),
        (0x00101010, b"AS", b"062Y", b"062Y"),
        (0x00080080, b"LO", b"St. Elsewhere", b"REMOVED "),
        (0x00080020, b"DA", b"20240311", b"20231202"),
        (0x0008002A, b"DT", b"20240311101503.12+0100", b"20231202101503.12+0100"),
        (0x00080030, b"TM", b"101503.12", b"101503.12 "),
        (0x00081030, b"LO", b"CT Chest Dr Miller", b"CT Chest Dr "),
        (0x00081030, b"LO", b"Dr Miller", b"-"),
        (0x00181030, b"LO", b"for Miller", b"REMOVED "),
        (0x00280010, b"US", b"\x10\x00", b"\x10\x00"),
        (0x00101081, b"LO", b"Navy", b"-"),
        (0x0020000D, b"UI", b"1.2.840.10008.1.4.1.1", b"1.2.840.10008.1.4.1.1\0"),
        (0x0008010C, b"UI", b"1.2.3.4 by Zebedee", b""),
        (0x00080201, b"SH", b"+0100", b"+0100 "),
        (0x00080201, b"SH", b"Zebedee's", b"-"),
    ],
)
def test_a_value_becomes_what_its_action_says(tag: int, vr: bytes, value: bytes, left: bytes, explicit: bool) -> None:
    """Each action on bytes, in both ways of writing."""
    assert one(tag, vr, value, explicit=explicit) == left


def test_dummies_fit_their_representation() -> None:
    """D: a value of the kind, that says nothing."""
    assert one(0x00080012, b"DA", b"20240311", "basic") == b"19000101"
    assert one(0x00080013, b"TM", b"101010", "basic") == b"000000"
    assert one(0x0008002A, b"DT", b"20240311101010", "basic") == b"19000101000000"
    assert one(0x00181000, b"LO", b"SN-00991", "basic") == b"REMOVED "


def test_uids_are_replaced_one_for_one_and_registered_ones_stay() -> None:
    """U: consistent, also among several values; kinds are not instances."""
    new = KEYS.uid("1.2.3.4").encode()
    assert one(0x00083010, b"UI", b"1.2.3.4\\1.2.840.10008.1.2") in (
        new + b"\\1.2.840.10008.1.2",
        new + b"\\1.2.840.10008.1.2\0",
    )
    assert one(0x00081150, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0") == b"1.2.840.10008.5.1.4.1.1.2\0"


def test_a_kept_text_that_tells_the_name_is_replaced() -> None:
    """K is no reason to publish: a model called as the patient, a body part that is also a surname."""
    assert one(0x00081090, b"LO", b"Zebedee 64", PatientName="Plant^Zebedee") == b"REMOVED "
    assert one(0x00180015, b"CS", b"HEAD", PatientName="Head^Anna") == b"HEAD"
    assert one(0x00181250, b"SH", b"MRN-7788", PatientID="MRN-7788") == b"REMOVED "


def test_meanings_of_public_codes_stay_and_others_are_cleaned() -> None:
    """The neighbour decides: LOINC prints its meanings, a hospital types them."""
    assert meaning(b"LN", b"CT Chest and Abdomen W contrast IV") == (b"LN", b"CT Chest and Abdomen W contrast IV")
    assert meaning(b"99HOSP", b"Chest for Dr Miller") == (b"99LOCAL", b"Chest for Dr")
    assert meaning(b"99HOSP", b"Dr Miller") == (b"99LOCAL", b"REMOVED")


def meaning(scheme: bytes, text: bytes) -> tuple[bytes, bytes]:
    """Scheme and meaning of a code, cleaned inside a sequence that stays."""
    item = written(0x00080102, b"SH", scheme, explicit=True) + written(0x00080104, b"LO", text, explicit=True)
    data = written(0x00081032, b"SQ", written_items([item]), explicit=True)
    coding = Coding(explicit=True, size=len(data))
    cleaner = Cleaner(PROFILES["research"], KEYS, Known())
    out = cleaner.element(data, next(elements(data, 0, len(data), coding)), coding, Place(WHO))
    again = next(elements(out, 0, len(out), coding))
    start, end = next(items(out, again, coding))
    values = [out[e.value : e.end].strip() for e in elements(out, start, end, coding)]
    return values[0], values[1]


def test_safe_private_elements_stay_only_if_listed_and_asked_for() -> None:
    """The creator decides what a private element is; a creator of which nothing stays goes, too."""
    creator = written(0x20010010, b"LO", b"Philips Imaging DD 001", explicit=True)
    listed = written(0x20011003, b"FL", struct.pack("<f", 1000), explicit=True)
    unlisted = written(0x200110FE, b"LO", b"Zebedee", explicit=True)
    other = written(0x20030010, b"LO", b"SOMEBODY", explicit=True) + written(
        0x20031003, b"FL", b"\0" * 4, explicit=True
    )
    data = creator + listed + unlisted + other
    coding = Coding(explicit=True, size=len(data))
    kept = Cleaner(profile_named("research", safe_private=True), KEYS, Known())
    assert kept.item(data, 0, len(data), coding, Place(WHO)) == creator + listed
    assert Cleaner(PROFILES["research"], KEYS, Known()).item(data, 0, len(data), coding, Place(WHO)) == b""
    assert all(group & 1 for _, group, _ in safe_private())


def test_ages_above_89_are_joined() -> None:
    """An AS that is none is emptied."""
    assert [aged(v) for v in (b"089Y", b"090Y", b"107Y", b"011M", b"old ", b"")] == [
        b"089Y", b"090Y", b"090Y", b"011M", b"", b"",
    ]  # fmt: skip


def test_an_item_whose_end_is_missing_is_refused() -> None:
    """Its delimiter lies outside of the sequence, or nowhere."""
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + written(0x00081150, b"UI", b"1.2", explicit=True)
    data = written(0x00081140, b"SQ", item, explicit=True)
    coding = Coding(explicit=True, size=len(data))
    with pytest.raises(Odd):
        Cleaner(PROFILES["basic"], KEYS, Known()).item(data, 0, len(data), coding, Place(WHO))


def test_sequences_nested_without_end_are_refused() -> None:
    """A bound on depth; no recursion error."""
    data = b""
    for _ in range(60):
        data = written(0x00081140, b"SQ", written_items([data]), explicit=True)
    coding = Coding(explicit=True, size=len(data))
    with pytest.raises(Odd):
        Cleaner(PROFILES["basic"], KEYS, Known()).item(data, 0, len(data), coding, Place(WHO))
