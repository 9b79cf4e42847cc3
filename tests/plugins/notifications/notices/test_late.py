"""A notice to schools that goes out after a school's time says why, and that stays with the school."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.storage.roles import DatabaseRole
from plugins.notifications.evidence.content import content_of
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import sending, services
from plugins.notifications.notices.models import Audience, Notice, NoticeState
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import (
    REASON,
    WORKER,
    Founders,
    propose,
    row_of,
    timeline,
    waited,
    write,
)
from tests.plugins.notifications.notices.test_pages import HERE, signed_in, step

LATE = "We did not know whom the contract has us tell"
TO_SCHOOLS = (Audience.SCHOOLS, Audience.LETTERS)


def due(incident: str, hours: float) -> None:
    """By its contract its school is to be told in so many hours from now."""
    with transaction(SYSTEM) as tx:
        at = clock.now() - timedelta(hours=100 - hours)
        tx.execute(update(Incident).where(Incident.public_id == incident).values(noticed_at=at))
        terms = {"contract_rule": "contract-hours", "contract_start": "noticed", "contract_hours": 100}
        tx.execute(update(ConcernedSchool).values(**terms))


def school() -> ConcernedSchool:
    with transaction(SYSTEM) as tx:
        row = tx.scalars(select(ConcernedSchool)).one()
        # As it is kept apart, it is read while there is a transaction.
        assert row.late_reason is None or row.late_reason
        return row


def kept(notice: str) -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(Notice.late_reason).where(Notice.public_id == notice))


def leave() -> None:
    """All mails are taken by a mail server."""
    sending.send_notices(WORKER, progress=lambda _done: None)
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).values(state=MailState.SENT, finished_at=clock.now()))
    sending.settle(WORKER)


@pytest.mark.parametrize("audience", TO_SCHOOLS)
@pytest.mark.parametrize("hours", [-28, 0.4])
def test_nothing_late_is_proposed_without_a_reason(
    founders: Founders, incident: str, audience: Audience, hours: float
) -> None:
    due(incident, hours)
    notice = write(founders[0], incident, audience)
    for reason in ("", "too short"):
        with pytest.raises(Rejected) as rejected:
            services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=reason)
        assert set(rejected.value.fields) == {"late_reason"}
    services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=f" {LATE}\n")
    assert kept(notice) == LATE
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    assert kept(notice) == LATE


@pytest.mark.parametrize("audience", [Audience.STAFF, Audience.PARENTS, Audience.BANNER])
def test_only_of_schools_it_is_asked(founders: Founders, incident: str, audience: Audience) -> None:
    due(incident, -10)
    notice = propose(founders[0], incident, audience)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    assert kept(notice) is None


def test_what_is_in_time_asks_for_none(founders: Founders, incident: str) -> None:
    due(incident, 10)
    notice = write(founders[0], incident, Audience.SCHOOLS)
    # Nor keeps one that nobody needs.
    services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=LATE)
    assert kept(notice) is None


def test_what_became_late_while_it_waited_asks_who_approves(founders: Founders, incident: str) -> None:
    due(incident, 10)
    notice = propose(founders[0], incident, Audience.SCHOOLS)
    due(incident, -10)
    with pytest.raises(Rejected, match="Say why they are told so late"):
        services.approve_notice(principal=founders[1], notice=notice, version=0)
    waited(notice)
    with pytest.raises(Rejected, match="Say why they are told so late"):
        services.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    assert row_of(notice).state == NoticeState.PROPOSED
    services.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON, late_reason=LATE)
    assert kept(notice) == LATE


def test_who_approves_may_give_a_better_reason(founders: Founders, incident: str) -> None:
    due(incident, -10)
    notice = write(founders[0], incident, Audience.SCHOOLS)
    services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=REASON)
    services.approve_notice(principal=founders[1], notice=notice, version=0, late_reason=LATE)
    assert kept(notice) == LATE


def test_a_school_that_was_told_is_late_no_more(founders: Founders, incident: str) -> None:
    due(incident, -10)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(told_at=clock.now() - timedelta(hours=20)))
    notice = propose(founders[0], incident, Audience.SCHOOLS)
    assert row_of(notice).state == NoticeState.PROPOSED


def test_the_reason_stays_with_the_school(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    due(incident, -10)
    notice = write(founders[0], incident, Audience.SCHOOLS)
    services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=LATE)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    leave()
    row = school()
    assert row.told_at is not None
    assert row.late_reason == LATE
    with transaction(founders[0]) as tx:
        about = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        told = content_of(tx, about, now=clock.now())
    assert told["schools"][0]["late_reason"] == LATE
    assert told["notices"][0]["late_reason"] == LATE
    page = signed_in(app, world, "founder").get(f"{HERE}{incident}").text
    assert f"Why so late: {LATE}" in page


def test_who_was_told_in_time_has_none(founders: Founders, incident: str) -> None:
    """A reason is kept, and the school was told before its time was over all the same."""
    due(incident, 0.5)
    notice = write(founders[0], incident, Audience.SCHOOLS)
    services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=LATE)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    leave()
    row = school()
    assert row.told_at is not None
    assert row.late_reason is None


def test_it_is_sealed(runtime: Runtime, founders: Founders, incident: str) -> None:
    due(incident, -10)
    notice = write(founders[0], incident, Audience.SCHOOLS)
    services.propose_notice(principal=founders[0], notice=notice, version=0, late_reason=LATE)
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        rows = connection.execute(text("select late_reason from plugin_notifications.notice"))
        assert LATE.encode() not in bytes(rows.scalar_one())
    with pytest.raises(DBAPIError), transaction(founders[0]) as tx:
        tx.execute(update(Notice).values(late_reason=REASON))


def test_the_page_asks(app: Flask, world: World, founders: Founders, incident: str) -> None:
    one, other = signed_in(app, world, "founder"), signed_in(app, world, "outsider")
    due(incident, -10)
    notice = write(founders[0], incident, Audience.SCHOOLS)
    page = one.get(f"{HERE}notices/{notice}").text
    assert "It is late for 1 school" in page
    assert 'name="late_reason"' in page
    assert "Say why they are told so late" in step(one, notice, "propose")
    assert "It is proposed" in step(one, notice, "propose", late_reason=LATE)
    page = other.get(f"{HERE}notices/{notice}").text
    assert LATE in page
    assert 'name="late_reason"' not in page
    assert "It goes out now." in step(other, notice, "approve")


def paused(founders: Founders, notice: str) -> None:
    services.pause_notice(principal=founders[0], notice=notice, reason=REASON)


def test_what_became_late_while_it_was_paused_says_why_it_goes_on(founders: Founders, incident: str) -> None:
    due(incident, 10)
    notice = propose(founders[0], incident, Audience.SCHOOLS)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    paused(founders, notice)
    due(incident, -10)
    for reason in ("", "too short"):
        with pytest.raises(Rejected) as rejected:
            services.resume_notice(principal=founders[1], notice=notice, late_reason=reason)
        assert set(rejected.value.fields) == {"late_reason"}
    assert row_of(notice).paused_at is not None
    services.resume_notice(principal=founders[1], notice=notice, late_reason=LATE)
    assert kept(notice) == LATE
    assert timeline(incident)[-1] == ("told", str(services.RESUMED), LATE)
    # It is asked once.
    paused(founders, notice)
    services.resume_notice(principal=founders[1], notice=notice)
    assert kept(notice) == LATE
    leave()
    assert school().late_reason == LATE


def test_what_goes_on_in_time_or_to_others_says_nothing(founders: Founders, incident: str) -> None:
    due(incident, 10)
    notice = propose(founders[0], incident, Audience.SCHOOLS)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    paused(founders, notice)
    services.resume_notice(principal=founders[1], notice=notice, late_reason=LATE)
    assert kept(notice) is None
    # Once it goes on there is nothing to go on with.
    with pytest.raises(Rejected, match="not as it was"):
        services.resume_notice(principal=founders[1], notice=notice)
    due(incident, -10)
    notice = propose(founders[0], incident, Audience.STAFF)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    paused(founders, notice)
    services.resume_notice(principal=founders[1], notice=notice)
    assert row_of(notice).paused_at is None


def test_the_page_of_what_is_paused_asks(app: Flask, world: World, founders: Founders, incident: str) -> None:
    one = signed_in(app, world, "founder")
    due(incident, 10)
    notice = propose(founders[0], incident, Audience.SCHOOLS)
    services.approve_notice(principal=founders[1], notice=notice, version=0)
    paused(founders, notice)
    assert 'name="late_reason"' not in one.get(f"{HERE}notices/{notice}").text
    due(incident, -10)
    page = one.get(f"{HERE}notices/{notice}").text
    assert "It is late for 1 school" in page
    assert page.count('name="late_reason"') == 1
    assert page.count('value="resume"') == 1
    assert "Say why they are told so late" in step(one, notice, "resume")
    assert "It goes on." in step(one, notice, "resume", late_reason=LATE)
    page = one.get(f"{HERE}notices/{notice}").text
    assert LATE in page
    assert "It is late for" not in page
