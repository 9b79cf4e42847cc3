"""What comes in during a drill about mails is what becomes of its mails, which people answer by letters."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.outbox.models import OutgoingMail
from backoffice.problems import Rejected
from backoffice.schools.models import School
from plugins.notifications.drills import mails
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.drills.scripts import SCRIPTS, Mails
from plugins.notifications.letters import queries as letter_queries
from plugins.notifications.letters import services as letters
from plugins.notifications.models import ConcernedSchool
from plugins.notifications.notices import queries, sending, services
from plugins.notifications.notices.models import Audience, DeliveryState, Notice, NoticeDelivery
from plugins.notifications.services import close_incident
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.drills.conftest import concern_home, go_on, play
from tests.plugins.notifications.notices.conftest import (
    REASON,
    WORKER,
    Founders,
    deliveries,
    let_out,
    propose,
    row_of,
)
from tests.plugins.notifications.notices.test_pages import HERE, signed_in

ADDRESS = "12 Seaview Avenue\nSan Rafael, CA 94901"


def work() -> None:
    """What the job does in one run."""
    sending.send_notices(WORKER, progress=lambda _done: None)
    mails.play_mails(WORKER)
    sending.settle(WORKER)


def states(notice: str) -> Counter[str]:
    return Counter(each.state for each in deliveries(notice))


def played(notice: str, number: int) -> None:
    """So many more to whom it was written, and who were erased since, but for their being counted."""
    with transaction(SYSTEM) as tx:
        row = row_of(notice)
        now = clock.now()
        of = {"notice_id": row.id, "state": "played", "maybe_twice": False, "addressed_at": now}
        numbers = tx.take_ids(NoticeDelivery, number)
        tx.execute(insert(NoticeDelivery), [{"id": each, **of, "settled_at": now} for each in numbers])


def test_one_in_four_mails_to_parents_comes_back_and_is_answered_by_letters(
    app: Flask, world: World, founders: Founders
) -> None:
    made = play(founders[0], "guessed-password")
    concern_home(world, founders[0], made)
    with transaction(SYSTEM) as tx:
        tx.get_one(School, world.home.id).postal_address = ADDRESS
    notice, to_staff = (let_out(founders, made, each) for each in (Audience.PARENTS, Audience.STAFF))
    work()
    played(notice, 8)
    written, staff = sum(states(notice).values()), states(to_staff)
    work()
    # It has not come in yet.
    assert states(notice) == {DeliveryState.PLAYED: written}
    go_on(made, timedelta(minutes=24, seconds=1))
    work()
    back = -(-written // mails.ONE_IN)
    assert back >= 3
    assert states(notice) == {DeliveryState.PLAYED: written - back, DeliveryState.BOUNCED: back}
    assert states(to_staff) == staff == {DeliveryState.PLAYED: sum(staff.values())}
    page = signed_in(app, world, "founder").get(f"{HERE}notices/{notice}").text
    assert "1 letter is to be made" in page
    work()
    assert states(notice)[DeliveryState.BOUNCED] == back
    # As a letter it comes back no more, and nothing has left.
    assert letters.make_letters(principal=founders[0], notice=notice) == 1
    with transaction(founders[0]) as tx:
        ((batch, _number),) = letter_queries.batches(tx, row_of(notice))
    letters.letters_posted(principal=founders[0], notice=notice, batch=batch.public_id, at=clock.now())
    work()
    assert states(notice)[DeliveryState.BOUNCED] == back - 1
    with transaction(SYSTEM) as tx:
        of_notices = select(OutgoingMail.id).where(OutgoingMail.name.like("notifications.notice-v%"))
        assert tx.scalars(of_notices).all() == []
        tx.get_one(School, world.home.id).postal_address = None


def test_what_is_written_afterwards_comes_back_as_well(world: World, founders: Founders) -> None:
    made = play(founders[0], "guessed-password")
    concern_home(world, founders[0], made)
    go_on(made, timedelta(minutes=24, seconds=1))
    notice = let_out(founders, made, Audience.PARENTS)
    sending.send_notices(WORKER, progress=lambda _done: None)
    assert states(notice)[DeliveryState.BOUNCED] == -(-sum(states(notice).values()) // mails.ONE_IN)


def test_what_the_service_refuses_reaches_nobody_until_it_takes_mails_again(
    world: World, founders: Founders
) -> None:
    made = play(founders[0], "mail-service")
    concern_home(world, founders[0], made)
    before = let_out(founders, made, Audience.STAFF)
    work()
    everybody = sum(states(before).values())
    go_on(made, timedelta(minutes=14, seconds=1))
    with transaction(SYSTEM) as tx:
        earlier = NoticeDelivery.addressed_at - timedelta(minutes=14, seconds=1)
        tx.execute(update(NoticeDelivery).values(addressed_at=earlier))
    refused, schools = (let_out(founders, made, each) for each in (Audience.STAFF, Audience.SCHOOLS))
    work()
    assert states(before) == {DeliveryState.PLAYED: everybody}
    assert states(refused) == {DeliveryState.FAILED: everybody}
    assert set(states(schools)) == {DeliveryState.FAILED}
    with transaction(SYSTEM) as tx:
        # Whoever was not reached was not told.
        assert tx.scalars(select(ConcernedSchool.told_at)).one() is None
    go_on(made, timedelta(minutes=52))
    with transaction(SYSTEM) as tx:
        earlier = NoticeDelivery.addressed_at - timedelta(minutes=52)
        tx.execute(update(NoticeDelivery).values(addressed_at=earlier))
    again = let_out(founders, made, Audience.STAFF)
    work()
    assert states(again) == {DeliveryState.PLAYED: everybody}
    assert states(refused) == {DeliveryState.FAILED: everybody}


@pytest.mark.parametrize("closed", [True, False])
def test_only_drills_that_are_open_change(world: World, founders: Founders, closed: bool) -> None:
    made = play(founders[0], "stolen-laptop" if not closed else "guessed-password")
    concern_home(world, founders[0], made)
    notice = let_out(founders, made, Audience.PARENTS)
    work()
    go_on(made, timedelta(minutes=61))
    if closed:
        close_incident(principal=founders[0], incident=made, reason=REASON, although_open=True)
    work()
    assert set(states(notice)) == {DeliveryState.PLAYED}


def test_a_real_incident_knows_of_no_event(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    work()
    assert set(states(notice)) == {DeliveryState.QUEUED}
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(DrillEvent.id)).all() == []


def test_scripts_say_of_mails_what_becomes_of_them() -> None:
    said = {
        (script.name, each.name): each.mails for script in SCRIPTS for each in script.events if each.mails
    }
    assert said == {
        ("guessed-password", "come-back"): Mails.COME_BACK,
        ("mail-service", "refused"): Mails.REFUSED,
        ("mail-service", "mended"): Mails.TAKEN,
    }
    # What was answered once is still known by its words.
    for script in SCRIPTS:
        names = [each.name for each in (*script.events, *script.former)]
        assert len(names) == len(set(names))
        assert all(script.event(name) for name in names)


def test_one_founder_waits_a_played_hour_alone(app: Flask, world: World, founders: Founders) -> None:
    made = play(founders[0], "guessed-password")
    notice = propose(founders[0], made, Audience.BANNER)
    one = signed_in(app, world, "founder")
    assert "You may let it go out alone from" in one.get(f"{HERE}notices/{notice}").text
    alone: dict[str, Any] = {"principal": founders[0], "notice": notice, "version": 0, "reason": REASON}
    go_on(made, timedelta(seconds=50))
    with pytest.raises(Rejected, match="Another founder has to approve it"):
        services.approve_alone(**alone)
    go_on(made, timedelta(seconds=11))
    assert "Let it go out alone" in one.get(f"{HERE}notices/{notice}").text
    services.approve_alone(**alone)
    row = row_of(notice)
    assert row.approved_at is not None
    assert row.review_due_at == row.approved_at + timedelta(days=3) / 60


def test_of_a_real_incident_the_database_wants_the_whole_hour(
    world: World, founders: Founders, incident: str
) -> None:
    notice = propose(founders[0], incident, Audience.BANNER)
    with transaction(SYSTEM) as tx:
        at = clock.now() - timedelta(minutes=59)
        tx.execute(update(Notice).where(Notice.public_id == notice).values(proposed_at=at))
    with pytest.raises(Rejected):
        services.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == notice)).one()
        assert not queries.approve_alone(tx, row, at=clock.now(), reason=REASON)
