"""What an import makes, and what a second one changes, keeps and ends."""

import pytest
from sqlalchemy import delete, func, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import signing_in
from backoffice.audit.models import AuditEntry
from backoffice.entitlements import Entitlement
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools import names
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    District,
    Door,
    Enrollment,
    Membership,
    Role,
    School,
    Student,
    TeachingRole,
)
from backoffice.schools.services.rosters import add_students
from backoffice.settings import Sessions
from backoffice.storage import keyring
from backoffice.throttles.visitor import Visitor
from plugins.rosters.importing.outcome import Outcome
from plugins.rosters.importing.places import NoSuchPlace, Target
from plugins.rosters.models import AccountSource, ClassroomSource, ImportState, RosterImport, StudentSource
from tests.factories.plans import plan
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World, come_in, names_behind
from tests.plugins.rosters.memory import (
    Memory,
    children,
    empty_school,
    errors,
    good,
    run,
    small,
    teachers,
    versions,
    warnings,
)

pytestmark = pytest.mark.usefixtures("nobody_is_known")


@pytest.fixture
def district(world: World) -> District:
    from tests.factories.world import _place, _row

    with transaction(SYSTEM) as tx:
        number, _ = _row(
            tx,
            District,
            name="Roster District",
            **{**_place(), "time_zone": "Europe/Berlin", "language": "de"},
        )
        return tx.execute(select(District).where(District.id == number)).scalar_one()


@pytest.fixture
def school(world: World) -> School:
    return empty_school()


def scalars(statement: object) -> list[object]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(statement))  # type: ignore[call-overload]


def test_a_class_comes_in_with_its_children_and_teacher(school: School) -> None:
    outcome = good(run(small(), school.public_id))
    assert outcome.done
    assert outcome.counts == {
        "classes new": 1, "enrollments new": 2, "students new": 3, "teachers": 1, "teachers new": 1,
        "teaching roles new or changed": 1, "teachers to invite": 1,
    }  # fmt: skip
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}


def test_a_child_signs_in_with_the_codes_name_and_picture(school: School) -> None:
    good(run(small(), school.public_id))
    [code] = scalars(select(ClassroomCode.code).where(ClassroomCode.school_id == school.id))
    choices = names_behind(str(code))
    assert [choice.label for choice in choices] == ["Boris R.", "Wanda R."]
    assert len({choice.avatar for choice in choices} & set(names.AVATARS)) == 2
    begun = come_in(str(code), choices[0].public_id)
    assert begun.idle.total_seconds() == 60 * Sessions().student_idle_shared


def test_a_new_class_is_as_one_made_by_hand(school: School) -> None:
    good(run(small(), school.public_id))
    [row] = scalars(select(Classroom).where(Classroom.school_id == school.id))
    assert isinstance(row, Classroom)
    assert (row.door, row.shared_devices, row.door_until) == (Door.OPEN, True, None)


def test_a_child_is_kept_sealed_found_by_name_and_known_by_username(school: School) -> None:
    good(run(small(), school.public_id))
    [row] = scalars(
        select(Student).where(
            Student.school_id == school.id,
            Student.username_digest == keyring.current().username_digest("k1", school=str(school.id)),
        )
    )
    assert isinstance(row, Student)
    assert (row.given_name, row.family_name, row.pin_hash) == ("Wanda", "Rosterchild", None)
    assert [bytes(t) for t in row.name_tokens] == names.tokens("Wanda", "Rosterchild", school_id=school.id)


def test_namesakes_of_several_words_are_found_by_each(school: School) -> None:
    good(run(Memory().org("s1").user("k", "Ana  María José van der Berg"), school.public_id))
    [row] = scalars(select(Student).where(Student.school_id == school.id))
    assert isinstance(row, Student)
    given, family = "Ana", "María José van der Berg"
    assert [bytes(t) for t in row.name_tokens] == names.tokens(given, family, school_id=school.id)


def test_a_second_import_changes_nothing_at_all(school: School) -> None:
    good(run(small(), school.public_id))
    before = versions(notes=False)
    outcome = good(run(small(), school.public_id))
    assert versions(notes=False) == before
    assert outcome.counts == {"teachers": 1, "teachers to invite": 1}


