"""Promises about parents and about wider views: each holds, and each falls short when it is really broken."""

import pytest
from sqlalchemy import select

from backoffice.access.permissions import CHILDREN_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction, transaction
from backoffice.controls.check import State
from backoffice.families import queries
from backoffice.schools.models import Membership, PointEntry, TeachingRole
from backoffice.schools.services.classrooms import create_classroom
from backoffice.staff.models import InvitedAs
from backoffice.staff.services import invitations
from tests.controls.conftest import Broken, Look
from tests.factories.world import NO_LIMIT, SYSTEM, World
from tests.staff.post import token_for

STUDENT_READ = (
    "(school_id = any ((select app.ids('led_schools'))::bigint[])"
    " or id = any ((select app.pupils())::bigint[])"
    " or id = any ((select app.children_asked_about())::bigint[]))"
)
LINK_READ = (
    "account_id = any ((select app.ids('account'))::bigint[])"
    " or school_id = any ((select app.ids('led_schools'))::bigint[])"
    " or student_id = any ((select app.taught())::bigint[])"
)
VIEW_READ = (
    "student_id = any ((select app.ids('students'))::bigint[]) and (select app.ids('account')) <> '{}'"
)


def test_parents_see_their_own_child(look: Look) -> None:
    finding = look("parent-view")
    assert (finding.state, finding.evidence) == (
        State.HOLDS,
        "2 parents of 2 children tried: 0 foreign rows, 15 columns shown.",
    )


def test_a_policy_open_to_parents_falls_short(look: Look, broken: Broken) -> None:
    with broken(
        f"alter policy app_read on app.student using ({STUDENT_READ}"
        " or cardinality(app.ids('students')) > 0)",
        f"alter policy app_read on app.student using ({STUDENT_READ})",
    ):
        finding = look("parent-view")
        # To teachers it is as before.
        assert look("classroom-isolation").state is State.HOLDS
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "A parent can read foreign rows of app.student.",
    )


def test_a_policy_that_shows_the_other_parent_falls_short(look: Look, broken: Broken, world: World) -> None:
    other, child = world.people["foreign_parent"].id, world.own_class.children[0].id
    with (
        broken(
            "insert into app.guardian_link (school_id, public_id, student_id, account_id, status, created_at)"
            f" values ({world.home.id}, 'theotherparent22', {child}, {other}, 'waiting', '2026-11-26')",
            "delete from app.guardian_link where public_id = 'theotherparent22'",
        ),
        broken(
            f"alter policy app_read on app.guardian_link using ({LINK_READ}"
            " or student_id = any ((select app.ids('students'))::bigint[]))",
            f"alter policy app_read on app.guardian_link using ({LINK_READ})",
        ),
    ):
        finding = look("parent-view")
    assert (finding.state, "app.guardian_link" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_policy_that_shows_who_opened_other_records_falls_short(look: Look, broken: Broken) -> None:
    with broken(
        "alter policy app_read on app.student_view using ((select app.ids('account')) <> '{}')",
        f"alter policy app_read on app.student_view using ({VIEW_READ})",
    ):
        finding = look("parent-view")
    assert (finding.state, "app.student_view" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_policy_that_shows_fields_without_anything_of_the_child_falls_short(
    look: Look, broken: Broken
) -> None:
    """Parents read of a field what it is called once something is written in it about their child."""
    with broken(
        "create policy too_much on app.custom_field for select to backoffice_app"
        " using ((select app.ids('students')) <> '{}')",
        "drop policy too_much on app.custom_field",
    ):
        finding = look("parent-view")
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "A parent can read foreign rows of app.custom_field.",
    )


def test_a_page_that_reads_comments_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    awards = queries._awards

    def with_comments(tx: Transaction, *child: int) -> list[queries.Given]:
        tx.execute(visible(tx.principal, select(PointEntry.comment), CHILDREN_READ)).all()
        return awards(tx, *child)

    monkeypatch.setattr(queries, "_awards", with_comments)
    finding = look("parent-view")
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "A parent's page reads app.point_entry.comment.",
    )


def test_without_parents_it_is_not_exercised(look: Look, broken: Broken) -> None:
    with broken(
        "create table app.kept as select id, status from app.guardian_link;"
        " update app.guardian_link set status = 'waiting'",
        "update app.guardian_link g set status = k.status from app.kept k where k.id = g.id;"
        " drop table app.kept",
    ):
        assert look("parent-view").state is State.NOT_EXERCISED


def test_a_broken_isolation_falls_short(look: Look, broken: Broken) -> None:
    with broken(
        "alter table app.student_view no force row level security",
        "alter table app.student_view force row level security",
    ):
        finding = look("parent-view")
    assert (finding.state, "app.student_view" in finding.evidence) == (State.FALLS_SHORT, True)


# -- wider views


def test_each_grant_has_its_origin(look: Look) -> None:
    finding = look("authorised-cross-classroom")
    assert finding.state is State.HOLDS
    assert finding.evidence.startswith(
        "1 leader and 0 teachers of several classes, at most 1 at one of 3 schools;"
    )
    assert "each with its origin: " in finding.evidence


@pytest.mark.parametrize("role", ["leader", "teacher"])
def test_a_grant_that_came_past_all_ways_falls_short(
    look: Look, broken: Broken, world: World, role: str
) -> None:
    mine = f"account_id = {world.people['outsider'].id} and school_id = {world.elsewhere.id}"
    with broken(
        "insert into app.membership (account_id, school_id, role, created_at, origin) values"
        f" ({world.people['outsider'].id}, {world.elsewhere.id}, '{role}', '2026-11-26', 'invitation')",
        f"delete from app.membership where {mine}",
    ):
        finding = look("authorised-cross-classroom")
    assert (finding.state, finding.evidence) == (State.FALLS_SHORT, "1 grant without an origin.")


def test_a_role_that_was_raised_past_all_ways_falls_short(look: Look, broken: Broken, world: World) -> None:
    mine = f"account_id = {world.people['helper'].id} and classroom_id = {world.own_class.id}"
    with broken(
        f"update app.teaching_role set role = 'owner' where {mine}",
        "select set_config('app.origin', 'test', true);"
        f" update app.teaching_role set role = 'helper' where {mine}",
    ):
        finding = look("authorised-cross-classroom")
    assert finding.state is State.FALLS_SHORT
    assert look("authorised-cross-classroom").state is State.HOLDS


def test_every_way_in_is_noted(world: World) -> None:
    email = world.people["elsewhere"].email
    invitations.invite(
        principal=world.sign_in("leader"),
        school=world.home.public_id,
        email=email,
        name="Orla",
        role=InvitedAs.CO_TEACHER,
        classroom=world.own_class.public_id,
        throttles=NO_LIMIT,
    )
    invitations.accept(principal=world.sign_in("elsewhere"), token=token_for(email))
    create_classroom(principal=world.sign_in("teacher"), school=world.home.public_id, name="Originals")
    with transaction(SYSTEM) as tx:
        memberships = set(tx.scalars(select(Membership.origin)))
        roles = set(tx.scalars(select(TeachingRole.origin)))
    assert (memberships, roles) == ({"test", "invitation"}, {"test", "invitation", "console"})
