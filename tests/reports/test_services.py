"""What anybody reports: taken once, told to founders, closed by one of them, forgotten."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import undefer

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected, Throttled
from backoffice.reports import services
from backoffice.reports.models import Finding, Report
from backoffice.reports.services import LARGEST_MAIL, LONGEST, Reported
from backoffice.settings import Throttles
from backoffice.throttles.visitor import Visitor
from tests.factories import world as factory
from tests.factories.world import SYSTEM, World

WORKER = Purpose("core.tell-of-reports")
PLENTY = Throttles(report_network="1000/hour", report_account="1000/hour", report_files="1000/hour")
MAIL = b"From: Bank <x@fake.example>\r\nSubject: Urgent\r\n\r\nhttps://fake.example/pay\r\n"


@pytest.fixture(autouse=True)
def none_before(world: World) -> None:
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Report).where(Report.account_id.is_(None)))


def reported(**changed: Any) -> Reported:
    usual = {"kind": "message", "said": "A gnu asked for my PIN", "contact": "", "mail": b""}
    return Reported(**{**usual, "form": str(uuid4()), **changed})


def report(
    what: Reported | None = None, who: Principal | Nobody | None = None, throttles: Throttles = PLENTY
) -> str | None:
    return services.report(
        principal=who or Nobody("203.0.113.9"),
        reported=what or reported(),
        visitor=Visitor("203.0.113.9"),
        throttles=throttles,
    )


def row(public_id: str | None) -> Report:
    """All of it."""
    with transaction(SYSTEM) as tx:
        whole = select(Report).where(Report.public_id == public_id).options(undefer("*"))
        return tx.scalars(whole).one()


def mails() -> int:
    with transaction(SYSTEM) as tx:
        told = select(func.count()).where(OutgoingMail.name == "core.reports-came")
        return tx.scalar(told) or 0


def test_anybody_reports_and_the_trail_says_neither_what_nor_by_whom(world: World) -> None:
    made = row(report(reported(said="One line\n\n  and   another\x07 ", contact=" Who@People.example ")))
    assert (made.said, made.contact, made.account_id) == ("One line\nand another", "who@people.example", None)
    with transaction(SYSTEM) as tx:
        noted = tx.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert noted is not None
        assert (noted.verb, noted.school_id) == ("reports.report", None)


@pytest.mark.parametrize("role", ["teacher", "parent", "founder", "child"])
def test_whoever_is_signed_in_is_known(world: World, role: str) -> None:
    who = (
        world.student(world.own_class, world.own_class.children[0])
        if role == "child"
        else world.sign_in(role)
    )
    made = row(report(who=who))
    assert made.account_id == (None if role == "child" else world.people[role].id)


def test_the_same_form_reports_once(world: World) -> None:
    what = reported()
    assert report(what) is not None
    assert report(what) is None
    # Whoever goes back and adds something adds it.
    for more in ({"said": "Other words"}, {"mail": MAIL}, {"contact": "me@people.example"}):
        assert report(replace(what, **more)) is not None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "moon"}, "kind"),
        ({"form": "none"}, "kind"),
        ({"said": " \n\t"}, "said"),
        ({"said": "x" * (LONGEST + 1)}, "said"),
        ({"contact": "nobody"}, "contact"),
        ({"mail": b"x" * (LARGEST_MAIL + 1)}, "file"),
    ],
)
def test_what_is_not_taken(world: World, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Rejected) as rejected:
        report(reported(**changed))
    assert list(rejected.value.fields) == [field]


def test_one_network_cannot_fill_the_list(world: World) -> None:
    few = Throttles(report_network="2/hour")
    for _ in range(2):
        services.report(
            principal=Nobody(), reported=reported(), visitor=Visitor("198.51.100.7"), throttles=few
        )
    with pytest.raises(Throttled):
        services.report(
            principal=Nobody(), reported=reported(), visitor=Visitor("198.51.100.7"), throttles=few
        )


def test_many_files_leave_room_for_words(world: World) -> None:
    few = Throttles(report_network="1000/hour", report_files="1/hour")
    report(reported(mail=MAIL), throttles=few)
    with pytest.raises(Rejected, match="Send the report without"):
        report(reported(mail=MAIL), throttles=few)
    assert report(throttles=few)


def test_strangers_do_not_close_the_way_to_whoever_is_signed_in(world: World) -> None:
    few = Throttles(report_network="1000/hour", report_overall="1/hour")
    with pytest.raises(Throttled):
        for _ in range(2):
            report(throttles=few)
    assert report(who=world.sign_in("teacher"), throttles=few)


def test_what_else_the_database_refuses_is_no_report_that_came_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "new_public_id", lambda: None)
    with pytest.raises(IntegrityError):
        report()


# ------------------------------------------------------------------------------------- founders


def test_founders_are_told_once_of_however_many(world: World) -> None:
    services.tell_founders(WORKER)
    for _ in range(3):
        report()
    before = mails()
    assert services.tell_founders(WORKER) == {"told": 3}
    assert services.tell_founders(WORKER) == {}
    founders = 1 + ("founder_2" in world.people)
    assert mails() == before + founders


def test_one_closes_it_with_what_it_was(world: World) -> None:
    made, founder = report(reported(mail=MAIL)), world.sign_in("founder")
    assert made is not None
    assert services.mail_of(principal=founder, report=made) == MAIL
    services.close_report(principal=founder, report=made, finding="fake", note="Taken down\nby the host")
    closed = row(made)
    assert (closed.finding, closed.note) == ("fake", "Taken down\nby the host")
    assert closed.closed_by == world.people["founder"].id
    assert services.mail_of(principal=founder, report=made) == MAIL
    with pytest.raises(Rejected, match="closed by somebody else"):
        services.close_report(principal=founder, report=made, finding="spam", note="Once more")


@pytest.mark.parametrize("finding", [Finding.HARMLESS, Finding.SPAM])
def test_a_mail_that_was_none_of_ours_goes_as_it_is_closed(world: World, finding: Finding) -> None:
    made, founder = report(reported(mail=MAIL)), world.sign_in("founder")
    assert made is not None
    services.close_report(principal=founder, report=made, finding=finding, note="A newsletter")
    assert services.mail_of(principal=founder, report=made) is None


@pytest.mark.parametrize(
    ("finding", "note", "field"),
    [("moon", "Found", "finding"), ("fake", " \n", "note"), ("fake", "x" * 2001, "note")],
)
def test_how_it_is_not_closed(world: World, finding: str, note: str, field: str) -> None:
    made = report()
    assert made is not None
    with pytest.raises(Rejected) as rejected:
        services.close_report(principal=world.sign_in("founder"), report=made, finding=finding, note=note)
    assert list(rejected.value.fields) == [field]


@pytest.mark.parametrize(
    "change",
    [{"mail": b"another"}, {"note": "Noted"}, {"closed_by": None, "closed_at": None}],
)
def test_the_database_lets_founders_close_it_and_no_more(world: World, change: dict[str, Any]) -> None:
    made = row(report(reported(mail=MAIL))).id
    by = {"closed_by": world.people["founder"].id, **change}
    with pytest.raises(DBAPIError), transaction(world.sign_in("founder")) as tx:
        tx.execute(update(Report).where(Report.id == made).values(by))


NOT_THEIRS: dict[str, Callable[[Principal, str], object]] = {
    "close": lambda who, report: services.close_report(
        principal=who, report=report, finding="spam", note="Nothing"
    ),
    "mail": lambda who, report: services.mail_of(principal=who, report=report),
}


@pytest.mark.parametrize("verb", NOT_THEIRS)
@pytest.mark.parametrize("role", ["leader", "teacher", "officer", "foreign_parent"])
def test_nobody_else_does(world: World, role: str, verb: str) -> None:
    # The parent's own one, too: it was told to us.
    with transaction(SYSTEM) as tx:
        own = tx.scalars(
            select(Report.public_id).where(Report.account_id == world.people["foreign_parent"].id)
        ).one()
    with pytest.raises(NotFound):
        NOT_THEIRS[verb](world.sign_in(role), own)


def test_it_is_forgotten_after_half_a_year(world: World) -> None:
    made = report()
    with time_machine.travel(clock.now() + timedelta(days=170), tick=False):
        services.forget_reports(WORKER)
        assert row(made).public_id == made
    with time_machine.travel(clock.now() + timedelta(days=190), tick=False):
        assert services.forget_reports(WORKER)["reports"] >= 1
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).where(Report.public_id == made)) == 0
        # The world's own went as well: what others of this file need is put back.
        factory.report(tx, world.people["foreign_parent"])