def test_a_dry_run_tells_everything_and_leaves_nothing(school: School) -> None:
    before = versions()
    outcome = good(run(small(), school.public_id, dry_run=True))
    assert outcome.counts["students new"] == 3
    assert versions() == before


# -- what a later roster says


def test_only_what_differs_is_touched(school: School) -> None:
    good(run(small(), school.public_id))
    before = versions(notes=False)
    roster = small()
    roster.made["users"][1] = roster.made["users"][1]._replace(given="Wendy")
    roster.made["classes"][0] = roster.made["classes"][0]._replace(title="Geometry")
    outcome = good(run(roster, school.public_id))
    assert (outcome.counts["students changed"], outcome.counts["classes changed"]) == (1, 1)
    assert children(school) == {"Geometry": {"Wendy", "Boris"}}
    changed = {table: len(rows - before[table]) for table, rows in versions(notes=False).items()}
    assert {table: times for table, times in changed.items() if times} == {
        "app.classroom": 1, "app.student": 1,
        "plugin_rosters.classroom_source": 1, "plugin_rosters.student_source": 1,
    }  # fmt: skip


def test_a_correction_by_hand_stays_while_the_roster_says_the_same(school: School) -> None:
    good(run(small(), school.public_id))
    with transaction(SYSTEM) as tx:
        wanda = tx.scalars(select(Student).where(Student.school_id == school.id)).first()
        assert wanda is not None
        wanda.given_name = "Wandalina"
    good(run(small(), school.public_id))
    assert "Wandalina" in str(scalars(select(Student.given_name).where(Student.school_id == school.id)))


def test_who_is_missing_leaves_the_class_and_is_not_erased(school: School) -> None:
    good(run(small(), school.public_id))
    roster = small()
    del roster.made["users"][2], roster.made["enrollments"][2]
    outcome = good(run(roster, school.public_id))
    assert children(school) == {"Algebra": {"Wanda"}}
    assert (outcome.counts["enrollments ended"], outcome.counts["students missing"]) == (1, 1)
    assert len(scalars(select(Student.id).where(Student.school_id == school.id))) == 3


def test_who_comes_back_resumes(school: School) -> None:
    good(run(small(), school.public_id))
    shorter = small()
    del shorter.made["enrollments"][2]
    good(run(shorter, school.public_id))
    with transaction(SYSTEM) as tx:
        tx.execute(update(Enrollment).where(Enrollment.ended_at.is_not(None)).values(balance=7))
    assert good(run(small(), school.public_id)).counts["enrollments resumed"] == 1
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}
    assert 7 in scalars(select(Enrollment.balance).where(Enrollment.school_id == school.id))


def test_a_class_that_is_missing_stays_and_empties(school: School) -> None:
    good(
        run(
            small().room("c2", "Botany").seat("c2", "t1", "teacher", primary=True).seat("c2", "k1"),
            school.public_id,
        )
    )
    outcome = good(run(small(), school.public_id))
    assert outcome.counts["classes missing"] == 1
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}
    assert set(scalars(select(Classroom.name).where(Classroom.school_id == school.id))) == {
        "Algebra",
        "Botany",
    }


def test_without_the_file_of_enrollments_none_ends(school: School) -> None:
    good(run(small(), school.public_id))
    roster = small()
    roster.made["enrollments"].clear()
    roster.absent = frozenset({"enrollments.csv"})
    run(roster, school.public_id)
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}


def test_what_a_teacher_made_by_hand_is_left_alone(world: World) -> None:
    home = world.home
    before = children(home)
    good(run(small(), home.public_id))
    good(run(small(), home.public_id))
    after = children(home)
    assert {room: after[room] for room in before} == before
    assert after["Algebra"] == {"Wanda", "Boris"}


