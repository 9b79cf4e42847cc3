"""Two founders let a notice go out; one alone only after an hour, with a reason and a review."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services.proof import LASTS, ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.problems import Overtaken, Rejected
from plugins.notifications import schools
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import queries, services
from plugins.notifications.notices.models import (
    Audience,
    Notice,
    NoticeDelivery,
    NoticeState,
    NoticeStep,
    StepKind,
)
from plugins.notifications.services import close_incident
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import (
    BOTH,
    ENGLISH,
    REASON,
    SPANISH,
    WORKER,
    Founders,
    let_out,
    mails,
    opened,
    propose,
    proven,
    row_of,
    timeline,
    waited,
    write,
)

FOUNDERS_MAIL = "notifications.notice-step"


def steps(notice: str) -> list[tuple[str, int | None, str | None]]:
    wanted = (NoticeStep.kind, NoticeStep.done_by, NoticeStep.reason)
    with transaction(SYSTEM) as tx:
        mine = NoticeStep.notice_id == row_of(notice).id
        return [
            (each[0], each[1], each[2])
            for each in tx.execute(select(*wanted).where(mine).order_by(NoticeStep.id))
        ]


def verbs() -> list[str]:
    with transaction(SYSTEM) as tx:
        noted = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id)).all()
    return [each for each in noted if each.startswith("notices.")]


def test_from_the_draft_to_the_banner_and_its_end(founders: Founders, incident: str) -> None:
    one, other = founders
    before = len(verbs())
    notice = write(one, incident, Audience.BANNER, {"en": {"heading": "Something"}})
    assert row_of(notice).state == NoticeState.DRAFT
    services.edit_notice(principal=one, notice=notice, said=BOTH, version=0)
    services.propose_notice(principal=one, notice=notice, version=1)
    ((to, said),) = mails(FOUNDERS_MAIL)
    assert to == "outsider@people.example"
    assert "Subject: A notice about an incident waits for you" in said
    assert ENGLISH["heading"] not in said
    services.approve_notice(principal=other, notice=notice, version=1)
    assert row_of(notice).state == NoticeState.UP
    services.take_down(principal=one, notice=notice, reason="Everybody has been told")
    row = row_of(notice)
    assert (row.state, row.ended_by) == (NoticeState.ENDED, one.account_id)
    assert steps(notice) == [
        (StepKind.PROPOSED, one.account_id, None),
        (StepKind.APPROVED, other.account_id, None),
        (StepKind.TAKEN_DOWN, one.account_id, "Everybody has been told"),
    ]
    assert verbs()[before:] == [
        f"notices.{step}" for step in ("write", "edit", "propose", "approve", "take-down")
    ]
    assert timeline(incident) == [
        ("told", "A banner went up on the home page.", None),
        ("told", "The banner was taken down.", "Everybody has been told"),
    ]


def test_nobody_approves_the_own_proposal(founders: Founders, incident: str) -> None:
    one, _other = founders
    notice = propose(one, incident, Audience.BANNER)
    with pytest.raises(Rejected, match="Another founder has to approve it"):
        services.approve_notice(principal=one, notice=notice, version=0)
    # Nor by going around the service.
    with transaction(one) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == notice)).one()
        assert not queries.approve(tx, row, at=clock.now())
        assert not queries.approve_alone(tx, row, at=clock.now(), reason=REASON)
    with pytest.raises(DBAPIError), transaction(one) as tx:
        tx.execute(update(Notice).values(state="up", approved_by=one.account_id))
    assert row_of(notice).state == NoticeState.PROPOSED


def test_what_is_approved_is_approved_once(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    assert row_of(notice).state == NoticeState.APPROVED
    with pytest.raises(Rejected, match="not as it was"):
        services.approve_notice(principal=founders[1], notice=notice, version=0)
    assert [kind for kind, *_ in steps(notice)] == [StepKind.PROPOSED, StepKind.APPROVED]
    # What was mailed cannot be ended.
    with pytest.raises(Rejected):
        services.take_down(principal=founders[0], notice=notice, reason="It was wrong all along")
    with pytest.raises(Rejected):
        services.discard_notice(principal=founders[0], notice=notice)


def test_what_changed_since_it_was_read_is_not_approved(founders: Founders, incident: str) -> None:
    one, other = founders
    notice = propose(one, incident, Audience.BANNER)
    services.take_back_notice(principal=one, notice=notice)
    changed = {"en": {**ENGLISH, "what": "Much worse."}, "es": {**SPANISH, "what": "Mucho peor."}}
    services.edit_notice(principal=one, notice=notice, said=changed, version=0)
    services.propose_notice(principal=one, notice=notice, version=1)
    with pytest.raises(Overtaken):
        services.approve_notice(principal=other, notice=notice, version=0)
    with pytest.raises(Overtaken):
        services.propose_notice(principal=one, notice=notice, version=0)
    with pytest.raises(Rejected):
        services.edit_notice(principal=one, notice=notice, said=BOTH, version=1)
    assert row_of(notice).state == NoticeState.PROPOSED


@pytest.mark.parametrize("gap", sorted(ENGLISH))
def test_what_has_a_gap_is_not_proposed(founders: Founders, incident: str, gap: str) -> None:
    for said in ({"en": {**ENGLISH, gap: "  "}}, {"en": ENGLISH, "es": {**SPANISH, gap: ""}}):
        notice = write(founders[0], incident, Audience.PARENTS, said)
        with pytest.raises(Rejected) as rejected:
            services.propose_notice(principal=founders[0], notice=notice, version=0)
        (name,) = rejected.value.fields
        assert name.endswith(f"_{gap}")
    services.propose_notice(
        principal=founders[0],
        notice=write(founders[0], incident, Audience.PARENTS, {"en": ENGLISH}),
        version=0,
    )


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("heading", "One\r\nBcc: everybody@people.example"),
        ("heading", "One\nTwo"),
        ("heading", "One\x0bTwo"),
        ("heading", "One\u2028Two"),
        ("heading", "x" * 101),
        ("what", "Look at \u202eslairotut"),
        ("what", "See https://backoffice.example/news"),
        ("you_do", "Sign in at www.backoffice.example"),
        ("you_do", "Go to /reset and choose a new password"),
        ("contact", "x" * 301),
    ],
)
def test_what_no_notice_may_say(founders: Founders, incident: str, field: str, text: str) -> None:
    with pytest.raises(Rejected) as rejected:
        write(founders[0], incident, Audience.STAFF, {"en": {**ENGLISH, field: text}})
    assert set(rejected.value.fields) == {f"en_{field}"}


def test_a_contact_can_be_reached(founders: Founders, incident: str) -> None:
    notice = write(founders[0], incident, Audience.STAFF, {"en": {**ENGLISH, "contact": "Our office"}})
    with pytest.raises(Rejected, match="mail address or a telephone number"):
        services.propose_notice(principal=founders[0], notice=notice, version=0)


def test_one_alone_waits_an_hour_and_says_why(founders: Founders, incident: str) -> None:
    one, other = founders
    notice = propose(one, incident, Audience.BANNER)
    with pytest.raises(Rejected, match="One hour after"):
        services.approve_alone(principal=one, notice=notice, version=0, reason=REASON)
    waited(notice, hours=0.99)
    with pytest.raises(Rejected, match="One hour after"):
        services.approve_alone(principal=one, notice=notice, version=0, reason=REASON)
    waited(notice)
    with pytest.raises(Rejected, match="Say why"):
        services.approve_alone(principal=one, notice=notice, version=0, reason="Now")
    with pytest.raises(Rejected):
        services.approve_alone(principal=other, notice=notice, version=0, reason=REASON)
    services.approve_alone(principal=one, notice=notice, version=0, reason=REASON)
    row = row_of(notice)
    assert (row.state, row.approved_by) == (NoticeState.UP, one.account_id)
    assert row.approved_at is not None
    assert row.review_due_at == row.approved_at + timedelta(days=3)
    assert steps(notice)[-1] == (StepKind.ALONE, one.account_id, REASON)
    assert [to for to, _said in mails(FOUNDERS_MAIL)] == ["outsider@people.example"] * 2
    assert "Subject: A notice went out with one founder alone" in mails(FOUNDERS_MAIL)[-1][1]
    assert timeline(incident)[-1][2] == REASON
    # Whoever let it out does not look at it.
    with pytest.raises(Rejected, match="Another founder"):
        services.review_notice(principal=one, notice=notice)
    with transaction(one) as tx:
        assert not queries.review(tx, row, at=clock.now())
    services.review_notice(principal=other, notice=notice)
    assert row_of(notice).reviewed_by == other.account_id
    with pytest.raises(Rejected):
        services.review_notice(principal=other, notice=notice)


def test_founders_are_reminded_of_a_review_once_a_day(founders: Founders, incident: str) -> None:
    notice = propose(founders[0], incident, Audience.BANNER)
    waited(notice)
    services.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    assert services.remind(WORKER) == 0
    with transaction(SYSTEM) as tx:
        tx.execute(update(Notice).values(review_due_at=clock.now() - timedelta(minutes=1)))
    before = len(mails(FOUNDERS_MAIL))
    assert services.remind(WORKER) == 1
    assert services.remind(WORKER) == 0
    told = {to for to, _said in mails(FOUNDERS_MAIL)[before:]}
    assert {"founder@people.example", "outsider@people.example"} <= told
    with transaction(SYSTEM) as tx:
        tx.execute(update(Notice).values(reminded_at=clock.now() - timedelta(days=1)))
    assert services.remind(WORKER) == 1
    services.review_notice(principal=founders[1], notice=notice)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Notice).values(reminded_at=None))
    assert services.remind(WORKER) == 0


DECIDE: list[Any] = [
    lambda who, notice: services.propose_notice(principal=who, notice=notice, version=0),
    lambda who, notice: services.take_back_notice(principal=who, notice=notice),
    lambda who, notice: services.approve_notice(principal=who, notice=notice, version=0),
    lambda who, notice: services.approve_alone(principal=who, notice=notice, version=0, reason=REASON),
    lambda who, notice: services.review_notice(principal=who, notice=notice),
    lambda who, notice: services.take_down(principal=who, notice=notice, reason=REASON),
    lambda who, notice: services.discard_notice(principal=who, notice=notice),
]
WRITE: list[Any] = [
    lambda who, notice: services.edit_notice(principal=who, notice=notice, said=BOTH, version=0),
]


@pytest.mark.parametrize("do", [*DECIDE, *WRITE])
def test_nobody_but_founders_does_anything(world: World, founders: Founders, incident: str, do: Any) -> None:
    notice = propose(founders[0], incident, Audience.BANNER)
    for role in ("teacher", "leader", "parent"):
        with pytest.raises(Denied):
            do(proven(world, role), notice)
    with pytest.raises(Denied):
        do(Principal(Nobody()), notice)
    assert row_of(notice).state == NoticeState.PROPOSED


@pytest.mark.parametrize("do", DECIDE)
def test_what_decides_asks_for_a_fresh_proof(founders: Founders, incident: str, do: Any) -> None:
    notice = propose(founders[0], incident, Audience.BANNER)
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - LASTS - timedelta(seconds=1)))
    for founder in founders:
        with pytest.raises(ProofNeeded):
            do(founder, notice)


def test_what_is_none_is_not_found(founders: Founders) -> None:
    for named in ("nothing", "x" * 16):
        with pytest.raises(NotFound):
            services.take_back_notice(principal=founders[0], notice=named)
        with pytest.raises(NotFound):
            write(founders[0], named, Audience.BANNER)


def test_of_a_closed_incident_nothing_goes_out_and_its_banner_comes_down(
    founders: Founders, incident: str
) -> None:
    one, other = founders
    up = let_out(founders, incident, Audience.BANNER)
    with pytest.raises(Rejected, match="Take it down first"):
        close_incident(principal=one, incident=incident, reason="It is over", although_open=True)
    waiting = propose(one, incident, Audience.STAFF)
    with transaction(one) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        assert queries.is_any_up(tx, row)
    with transaction(SYSTEM) as tx:
        closed = {"closed_at": clock.now(), "closed_by": one.account_id}
        tx.execute(update(Incident).where(Incident.public_id == incident).values(closed))
    with pytest.raises(Rejected, match="closed"):
        services.approve_notice(principal=other, notice=waiting, version=0)
    with pytest.raises(Rejected, match="closed"):
        write(one, incident, Audience.STAFF)
    with transaction(other) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == waiting)).one()
        assert not queries.approve(tx, row, at=clock.now())
    services.take_down(principal=one, notice=up, reason="Everybody has been told")
    assert row_of(up).state == NoticeState.ENDED


def test_the_same_form_writes_one(founders: Founders, incident: str) -> None:
    sent: dict[str, Any] = {
        "incident": incident,
        "audience": Audience.STAFF,
        "said": BOTH,
        "form": str(uuid4()),
    }
    first = services.write_notice(principal=founders[0], **sent)
    assert services.write_notice(principal=founders[0], **sent) == first
    with pytest.raises(Rejected):
        services.write_notice(principal=founders[0], **{**sent, "form": "one"})


def test_what_the_database_lets_whom_do(world: World, founders: Founders, incident: str) -> None:
    """Without the services: row-level security and grants alone."""
    notice = propose(founders[0], incident, Audience.BANNER)
    number = row_of(notice).id
    others = [world.sign_in(role) for role in ("teacher", "leader", "parent")]
    child = world.student(world.own_class, world.own_class.children[0])
    for who in (*others, child, Principal(Nobody())):
        with transaction(who) as tx:
            assert tx.scalars(select(Notice.id)).all() == []
            assert tx.scalars(select(NoticeStep.id)).all() == []
            found = func.plugin_notifications.progress_of([number]).table_valued("people")
            assert tx.execute(select(found)).all() == []
            for called in (
                func.plugin_notifications.propose_notice(number, 0, clock.now(), b"x", b"x"),
                func.plugin_notifications.approve_notice(number, 0, clock.now(), b"x"),
                func.plugin_notifications.hand_in_notice(number, clock.now(), clock.now()),
                func.plugin_notifications.approve_alone(number, 0, clock.now(), b"x", b"x"),
                func.plugin_notifications.take_back_notice(number, clock.now()),
                func.plugin_notifications.review_notice(number, clock.now()),
                func.plugin_notifications.end_notice(number, clock.now(), b"x"),
            ):
                assert tx.scalar(select(called)) is False
    for who in (founders[1], others[0]):
        for statement in (
            update(NoticeStep).values(kind="approved"),
            delete(NoticeStep),
            insert(NoticeStep).values(notice_id=number, kind="approved", done_at=clock.now()),
            delete(Notice),
            update(Notice).values(state="draft"),
            select(NoticeDelivery.id),
            select(func.plugin_notifications.note_step(number, "approved", clock.now(), None)),
        ):
            with pytest.raises(DBAPIError), transaction(who) as tx:
                tx.execute(statement)
    # What was proposed is not changed any more, and nobody writes in another's name.
    with transaction(founders[1]) as tx:
        changed = update(Notice).where(Notice.id == number).values(version=7)
        assert tx.scalars(changed.returning(Notice.id)).all() == []
    assert row_of(notice).state == NoticeState.PROPOSED


def test_a_notice_goes_with_its_incident(world: World, founders: Founders) -> None:
    incident = opened(world, founders[0])
    let_out(founders, incident, Audience.STAFF)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Incident).where(Incident.public_id == incident))
        assert tx.scalar(select(func.count()).select_from(Notice)) == 0
        assert tx.scalar(select(func.count()).select_from(NoticeStep)) == 0


def test_who_is_written_to_stays_as_it_was_while_two_decide(
    world: World, founders: Founders, incident: str
) -> None:
    notice = propose(founders[0], incident, Audience.STAFF)
    with pytest.raises(Rejected):
        schools.concern(principal=founders[0], incident=incident, place=world.outside.public_id)
    with pytest.raises(Rejected):
        close_incident(principal=founders[0], incident=incident, reason="Over", although_open=True)
    services.take_back_notice(principal=founders[0], notice=notice)
    assert schools.concern(principal=founders[0], incident=incident, place=world.outside.public_id) == 1


def test_a_school_whose_people_were_written_to_is_not_left_out(founders: Founders, incident: str) -> None:
    let_out(founders, incident, Audience.STAFF)
    with transaction(SYSTEM) as tx:
        some = tx.scalars(select(ConcernedSchool.public_id)).first()
    assert some is not None
    with pytest.raises(Rejected):
        schools.leave_out(principal=founders[0], school=some)
