"""Incidents: opened, written to, decided, closed; the schools they concern, and the clocks that follow."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.families.models import GuardianLink
from backoffice.privacy.retention.runs import forget
from backoffice.problems import Overtaken, Rejected
from backoffice.reports.models import Report
from backoffice.schools import picking
from backoffice.schools.models import Membership, School, Student
from backoffice.storage.public_id import new_public_id
from plugins.notifications import clocks, queries, said, schools, services
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.kinds import INCIDENTS
from plugins.notifications.models import (
    ConcernedSchool,
    GivenNotice,
    Incident,
    IncidentTask,
    TimelineEntry,
)
from plugins.notifications.picking import PERSONAL, PLACE
from plugins.notifications.schools import People
from plugins.notifications.services import Opened, Stated
from plugins.notifications.words import KINDS
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens, row_of


def stated(incident: str, **changed: Any) -> Stated:
    """What is known of an incident, but for this."""
    row = row_of(incident)
    usual: dict[str, Any] = {
        "what": "A gnu read the mails",
        "systems": "The mail server",
        "role": Role(row.role),
        "risk": Risk(row.risk),
        "kinds": frozenset(row.kinds),
        "encrypted": Encrypted(row.encrypted),
        **{name: getattr(row, name) for name in services.MOMENTS},
    }
    return Stated(**{**usual, **changed})


def lines_of(incident: str) -> list[tuple[str, str]]:
    """The timeline, the oldest line first."""
    with transaction(SYSTEM) as tx:
        number = select(Incident.id).where(Incident.public_id == incident).scalar_subquery()
        some = select(TimelineEntry).where(TimelineEntry.incident_id == number).order_by(TimelineEntry.id)
        return [(each.kind, each.said) for each in tx.scalars(some)]


def concerned(incident: str) -> list[ConcernedSchool]:
    """The schools of an incident."""
    with transaction(SYSTEM) as tx:
        number = select(Incident.id).where(Incident.public_id == incident).scalar_subquery()
        some = select(ConcernedSchool).where(
            ConcernedSchool.incident_id == number, ConcernedSchool.left_out_at.is_(None)
        )
        return list(tx.scalars(some.order_by(ConcernedSchool.id)))


@pytest.fixture
def founder(world: World) -> Principal:
    return world.sign_in("founder")


def test_one_form_opens_one_incident(world: World, opens: Opens) -> None:
    form = str(uuid4())
    assert opens(form=form) == opens(form=form, title="Another name")
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Incident)) == 1
    del world


def test_an_incident_begins_with_its_first_line(opens: Opens) -> None:
    made = opens(what="A gnu read\r\n\r\n  the mails \u200b ")
    assert lines_of(made) == [("facts", "A gnu read\nthe mails")]
    assert row_of(made).role == Role.PROCESSOR


def test_an_incident_opens_from_a_report(world: World, opens: Opens) -> None:
    with transaction(SYSTEM) as tx:
        report = tx.scalars(select(Report)).first()
    assert report is not None
    assert row_of(opens(report=report.public_id)).report_id == report.id
    with pytest.raises(NotFound):
        opens(report="x" * 16)
    del world


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": " \u200b"}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"what": "\n"}, "what"),
        ({"what": "x" * 4001}, "what"),
        ({"form": "no form"}, "title"),
        ({"ago": timedelta(minutes=-2)}, "noticed_at"),
    ],
)
def test_what_cannot_be_opened_says_what_to_do(opens: Opens, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected) as rejected:
        opens(**changed)
    assert list(rejected.value.fields) == [field]


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent"])
def test_nobody_but_founders_runs_incidents(world: World, opens: Opens, role: str) -> None:
    made, who = opens(), world.sign_in(role)
    with pytest.raises((Denied, NotFound)):
        services.open_incident(principal=who, opened=Opened("Gnus", "A gnu", clock.now(), form=str(uuid4())))
    for verb in (
        lambda: services.note(principal=who, incident=made, said="Oh", happened_at=clock.now()),
        lambda: services.state_facts(principal=who, incident=made, stated=stated(made), seen=0),
        lambda: services.close_incident(principal=who, incident=made, reason="Over"),
        lambda: schools.concern(principal=who, incident=made, place=world.home.public_id),
    ):
        with pytest.raises(NotFound):
            verb()
    assert len(lines_of(made)) == 1


def test_facts_are_changed_with_a_line_that_says_how(founder: Principal, opens: Opens) -> None:
    made = opens()
    services.state_facts(
        principal=founder,
        incident=made,
        stated=stated(made, kinds=frozenset({"name", "email"}), risk=Risk.HIGH),
        seen=0,
    )
    row = row_of(made)
    assert (row.kinds, row.risk, row.version) == (["email", "name"], "high", 1)
    kind, text = lines_of(made)[-1]
    assert kind == "facts"
    assert "Kinds of data: E-mail addresses, Names (before: nothing)" in text
    assert "Risk to people: There is a high risk to people (before: Nobody has judged it yet)" in text


def test_nobody_overwrites_what_they_have_not_seen(founder: Principal, opens: Opens) -> None:
    made = opens()
    services.state_facts(principal=founder, incident=made, stated=stated(made, risk=Risk.RISK), seen=0)
    with pytest.raises(Overtaken):
        services.state_facts(principal=founder, incident=made, stated=stated(made, risk=Risk.HIGH), seen=0)
    assert row_of(made).risk == "risk"


def test_the_same_facts_again_change_nothing(founder: Principal, opens: Opens) -> None:
    made = opens()
    services.state_facts(principal=founder, incident=made, stated=stated(made), seen=0)
    services.state_facts(principal=founder, incident=made, stated=stated(made), seen=1)
    assert (row_of(made).version, len(lines_of(made))) == (1, 2)


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("noticed_at", timedelta(hours=1)),
        ("determined_at", timedelta(hours=1)),
        ("determined_at", timedelta(hours=-3)),
        ("confirmed_at", timedelta(hours=-3)),
        ("held_since", timedelta(hours=1)),
        ("held_until", timedelta(hours=1)),
    ],
)
def test_moments_that_cannot_be_are_refused(
    founder: Principal, opens: Opens, name: str, by: timedelta
) -> None:
    made = opens()
    facts = stated(made, **{name: clock.now() + by})
    with pytest.raises(Rejected) as rejected:
        services.state_facts(principal=founder, incident=made, stated=facts, seen=0)
    assert name in rejected.value.fields
    assert row_of(made).version == 0


def test_unknown_kinds_are_refused(founder: Principal, opens: Opens) -> None:
    made = opens()
    with pytest.raises(Rejected):
        services.state_facts(
            principal=founder, incident=made, stated=stated(made, kinds=frozenset({"gnu"})), seen=0
        )


def test_kinds_are_all_that_laws_ask_for() -> None:
    asked = {kind for each in clocks.law().trigger.values() for kinds in each.sets for kind in kinds}
    assert asked == set(KINDS) - {"other"}


def test_notes_and_decisions_stand_in_the_timeline(founder: Principal, opens: Opens) -> None:
    made, at = opens(), clock.now() - timedelta(minutes=30)
    services.note(principal=founder, incident=made, said="The gnu is gone", happened_at=at)
    services.decide(principal=founder, incident=made, said="We tell all", reason="They read names")
    assert lines_of(made)[1:] == [("note", "The gnu is gone"), ("decision", "We tell all")]
    with transaction(founder) as tx:
        newest, before, *_ = queries.timeline(tx, row_of(made))
    assert (newest.reason, newest.is_decision, before.happened_at) == ("They read names", True, at)
    assert newest.by == founder.name


@pytest.mark.parametrize(
    "write",
    [
        lambda who, made: services.note(principal=who, incident=made, said=" ", happened_at=clock.now()),
        lambda who, made: services.note(
            principal=who, incident=made, said="Oh", happened_at=clock.now() + timedelta(minutes=2)
        ),
        lambda who, made: services.decide(principal=who, incident=made, said="We do", reason=" "),
        lambda who, made: services.add_task(principal=who, incident=made, said="x" * 4001, due_at=None),
    ],
    ids=["nothing", "to come", "no reason", "too long"],
)
def test_what_says_nothing_is_not_written(
    founder: Principal, opens: Opens, write: Callable[[Principal, str], object]
) -> None:
    made = opens()
    with pytest.raises(Rejected):
        write(founder, made)
    assert len(lines_of(made)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        update(TimelineEntry).values(said="Nothing"),
        delete(TimelineEntry),
        update(Incident).values(title="Nothing"),
        update(Incident).values(opened_at=None),
        delete(Incident),
        delete(GivenNotice),
    ],
)
def test_no_founder_rewrites_what_happened(founder: Principal, opens: Opens, statement: Any) -> None:
    opens()
    with pytest.raises(DBAPIError), transaction(founder) as tx:
        tx.execute(statement.execution_options(synchronize_session=False))


def test_nobody_writes_in_anothers_name(world: World, founder: Principal, opens: Opens) -> None:
    incident, another = row_of(opens()), world.people["leader"].id
    line = {
        "incident_id": incident.id,
        "kind": "note",
        "said": "x",
        "happened_at": clock.now(),
        "written_at": clock.now(),
        "written_by": another,
    }
    with pytest.raises(DBAPIError), transaction(founder) as tx:
        tx.execute(insert(TimelineEntry).values(**line))


def test_a_task_is_done_once(founder: Principal, opens: Opens) -> None:
    made = opens()
    task = services.add_task(principal=founder, incident=made, said="Change the locks", due_at=None)
    for _ in range(2):
        assert services.finish_task(principal=founder, task=task) == made
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(IncidentTask).where(IncidentTask.public_id == task)).one()
    assert row.done_by == founder.account_id
    assert lines_of(made)[1:] == [("task", "Change the locks")]


def test_a_school_comes_with_all_of_its_people(world: World, founder: Principal, opens: Opens) -> None:
    made, school = opens(), world.home
    assert schools.concern(principal=founder, incident=made, place=school.public_id) == 1
    assert schools.concern(principal=founder, incident=made, place=school.public_id) == 0
    (row,) = concerned(made)
    with transaction(SYSTEM) as tx:

        def number(column: Any, there: Any) -> int:
            return tx.scalar(select(func.count(column.distinct())).where(there == row.school_id)) or 0

        assert row.students == number(Student.id, Student.school_id) > 0
        assert row.staff == number(Membership.account_id, Membership.school_id) > 0
        assert row.parents == number(GuardianLink.account_id, GuardianLink.school_id) > 0


def test_a_district_brings_all_of_its_schools(world: World, founder: Principal, opens: Opens) -> None:
    made = opens()
    with transaction(SYSTEM) as tx:
        there = select(School).where(School.district_id == world.district_id)
        of_district = {school.id for school in tx.scalars(there)}
    count = schools.concern(principal=founder, incident=made, place=world.district)
    assert {row.school_id for row in concerned(made)} == of_district
    assert count == len(of_district)
    with pytest.raises(Rejected):
        schools.concern(principal=founder, incident=made, place="x" * 16)


def concern_home(world: World, founder: Principal, incident: str, *, place: str) -> None:
    """Have an incident concern the home school, as if that were in another place."""
    schools.concern(principal=founder, incident=incident, place=world.home.public_id)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(place=place))


def test_single_teachers_are_concerned_together_and_called_by_no_name(
    founder: Principal, opens: Opens
) -> None:
    made, name = opens(), "Tabitha Alone's school"
    with transaction(SYSTEM) as tx:
        own = School(
            id=tx.take_id(School),
            public_id=new_public_id(),
            kind="personal",
            name=name,
            country="US",
            time_zone="America/New_York",
            language="en",
            school_days=["monday"],
            factor_required=False,
            created_at=clock.now(),
        )
        tx.add(own)
        tx.flush()
        number, outside = own.id, own.public_id
    try:
        with transaction(founder) as tx:
            offered = picking.few(tx, PLACE, most=1000) or []
        assert name not in {each.name for each in offered}
        with pytest.raises(Rejected):
            schools.concern(principal=founder, incident=made, place=outside)
        assert schools.concern(principal=founder, incident=made, place=PERSONAL) >= 1
        with transaction(founder) as tx:
            called = queries.names_of(tx, concerned(made))
        assert called[number] == "A teacher's own school"
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(School).where(School.id == number))


@pytest.fixture
def one(world: World, founder: Principal, opens: Opens) -> tuple[str, ConcernedSchool]:
    """An incident, and the one school that it concerns: in New York, with names and student numbers."""
    made = opens(timedelta(hours=30))
    concern_home(world, founder, made, place="US-NY")
    services.state_facts(
        principal=founder,
        incident=made,
        stated=stated(made, kinds=frozenset({"name", "student_id"})),
        seen=0,
    )
    (school,) = concerned(made)
    return made, school


def shown(founder: Principal, incident: str) -> dict[str, said.Clock]:
    """The clocks of an incident as its page has them, by their rules."""
    with transaction(founder) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        return {each.rule.id: each for each in said.clocks(clocks.standing(tx, row), clock.now())}


def test_clocks_follow_from_what_is_known(founder: Principal, one: tuple[str, ConcernedSchool]) -> None:
    made, school = one
    assert school.place == "US-NY"
    before = shown(founder, made)
    ours = [each for each in before.values() if each.is_ours and each.due]
    assert ours
    assert all(each.rule.jurisdiction in {"US-NY", "US"} for each in ours)
    services.state_facts(principal=founder, incident=made, stated=stated(made, kinds=frozenset()), seen=1)
    schools.count_people(principal=founder, school=school.public_id, people=People(0, 0, 0))
    assert shown(founder, made) == {}


def test_a_school_that_was_told_is_no_longer_to_be_told(
    founder: Principal, one: tuple[str, ConcernedSchool]
) -> None:
    made, school = one
    schools.tell_school(principal=founder, school=school.public_id, at=clock.now(), late_reason="")
    (row,) = concerned(made)
    assert row.told_at is not None
    told = [each for each in shown(founder, made).values() if each.is_ours and each.rule.tells == "schools"]
    assert told
    assert not any(each.is_open for each in told)
    with pytest.raises(Rejected):
        schools.tell_school(principal=founder, school=school.public_id, at=clock.now(), late_reason="")
    with pytest.raises(Rejected):
        schools.leave_out(principal=founder, school=school.public_id)


def test_no_founder_takes_out_a_school_that_was_told(
    founder: Principal, one: tuple[str, ConcernedSchool]
) -> None:
    made, school = one
    schools.people_were_told(principal=founder, school=school.public_id, at=clock.now())
    for statement in (delete(ConcernedSchool), update(ConcernedSchool).values(left_out_at=clock.now())):
        with pytest.raises(DBAPIError), transaction(founder) as tx:
            tx.execute(statement.execution_options(synchronize_session=False))
    assert len(concerned(made)) == 1


def test_a_school_that_was_not_told_can_be_left_out_and_come_back(
    world: World, founder: Principal, one: tuple[str, ConcernedSchool]
) -> None:
    made, school = one
    assert schools.leave_out(principal=founder, school=school.public_id) == made
    assert concerned(made) == []
    assert lines_of(made)[-1][0] == "schools"
    with pytest.raises(Rejected):
        schools.tell_school(principal=founder, school=school.public_id, at=clock.now(), late_reason="")
    assert schools.concern(principal=founder, incident=made, place=world.home.public_id) == 1
    assert [row.public_id for row in concerned(made)] == [school.public_id]


def test_a_notice_is_given_once_and_late_with_a_reason(
    founder: Principal, one: tuple[str, ConcernedSchool]
) -> None:
    made, _school = one
    with transaction(founder) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == made)).one()
        asked = clocks.open_duties(clocks.standing(tx, row))
    first = asked[0]
    give: dict[str, Any] = {
        "principal": founder,
        "incident": made,
        "rule": first.rule.id,
        "school": first.school,
    }
    schools.give_notice(**give, at=clock.now(), late_reason="")
    assert not shown(founder, made)[first.rule.id].is_open
    with pytest.raises(Rejected):
        schools.give_notice(**give, at=clock.now(), late_reason="")
    with pytest.raises(NotFound):
        schools.give_notice(**{**give, "rule": "gnu"}, at=clock.now(), late_reason="")


def test_a_notice_that_is_late_says_why_where_the_law_asks(
    world: World, founder: Principal, opens: Opens
) -> None:
    made = opens(timedelta(hours=80))
    concern_home(world, founder, made, place="DE")
    services.state_facts(
        principal=founder,
        incident=made,
        stated=stated(made, role=Role.CONTROLLER, risk=Risk.RISK, kinds=frozenset({"name"})),
        seen=0,
    )
    late = [each for each in shown(founder, made).values() if each.rule.late_needs_reason]
    assert [each.tone for each in late] == ["bad"]
    give: dict[str, Any] = {
        "principal": founder,
        "incident": made,
        "rule": late[0].rule.id,
        "school": late[0].school,
    }
    with pytest.raises(Rejected) as rejected:
        schools.give_notice(**give, at=clock.now(), late_reason=" ")
    assert list(rejected.value.fields) == ["late_reason"]
    schools.give_notice(**give, at=clock.now(), late_reason="The gnu ate the phone")
    assert shown(founder, made)[late[0].rule.id].tone == "warn"


@pytest.mark.parametrize("by", [timedelta(hours=-31), timedelta(minutes=2)])
def test_nobody_was_told_before_it_was_noticed_or_in_time_to_come(
    founder: Principal, one: tuple[str, ConcernedSchool], by: timedelta
) -> None:
    _made, school = one
    with pytest.raises(Rejected) as rejected:
        schools.tell_school(principal=founder, school=school.public_id, at=clock.now() + by, late_reason="")
    assert list(rejected.value.fields) == ["at"]


def test_an_incident_closes_when_nobody_is_to_be_told_or_with_a_word_on_it(
    founder: Principal, one: tuple[str, ConcernedSchool]
) -> None:
    made, school = one
    with pytest.raises(Rejected) as rejected:
        services.close_incident(principal=founder, incident=made, reason="Over")
    assert list(rejected.value.fields) == ["although_open"]
    services.close_incident(principal=founder, incident=made, reason="Nobody read it", although_open=True)
    for verb in (
        lambda: services.note(principal=founder, incident=made, said="Oh", happened_at=clock.now()),
        lambda: services.close_incident(principal=founder, incident=made, reason="Over"),
        lambda: schools.leave_out(principal=founder, school=school.public_id),
    ):
        with pytest.raises(Rejected):
            verb()
    assert lines_of(made)[-1] == ("closed", "Nobody read it")


def test_a_closed_incident_is_written_to_by_nobody(
    founder: Principal, one: tuple[str, ConcernedSchool]
) -> None:
    made, school = one
    services.close_incident(principal=founder, incident=made, reason="Over", although_open=True)
    incident = row_of(made)
    line = {
        "incident_id": incident.id,
        "kind": "note",
        "said": "x",
        "happened_at": clock.now(),
        "written_at": clock.now(),
        "written_by": founder.account_id,
    }
    with pytest.raises(DBAPIError), transaction(founder) as tx:
        tx.execute(insert(TimelineEntry).values(**line))
    with transaction(founder) as tx:
        for statement in (
            update(Incident).values(closed_at=None, closed_by=None),
            update(ConcernedSchool).values(students=0),
        ):
            tx.execute(statement.execution_options(synchronize_session=False))
    assert row_of(made).closed_at == incident.closed_at
    assert [row.students for row in concerned(made)] == [school.students]


def test_an_erased_school_stays_as_numbers(world: World, founder: Principal, opens: Opens) -> None:
    made = opens()
    schools.concern(principal=founder, incident=made, place=world.home.public_id)
    (row,) = concerned(made)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).where(ConcernedSchool.id == row.id).values(school_id=None))
    with transaction(founder) as tx:
        incident = tx.scalars(select(Incident).where(Incident.public_id == made)).one()
        assert clocks.standing(tx, incident).schools[row.public_id].students == row.students
        assert queries.names_of(tx, concerned(made)) == {}


def test_incidents_go_six_years_after_they_are_closed(founder: Principal, opens: Opens) -> None:
    over, still = opens(), opens()
    services.close_incident(principal=founder, incident=over, reason="Over", although_open=True)
    for years, left in ((5, {over, still}), (7, {still})):
        at = clock.now() + timedelta(days=365 * years)
        with time_machine.travel(at, tick=False), transaction(Purpose("core.purge")) as tx:
            forget(tx, INCIDENTS)
        with transaction(SYSTEM) as tx:
            assert set(tx.scalars(select(Incident.public_id))) == left
    assert len(lines_of(still)) == 1


def test_every_verb_leaves_one_entry(founder: Principal, one: tuple[str, ConcernedSchool]) -> None:
    made, school = one
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.max(AuditEntry.id))) or 0
    task = services.add_task(principal=founder, incident=made, said="Change the locks", due_at=None)
    services.finish_task(principal=founder, task=task)
    services.note(principal=founder, incident=made, said="Oh", happened_at=clock.now())
    services.decide(principal=founder, incident=made, said="We do", reason="So")
    schools.count_people(principal=founder, school=school.public_id, people=People(1, 1, 1))
    schools.tell_school(principal=founder, school=school.public_id, at=clock.now(), late_reason="")
    schools.people_were_told(principal=founder, school=school.public_id, at=clock.now())
    services.close_incident(principal=founder, incident=made, reason="Over", although_open=True)
    with transaction(SYSTEM) as tx:
        verbs = tx.scalars(select(AuditEntry.verb).where(AuditEntry.id > before).order_by(AuditEntry.id))
        assert list(verbs) == [
            "incidents.add-task",
            "incidents.finish-task",
            "incidents.note",
            "incidents.decide",
            "incidents.count",
            "incidents.tell-school",
            "incidents.people-told",
            "incidents.close",
        ]


def test_secrets_stand_in_no_picture_of_what_is_stated(opens: Opens) -> None:
    facts = replace(stated(opens()), what="Zebra")
    assert "Zebra" not in repr(facts)


def test_until_somebody_says_which_data_it_was_it_may_have_been_all(
    world: World, founder: Principal, opens: Opens
) -> None:
    made = opens()
    concern_home(world, founder, made, place="US-MD")
    assert any(each.is_open and each.is_ours for each in shown(founder, made).values())
    services.state_facts(
        principal=founder, incident=made, stated=stated(made, kinds=frozenset({"other"})), seen=0
    )
    assert not any(each.is_ours and each.due for each in shown(founder, made).values())


def test_an_incident_of_which_nobody_said_whom_it_concerns_does_not_close_by_itself(
    founder: Principal, opens: Opens
) -> None:
    with pytest.raises(Rejected) as rejected:
        services.close_incident(principal=founder, incident=opens(), reason="Over")
    assert list(rejected.value.fields) == ["although_open"]


def test_a_school_that_was_told_late_stays_late(world: World, founder: Principal, opens: Opens) -> None:
    made = opens(timedelta(days=9))
    concern_home(world, founder, made, place="US-NY")
    (school,) = concerned(made)
    vendor = "us-ny-121-10-vendor"
    assert shown(founder, made)[vendor].tone == "bad"
    schools.tell_school(
        principal=founder, school=school.public_id, at=clock.now(), late_reason="The gnu ate the phone"
    )
    late = shown(founder, made)[vendor]
    assert (late.is_open, late.late, late.tone) == (False, 1, "warn")


def test_a_notice_given_to_a_school_has_told_it(world: World, founder: Principal, opens: Opens) -> None:
    made = opens()
    concern_home(world, founder, made, place="US-NY")
    (school,) = concerned(made)
    at = clock.now()
    schools.give_notice(
        principal=founder,
        incident=made,
        rule="us-ny-121-10-vendor",
        school=school.public_id,
        at=at,
        late_reason="",
    )
    assert [row.told_at for row in concerned(made)] == [at]


@pytest.mark.parametrize(
    ("country", "state", "place"),
    [
        ("US", "NY", "US-NY"),
        ("US", None, "US"),
        ("GB", None, "UK"),
        ("PR", None, "US-PR"),
        ("DE", None, "DE"),
    ],
)
def test_places_are_those_of_the_laws(country: str, state: str | None, place: str) -> None:
    assert clocks.place_of(country, state) == place
