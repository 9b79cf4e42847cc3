"""What a scope follows from beside a misused account: sessions, exports, places; twice, and withdrawn."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.families.models import GuardianLink
from backoffice.problems import Rejected
from backoffice.schools.models import Enrollment, Membership, School, Student, TeachingRole
from backoffice.storage.public_id import new_public_id
from plugins.exports.models import Export, ExportState
from plugins.exports.services import _Held, _record_ready
from plugins.notifications import schools
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Notice, NoticeDelivery
from plugins.notifications.scope import queries, services
from plugins.notifications.scope.models import AffectedPerson, ScopeReach, ScopeSource
from tests.factories.world import SYSTEM, Class, World, add_child, add_school, incident
from tests.plugins.notifications.conftest import Opens, row_of
from tests.plugins.notifications.scope.test_services import misuse
from tests.plugins.notifications.test_services import concerned, lines_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Ask = Callable[[], object]


def place(world: World, made: str, **changed: Any) -> int:
    """Say that everybody of the first school was in what got out yesterday."""
    now = clock.now()
    usual: dict[str, Any] = {"place": world.home.public_id, "classroom": "", "since": now - DAY, "until": now}
    return services.add_place(principal=world.sign_in("founder"), incident=made, **{**usual, **changed})


def people(made: str, kind: str = "student", *, now: bool = True) -> set[int | None]:
    """Whom the set has of a kind."""
    whose = AffectedPerson.student_id if kind == "student" else AffectedPerson.account_id
    some = select(whose).where(AffectedPerson.kind == kind, AffectedPerson.incident_id == row_of(made).id)
    if now:
        some = some.where(AffectedPerson.no_longer_at.is_(None))
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(some))


def in_all(world: World, made: str) -> schools.People:
    with transaction(world.sign_in("founder")) as tx:
        return queries.in_all(tx, row_of(made))


def sources(made: str) -> list[ScopeSource]:
    of_it = select(ScopeSource).where(ScopeSource.incident_id == row_of(made).id).order_by(ScopeSource.id)
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(of_it))


def withdraw(world: World, made: str, number: int = -1) -> int:
    source = sources(made)[number].public_id
    who = world.sign_in("founder")
    return services.withdraw(principal=who, incident=made, source=source, reason="It was another one")


def everybody_of(school: School) -> set[int | None]:
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(Student.id).where(Student.school_id == school.id)))


def newest(verb: str = "incidents.add-scope-source") -> dict[str, object]:
    told = select(AuditDetail.detail).join(AuditEntry, AuditEntry.id == AuditDetail.entry_id)
    with transaction(SYSTEM) as tx:
        of_it = told.where(AuditEntry.verb == verb).order_by(AuditEntry.id.desc()).limit(1)
        return dict(tx.scalars(of_it).one())


def session_of(world: World, role: str, **values: object) -> AccountSession:
    """A session that somebody had, from three hours ago to two hours ago."""
    number = world.sign_in(role).session_id
    now = clock.now()
    usual = {"started_at": now - 3 * HOUR, "last_seen_at": now - 2 * HOUR, "ended_at": now - 2 * HOUR}
    with transaction(SYSTEM) as tx:
        mine = AccountSession.id == number
        tx.execute(update(AccountSession).where(mine).values({**usual, **values}))
        return tx.scalars(select(AccountSession).where(mine)).one()


def exported(world: World, subject: str, held: list[int] | None = None, **values: object) -> str:
    """An export that was made of this, as the worker notes it; its public identifier.

    `held` are the classes of an account's.
    """
    usual = {"asked_by": world.people["leader"].id, "for_family": False, "workbooks": False, "locked": False}
    done = {"state": ExportState.CANCELLED, "asked_at": clock.now(), "done": 0, "downloads": 0, "gone_on": 0}
    public_id = new_public_id()
    with transaction(SYSTEM) as tx:
        row = Export(subject=subject, public_id=public_id, **{**usual, **done, **values})
        row.id = tx.take_id(Export)
        tx.add(row)
        tx.flush()
        _record_ready(tx, row, _Held(clock.now(), held))
    return public_id


def export(world: World, made: str, public_id: str) -> int:
    return services.add_export(principal=world.sign_in("founder"), incident=made, export=public_id)


@pytest.fixture
def long_there(world: World) -> None:
    """The children of the own class are there since long ago."""
    with transaction(SYSTEM) as tx:
        mine = Enrollment.classroom_id == world.own_class.id
        tx.execute(update(Enrollment).where(mine).values(joined_at=clock.now() - 10 * DAY))


@pytest.fixture
def new_child(world: World) -> Iterator[int]:
    """A child who is in the own class since an hour ago."""
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Newt", "Lately").id
        since = clock.now() - HOUR
        tx.execute(update(Enrollment).where(Enrollment.student_id == child).values(joined_at=since))
        tx.execute(update(Student).where(Student.id == child).values(created_at=since))
    yield child
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == child))


# ------------------------------------------------------------------------------------------- each kind


@pytest.mark.usefixtures("long_there")
def test_a_session_is_its_account_in_its_time(world: World, opens: Opens, new_child: int) -> None:
    session = session_of(world, "teacher")
    made = opens()
    founder = world.sign_in("founder")
    assert services.add_session(principal=founder, incident=made, session=session.public_id) == 1
    (source,) = sources(made)
    assert (source.kind, source.extent) == ("session", "account")
    assert source.account_id == world.people["teacher"].id
    assert (source.from_at, source.until_at) == (session.started_at, session.ended_at)
    assert newest()["account"] == world.people["teacher"].id
    assert people(made)
    assert new_child not in people(made)


def test_sessions_are_found_by_account_and_moment(world: World, opens: Opens) -> None:
    now = clock.now()
    both = [session_of(world, "teacher"), session_of(world, "teacher", ended_at=now - HOUR, last_seen_at=now)]
    session_of(world, "teacher", started_at=now - 9 * DAY, ended_at=now - 8 * DAY)
    made = opens()
    services.add_session(
        principal=world.sign_in("founder"),
        incident=made,
        session="",
        account=world.people["teacher"].email,
        at=now - 2 * HOUR - timedelta(minutes=10),
    )
    found = {each.until_at for each in sources(made)}
    # Others of this account, that it had just then, too.
    assert found >= {each.ended_at for each in both}
    assert min(found) > now - 3 * HOUR


def test_a_session_that_nobody_ended_lasted_until_it_could_not_be_used(world: World, opens: Opens) -> None:
    seen = clock.now() - 5 * HOUR
    session = session_of(
        world, "teacher", started_at=seen - HOUR, last_seen_at=seen, ended_at=None, idle_minutes=30
    )
    made = opens()
    services.add_session(principal=world.sign_in("founder"), incident=made, session=session.public_id)
    assert sources(made)[0].until_at == seen + timedelta(minutes=30)


@pytest.mark.parametrize("subject", ["school", "classroom", "student", "district", "account"])
def test_an_export_is_who_was_in_it(world: World, opens: Opens, subject: str) -> None:
    room, home = world.own_class, world.home
    child = room.children[0].id
    with transaction(SYSTEM) as tx:
        # Whoever has left the class stands in its export, too.
        ever = select(Enrollment.student_id).where(Enrollment.classroom_id == room.id)
        there: set[int | None] = set(tx.scalars(ever))
    named: dict[str, tuple[dict[str, Any], set[int | None]]] = {
        "school": ({"school_id": home.id}, everybody_of(home)),
        "classroom": ({"school_id": home.id, "classroom_id": room.id}, there),
        "student": ({"school_id": home.id, "student_id": child}, {child}),
        "district": ({"district_id": home.district_id}, everybody_of(home) | everybody_of(world.elsewhere)),
        "account": ({"asked_by": world.people["teacher"].id, "rooms": [room.id]}, there),
    }
    values, expected = named[subject]
    made = opens()
    export(world, made, exported(world, subject, **values))
    assert people(made) == expected
    assert sources(made)[0].kind == "export"
    assert world.home.id in {each.school_id for each in concerned(made)}


def test_who_came_after_an_export_was_not_in_it(world: World, opens: Opens) -> None:
    made, lost = opens(), exported(world, "school", school_id=world.home.id)
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Newt", "Later").id
    try:
        export(world, made, lost)
        assert child not in people(made)
        assert people(made) == everybody_of(world.home) - {child}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Student).where(Student.id == child))


def test_what_a_parent_took_along_is_one_child_and_that_parent(world: World, opens: Opens) -> None:
    with transaction(SYSTEM) as tx:
        link = tx.scalars(
            select(GuardianLink).where(
                GuardianLink.account_id == world.people["parent"].id, GuardianLink.ended_at.is_(None)
            )
        ).first()
        assert link is not None
        other = {"account_id": world.people["colleague"].id, "public_id": new_public_id()}
        same = {c.key: getattr(link, c.key) for c in GuardianLink.__table__.c if c.key != "id"}
        tx.execute(insert(GuardianLink).values({**same, **other, "created_at": link.created_at}))
    made = opens()
    values: dict[str, Any] = {"school_id": link.school_id, "student_id": link.student_id, "for_family": True}
    try:
        export(world, made, exported(world, "student", asked_by=link.account_id, **values))
        assert people(made) == {link.student_id}
        assert people(made, "parent") == {link.account_id}
        assert people(made, "staff") == set()
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(GuardianLink).where(GuardianLink.public_id == other["public_id"]))


def test_a_school_is_everybody_who_was_there(world: World, opens: Opens) -> None:
    made = opens()
    assert place(world, made) == 1
    assert people(made) == everybody_of(world.home)
    with transaction(SYSTEM) as tx:
        working = set(tx.scalars(select(Membership.account_id).where(Membership.school_id == world.home.id)))
    assert working <= people(made, "staff")
    (school,) = concerned(made)
    assert school.students == len(everybody_of(world.home))


def test_a_district_is_its_schools_and_a_class_is_its_own(world: World, opens: Opens) -> None:
    made, other = opens(), opens()
    assert place(world, made, place=world.district) == 2
    assert people(made) == everybody_of(world.home) | everybody_of(world.elsewhere)
    assert place(world, other, place="", classroom=world.own_class.public_id) == 1
    assert people(other) == {each.id for each in world.own_class.children}
    assert sources(other)[0].classroom_id == world.own_class.id


def test_times_go_up_to_their_end(world: World, opens: Opens, new_child: int) -> None:
    with transaction(SYSTEM) as tx:
        joined = tx.scalars(select(Student.created_at).where(Student.id == new_child)).one()
        mine = Enrollment.student_id == new_child
        tx.execute(update(Enrollment).where(mine).values(ended_at=joined + timedelta(minutes=10)))
    room = {"place": "", "classroom": world.own_class.public_id}

    def counts(since: datetime, until: datetime) -> bool:
        made = opens()
        place(world, made, **room, since=since, until=until)
        return new_child in people(made)

    tick, left = timedelta(microseconds=1), joined + timedelta(minutes=10)
    assert not counts(joined - HOUR, joined)
    assert counts(joined - HOUR, joined + tick)
    assert counts(left - tick, left + HOUR / 2)
    assert not counts(left, left + HOUR / 2)


def test_a_time_has_to_be_one(world: World, opens: Opens) -> None:
    made, now = opens(), clock.now()
    for wrong, field in (
        ({"since": None}, "since"),
        ({"until": None}, "until"),
        ({"until": now + HOUR}, "until"),
        ({"since": now - HOUR, "until": now - HOUR}, "until"),
        ({"classroom": world.own_class.public_id}, "place"),
        ({"place": ""}, "place"),
    ):
        with pytest.raises(Rejected) as refused:
            place(world, made, **wrong)
        assert set(refused.value.fields) == {field}
    with pytest.raises(Rejected):
        services.add_session(principal=world.sign_in("founder"), incident=made, session="")
    assert sources(made) == []


# --------------------------------------------------------------------------------- unknown, and others


def test_what_is_not_known_has_one_answer_and_stands_in_the_trail(world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    of: dict[str, Any] = {"principal": founder, "incident": made}
    parent, now = world.people["parent"], clock.now()
    theirs = session_of(world, "parent").public_id
    answers: dict[str, set[str]] = {}
    asked: tuple[tuple[str, Ask], ...] = (
        ("session", lambda: services.add_session(**of, session=new_public_id())),
        ("session", lambda: services.add_session(**of, session=theirs)),
        ("session", lambda: services.add_session(**of, session="", account=parent.email, at=now - 2 * HOUR)),
        ("session", lambda: services.add_session(**of, session="", account="nobody", at=now - HOUR)),
        ("export", lambda: services.add_export(**of, export=new_public_id())),
        ("export", lambda: services.add_export(**of, export="no identifier")),
        ("export", lambda: services.add_export(**of, export=world.home.public_id)),
        ("place", lambda: place(world, made, place="", classroom=new_public_id())),
        ("place", lambda: place(world, made, place="", classroom=world.home.public_id)),
    )
    for kind, ask in asked:
        with transaction(SYSTEM) as tx:
            before = tx.scalar(select(func.max(AuditEntry.id))) or 0
        with pytest.raises(Rejected) as refused:
            ask()
        answers.setdefault(kind, set()).add(str(refused.value.fields))
        with transaction(SYSTEM) as tx:
            noted = select(AuditEntry.verb).where(AuditEntry.id > before)
            assert "incidents.add-scope-source" in set(tx.scalars(noted))
        assert (newest()["kind"], newest()["account"]) == (kind, None)
    assert {kind: len(each) for kind, each in answers.items()} == {"session": 1, "export": 1, "place": 1}
    assert sources(made) == []


def test_an_export_of_what_is_gone_is_not_known(world: World, opens: Opens) -> None:
    made = opens()
    with transaction(SYSTEM) as tx:
        child = add_child(tx, world.own_class, "Gone", "Soon").id
    lost = exported(world, "student", school_id=world.home.id, student_id=child)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Student).where(Student.id == child))
    with pytest.raises(Rejected):
        export(world, made, lost)


@pytest.mark.parametrize("role", ["leader", "teacher", "officer", "parent"])
def test_others_find_no_incident(world: World, opens: Opens, role: str) -> None:
    made, lost = opens(), exported(world, "school", school_id=world.home.id)
    place(world, made)
    who, now = world.sign_in(role), clock.now()
    of: dict[str, Any] = {"principal": who, "incident": made}
    times: dict[str, Any] = {"since": now - HOUR, "until": now}
    asked: tuple[Ask, ...] = (
        lambda: services.add_session(**of, session=session_of(world, "teacher").public_id),
        lambda: services.add_export(**of, export=lost),
        lambda: services.add_place(**of, place=world.home.public_id, classroom="", **times),
        lambda: services.withdraw(**of, source=sources(made)[0].public_id, reason="x"),
        lambda: services.compute_again(**of),
    )
    for ask in asked:
        with pytest.raises(NotFound):
            ask()
    assert len(sources(made)) == 1


@pytest.mark.parametrize("role", ["leader", "teacher", "founder"])
def test_the_database_shows_and_gives_nothing_past_the_functions(
    world: World, opens: Opens, role: str
) -> None:
    made = opens()
    place(world, made)
    number = row_of(made).id
    for table in (ScopeSource, ScopeReach, AffectedPerson):
        with pytest.raises(DBAPIError), transaction(world.sign_in(role)) as tx:
            tx.scalar(select(func.count()).select_from(table))
    with pytest.raises(DBAPIError), transaction(world.sign_in(role)) as tx:
        tx.execute(text(f"select * from plugin_notifications.reached_by({sources(made)[0].id})"))
    if role == "founder":
        return
    with transaction(world.sign_in(role)) as tx:
        called = func.plugin_notifications
        assert tx.scalar(select(called.staff_known_by(world.people["teacher"].public_id, None))) is None
        assert tx.rows(select(called.class_known_by(world.own_class.public_id).table_valued("id"))) == []
        assert tx.rows(select(called.scope_sources_of(number).table_valued("public_id"))) == []
        session = called.sessions_of_staff(session_of(world, "teacher").public_id, None, None, clock.now())
        assert tx.rows(select(session.table_valued("account_id"))) == []
        (counted,) = tx.rows(select(called.scope_in_all(number).table_valued("students", "staff")))
        assert tuple(counted) == (0, 0)


def test_it_wants_a_fresh_proof(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    stale = world.sign_in("founder")
    late = clock.now() - proof.LASTS - timedelta(seconds=1)
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).where(AccountSession.id == stale.session_id).values(proven_at=late))
    of: dict[str, Any] = {"principal": stale, "incident": made}
    times: dict[str, Any] = {"since": late, "until": clock.now()}
    asked: tuple[Ask, ...] = (
        lambda: services.add_session(**of, session=new_public_id()),
        lambda: services.add_export(**of, export=new_public_id()),
        lambda: services.add_place(**of, place=world.home.public_id, classroom="", **times),
        lambda: services.withdraw(**of, source=sources(made)[0].public_id, reason="x"),
    )
    for ask in asked:
        with pytest.raises(proof.ProofNeeded):
            ask()


# ------------------------------------------------------------------------------------ twice, and back


def test_said_twice_it_counts_once(world: World, opens: Opens) -> None:
    made, now = opens(), clock.now()
    times = {"since": now - DAY, "until": now}
    place(world, made, **times)
    lines = len(lines_of(made))
    assert place(world, made, **times) == 0
    assert (len(sources(made)), len(lines_of(made))) == (1, lines)
    misuse(world, made, "leader")
    assert people(made) >= everybody_of(world.home)
    with transaction(SYSTEM) as tx:
        rows = select(func.count()).where(
            AffectedPerson.incident_id == row_of(made).id,
            AffectedPerson.kind == "student",
            AffectedPerson.school_id == world.home.id,
        )
        assert tx.scalar(rows) == len(everybody_of(world.home))


def test_what_is_withdrawn_counts_no_longer_and_its_row_stays(world: World, opens: Opens) -> None:
    made = opens()
    misuse(world, made)
    taught = people(made)
    place(world, made)
    assert people(made) == everybody_of(world.home)
    more = len(everybody_of(world.home)) - len(taught)
    assert more > 0
    assert withdraw(world, made) == 1
    assert people(made) == taught
    assert people(made, now=False) == everybody_of(world.home)
    assert concerned(made)[0].students == len(taught)
    decision, difference = lines_of(made)[-2:]
    assert decision[0] == "decision"
    assert f": −{more} students" in difference[1]
    assert [each.withdrawn_at is None for each in sources(made)] == [True, False]
    with transaction(world.sign_in("founder")) as tx:
        assert queries.sources_of(tx, row_of(made))[1].reason == "It was another one"
    assert newest("incidents.withdraw-scope-source")["kind"] == "place"
    with pytest.raises(Rejected):
        withdraw(world, made)
    place(world, made)
    assert people(made) == everybody_of(world.home)
    assert concerned(made)[0].students == len(everybody_of(world.home))
    assert f": +{more} students" in lines_of(made)[-1][1]
    assert people(made, now=False) == everybody_of(world.home)


def test_withdrawing_wants_a_reason_and_one_of_the_same_incident(world: World, opens: Opens) -> None:
    made, other = opens(), opens()
    place(world, made)
    founder, mine = world.sign_in("founder"), sources(made)[0].public_id
    for incident_, source, reason in ((made, mine, " "), (made, "x", "y"), (other, mine, "y")):
        with pytest.raises(Rejected):
            services.withdraw(principal=founder, incident=incident_, source=source, reason=reason)
    assert people(made)


def test_a_number_that_somebody_corrected_is_not_lowered(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    corrected = schools.People(students=500, staff=1, parents=0)
    schools.count_people(
        principal=world.sign_in("founder"), school=concerned(made)[0].public_id, people=corrected
    )
    withdraw(world, made)
    (school,) = concerned(made)
    assert (school.students, school.staff) == (500, 1)


def test_whoever_was_written_to_stays_and_so_does_their_child(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    number, parent = row_of(made).id, world.people["parent"].id
    assert parent in people(made, "parent")
    with transaction(SYSTEM) as tx:
        theirs = set(
            tx.scalars(
                select(GuardianLink.student_id).where(
                    GuardianLink.account_id == parent, GuardianLink.school_id == world.home.id
                )
            )
        )
        founder = world.people["founder"]
        # An incident as a factory has it, with a notice; the notice is of this one, then.
        other, _ = incident(tx, founder, world.outside)
        tx.execute(update(Notice).where(Notice.incident_id == other).values(incident_id=number))
        notice = select(Notice.id).where(Notice.incident_id == number).scalar_subquery()
        tx.execute(update(NoticeDelivery).where(NoticeDelivery.notice_id == notice).values(account_id=parent))
        tx.execute(delete(Incident).where(Incident.id == other))
    assert theirs
    withdraw(world, made)
    assert people(made) == theirs
    assert people(made, "parent") == {parent}
    assert people(made, "staff") == set()


def test_nothing_is_withdrawn_while_a_notice_is_on_its_way(world: World, opens: Opens) -> None:
    made = opens()
    place(world, made)
    with transaction(SYSTEM) as tx:
        other, _ = incident(tx, world.people["founder"], world.outside)
        waits = {"audience": "staff", "state": "proposed", "incident_id": row_of(made).id}
        waits |= {"proposed_by": world.people["founder"].id, "proposed_at": clock.now()}
        tx.execute(update(Notice).where(Notice.incident_id == other).values(**waits))
        tx.execute(delete(Incident).where(Incident.id == other))
    with pytest.raises(Rejected):
        withdraw(world, made)
    assert people(made)


# --------------------------------------------------------------------- merged, erased, and several schools


def test_two_children_who_are_merged_count_once(world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    with transaction(SYSTEM) as tx:
        first, second = (add_child(tx, world.own_class, name, "Twin").id for name in ("Ada", "Adeline"))
    try:
        place(world, made)
        misuse(world, made)
        before = concerned(made)[0].students
        with transaction(SYSTEM) as tx:
            # As merging moves the rows of plugins, and the second child is gone.
            tx.execute(
                update(AffectedPerson).where(AffectedPerson.student_id == second).values(student_id=first)
            )
            tx.execute(delete(Student).where(Student.id == second))
        assert in_all(world, made).students == before - 1
        assert services.compute_again(principal=founder, incident=made) == 1
        assert concerned(made)[0].students == before - 1 == in_all(world, made).students
        assert ": −1 students" in lines_of(made)[-1][1]
        assert services.compute_again(principal=founder, incident=made) == 0
        # What reached one of them has reached the one that they are.
        withdraw(world, made, 0)
        assert first in people(made)
        withdraw(world, made, 1)
        assert people(made) == set()
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Student).where(Student.id.in_((first, second))))


def test_whoever_is_erased_counts_still_and_a_class_that_is_gone_is_no_school(
    world: World, opens: Opens
) -> None:
    made, founder = opens(), world.sign_in("founder")
    place(world, made, place="", classroom=world.own_class.public_id)
    before = concerned(made)[0].students
    with transaction(SYSTEM) as tx:
        mine = AffectedPerson.incident_id == row_of(made).id
        first = select(func.min(AffectedPerson.id)).where(mine, AffectedPerson.kind == "student")
        tx.execute(
            update(AffectedPerson)
            .where(AffectedPerson.id == first.scalar_subquery())
            .values(student_id=None)
            .execution_options(synchronize_session=False)
        )
        # As erasing the class leaves the row: with its school.
        of_it = ScopeSource.incident_id == row_of(made).id
        tx.execute(update(ScopeSource).where(of_it).values(classroom_id=None))
    assert services.compute_again(principal=founder, incident=made) == 0
    assert concerned(made)[0].students == before == in_all(world, made).students
    with transaction(founder) as tx:
        assert queries.sources_of(tx, row_of(made))[0].is_gone


def test_a_school_that_is_erased_leaves_its_numbers(world: World, opens: Opens) -> None:
    made, founder = opens(), world.sign_in("founder")
    with transaction(SYSTEM) as tx:
        school = add_school(tx, "Gone School", None)
        tx.flush()
        told = school.public_id
        there = {"account_id": world.people["colleague"].id, "role": "teacher", "school_id": school.id}
        tx.execute(insert(Membership).values(**there, created_at=clock.now() - HOUR))
    place(world, made, place=told)
    assert len(concerned(made)) == 1
    with transaction(SYSTEM) as tx:
        tx.execute(delete(School).where(School.public_id == told))
    assert services.compute_again(principal=founder, incident=made) == 0
    assert concerned(made)[0].staff == 1 == in_all(world, made).staff


def test_of_several_schools_each_counts_its_own_and_people_are_counted_once(
    world: World, opens: Opens
) -> None:
    made, now = opens(), clock.now()
    colleague, parent = world.people["colleague"].id, world.people["parent"].id
    with transaction(SYSTEM) as tx:
        link = tx.scalars(
            select(GuardianLink).where(
                GuardianLink.account_id == parent,
                GuardianLink.school_id == world.home.id,
                GuardianLink.ended_at.is_(None),
            )
        ).first()
        assert link is not None
        same = {c.key: getattr(link, c.key) for c in GuardianLink.__table__.c if c.key != "id"}
        others = [
            select(Student.id)
            .where(Student.school_id == school.id, Student.id != link.student_id)
            .where(
                ~select(GuardianLink.id)
                .where(GuardianLink.account_id == parent, GuardianLink.student_id == Student.id)
                .exists()
            )
            .limit(1)
            for school in (world.home, world.elsewhere)
        ]
        for school, other in zip((world.home, world.elsewhere), others, strict=True):
            child, mark = tx.scalars(other).one(), new_public_id()
            more = {"school_id": school.id, "student_id": child, "public_id": mark}
            tx.execute(insert(GuardianLink).values({**same, **more, "name": "Twice"}))
        there = {"account_id": colleague, "role": "teacher", "school_id": world.elsewhere.id}
        tx.execute(insert(Membership).values(**there, created_at=now - 2 * DAY, origin="twice"))
    try:
        place(world, made)
        place(world, made, place=world.elsewhere.public_id)
        numbers = {each.school_id: each for each in concerned(made)}
        assert numbers[world.home.id].students == len(everybody_of(world.home))
        assert numbers[world.elsewhere.id].students == len(everybody_of(world.elsewhere))
        with transaction(SYSTEM) as tx:
            mine = AffectedPerson.incident_id == row_of(made).id
            for who, kind in ((colleague, "staff"), (parent, "parent")):
                rows = select(AffectedPerson.school_id).where(
                    mine, AffectedPerson.account_id == who, AffectedPerson.kind == kind
                )
                assert Counter(tx.scalars(rows)) == Counter([world.home.id, world.elsewhere.id])
        counted = in_all(world, made)
        assert counted.staff == len(people(made, "staff"))
        assert counted.parents == len(people(made, "parent"))
        assert counted.staff < sum(each.staff for each in numbers.values())
        assert counted.parents < sum(each.parents for each in numbers.values())
        assert counted.students == sum(each.students for each in numbers.values())
    finally:
        with transaction(SYSTEM) as tx:
            links = select(GuardianLink).where(GuardianLink.account_id == parent, GuardianLink.id != link.id)
            for each in tx.scalars(links).all():
                if each.name == "Twice":
                    tx.delete(each)
            tx.execute(delete(Membership).where(Membership.origin == "twice"))


def test_two_who_compute_at_once_keep_one_set(world: World, opens: Opens) -> None:
    made, now = opens(), clock.now()
    times = {"since": now - DAY, "until": now}
    with ThreadPoolExecutor(4) as pool:
        changed = list(pool.map(lambda _each: place(world, made, **times), range(4)))
    assert sorted(changed) == [0, 0, 0, 1]
    assert len(sources(made)) == 1
    assert concerned(made)[0].students == len(everybody_of(world.home))
    with transaction(SYSTEM) as tx:
        rows = select(func.count()).where(
            AffectedPerson.incident_id == row_of(made).id, AffectedPerson.kind == "student"
        )
        assert tx.scalar(rows) == len(everybody_of(world.home))


# ------------------------------------------------------------- what an export of an account held, and when


def in_class(room: Class) -> set[int | None]:
    with transaction(SYSTEM) as tx:
        ever = select(Enrollment.student_id).where(Enrollment.classroom_id == room.id)
        return set(tx.scalars(ever))


@pytest.fixture
def other_teacher(world: World) -> Iterator[None]:
    """The teacher has given the own class to nobody and teaches the colleague's, since an export was made."""
    mine, me = world.own_class, world.people["teacher"].id
    own = (TeachingRole.classroom_id == mine.id, TeachingRole.account_id == me)
    theirs = TeachingRole.classroom_id == world.colleague_class.id
    with transaction(SYSTEM) as tx:
        before = tx.execute(select(TeachingRole.__table__).where(*own)).one()._asdict()
        tx.execute(delete(TeachingRole).where(*own))
        tx.execute(
            insert(TeachingRole).values(
                {**before, "classroom_id": world.colleague_class.id, "role": "helper"}
            )
        )
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole).where(theirs, TeachingRole.account_id == me))
        tx.execute(insert(TeachingRole).values(before))


