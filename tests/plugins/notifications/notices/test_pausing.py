"""A notice that is being sent is paused, gone on with, and stopped for good."""

import pytest
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.problems import Rejected
from plugins.notifications.notices import sending, services, showing
from plugins.notifications.notices.models import Audience, DeliveryState, NoticeState
from plugins.notifications.services import close_incident
from tests.factories.world import SYSTEM
from tests.plugins.notifications.notices.conftest import (
    REASON,
    WORKER,
    Founders,
    deliveries,
    let_out,
    row_of,
    timeline,
)


def waiting() -> list[str]:
    """The states of mails of notices."""
    with transaction(SYSTEM) as tx:
        of_notices = select(OutgoingMail.state).where(OutgoingMail.name == "notifications.notice-v1")
        return sorted(tx.scalars(of_notices))


def test_what_is_paused_waits_and_goes_on(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    assert sending.send_notices(WORKER, progress=lambda _done: None, at_once=1) > 1
    services.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    assert set(waiting()) == {MailState.HELD}
    with pytest.raises(Rejected):
        services.pause_notice(principal=founders[1], notice=notice, reason=REASON)
    services.resume_notice(principal=founders[1], notice=notice)
    assert set(waiting()) == {MailState.QUEUED}
    kinds = [(said, reason) for _kind, said, reason in timeline(incident)][-2:]
    assert kinds == [(str(services.PAUSED), REASON), (str(services.RESUMED), None)]


def test_nothing_is_written_while_it_is_paused(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    services.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    assert sending.send_notices(WORKER, progress=lambda _done: None) == 0
    assert waiting() == []
    services.resume_notice(principal=founders[0], notice=notice)
    assert sending.send_notices(WORKER, progress=lambda _done: None) > 0


def test_what_is_stopped_reaches_nobody_else(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    sending.send_notices(WORKER, progress=lambda _done: None)
    with pytest.raises(Rejected):
        services.stop_notice(principal=founders[0], notice=notice, reason=REASON)
    services.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    with pytest.raises(Rejected, match="Wait for it"):
        close_incident(principal=founders[0], incident=incident, reason=REASON, although_open=True)
    services.stop_notice(principal=founders[0], notice=notice, reason=REASON)
    assert set(waiting()) == {MailState.CALLED_OFF}
    sending.settle(WORKER)
    assert {each.state for each in deliveries(notice)} == {DeliveryState.CALLED_OFF}
    assert row_of(notice).state == NoticeState.ENDED
    assert row_of(notice).ended_by == founders[0].account_id
    assert showing.state_of(row_of(notice), paused=False)[0] == "Stopped for good"


def test_a_banner_is_not_paused(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.BANNER)
    with pytest.raises(Rejected):
        services.pause_notice(principal=founders[0], notice=notice, reason=REASON)


def put_back() -> None:
    """As a worker does that had taken them and could not send them."""
    with transaction(SYSTEM) as tx:
        of_notices = OutgoingMail.name == "notifications.notice-v1"
        tx.execute(update(OutgoingMail).where(of_notices).values(state=MailState.QUEUED, finished_at=None))


def test_what_comes_back_to_wait_is_kept_back(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    sending.send_notices(WORKER, progress=lambda _done: None)
    sending.keep_back(WORKER)
    assert set(waiting()) == {MailState.QUEUED}
    services.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    put_back()
    sending.keep_back(WORKER)
    assert set(waiting()) == {MailState.HELD}
    services.stop_notice(principal=founders[0], notice=notice, reason=REASON)
    put_back()
    sending.keep_back(WORKER)
    assert set(waiting()) == {MailState.CALLED_OFF}