def test_a_child_by_hand_stays_in_an_imported_class(school: School) -> None:
    good(run(small(), school.public_id))
    [room] = scalars(select(Classroom.public_id).where(Classroom.school_id == school.id))
    add_students(principal=SYSTEM, classroom=str(room), text="Handmade Child")
    assert "enrollments ended" not in good(run(small(), school.public_id)).counts
    assert children(school) == {"Algebra": {"Wanda", "Boris", "Handmade"}}


def test_one_identifier_in_two_schools_does_not_show_as_one(school: School) -> None:
    good(run(small(), school.public_id))
    good(run(small(), empty_school("Third Thistle School").public_id))
    for table in (StudentSource, ClassroomSource, AccountSource):
        digests = scalars(select(table.source_digest))
        assert len(digests) == len(set(digests))


def test_a_child_is_recognised_by_username_where_the_source_changes(school: School) -> None:
    """A school changes the system that its rosters come from: new identifiers, the same people."""
    good(run(small(), school.public_id))
    old = scalars(select(Student.id).where(Student.school_id == school.id))
    roster = small()
    users, seats = roster.made["users"], roster.made["enrollments"]
    users[1] = users[1]._replace(source_id="new-k1")
    seats[1] = seats[1]._replace(user="new-k1")
    outcome = good(run(roster, school.public_id))
    assert sorted(map(str, scalars(select(Student.id).where(Student.school_id == school.id)))) == sorted(
        map(str, old)
    )
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}
    assert "students new" not in outcome.counts
    before = versions(notes=False)
    good(run(roster, school.public_id))
    assert versions(notes=False) == before


def test_two_children_exchange_their_usernames(school: School) -> None:
    good(run(small(), school.public_id))
    roster = small()
    users = roster.made["users"]
    users[1], users[2] = users[1]._replace(username="k2"), users[2]._replace(username="k1")
    assert good(run(roster, school.public_id)).counts["students changed"] == 2


def test_a_username_of_a_child_outside_the_roster_is_not_taken_over(school: School) -> None:
    good(run(small(), school.public_id))
    roster = small()
    del roster.made["users"][3]
    roster.made["users"][1] = roster.made["users"][1]._replace(username="k3")
    [(file, line, column, _)] = errors(run(roster, school.public_id))
    assert (file, line, column) == ("users.csv", 3, "username")


def test_more_children_get_pictures_that_nobody_in_the_class_has(school: School) -> None:
    roster = small()
    for times in (40, 48):
        for _ in range(times):
            number = len(roster.made["users"])
            roster.user(f"m{number}", f"Many Child{chr(97 + number % 26)}").seat("c1", f"m{number}")
        good(run(roster, school.public_id))
    pictures = scalars(select(Enrollment.avatar).where(Enrollment.school_id == school.id))
    assert len(pictures) == len(set(pictures)) == 90


# -- teachers


def test_teachers_wait_to_be_invited_and_get_no_mail(school: School) -> None:
    mails = scalars(select(func.count()).select_from(OutgoingMail))
    good(run(small(), school.public_id))
    [row] = scalars(select(Account).where(Account.email_index == email_index("tova@roster.example")))
    assert isinstance(row, Account)
    assert (row.status, row.name, row.founder) == (AccountStatus.NOT_INVITED, "Tova Rosterteacher", False)
    assert (row.time_zone, row.language) == (school.time_zone, school.language)
    roles = scalars(
        select(Membership.role).where(Membership.account_id == row.id, Membership.school_id == school.id)
    )
    assert roles == [Role.TEACHER]
    assert scalars(select(func.count()).select_from(OutgoingMail)) == mails


def test_who_is_not_invited_signs_in_by_no_way(school: School, world: World) -> None:
    """Not even with a password that somehow came to be there."""
    good(run(small(), school.public_id))
    from backoffice.accounts.models import AccountPassword
    from backoffice.accounts.passwords import hash_password

    with transaction(SYSTEM) as tx:
        row = tx.scalars(
            select(Account).where(Account.email_index == email_index("tova@roster.example"))
        ).one()
        if tx.get(AccountPassword, row.id) is None:
            tx.add(
                AccountPassword(
                    account_id=row.id, password_hash=hash_password(PASSWORD, COST), set_at=clock.now()
                )
            )
    with pytest.raises(Rejected):
        signing_in.sign_in(
            email="tova@roster.example", password=PASSWORD, sessions=Sessions(), cost=COST,
            visitor=Visitor(), device=None, throttles=NO_LIMIT,
        )  # fmt: skip
    del world


