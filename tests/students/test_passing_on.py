"""What a child told is passed on to the company: without its words and its name, once, by who may read it."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected, Throttled
from backoffice.reports.models import Report, ReportKind
from backoffice.settings import Throttles
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries import services
from backoffice.students.worries.models import GoesTo, Worry
from backoffice.web import cookies
from tests.contract.pages import form_token
from tests.factories.world import NO_LIMIT, SYSTEM, World, worry

NOTE = "Somebody wrote as me in the class of the cats"
SAID = "A child was let in as another one, with the code of the class, on Monday at 9:00."


@pytest.fixture(autouse=True)
def silence(world: World) -> Iterator[None]:
    """Nobody has told or reported anything."""

    def settle() -> None:
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Worry))
            tx.execute(delete(Report))

    del world
    settle()
    yield
    settle()


def told(world: World, goes_to: GoesTo = GoesTo.TEACHER, note: str | None = NOTE) -> str:
    with transaction(SYSTEM) as tx:
        public_id = worry(tx, world.own_class, goes_to)
        tx.execute(update(Worry).where(Worry.public_id == public_id).values(note=note))
    return public_id


def pass_on(
    who: Principal,
    number: str,
    said: str = SAID,
    *,
    may_ask: bool = False,
    form: str = "",
    throttles: Throttles = NO_LIMIT,
) -> str:
    return services.pass_on(
        principal=who,
        worry=number,
        kind=ReportKind.TAKEN,
        said=said,
        may_ask=may_ask,
        form=form or str(uuid4()),
        throttles=throttles,
    )


def reports() -> list[Report]:
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(Report).order_by(Report.id)).all()
        # What is kept apart is read while there is a transaction.
        assert all(each.said and (each.contact is None or each.contact) for each in found)
        return list(found)


def row(number: str) -> Worry:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Worry).where(Worry.public_id == number)).one()


@pytest.mark.parametrize("role", ["teacher", "co_teacher", "leader"])
def test_who_reads_it_may_pass_it_on(world: World, role: str) -> None:
    number, who = told(world), world.sign_in(role)
    passed = pass_on(who, number)
    (report,) = reports()
    assert (report.public_id, report.kind, report.said) == (passed, ReportKind.TAKEN, SAID)
    assert (report.by_school, report.account_id, report.contact) == (True, who.account_id, None)
    kept = row(number)
    assert (kept.passed_on_by, kept.closed_at, kept.seen_at) == (who.account_id, None, None)
    assert kept.passed_on_at is not None
    with transaction(SYSTEM) as tx:
        entries = tx.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(2)).all()
        # Of the report no school's trail knows.
        assert [(each.verb, each.school_id) for each in entries] == [
            ("reports.report", None),
            ("worries.pass-on", world.home.id),
        ]


def test_it_is_passed_on_once(world: World) -> None:
    number, form = told(world), str(uuid4())
    pass_on(world.sign_in("teacher"), number, form=form)
    for again in (form, str(uuid4())):
        with pytest.raises(Rejected, match="passed on already"):
            pass_on(world.sign_in("leader"), number, form=again)
    assert len(reports()) == 1


def test_what_is_closed_may_be_passed_on_later(world: World) -> None:
    number = told(world)
    services.close(principal=world.sign_in("teacher"), worry=number, answer="Spoke with the child")
    pass_on(world.sign_in("teacher"), number)
    assert row(number).passed_on_at is not None


@pytest.mark.parametrize("role", ["helper", "outsider", "founder", "parent", "officer"])
def test_nobody_else_passes_it_on(world: World, role: str) -> None:
    number = told(world)
    with pytest.raises((Denied, NotFound)):
        pass_on(world.sign_in(role), number)
    assert reports() == []
    assert row(number).passed_on_at is None


def test_what_was_told_past_a_teacher_is_not_theirs_to_pass_on(world: World) -> None:
    number = told(world, GoesTo.LEADER)
    with pytest.raises(NotFound):
        pass_on(world.sign_in("teacher"), number)
    pass_on(world.sign_in("leader"), number)


def test_the_name_of_the_child_is_not_passed_on(world: World) -> None:
    number, child = told(world), world.own_class.children[0]
    for said in (
        *(f"{child.given} was signed in twice", f"There is “{child.given}” in it"),
        f"it was {child.given.lower()}, and {child.given.upper()} again",
    ):
        with pytest.raises(Rejected) as rejected:
            pass_on(world.sign_in("teacher"), number, said)
        assert set(rejected.value.fields) == {"said"}
    # No part of another word.
    pass_on(world.sign_in("teacher"), number, f"The {child.given}ish code was used twice")


def test_the_words_of_the_child_are_not_passed_on(world: World) -> None:
    number = told(world)
    with pytest.raises(Rejected, match="own words"):
        pass_on(world.sign_in("teacher"), number, f"It said: {NOTE.upper()}.\nThat is all.")
    # Some of them, too.
    with pytest.raises(Rejected, match="own words"):
        pass_on(world.sign_in("teacher"), number, f"There was {NOTE[4:30]} on the page.")
    short = told(world, note="my code")
    pass_on(world.sign_in("teacher"), short, "Somebody used my code")


@pytest.mark.parametrize("said", ["", " \n ", "x" * 5001])
def test_something_has_to_be_said(world: World, said: str) -> None:
    number = told(world)
    with pytest.raises(Rejected) as rejected:
        pass_on(world.sign_in("teacher"), number, said)
    assert set(rejected.value.fields) == {"said"}
    assert row(number).passed_on_at is None


def test_whoever_may_be_asked_says_so(world: World) -> None:
    pass_on(world.sign_in("teacher"), told(world), may_ask=True)
    (report,) = reports()
    assert report.contact == "teacher@people.example"
    assert report.about


def test_too_many_are_refused(world: World) -> None:
    few = NO_LIMIT.model_copy(update={"report_account": "1/hour"})
    who = world.sign_in("co_teacher")
    pass_on(who, told(world), throttles=few)
    number = told(world)
    with pytest.raises(Throttled):
        pass_on(who, number, throttles=few)
    assert row(number).passed_on_at is None


def test_nobody_else_says_that_a_school_passed_something_on(world: World) -> None:
    """Without the services: row-level security alone."""
    for who in (world.sign_in("parent"), Principal(Nobody())):
        kept = {"kind": "other", "said": "Look", "about": [], "form": uuid4(), "reported_at": clock.now()}
        with pytest.raises(SQLAlchemyError), transaction(who) as tx:
            named = {"public_id": new_public_id(), "account_id": who.account_id, "by_school": True}
            tx.execute(insert(Report).values(id=tx.take_id(Report), **named, **kept).inline())


def test_the_pages(app: Flask, world: World) -> None:
    number = told(world)
    teacher = app.test_client()
    teacher.set_cookie(cookies.ACCOUNT, world.token("teacher"))
    here = f"/console/inbox/worries/{number}"
    assert f'href="{here}/pass-on"' in teacher.get(here).text
    page = teacher.get(f"{here}/pass-on").text
    assert "not what the child wrote" in page
    assert NOTE not in page
    form = re.search(r'name="form"[^>]*value="([^"]+)"', page)
    assert form is not None
    given = {"csrf_token": form_token(page), "form": form[1], "kind": "taken"}
    empty = teacher.post(f"{here}/pass-on", data={**given, "said": ""})
    assert empty.status_code == 422
    done = teacher.post(f"{here}/pass-on", data={**given, "said": SAID}, follow_redirects=True).text
    assert "Passed on to the company" in done
    assert "/pass-on" not in done
    assert teacher.get(f"{here}/pass-on").status_code == 303
    (report,) = reports()
    founder = app.test_client()
    founder.set_cookie(cookies.ACCOUNT, world.token("founder"))
    shown = founder.get(f"/console/reports/{report.public_id}").text
    assert "Passed on by a school" in shown
    assert SAID in shown
    assert "Open an incident" in shown
    assert NOTE not in shown
