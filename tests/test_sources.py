"""The declaration of the extracts is whole: keys, references, orders and sources all lead somewhere."""

import pytest

from ldeval.data.sources import EXTRACTS, PERSON_SOURCES, SOURCES, dictionary
from ldeval.study import read_study

EVERY = pytest.mark.parametrize("extract", EXTRACTS.values(), ids=lambda extract: extract.name)
HEALTH = {"ae", "mhsds", "iapt", "ndtms"}
IDENTIFIERS = {"forename", "surname", "birth_date", "postcode", "nhs_number", "pnc_id"}


@EVERY
def test_names_are_unique_and_the_key_is_never_missing(extract):
    assert len(set(extract.names)) == len(extract.names)
    assert extract.column(extract.key).missing is None


@EVERY
def test_references_lead_to_keys_of_the_same_type(extract):
    for reference in extract.references:
        target = EXTRACTS[reference.to]
        assert target.column(target.key).type == extract.column(reference.column).type


@EVERY
def test_orders_compare_dates_that_can_be_reached(extract):
    for name in (name for order in extract.orders for name in (order.earlier, order.later)):
        other, _, column = name.rpartition(".")
        if other:
            assert [reference.to for reference in extract.references].count(other) == 1
        assert EXTRACTS[other or extract.name].column(column).type == "date"


@EVERY
def test_every_event_extract_is_dated(extract):
    about_people = extract.name in {"areas", *(source.persons for source in PERSON_SOURCES)} - {"deaths"}
    assert bool(extract.dated_by) != about_people
    assert (extract.begins is None) == (not extract.dated_by)


def test_no_key_of_a_person_is_shared_between_sources():
    names = [source.person_id for source in PERSON_SOURCES]
    assert len(set(names)) == len(names)
    for source in PERSON_SOURCES:
        users = {e.source.name for e in EXTRACTS.values() if source.person_id in e.names}
        assert users == {source.name}


def test_identifiers_stand_in_persons_extracts_alone():
    persons = {source.persons for source in PERSON_SOURCES}
    for extract in EXTRACTS.values():
        marked = {column.name for column in extract.columns if column.identifiable}
        assert marked <= IDENTIFIERS
        assert bool(marked) == (extract.name in persons)


def test_health_records_cover_users_only_and_justice_records_both_arms():
    assert {name for name, source in SOURCES.items() if source.arms == "users"} == HEALTH | {"ld"}
    assert {name for name, source in SOURCES.items() if source.arms == "both"} == {"pnc", "court", "deaths"}


def test_an_unknown_column_names_those_there_are():
    with pytest.raises(KeyError, match="areas has no column 'x'; it has area_id"):
        EXTRACTS["areas"].column("x")


def test_the_dictionary_has_a_full_row_for_every_column():
    rows = dictionary()
    assert [(row.extract, row.column) for row in rows] == [(e.name, n) for e in EXTRACTS.values() for n in e.names]
    assert all(row.meaning and row.coverage and row.lag and row.missing and row.source for row in rows)
    found = {(row.extract, row.column): row for row in rows}
    assert found["pnc_offences", "event_id"].constraint == "a key of pnc_events"
    assert found["mhsds_contacts", "contact_date"].constraint == (
        "not after mhsds_referrals.discharge_date; not before mhsds_referrals.referral_date; "
        "from 2015-07-01 to the day of the extract"
    )


def test_the_study_says_when_the_extracts_end(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(
        '[study]\ntitle = "t"\nreferral_window = ["2017-01-01", "2017-09-30"]\nfollow_up_days = 365\n'
        'conviction_wait_days = 182\n[data]\nextract_end = "2019-06-30"\n'
    )
    assert str(read_study(study).data.extract_end) == "2019-06-30"