@pytest.mark.usefixtures("other_teacher")
@pytest.mark.parametrize("rooms", [None, [1]])
def test_an_export_of_an_account_is_whose_classes_it_held(
    world: World, opens: Opens, rooms: list[int] | None
) -> None:
    """Of those of a school of its own, too: who teaches what by now says nothing about it."""
    made, teacher = opens(), world.people["teacher"].id
    export(world, made, exported(world, "account", held=[world.own_class.id], asked_by=teacher, rooms=rooms))
    assert people(made) == in_class(world.own_class)
    (source,) = sources(made)
    assert (source.extent, source.classrooms) == ("rooms" if rooms else "own", [world.own_class.id])
    assert "classrooms" not in newest()


@pytest.mark.usefixtures("other_teacher")
def test_an_export_that_held_no_class_reaches_no_child(world: World, opens: Opens) -> None:
    made = opens()
    export(world, made, exported(world, "account", held=[], asked_by=world.people["teacher"].id, rooms=[1]))
    assert people(made) == set()
    assert sources(made)[0].classrooms == []


@pytest.mark.usefixtures("other_teacher")
def test_of_an_export_whose_classes_nobody_noted_those_of_now_count(world: World, opens: Opens) -> None:
    made = opens()
    export(world, made, exported(world, "account", asked_by=world.people["teacher"].id, rooms=[1]))
    assert people(made) == in_class(world.colleague_class)
    assert sources(made)[0].classrooms is None