def test_a_member_of_the_school_gets_the_classes(world: World) -> None:
    email = world.people["colleague"].email
    roster = Memory().org("s1").room("cm", "Members class").user("tm", "C C", "teacher", email=email.upper())
    roster.seat("cm", "tm", "teacher", primary=True)
    outcome = good(run(roster, world.home.public_id))
    assert teachers(world.home)["Members class"] == {"Colin Colleague": "owner"}
    assert outcome.to_invite == []


def test_somebody_of_another_school_is_not_joined_but_listed(school: School, world: World) -> None:
    email = world.people["outsider"].email
    roster = small().user("t2", "Otto Guest", "teacher", email=email).seat("c1", "t2", "teacher")
    outcome = good(run(roster, school.public_id))
    assert (outcome.to_invite[1:], outcome.counts["teachers to invite"]) == (["Otto Guest"], 2)
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}
    where = (Membership.account_id == world.people["outsider"].id, Membership.school_id == school.id)
    assert scalars(select(Membership.id).where(*where)) == []
    assert scalars(select(Account.name).where(Account.id == world.people["outsider"].id)) == ["Otto Outsider"]


def test_the_list_of_whom_to_invite_does_not_tell_who_has_an_account_elsewhere(
    school: School, world: World
) -> None:
    roster = (
        Memory()
        .org("s1")
        .user("n1", "New One", "teacher", email="new-one@roster.example")
        .user("e1", "Else Where", "teacher", email=world.people["outsider"].email)
        .user("n2", "New Two", "teacher", email="new-two@roster.example")
    )
    for _ in range(2):
        outcome = good(run(roster, school.public_id))
        assert outcome.to_invite == ["New One", "Else Where", "New Two"]
        assert outcome.counts["teachers to invite"] == 3


def test_a_privacy_officer_is_made_nobodys_teacher(school: School, world: World) -> None:
    officer = world.people["officer"]
    with transaction(SYSTEM) as tx:
        tx.add(
            Membership(
                account_id=officer.id, school_id=school.id, role=Role.PRIVACY_OFFICER, created_at=clock.now()
            )
        )
    roster = small().user("t2", "Olga O", "teacher", email=officer.email).seat("c1", "t2", "teacher")
    assert good(run(roster, school.public_id)).to_invite[1:] == ["Olga O"]
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}


def test_a_school_learns_nothing_of_whom_another_one_recorded(school: School) -> None:
    """Neither the name that the other roster gave, nor is the other's account made a member."""
    good(run(small(), school.public_id))
    other = empty_school("Second Sorrel School")
    roster = Memory().org("s1").room("c1").user("tm", "Any Body", "teacher", email="tova@roster.example")
    outcome = good(run(roster.seat("c1", "tm", "teacher", primary=True), other.public_id))
    assert (teachers(other), outcome.to_invite) == ({}, ["Any Body"])
    assert scalars(select(Membership.id).where(Membership.school_id == other.id)) == []


def test_two_schools_of_a_district_share_a_teacher_whom_neither_renames(district: District) -> None:
    school, other = (empty_school(name, district.id) for name in ("First Fern", "Second Sorrel"))
    good(run(small(), school.public_id))
    roster = small()
    roster.made["users"][0] = roster.made["users"][0]._replace(given="Mallory")
    good(run(roster, other.public_id))
    assert teachers(other) == {"Algebra": {"Tova Rosterteacher": "owner"}}
    roster.made["users"][0] = roster.made["users"][0]._replace(given="Eve")
    assert "teachers changed" not in good(run(roster, other.public_id)).counts
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}


