"""What erases a table follows from its keys, from what is said to be held, and from the jobs."""

from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, MetaData, Table, false
from sqlalchemy.orm import DeclarativeBase, Mapped

from backoffice.accounts.models import Account
from backoffice.privacy.erased_by import Ending, ErasedBy
from backoffice.privacy.holdings import PersonalData, Subject
from backoffice.schools.models import District, School, Student
from backoffice.storage import columns
from backoffice.storage.base import plugin_base
from backoffice.storage.columns import Keep

STUDENT, SCHOOL, ACCOUNT, DISTRICT = Subject.STUDENT, Subject.SCHOOL, Subject.ACCOUNT, Subject.DISTRICT
_STUDENT, _SCHOOL = Student.__table__.c, School.__table__.c
BY_AGE = {"plugin_pets.flea": ["Comb the fleas out"]}


class Holder:
    """A plugin, as far as it says what it holds."""

    def __init__(self, *personal_data: PersonalData) -> None:
        self.personal_data = personal_data


@pytest.fixture(scope="module")
def pets() -> Iterator[type[DeclarativeBase]]:
    base = plugin_base("pets")

    class Pet(base):  # type: ignore[misc, valid-type]
        __tablename__ = "pet"
        __table_args__ = (
            ForeignKeyConstraint(
                ["school_id", "student_id"], [_STUDENT.school_id, _STUDENT.id], ondelete="CASCADE"
            ),
        )
        school_id: Mapped[int] = columns.reference("Its school", keep=Keep.STUDENT)
        student_id: Mapped[int] = columns.reference("Whose pet", keep=Keep.STUDENT)
        id: Mapped[int] = columns.key(keep=Keep.STUDENT)
        vet: Mapped[int | None] = columns.reference(
            "Who cures it", ForeignKey(Account.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
        )

    class Flea(base):  # type: ignore[misc, valid-type]
        __tablename__ = "flea"
        id: Mapped[int] = columns.key(keep=Keep.TWO_DAYS)
        pet_id: Mapped[int | None] = columns.reference(
            "On which pet", ForeignKey(Pet.id, ondelete="CASCADE"), keep=Keep.TWO_DAYS
        )

    class Kennel(base):  # type: ignore[misc, valid-type]
        __tablename__ = "kennel"
        __table_args__ = (CheckConstraint("(school_id is null) <> (district_id is null)", name="one_place"),)
        id: Mapped[int] = columns.key(keep=Keep.SCHOOL)
        school_id: Mapped[int | None] = columns.reference(
            "At which school", ForeignKey(School.id, ondelete="CASCADE"), keep=Keep.SCHOOL
        )
        district_id: Mapped[int | None] = columns.reference(
            "In which district", ForeignKey(District.id, ondelete="CASCADE"), keep=Keep.SCHOOL
        )

    class Stray(base):  # type: ignore[misc, valid-type]
        __tablename__ = "stray"
        id: Mapped[int] = columns.key(keep=Keep.FOR_GOOD)
        chip: Mapped[str] = columns.sealed("Whose it was", keep=Keep.FOR_GOOD)
        school_id: Mapped[int | None] = columns.reference(
            "Where it was found", ForeignKey(School.id, ondelete="CASCADE"), keep=Keep.SCHOOL
        )
        fed_by: Mapped[int | None] = columns.reference(
            "Who feeds it", ForeignKey(Account.id, ondelete="SET NULL"), keep=Keep.ACCOUNT
        )

    yield base  # noqa: PT022 - nobody but this frame keeps the classes from the collector


def table(pets: type[DeclarativeBase], name: str) -> Table:
    return pets.metadata.tables[f"plugin_pets.{name}"]


def metadatas(pets: type[DeclarativeBase]) -> list[MetaData]:
    return [pets.metadata]


def goes_with(found: Ending) -> tuple[set[Subject], set[Subject]]:
    """The subjects with which each row goes, and those with which it goes where it names one."""
    return set(found.always), set(found.sometimes)


def test_a_row_goes_with_all_that_its_keys_lead_to(pets: type[DeclarativeBase]) -> None:
    found = ErasedBy({}, ()).ending(table(pets, "pet"))
    assert (goes_with(found), found.certain) == (({STUDENT, SCHOOL}, set()), True)


def test_a_key_that_may_be_empty_is_sure_of_nothing(pets: type[DeclarativeBase]) -> None:
    found = ErasedBy({}, ()).ending(table(pets, "flea"))
    assert goes_with(found) == (set(), {STUDENT, SCHOOL})
    assert not found.comes
    by_age = ErasedBy(BY_AGE, ()).ending(table(pets, "flea"))
    assert (by_age.by_age, by_age.comes) == (("Comb the fleas out",), True)


def test_one_of_two_that_is_always_there_is_enough(pets: type[DeclarativeBase]) -> None:
    found = ErasedBy({}, ()).ending(table(pets, "kennel"))
    assert (goes_with(found), found.certain) == ((set(), {SCHOOL, DISTRICT}), True)


def test_a_key_that_is_set_to_null_empties_its_column_alone(pets: type[DeclarativeBase]) -> None:
    erased_by, pet = ErasedBy({}, ()), table(pets, "pet")
    assert erased_by.emptied_with(pet.c.vet) == [ACCOUNT]
    assert erased_by.emptied_with(pet.c.student_id) == []


def test_what_nothing_erases_is_named(pets: type[DeclarativeBase]) -> None:
    left = ErasedBy(BY_AGE, ()).without_end(metadatas(pets))
    assert left == ["plugin_pets.stray.chip", "plugin_pets.stray.school_id"]


def test_a_condition_of_a_plugins_own_counts_where_it_deletes(pets: type[DeclarativeBase]) -> None:
    (stray,) = (each.class_ for each in pets.registry.mappers if each.class_.__name__ == "Stray")
    stays = Holder(PersonalData(stray, STUDENT, lambda _target: false(), blank=("chip",)))
    erased_by = ErasedBy({}, [stays])
    assert erased_by.emptied_with(table(pets, "stray").c.chip) == [STUDENT]
    assert STUDENT not in erased_by.ending(table(pets, "stray")).sometimes
    goes = ErasedBy({}, [Holder(PersonalData(stray, STUDENT, lambda _target: false()))])
    assert goes.ending(table(pets, "stray")).sometimes == {STUDENT, SCHOOL}


# What each of the core's is expected to say, one of each sort.
EXPECTED: Mapping[str, tuple[set[Subject], set[Subject]]] = {
    "app.student": ({STUDENT, SCHOOL}, set()),
    "app.point_entry": ({STUDENT, Subject.CLASSROOM, SCHOOL}, set()),
    "app.account_session": ({ACCOUNT}, set()),
    "app.membership": ({ACCOUNT}, {SCHOOL, DISTRICT}),
    "app.job_run": (set(), set()),
}


@pytest.mark.parametrize("called", EXPECTED)
def test_tables_of_the_core(called: str) -> None:
    found = ErasedBy({}, ()).ending(School.metadata.tables[called])
    assert goes_with(found) == EXPECTED[called]
