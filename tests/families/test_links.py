"""Deciding about guardian links, and what parents see of their children and of each other."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import GUARDIANS_APPROVE
from backoffice.access.policy import visible
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services import signing_in
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.families import queries
from backoffice.families.models import GuardianLink, StudentView
from backoffice.families.services import accepting, invitations, letters, links
from backoffice.families.services.looking import note_view
from backoffice.jobs.models import JobRun
from backoffice.schools.models import Enrollment, Membership, Student
from backoffice.storage.public_id import new_public_id
from tests.factories.world import SYSTEM, World
from tests.families.acts import (
    accept_anew,
    approved_parent,
    invite,
    links_of,
    new_parent,
    sign_in,
    states,
)
from tests.families.post import mailed, token_for


def entered(email: str) -> Principal:
    with transaction(signing_in.credential(sign_in(email).token, None)) as tx:
        return tx.principal


def seen_by(principal: Principal) -> list[str]:
    with transaction(principal) as tx:
        return [each.name for each in queries.children(tx)]


def noted(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.verb == verb)) or 0


# -- deciding


def test_approved_the_parent_sees_the_child_and_is_told(world: World) -> None:
    child, email = world.own_class.children[0], "seen@people.example"
    link = new_parent(world, child, email)
    waiting = entered(email)
    assert seen_by(waiting) == []
    assert links.approve(principal=world.sign_in("co_teacher"), links=[link]) == 1
    assert (seen_by(waiting), states(email)) == ([child.given], ["approved"])
    (row,) = links_of(email)
    assert row.approved_by == world.people["co_teacher"].id
    text = mailed(email)[-1]
    assert ("has confirmed you" in text, child.given in text) == (True, False)
    # Told once.
    assert len(mailed(email)) == len(mailed(email)) == 2


# Of the mail that says that parents wait.
WAIT = "/console/families/"


def told_to_wait(world: World) -> dict[str, list[str]]:
    """Who of the staff was mailed that parents wait, and what."""
    found = {
        role: [text for text in mailed(person.email) if WAIT in text] for role, person in world.people.items()
    }
    return {role: texts for role, texts in found.items() if texts}


def counted(texts: dict[str, list[str]]) -> Counter[str]:
    return Counter({role: len(of_role) for role, of_role in texts.items()})


def runs() -> int:
    """How often the job of these mails was asked for."""
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(JobRun.job == invitations.WRITE)) or 0


def test_who_decides_is_mailed_once_that_a_parent_waits(world: World) -> None:
    child, email = world.own_class.children[0], "waits@people.example"
    before = counted(told_to_wait(world))
    link = new_parent(world, child, email)
    texts = told_to_wait(world)
    assert counted(texts) - before == {"teacher": 1, "co_teacher": 1}
    # Once, and it names nobody.
    assert told_to_wait(world) == texts
    said = " ".join(texts["teacher"])
    assert [word for word in (child.given, "Waits", email, world.own_class.name) if word in said] == []
    # Who was refused and asks again waits again.
    links.refuse(principal=world.sign_in("teacher"), links=[link])
    invite(world, child, email)
    accepting.accept(principal=entered(email), token=token_for(email))
    assert counted(told_to_wait(world)) - before == {"teacher": 2, "co_teacher": 2}


def test_who_decided_before_the_mail_was_written_gets_none(world: World) -> None:
    email = "quick@people.example"
    invite(world, world.own_class.children[0], email)
    before = counted(told_to_wait(world))
    token, asked = token_for(email), runs()
    accept_anew(token)
    # A worker looks at once.
    assert runs() == asked + 1
    links.approve(principal=world.sign_in("teacher"), links=[links_of(email)[0].public_id])
    assert counted(told_to_wait(world)) == before


def test_nobody_is_mailed_of_the_own_asking_nor_from_a_suspended_place(world: World) -> None:
    teacher, child = world.people["teacher"], world.own_class.children[0]
    before = counted(told_to_wait(world))
    link = {"school_id": world.own_class.school_id, "student_id": child.id, "account_id": teacher.id}
    place = update(Membership).where(Membership.account_id == world.people["co_teacher"].id)
    with transaction(SYSTEM) as tx:
        tx.execute(place.values(suspended_at=clock.now()))
        tx.execute(
            insert(GuardianLink).values(
                **link, public_id=new_public_id(), status="waiting", created_at=clock.now()
            )
        )
    try:
        # Nobody else of the class is left.
        assert counted(told_to_wait(world)) - before == {"leader": 1}
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(place.values(suspended_at=None))
            tx.execute(
                delete(GuardianLink).where(
                    GuardianLink.account_id == teacher.id, GuardianLink.student_id == child.id
                )
            )


def test_refused_the_parent_sees_nothing_is_told_and_can_be_asked_again(world: World) -> None:
    child, email = world.own_class.children[0], "refused@people.example"
    link = new_parent(world, child, email)
    assert links.refuse(principal=world.sign_in("leader"), links=[link]) == 1
    assert (seen_by(entered(email)), states(email)) == ([], ["refused"])
    assert "did not confirm you" in mailed(email)[-1]
    invite(world, child, email)
    accepting.accept(principal=entered(email), token=token_for(email))
    assert states(email) == ["waiting"]


def test_revoked_the_parent_is_out_at_the_next_request(world: World) -> None:
    child, email = world.own_class.children[0], "revoked@people.example"
    link = approved_parent(world, child, email)
    inside = entered(email)
    assert seen_by(inside) == [child.given]
    assert links.revoke(principal=world.sign_in("teacher"), links=[link]) == 1
    assert seen_by(inside) == []
    assert "has ended a link" in mailed(email)[-1]


def test_a_parent_can_leave_and_is_not_written_to(world: World) -> None:
    child, email = world.own_class.children[0], "leaves@people.example"
    approved_parent(world, child, email)
    inside, before = entered(email), len(mailed(email))
    links.leave(principal=inside, student=child.public_id)
    assert (seen_by(inside), states(email), len(mailed(email))) == ([], ["revoked"], before)
    with pytest.raises(NotFound):
        links.leave(principal=inside, student=child.public_id)


def test_nobody_leaves_for_another(world: World) -> None:
    approved_parent(world, world.own_class.children[0], "stays@people.example")
    for role in ("foreign_parent", "teacher"):
        with pytest.raises(NotFound):
            links.leave(principal=world.sign_in(role), student=world.own_class.children[0].public_id)
    assert states("stays@people.example") == ["approved"]


@pytest.mark.parametrize(
    "role", ["helper", "colleague", "elsewhere", "outsider", "officer", "founder", "parent"]
)
def test_nobody_else_decides(world: World, role: str) -> None:
    email = f"not-by-{role.replace('_', '-')}@people.example"
    link = new_parent(world, world.own_class.children[0], email)
    who = world.sign_in(role)
    for verb in (links.approve, links.refuse, links.revoke):
        assert verb(principal=who, links=[link]) == 0
    assert states(email) == ["waiting"]


def test_nobody_approves_themselves(world: World) -> None:
    """Not even a teacher of the class, nor past the services."""
    teacher, child = world.people["teacher"], world.own_class.children[1]
    invite(world, child, teacher.email, "co_teacher")
    accepting.accept(principal=world.sign_in("teacher"), token=token_for(teacher.email))
    (link,) = links_of(teacher.email)
    assert links.approve(principal=world.sign_in("teacher"), links=[link.public_id]) == 0
    with pytest.raises(DBAPIError), transaction(world.sign_in("teacher")) as tx:
        tx.execute(
            update(GuardianLink)
            .where(GuardianLink.id == link.id)
            .values(status="approved", approved_by=teacher.id)
        )
    assert links.approve(principal=world.sign_in("co_teacher"), links=[link.public_id]) == 1


def test_a_waiting_parent_does_not_approve_past_the_services(world: World) -> None:
    email = "impatient@people.example"
    new_parent(world, world.own_class.children[0], email)
    with pytest.raises(DBAPIError), transaction(entered(email)) as tx:
        tx.execute(update(GuardianLink).values(status="approved"))
    assert states(email) == ["waiting"]


def test_what_is_decided_is_not_decided_otherwise(world: World) -> None:
    email = "decided@people.example"
    link = new_parent(world, world.own_class.children[0], email)
    teacher = world.sign_in("teacher")
    assert [
        verb(principal=teacher, links=[link])
        for verb in (links.revoke, links.refuse, links.approve, links.refuse, links.revoke)
    ] == [0, 1, 0, 0, 0]
    assert states(email) == ["refused"]


def test_of_two_who_decide_at_once_one_does(world: World) -> None:
    email, start = "contested@people.example", Barrier(2)
    link = new_parent(world, world.own_class.children[0], email)
    who = [world.sign_in("teacher"), world.sign_in("co_teacher")]

    def decide(turn: int) -> int:
        start.wait()
        return (links.approve, links.refuse)[turn](principal=who[turn], links=[link])

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(decide, range(2))) == 1


def test_each_verb_is_in_the_trail(world: World) -> None:
    verbs = ("approve", "refuse", "revoke", "leave")
    before = [noted(f"guardians.{verb}") for verb in verbs]
    child, teacher = world.own_class.children[0], world.sign_in("teacher")
    links.refuse(principal=teacher, links=[new_parent(world, child, "a@people.example")])
    links.revoke(principal=teacher, links=[approved_parent(world, child, "b@people.example")])
    approved_parent(world, child, "c@people.example")
    links.leave(principal=entered("c@people.example"), student=child.public_id)
    after = [noted(f"guardians.{verb}") for verb in verbs]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1, 1, 1]


def test_many_at_once_are_one_entry_with_each_of_them(world: World) -> None:
    child, leader = world.own_class.children[0], world.sign_in("leader")
    both = [new_parent(world, child, f"many-{n}@people.example") for n in range(2)]
    before = noted("guardians.approve")
    assert links.approve(principal=leader, links=both) == 2
    assert noted("guardians.approve") == before + 1
    with transaction(SYSTEM) as tx:
        last = select(AuditDetail.detail).join(AuditEntry).where(AuditEntry.verb == "guardians.approve")
        detail = tx.scalars(last.order_by(AuditEntry.id.desc()).limit(1)).one()
        chosen = tx.scalars(select(GuardianLink.id).where(GuardianLink.public_id.in_(both))).all()
    assert sorted(detail["links"]) == sorted(chosen)
    assert detail["students"] == [child.id, child.id]


def test_links_that_ended_are_forgotten_after_a_month(world: World) -> None:
    email = "forgotten@people.example"
    link = approved_parent(world, world.own_class.children[0], email)
    links.revoke(principal=world.sign_in("teacher"), links=[link])
    for days, left in ((29, ["revoked"]), (31, [])):
        with transaction(SYSTEM) as tx:
            tx.execute(
                update(GuardianLink)
                .where(GuardianLink.public_id == link)
                .values(ended_at=clock.now() - timedelta(days=days))
            )
        mailed("")
        assert states(email) == left


# -- guardians do not see each other


def test_two_parents_of_one_child_do_not_see_each_other(world: World) -> None:
    child = world.own_class.children[0]
    approved_parent(world, child, "first@people.example")
    second = approved_parent(world, child, "second@people.example")
    first = entered("first@people.example")

    def all_that_first_reads() -> tuple[object, ...]:
        with transaction(first) as tx:
            return (
                queries.children(tx),
                queries.openings(tx, child.public_id, ZoneInfo("UTC")),
                sorted(tx.scalars(select(GuardianLink.account_id))),
                sorted(tx.scalars(visible(tx.principal, select(GuardianLink.account_id)))),
                sorted(tx.scalars(visible(tx.principal, select(GuardianLink.account_id), GUARDIANS_APPROVE))),
                sorted(tx.scalars(select(Account.id))),
            )

    before = all_that_first_reads()
    assert before[2:] == ([first.account_id], [first.account_id], [], [first.account_id])
    links.revoke(principal=world.sign_in("teacher"), links=[second])
    assert all_that_first_reads() == before


def test_with_children_in_two_schools_each_leader_sees_the_own_link(world: World) -> None:
    email, here, there = "both@people.example", world.own_class.children[0], world.foreign_class.children[1]
    approved_parent(world, here, email)
    invite(world, there, email, "outsider")
    accepting.accept(principal=entered(email), token=token_for(email))
    links.approve(principal=world.sign_in("outsider"), links=[links_of(email)[1].public_id])
    assert sorted(seen_by(entered(email))) == sorted([here.given, there.given])
    account = links_of(email)[0].account_id
    for role, school in (("leader", world.home.id), ("outsider", world.outside.id)):
        with transaction(world.sign_in(role)) as tx:
            mine = select(GuardianLink).where(GuardianLink.account_id == account)
            assert [each.school_id for each in tx.scalars(mine)] == [school]
            # And of the account behind it, nothing.
            assert tx.scalar(select(Account.id).where(Account.id == account)) is None


def test_a_parent_reads_no_comment_and_no_family_name(world: World) -> None:
    with transaction(world.sign_in("parent")) as tx:
        (child,) = queries.children(tx)
    assert (child.name, child.classroom_name) == ("Wilhelmina", "Ownclass Otters")
    assert [(each.label, each.value) for each in child.awards] == [("Praise of the Ownclass Otters", 2)]
    assert "Quartermaine" not in repr(child)
    assert "Comment" not in repr(child)


# -- who opened the record


def look(tx: Transaction, student: str) -> None:
    note_view(tx, find(tx, Student, student, selectinload(Student.enrollments)))


def test_the_parent_sees_who_opened_the_record_and_as_what(world: World) -> None:
    child = world.own_class.children[1]
    email = "watchful@people.example"
    approved_parent(world, child, email)
    for role in ("teacher", "teacher", "helper", "leader"):
        with transaction(world.sign_in(role)) as tx:
            look(tx, child.public_id)
    with transaction(entered(email)) as tx:
        found = queries.openings(tx, child.public_id, ZoneInfo("UTC"))
    assert {(each.name, each.role, each.times) for each in found} == {
        ("Tilda Teacher", "teacher", 2),
        ("Henk Helper", "helper", 1),
        ("Ruth Leader", "leader", 1),
    }


def test_of_another_child_nobody_is_told(world: World) -> None:
    other = world.own_class.children[1]
    with transaction(world.sign_in("teacher")) as tx:
        look(tx, other.public_id)
    with transaction(world.sign_in("parent")) as tx:
        assert queries.openings(tx, other.public_id, ZoneInfo("UTC")) == []
        seen = set(tx.scalars(select(StudentView.student_id)))
    assert seen == {world.own_class.children[0].id}


def test_nobody_notes_a_view_for_another_or_of_a_foreign_child(world: World) -> None:
    own, foreign = world.own_class.children[0], world.foreign_class.children[0]
    for role, child, viewer, at in (
        ("teacher", own, "co_teacher", clock.now()),
        ("teacher", foreign, "teacher", clock.now()),
        ("teacher", own, "teacher", clock.now() - timedelta(days=3)),
        ("parent", own, "parent", clock.now()),
    ):
        school = world.home.id if child is own else world.outside.id
        view = insert(StudentView).values(
            school_id=school, student_id=child.id, viewer_id=world.people[viewer].id, role="teacher", at=at
        )
        with pytest.raises(DBAPIError) as raised, transaction(world.sign_in(role)) as tx:
            tx.execute(view.inline())
        assert getattr(raised.value.orig, "sqlstate", None) == "42501"


def test_a_parent_is_no_viewer_though_the_row_is_theirs_to_read(world: World) -> None:
    with transaction(world.sign_in("parent")) as tx:
        child = tx.scalars(select(Student).options(selectinload(Student.enrollments))).one()
        with pytest.raises(NotFound):
            note_view(tx, child)


def test_views_are_forgotten_after_six_months(world: World) -> None:
    def kept() -> int:
        with transaction(SYSTEM) as tx:
            return tx.scalar(select(func.count()).select_from(StudentView)) or 0

    letters.forget_views(Purpose("test"))
    before = kept()
    with transaction(SYSTEM) as tx:
        newest = tx.scalar(select(func.max(StudentView.id)))
        old = update(StudentView).where(StudentView.id == newest)
        tx.execute(old.values(at=clock.now() - timedelta(days=185)))
    assert (letters.forget_views(Purpose("test")), kept()) == ({"views": 1}, before - 1)


def test_a_child_that_left_the_class_is_the_former_teachers_no_more(world: World) -> None:
    child, email = world.own_class.children[1], "moved@people.example"
    link = new_parent(world, child, email)
    ended = update(Enrollment).where(Enrollment.student_id == child.id)
    with transaction(SYSTEM) as tx:
        tx.execute(ended.values(ended_at=clock.now()))
    try:
        assert links.approve(principal=world.sign_in("teacher"), links=[link]) == 0
        assert links.approve(principal=world.sign_in("leader"), links=[link]) == 1
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(ended.values(ended_at=None))