def test_a_district_corrects_a_teacher_whom_its_schools_share(district: District) -> None:
    def roster(name: str, email: str) -> Memory:
        made = Memory().org("s1", "North").org("s2", "South").room("c1", "N").room("c2", "S", "s2")
        made.user("t", name, "teacher", email=email, orgs=("s1", "s2"))
        return made.seat("c1", "t", "teacher").seat("c2", "t", "teacher", school="s2")

    good(run(roster("Nina Nova", "nina@roster.example"), district=district.public_id))
    changed = roster("Nina Novak", "novak@roster.example")
    assert good(run(changed, district=district.public_id)).counts["teachers changed"] == 1
    assert accounts_by_address() == {"novak@roster.example": "Nina Novak"}
    before = versions(notes=False)
    good(run(changed, district=district.public_id))
    assert versions(notes=False) == before


# -- addresses that move


def two(first: str, second: str | None, *, names: tuple[str, str] = ("Ann First", "Bob Second")) -> Memory:
    """A school with two teachers, by their addresses, each with a class; the second may not be there yet."""
    roster = Memory().org("s1").room("c1", "Ann's").room("c2", "Bob's")
    for source, room, name, email in (("tA", "c1", names[0], first), ("tB", "c2", names[1], second)):
        if email is not None:
            roster.user(source, name, "teacher", email=email).seat(room, source, "teacher", primary=True)
    return roster


def accounts_by_address() -> dict[str, str]:
    rows = scalars(select(Account).where(Account.status == AccountStatus.NOT_INVITED))
    return {row.email: row.name for row in rows if isinstance(row, Account)}


OWN = {"Ann's": {"Ann First": "owner"}, "Bob's": {"Bob Second": "owner"}}


def imported(roster: Memory, school: School) -> Outcome:
    """Imported, and once more, which changes nothing."""
    outcome = run(roster, school.public_id)
    assert errors(outcome) == []
    before = versions(notes=False)
    assert errors(run(roster, school.public_id)) == []
    assert versions(notes=False) == before
    return outcome


def test_an_address_that_moves_to_somebody_new_takes_no_class_along(school: School) -> None:
    imported(two("maths@m.example", None), school)
    counts = imported(two("ann@m.example", "maths@m.example"), school).counts
    assert (counts["teachers changed"], counts["teachers new"]) == (1, 1)
    assert teachers(school) == OWN
    assert accounts_by_address() == {"ann@m.example": "Ann First", "maths@m.example": "Bob Second"}


def test_two_teachers_exchange_their_addresses(school: School) -> None:
    imported(two("a@m.example", "b@m.example"), school)
    assert imported(two("b@m.example", "a@m.example"), school).counts["teachers changed"] == 2
    assert accounts_by_address() == {"b@m.example": "Ann First", "a@m.example": "Bob Second"}
    assert teachers(school) == OWN


def test_a_chain_of_addresses_moves_on(school: School) -> None:
    imported(two("a@m.example", "b@m.example"), school)
    assert imported(two("c@m.example", "a@m.example"), school).counts["teachers changed"] == 2
    assert accounts_by_address() == {"c@m.example": "Ann First", "a@m.example": "Bob Second"}


def test_an_address_that_somebody_keeps_goes_to_nobody_else(school: School) -> None:
    """Whoever has signed in keeps the own address, whatever the roster says."""
    imported(two("maths@m.example", None), school)
    index = email_index("maths@m.example")
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.email_index == index).values(status="active"))
    before = versions(notes=False)
    outcome = run(two("ann@m.example", "maths@m.example"), school.public_id)
    assert errors(outcome) == [
        ("users.csv", 3, "email", "Another teacher has this e-mail address, and keeps it.")
    ]
    assert versions(notes=False) == before
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Account).where(Account.email_index == index))


def test_nobody_moves_to_the_address_of_a_colleague_who_is_not_in_the_roster(school: School) -> None:
    imported(two("a@m.example", "b@m.example"), school)
    outcome = run(two("b@m.example", None), school.public_id)
    assert [(line, column) for _file, line, column, _said in errors(outcome)] == [(2, "email")]
    assert accounts_by_address() == {"a@m.example": "Ann First", "b@m.example": "Bob Second"}