def test_a_class_that_is_erased_since_is_nobodys(world: World, opens: Opens) -> None:
    made, teacher = opens(), world.people["teacher"].id
    held = [world.own_class.id, 987_654_321]
    export(world, made, exported(world, "account", held=held, asked_by=teacher, rooms=[1]))
    assert people(made) == in_class(world.own_class)


def test_an_export_is_as_of_when_it_was_begun(world: World, opens: Opens) -> None:
    """And not as of when its file was ready, which may be an hour later."""
    made, begun = opens(), clock.now() - 2 * HOUR
    lost = exported(world, "school", school_id=world.home.id, started_at=begun)
    with transaction(SYSTEM) as tx:
        detail = (
            select(AuditEntry.at).where(AuditEntry.verb == "exports.ready").order_by(AuditEntry.id.desc())
        )
        ready = tx.scalars(detail.limit(1)).one()
    export(world, made, lost)
    (source,) = sources(made)
    assert source.from_at == begun
    assert source.until_at <= ready


# ------------------------------------------------------------------------------------------ numbers and lines


def test_sources_are_numbered_and_each_leaves_a_line(world: World, opens: Opens) -> None:
    made = opens()
    misuse(world, made)
    place(world, made)
    # Said twice it is one, and told once.
    when = {"since": clock.now() - 9 * DAY, "until": clock.now() - 8 * DAY}
    for _ in range(2):
        place(world, made, **when)
    withdraw(world, made, 1)
    place(world, made)
    said = [line for kind, line, *_ in lines_of(made) if kind == "decision" and line.startswith("Source")]
    assert said == [
        "Source 1 of the scope was added: A misused account (Everybody whom the account reached)",
        "Source 2 of the scope was added: A school or class (Everybody of a school)",
        "Source 3 of the scope was added: A school or class (Everybody of a school)",
        "Source 2 of the scope was withdrawn: A school or class (Everybody of a school)",
        "Source 4 of the scope was added: A school or class (Everybody of a school)",
    ]
    assert not any(world.home.name in line or world.people["teacher"].email in line for line in said)
    with transaction(world.sign_in("founder")) as tx:
        shown = [(each.number, each.withdrawn_at is None) for each in queries.sources_of(tx, row_of(made))]
    assert shown == [(1, True), (2, False), (3, True), (4, True)]
