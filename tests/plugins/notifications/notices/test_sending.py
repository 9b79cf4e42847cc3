"""Each person is written to once, in batches that a kill may part; in a drill nobody is."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.messages.models import MailChoice, Message
from backoffice.messages.services import tell_many
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.schools.models import District, Membership, Role, School
from backoffice.storage.public_id import new_public_id
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import messages, queries, sending, services
from plugins.notifications.notices.models import Audience, DeliveryState, NoticeState
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import (
    BOTH,
    ENGLISH,
    HEADING,
    REASON,
    SPANISH,
    WORKER,
    Founders,
    deliveries,
    let_out,
    mails,
    propose,
    row_of,
    timeline,
    waited,
)

# Of the home school: its own leaders and teachers; nobody of another school, and nobody twice.
ALONE_MAIL = "notifications.notice-alone"
NOTICE_MAIL = "notifications.notice-v1"


def send(**options: Any) -> int:
    return sending.send_notices(WORKER, progress=lambda _done: None, **options)


def inbox(notice: str) -> list[Message]:
    """What was left to whom of a notice."""
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(Message).where(Message.kind == NOTICE_MAIL, Message.subject == notice)))


def staff_of_home(world: World) -> set[int]:
    """As anybody would count them: by hand, one account after the other."""
    with transaction(SYSTEM) as tx:
        school = tx.get_one(School, world.home.id)
        return {
            each.account_id
            for each in tx.scalars(select(Membership))
            if each.school_id == school.id or (school.district_id and each.district_id == school.district_id)
        }


def addresses(numbers: set[int]) -> list[str]:
    with transaction(SYSTEM) as tx:
        return sorted(each.email for each in tx.scalars(select(Account)) if each.id in numbers)


def contact_of_home(world: World, contact: str | None) -> None:
    with transaction(SYSTEM) as tx:
        tx.get_one(School, world.home.id).security_contact = contact


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_staff_are_told_once_each(world: World, founders: Founders, incident: str, at_once: int) -> None:
    expected = staff_of_home(world)
    assert len(expected) > 2
    with transaction(SYSTEM) as tx:
        # A second role of one who has one.
        leader = world.people["leader"].id
        tx.add(
            Membership(
                account_id=leader, school_id=world.home.id, role=Role.PRIVACY_OFFICER, created_at=clock.now()
            )
        )
        if world.district_id:
            tx.add(
                Membership(
                    account_id=world.people["teacher"].id,
                    district_id=world.district_id,
                    role=Role.PRIVACY_OFFICER,
                    created_at=clock.now(),
                )
            )
    notice = let_out(founders, incident, Audience.STAFF)
    assert send(at_once=at_once) == len(expected)
    assert sorted(to for to, _said in mails()) == addresses(expected)
    assert {each.account_id for each in deliveries(notice)} == expected
    assert {each.state for each in deliveries(notice)} == {DeliveryState.QUEUED}
    assert all(each.mail_id for each in deliveries(notice))
    row = row_of(notice)
    assert row.state == NoticeState.SENT
    assert row.sent_at is not None
    # Again and again: nobody is told a second time.
    assert send() == 0
    with transaction(SYSTEM) as tx:
        tx.execute(update(type(row)).values(state=NoticeState.APPROVED))
    assert send() == 0
    assert len(mails()) == len(expected)


def test_who_is_killed_in_the_middle_leaves_what_was_done(
    world: World, founders: Founders, incident: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = staff_of_home(world)
    notice = let_out(founders, incident, Audience.STAFF)
    posted: list[int] = []

    def killed(*args: Any, **options: Any) -> Any:
        written = tell_many(*args, **options)
        posted.append(len(written))
        if len(posted) == 2:
            raise KeyboardInterrupt
        return written

    with monkeypatch.context() as patch:
        patch.setattr(sending, "tell_many", killed)
        with pytest.raises(KeyboardInterrupt):
            send(at_once=2)
    # The first two are committed; of the second two neither row nor mail is.
    assert len(deliveries(notice)) == len(mails()) == 2
    assert send(at_once=2) == len(expected) - 2
    assert sorted(to for to, _said in mails()) == addresses(expected)


def test_each_reads_the_own_language(world: World, founders: Founders, incident: str) -> None:
    teacher = world.people["teacher"]
    with transaction(SYSTEM) as tx:
        tx.get_one(Account, teacher.id).language = "es"
    let_out(founders, incident, Audience.STAFF)
    let_out(founders, incident, Audience.STAFF, {"en": ENGLISH})
    send()
    first, second = [said for to, said in mails() if to == teacher.email]
    assert f"Subject: {SPANISH['heading']}" in first
    # What is written in English alone is told in it, with titles in the own language.
    assert f"Subject: {HEADING}" in second
    others = [said for to, said in mails() if to != teacher.email]
    assert all(f"Subject: {HEADING}" in said for said in others)


def test_what_is_written_stays_text(founders: Founders, incident: str) -> None:
    hostile = {**ENGLISH, "heading": "<script>alert(1)</script> & more", "what": "A <b>bold</b> claim\n<img>"}
    let_out(founders, incident, Audience.STAFF, {"en": hostile})
    send()
    said = mails()[0][1]
    html = said.split("Content-Type: text/html", 1)[1]
    assert "<script>" not in html
    assert "<b>bold" not in html
    assert "&lt;b&gt;bold" in html
    head = said.split("\r\n\r\n", 1)[0]
    assert head.count("Subject:") == 1


def test_parents_of_the_school_and_no_others(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    assert send() == 1
    ((to, said),) = mails()
    assert to == world.people["parent"].email
    assert "follow how a child does" in " ".join(said.replace("=\r\n", "").split())
    assert [each.account_id for each in deliveries(notice)] == [world.people["parent"].id]


def test_a_schools_contact_is_told_else_its_leaders(world: World, founders: Founders, incident: str) -> None:
    contact_of_home(world, " security@home.example ")
    notice = let_out(founders, incident, Audience.SCHOOLS)
    send()
    assert [to for to, _said in mails()] == ["security@home.example"]
    ((account, school),) = [(each.account_id, each.concerned_school_id) for each in deliveries(notice)]
    assert account is None
    assert school is not None
    assert send() == 0
    for contact in (None, "Ask Mrs Rivera\r\nBcc: all@people.example"):
        contact_of_home(world, contact)
        before = len(mails())
        let_out(founders, incident, Audience.SCHOOLS)
        send()
        assert world.people["leader"].email in [to for to, _said in mails()[before:]]
        assert not {to for to, _said in mails()[before:]} & {
            world.people[role].email for role in ("teacher", "parent", "outsider")
        }


@pytest.mark.parametrize("own", [None, "Ask Mrs Rivera"])
def test_a_school_that_names_nobody_is_told_by_its_district(
    world: World, founders: Founders, incident: str, own: str | None
) -> None:
    contact_of_home(world, own)
    with transaction(SYSTEM) as tx:
        tx.get_one(District, world.district_id).security_contact = "security@district.example"
    try:
        let_out(founders, incident, Audience.SCHOOLS)
        send()
        assert [to for to, _said in mails()] == ["security@district.example"]
    finally:
        with transaction(SYSTEM) as tx:
            tx.get_one(District, world.district_id).security_contact = None


def test_schools_come_before_staff_and_parents(founders: Founders, incident: str, world: World) -> None:
    contact_of_home(world, "security@home.example")
    for audience in (Audience.PARENTS, Audience.STAFF, Audience.SCHOOLS):
        let_out(founders, incident, audience)
    send(at_once=1)
    told = [to for to, _said in mails()]
    assert told[0] == "security@home.example"
    assert told[-1] == world.people["parent"].email


def test_in_a_drill_no_mail_leaves(world: World, founders: Founders, drill: str) -> None:
    contact_of_home(world, "security@home.example")
    made = [let_out(founders, drill, each) for each in (Audience.SCHOOLS, Audience.STAFF, Audience.PARENTS)]
    alone = propose(founders[0], drill, Audience.STAFF)
    waited(alone)
    services.approve_alone(principal=founders[0], notice=alone, version=0, reason=REASON)
    assert send() == 1 + 2 * len(staff_of_home(world)) + 1
    assert sending.tell_schools(WORKER) == 0
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(OutgoingMail.id)).all() == []
    for notice in (*made, alone):
        assert {each.state for each in deliveries(notice)} == {DeliveryState.PLAYED}
        assert row_of(notice).state == NoticeState.SENT
    with transaction(founders[1]) as tx:
        counted = queries.progress_of(tx, [row_of(made[1])])
    assert list(counted.values()) == [{"played": len(staff_of_home(world))}]


def test_everybody_whom_it_is_for_finds_it_in_the_inbox_and_nobody_else(
    world: World, founders: Founders, incident: str
) -> None:
    # Somebody who wants no mail gets it all the same.
    with transaction(SYSTEM) as tx:
        tx.execute(update(MailChoice).values(unwanted=[NOTICE_MAIL]))
    said = {"en": {**ENGLISH, "heading": "Lists <script>alert(1)</script>"}}
    notice = let_out(founders, incident, Audience.STAFF, said)
    send()
    expected = staff_of_home(world)
    assert sorted(each.account_id for each in inbox(notice)) == sorted(expected)
    assert len({to for to, _said in mails()}) == len(expected)
    with transaction(world.sign_in("teacher")) as tx:
        text = messages.NOTICE.text
        assert text is not None
        read = text(tx, notice)
    assert read is not None
    assert read.heading == "Lists <script>alert(1)</script>"
    for role in ("parent", "outsider"):
        with transaction(world.sign_in(role)) as tx:
            assert text(tx, notice) is None


def test_a_notice_is_read_on_its_page_as_text(
    app: Flask, world: World, founders: Founders, incident: str
) -> None:
    said = {"en": {**ENGLISH, "what": "Lists <script>alert(1)</script>"}}
    notice = let_out(founders, incident, Audience.STAFF, said)
    send()
    (mine,) = (each for each in inbox(notice) if each.account_id == world.people["teacher"].id)
    page = signed_in(app, world, "teacher").get(f"/messages/{mine.public_id}").text
    assert "Lists &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "We have closed the gap." in page
    # Mails that are held say nothing, and so does the page.
    services.pause_notice(principal=founders[0], notice=notice, reason=REASON)
    page = signed_in(app, world, "teacher").get(f"/messages/{mine.public_id}").text
    assert "We have closed the gap." not in page
    assert "is not to be read here at the moment" in page


def test_a_drill_leaves_no_message(founders: Founders, drill: str) -> None:
    made = [let_out(founders, drill, each) for each in (Audience.SCHOOLS, Audience.STAFF, Audience.PARENTS)]
    send()
    assert [len(deliveries(each)) > 0 for each in made] == [True] * 3
    assert [inbox(each) for each in made] == [[]] * 3
    with transaction(SYSTEM) as tx:
        told = select(Message).where(Message.kind.startswith("notifications."))
        assert tx.scalars(told).all() == []


def test_schools_are_told_once_that_one_founder_decided(
    world: World, founders: Founders, incident: str
) -> None:
    contact_of_home(world, "security@home.example")
    let_out(founders, incident, Audience.BANNER)
    assert sending.tell_schools(WORKER) == 0
    notice = propose(founders[0], incident, Audience.BANNER)
    waited(notice)
    services.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    assert sending.tell_schools(WORKER) == 1
    assert sending.tell_schools(WORKER) == 0
    ((to, said),) = mails(ALONE_MAIL)
    assert to == "security@home.example"
    assert REASON not in said


def test_progress_is_what_the_outbox_says_and_outlives_it(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    count = send()

    def progress() -> dict[str, int]:
        with transaction(founders[0]) as tx:
            return dict(queries.progress_of(tx, [row_of(notice)])[row_of(notice).id])

    assert progress() == {"queued": count}
    first, second, *_rest = [each.mail_id for each in deliveries(notice)]
    with transaction(SYSTEM) as tx:
        for number, state in ((first, MailState.SENT), (second, MailState.FAILED)):
            finished = {"state": state, "finished_at": clock.now() - timedelta(minutes=1)}
            tx.execute(update(OutgoingMail).where(OutgoingMail.id == number).values(finished))
    expected = {"queued": count - 2, "sent": 1, "failed": 1}
    assert progress() == expected
    assert sending.settle(WORKER, at_once=1) == 2
    assert sending.settle(WORKER) == 0
    with transaction(SYSTEM) as tx:
        tx.execute(delete(OutgoingMail).where(OutgoingMail.id.in_((first, second))))
    assert progress() == expected
    assert [kind for kind, *_ in timeline(incident)] == ["told", "told"]


def test_what_is_held_waits_and_what_comes_back_is_told_apart(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    count = send()
    first, second, *_rest = [each.mail_id for each in deliveries(notice)]

    def make(number: int | None, state: MailState) -> None:
        with transaction(SYSTEM) as tx:
            over = None if state is MailState.HELD else clock.now()
            changed = {"state": state, "finished_at": over}
            tx.execute(update(OutgoingMail).where(OutgoingMail.id == number).values(changed))

    def progress() -> dict[str, int]:
        sending.settle(WORKER)
        with transaction(founders[0]) as tx:
            return dict(queries.progress_of(tx, [row_of(notice)])[row_of(notice).id])

    make(first, MailState.HELD)
    make(second, MailState.SENT)
    assert progress() == {"queued": count - 1, "sent": 1}
    make(second, MailState.BOUNCED)
    assert progress() == {"queued": count - 1, "bounced": 1}
    assert progress() == {"queued": count - 1, "bounced": 1}


def test_what_was_given_up_and_tried_again_has_left(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    count = send()
    first = deliveries(notice)[0].mail_id
    for state, became in ((MailState.FAILED, "failed"), (MailState.SENT, "sent")):
        with transaction(SYSTEM) as tx:
            changed = {"state": state, "finished_at": clock.now()}
            tx.execute(update(OutgoingMail).where(OutgoingMail.id == first).values(changed))
        assert sending.settle(WORKER) == 1
        with transaction(founders[0]) as tx:
            found = queries.progress_of(tx, [row_of(notice)])[row_of(notice).id]
        assert found == {"queued": count - 1, became: 1}
    assert sending.settle(WORKER) == 0


def test_whom_it_may_have_reached_twice_is_known_when_the_mail_is_gone(
    world: World, founders: Founders, incident: str
) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    send()
    first, second, *_rest = [each.mail_id for each in deliveries(notice)]

    def twice(who: Principal = founders[0]) -> int:
        with transaction(who) as tx:
            return queries.maybe_twice(tx, row_of(notice))

    with transaction(SYSTEM) as tx:
        doubted = update(OutgoingMail).where(OutgoingMail.id.in_((first, second)))
        tx.execute(doubted.values(maybe_twice=True))
    assert twice() == 0, "neither has left a second time yet"
    with transaction(SYSTEM) as tx:
        left = {"state": MailState.SENT, "finished_at": clock.now()}
        tx.execute(update(OutgoingMail).where(OutgoingMail.id == first).values(left))
    assert twice() == 1
    sending.settle(WORKER)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(OutgoingMail).where(OutgoingMail.id == first))
    assert twice() == 1
    assert twice(world.sign_in("leader")) == 0


def test_a_school_is_told_when_a_mail_to_somebody_of_it_has_left(founders: Founders, incident: str) -> None:
    def told() -> dict[int | None, bool]:
        with transaction(SYSTEM) as tx:
            found = tx.scalars(select(ConcernedSchool))
            return {each.school_id: each.told_at is not None for each in found}

    let_out(founders, incident, Audience.STAFF)
    send()
    assert not any(told().values())
    with transaction(SYSTEM) as tx:
        some = tx.scalars(select(ConcernedSchool)).first()
        assert some is not None
        empty = School(
            id=tx.take_id(School),
            public_id=new_public_id(),
            kind="school",
            name="Nobody's School",
            country="US",
            time_zone="America/New_York",
            language="en",
            school_days=["monday"],
            factor_required=False,
            created_at=clock.now(),
        )
        tx.add(empty)
        tx.flush()
        tx.add(
            ConcernedSchool(
                id=tx.take_id(ConcernedSchool),
                public_id=new_public_id(),
                incident_id=some.incident_id,
                school_id=empty.id,
                place="US-NY",
                time_zone="America/New_York",
                students=0,
                staff=0,
                parents=0,
            )
        )
        here, nowhere = some.school_id, empty.id
    notice = let_out(founders, incident, Audience.SCHOOLS)
    send()
    sending.settle(WORKER)
    assert not any(told().values())
    with transaction(SYSTEM) as tx:
        written = [each.mail_id for each in deliveries(notice)]
        left = {"state": MailState.SENT, "finished_at": clock.now()}
        tx.execute(update(OutgoingMail).where(OutgoingMail.id.in_(written)).values(left))
    sending.settle(WORKER)
    assert (told()[here], told()[nowhere]) == (True, False)


def test_of_who_is_erased_a_number_stays(world: World, founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.PARENTS)
    send()
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Account).where(Account.id == world.people["parent"].id))
    ((account, mail),) = [(each.account_id, each.mail_id) for each in deliveries(notice)]
    assert (account, mail) == (None, None)
    sending.settle(WORKER)
    with transaction(founders[0]) as tx:
        assert list(queries.progress_of(tx, [row_of(notice)]).values()) == [{"failed": 1}]


def test_a_school_that_is_gone_is_nobodys(founders: Founders, incident: str) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).values(school_id=None))
    notice = let_out(founders, incident, Audience.STAFF, BOTH)
    assert send() == 0
    assert row_of(notice).state == NoticeState.SENT
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(Incident.public_id).where(Incident.public_id == incident)) == incident
    assert new_public_id()