def test_an_address_that_somebody_has_elsewhere_is_not_written_and_nothing_is_said(
    school: School,
) -> None:
    """Nor is it remembered as written: it is corrected as soon as the address is free."""
    imported(two("a@m.example", None), school)
    moved = two("visitor@m.example", None)
    elsewhere = empty_school("Somewhere Sage School")
    guest = Memory().org("s1").user("v", "Vera Visitor", "teacher", email="visitor@m.example")
    good(run(guest, elsewhere.public_id))
    outcome = run(moved, school.public_id)
    assert errors(outcome) == []
    assert "teachers changed" not in outcome.counts
    assert accounts_by_address() == {"a@m.example": "Ann First", "visitor@m.example": "Vera Visitor"}
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Account).where(Account.email_index == email_index("visitor@m.example")))
    assert imported(moved, school).counts["teachers changed"] == 1
    assert accounts_by_address() == {"visitor@m.example": "Ann First"}


def test_two_teachers_of_a_district_do_not_move_to_one_address(district: District) -> None:
    def roster(first: str, second: str) -> Memory:
        made = Memory().org("s1", "North").org("s2", "South")
        made.user("tA", "Ann First", "teacher", email=first)
        return made.user("tB", "Bob Second", "teacher", email=second, orgs=("s2",))

    run(roster("a@m.example", "b@m.example"), district=district.public_id)
    outcome = run(roster("c@m.example", "c@m.example"), district=district.public_id)
    assert [(line, column) for _file, line, column, _said in errors(outcome)] == [(3, "email")]
    assert accounts_by_address() == {"a@m.example": "Ann First", "b@m.example": "Bob Second"}


def test_a_teacher_with_another_source_in_each_school_is_one_by_the_address(district: District) -> None:
    made = Memory().org("s1", "North").org("s2", "South").user("tA", "Ann F", "teacher", email="a@m.example")
    run(made, district=district.public_id)
    made.user("tB", "Ann F", "teacher", email="a@m.example", orgs=("s2",))
    assert errors(run(made, district=district.public_id)) == []
    assert accounts_by_address() == {"a@m.example": "Ann F"}
    assert len(scalars(select(Membership.id).join(Account).where(Account.name.is_not(None)))) > 1


# -- usernames that move


def test_a_new_child_takes_the_username_that_another_one_had(school: School) -> None:
    good(run(small(), school.public_id))
    roster = small().user("k9", "Nina Newchild", username="k1").seat("c1", "k9")
    roster.made["users"][1] = roster.made["users"][1]._replace(username="k1-new")
    counts = good(run(roster, school.public_id)).counts
    assert (counts["students new"], counts["students changed"]) == (1, 1)
    assert children(school) == {"Algebra": {"Wanda", "Boris", "Nina"}}


def test_the_roster_corrects_a_teacher_who_is_not_invited_yet(school: School) -> None:
    roster = Memory().org("s1").user("t9", "Nina Nova", "teacher", email="nina@roster.example")
    good(run(roster, school.public_id))
    roster.made["users"][0] = roster.made["users"][0]._replace(
        family="Novak", email="nina.novak@roster.example"
    )
    good(run(roster, school.public_id))
    found = scalars(
        select(Account.name).where(Account.email_index == email_index("nina.novak@roster.example"))
    )
    assert found == ["Nina Novak"]


def test_an_administrator_is_listed_and_made_nothing(school: School) -> None:
    roster = small().user("a1", "Amara Boss", "administrator", email="boss@roster.example")
    outcome = good(run(roster, school.public_id))
    assert outcome.noted.administrators == ["Amara Boss"]
    assert outcome.counts["administrators"] == 1
    assert "Amara" not in str(outcome.public())
    index = email_index("boss@roster.example")
    assert scalars(select(Account.id).where(Account.email_index == index)) == []


def test_families_are_not_taken_and_it_is_said_why(school: School) -> None:
    roster = (
        small()
        .user("p1", "Pia Parent", "parent")
        .user("p2", "Rel Ative", "relative")
        .user("x", "Ai De", "aide")
    )
    outcome = good(run(roster, school.public_id))
    assert (outcome.counts["family"], outcome.counts["other staff"]) == (2, 1)
    assert any("invitation" in sentence for sentence in outcome.public()["not_taken"])


@pytest.mark.parametrize(
    ("primaries", "owner", "warned"),
    [
        ((False, True), "Second Teacher", False),
        ((False, False), "Tova Rosterteacher", True),
        ((True, True), "Tova Rosterteacher", True),
    ],
    ids=["one", "none", "two"],
)
def test_one_teacher_owns_the_class(
    school: School, primaries: tuple[bool, bool], owner: str, warned: bool
) -> None:
    roster = small().user("t2", "Second Teacher", "teacher", email="second@roster.example")
    seats = roster.made["enrollments"]
    seats[0] = seats[0]._replace(primary=primaries[0])
    roster.seat("c1", "t2", "teacher", primary=primaries[1])
    outcome = run(roster, school.public_id)
    roles = teachers(school)["Algebra"]
    assert [name for name, role in roles.items() if role == "owner"] == [owner]
    assert sorted(roles.values()) == ["co_teacher", "owner"]
    assert warnings(outcome) == ([("enrollments.csv", 2, "primary")] if warned else [])


def test_a_teacher_who_left_the_class_sees_it_no_more(school: School) -> None:
    good(
        run(
            small()
            .user("t2", "Second Teacher", "teacher", email="second@roster.example")
            .seat("c1", "t2", "teacher"),
            school.public_id,
        )
    )
    roster = small().user("t2", "Second Teacher", "teacher", email="second@roster.example")
    assert good(run(roster, school.public_id)).counts["teaching roles ended"] == 1
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}


def test_a_helper_by_hand_stays(school: School, world: World) -> None:
    good(run(small(), school.public_id))
    [room] = scalars(select(Classroom.id).where(Classroom.school_id == school.id))
    with transaction(SYSTEM) as tx:
        tx.add(
            TeachingRole(
                school_id=school.id, classroom_id=room, account_id=world.people["helper"].id, role="helper"
            )
        )
    good(run(small(), school.public_id))
    assert teachers(school)["Algebra"]["Henk Helper"] == "helper"


def test_a_teacher_without_an_address_is_told(school: School) -> None:
    roster = small().user("t2", "No Address", "teacher").seat("c1", "t2", "teacher")
    outcome = run(roster, school.public_id)
    assert warnings(outcome) == [("users.csv", 6, "email")]
    assert teachers(school) == {"Algebra": {"Tova Rosterteacher": "owner"}}


# -- districts


def two_schools() -> Memory:
    return (
        Memory()
        .org("d", "The District", "district")
        .org("s1", "North School", parent="d")
        .org("s2", "South School", parent="d")
        .room("c1", "North class")
        .room("c2", "South class", "s2")
        .user("k1", "Nora North")
        .user("k2", "Saul South", orgs=("s2",))
        .user("k3", "Both Ways", orgs=("s1", "s2"))
        .seat("c1", "k1")
        .seat("c2", "k2", school="s2")
        .seat("c1", "k3")
        .seat("c2", "k3", school="s2")
    )


def test_a_district_gets_its_schools_and_keeps_them(district: District) -> None:
    first = run(two_schools(), district=district.public_id)
    assert first.schools_new == 2
    schools = scalars(select(School).where(School.district_id == district.id).order_by(School.id))
    north, south = schools
    assert isinstance(north, School)
    assert isinstance(south, School)
    assert (north.name, north.time_zone, north.language, north.country) == (
        "North School",
        "Europe/Berlin",
        "de",
        "US",
    )
    assert children(north) == {"North class": {"Nora", "Both"}}
    assert children(south) == {"South class": {"Saul", "Both"}}
    before = versions(notes=False)
    second = run(two_schools(), district=district.public_id)
    assert (second.schools_new, versions(notes=False)) == (0, before)


def test_a_school_made_by_hand_is_not_made_twice(district: District) -> None:
    made = empty_school("north  SCHOOL", district.id)
    assert run(two_schools(), district=district.public_id).schools_new == 1
    assert children(made) == {"North class": {"Nora", "Both"}}


def test_a_school_of_the_district_later_imported_alone_is_the_same(district: District) -> None:
    run(two_schools(), district=district.public_id)
    [north, *_] = scalars(select(School).where(School.district_id == district.id).order_by(School.id))
    assert isinstance(north, School)
    alone = Memory().org("s1").room("c1", "North class").user("k1", "Nora North").user("k3", "Both Ways")
    alone.seat("c1", "k1").seat("c1", "k3")
    before = versions(notes=False)
    run(alone, north.public_id)
    assert versions(notes=False) == before


def test_each_school_has_its_entry_in_the_trail(district: District) -> None:
    run(two_schools(), district=district.public_id)
    schools = scalars(select(School.id).where(School.district_id == district.id))
    noted = scalars(
        select(AuditEntry.school_id).where(
            AuditEntry.verb == "rosters.import", AuditEntry.school_id.in_(schools)
        )
    )
    assert sorted(map(str, noted)) == sorted(map(str, schools))


def test_the_import_is_written_down_with_its_report(school: School) -> None:
    good(run(small().user("a1", "Amara Boss", "administrator"), school.public_id))
    [row] = scalars(select(RosterImport).where(RosterImport.school_id == school.id))
    assert isinstance(row, RosterImport)
    assert (row.state, row.source, row.asked_by) == (ImportState.DONE, "command", None)
    assert row.report is not None
    assert row.names == {"administrators": ["Amara Boss"], "to_invite": ["Tova Rosterteacher"]}


@pytest.mark.parametrize("place", ["nowhere", "abcd2345efgh6789", "x' or 1=1"])
def test_an_unknown_place_is_none(world: World, place: str) -> None:
    with pytest.raises(NoSuchPlace):
        run(small(), place)
    with pytest.raises(NoSuchPlace):
        run(small(), district=place)


def test_a_target_is_one_place() -> None:
    for wrong in ({}, {"school": "a", "district": "b"}):
        with pytest.raises(ValueError, match="into a school or into a district"):
            Target(**wrong)


# -- nothing of another school


def test_identifiers_of_another_school_mean_nothing(school: School, world: World) -> None:
    """The same identifiers and usernames in another school are other people and other classes."""
    good(run(small(), school.public_id))
    before = versions(notes=False)
    other = empty_school("Attacking Aster School")
    roster = small()
    roster.made["users"][1] = roster.made["users"][1]._replace(given="Mallory")
    roster.made["classes"][0] = roster.made["classes"][0]._replace(title="Taken over")
    roster.made["enrollments"][1:] = []
    good(run(roster, other.public_id))
    assert all(rows <= versions(notes=False)[table] for table, rows in before.items())
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}
    assert teachers(other) == {}


def test_public_identifiers_are_no_way_in(school: School, world: World) -> None:
    own = world.own_class
    roster = Memory().org(world.home.public_id).user("k1", "Wanda R", orgs=(world.home.public_id,))
    roster.seat(own.public_id, "k1", school=world.home.public_id)
    roster.seat(own.public_id, own.children[0].public_id, school=world.home.public_id)
    found = errors(run(roster, school.public_id))
    assert {column for _file, _line, column, _said in found} == {"classSourcedId"}
    assert children(school) == {}


@pytest.mark.parametrize("what", [Entitlement.CLASSES, Entitlement.STUDENTS])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_roster_beyond_the_plan_comes_in_whole_or_not_at_all(
    runtime: Runtime, school: School, what: Entitlement, dry_run: bool
) -> None:
    with plan(runtime, {what: 0}):
        outcome = run(small(), school.public_id, dry_run=dry_run)
    assert not outcome.done
    assert ["than its plan holds" in sentence for *_where, sentence in errors(outcome)] == [True]
    assert not scalars(select(Classroom.id).where(Classroom.school_id == school.id))
    assert not scalars(select(Student.id).where(Student.school_id == school.id))
    # The second time nobody is new, so nothing is asked, however little the plan holds by then.
    good(run(small(), school.public_id))
    with plan(runtime, {what: 0}):
        good(run(small(), school.public_id))
