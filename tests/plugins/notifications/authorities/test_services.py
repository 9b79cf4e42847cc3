"""A form to an authority: filled in, approved by two, handed in by one; its clock has an end then."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services.proof import LASTS, ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.problems import Overtaken, Rejected
from plugins.notifications import clocks, schools, services
from plugins.notifications.authorities import facts
from plugins.notifications.authorities import services as authorities
from plugins.notifications.authorities.queries import begun
from plugins.notifications.deadlines.facts import Risk, Role
from plugins.notifications.evidence.content import content_of
from plugins.notifications.models import ConcernedSchool, GivenNotice, Incident
from plugins.notifications.notices import queries, sending, wordings
from plugins.notifications.notices import services as notices
from plugins.notifications.notices.models import Audience, Notice, NoticeState, NoticeStep, StepKind
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import (
    WORKER,
    Founders,
    let_out,
    mails,
    opened,
    row_of,
    timeline,
    waited,
)

GDPR, CALIFORNIA = "eu-gdpr-33-1", "us-ca-1798-82-ag"
DELAY = "The log was complete only after four days"
SAID = {
    "nature": "Somebody could read lists of classes.",
    "records": "Lists of classes, about 40.",
    "consequences": "Names of classes may become known.",
    "measures": "We have closed the gap.",
    "contact": "privacy@backoffice.example",
    "later": "Who it was is looked into; we write again on Monday.",
}
STATE = {
    "nature": "Somebody could read lists of classes.",
    "when": "On Monday",
    "measures": "We have closed the gap.",
    "told": "By mail, on Tuesday",
    "offered": "Nothing: no number of anybody was among them.",
    "contact": "+1 555 010 2030",
}
REASON = "The other founder is on a plane until tonight"


def at_home(world: World, by: Principal, *, place: str = "DE", ago: float = 1, **values: Any) -> str:
    """An incident of our own data, noticed so many hours ago, of people of a place."""
    known = {"role": Role.CONTROLLER, "risk": Risk.RISK, "kinds": ["name", "email", "password"]}
    noticed = clock.now() - timedelta(hours=ago)
    number = opened(world, by, noticed_at=noticed, **{**known, **values})
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).where(_of(number)).values(place=place))
    return number


def _of(incident: str) -> Any:
    return ConcernedSchool.incident_id == (
        select(Incident.id).where(Incident.public_id == incident).scalar_subquery()
    )


def write(by: Principal, incident: str, rule: str = GDPR, **more: str) -> str:
    said = {**(SAID if rule == GDPR else STATE), **more}
    return notices.write_notice(
        principal=by,
        incident=incident,
        audience=Audience.AUTHORITY,
        said={"en": said},
        form=str(uuid4()),
        rule=rule,
    )


def approve(founders: Founders, incident: str, rule: str = GDPR, **more: str) -> str:
    notice = write(founders[0], incident, rule, **more)
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    notices.approve_notice(principal=founders[1], notice=notice, version=0)
    return notice


def hand_in(by: Principal, notice: str, at: datetime | None = None, late_reason: str = "") -> None:
    authorities.hand_in(principal=by, notice=notice, at=at or clock.now(), late_reason=late_reason)


def given(incident: str) -> list[tuple[str, str | None]]:
    with transaction(SYSTEM) as tx:
        mine = select(GivenNotice.rule, GivenNotice.late_reason).join(Incident)
        return [(each[0], each[1]) for each in tx.execute(mine.where(Incident.public_id == incident))]


def asked(by: Principal, incident: str, rule: str = GDPR) -> Any:
    with transaction(by) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        return facts.asked_by(clocks.standing(tx, row), rule)


def test_from_the_facts_to_the_clock(world: World, founders: Founders) -> None:
    one, other = founders
    incident = at_home(world, one)
    notice = approve(founders, incident)
    row = row_of(notice)
    assert (row.state, row.rule, row.template) == (NoticeState.APPROVED, GDPR, "authority-gdpr")
    assert row.facts is not None
    assert row.facts["there"] == {"students": 2, "staff": 3, "parents": 1}
    assert row.facts["places"] == {"DE": {"students": 2, "staff": 3, "parents": 1}}
    assert row.facts["kinds"] == ["email", "name", "password"]
    # No mail is written by any worker, and nobody stands among those who were written to.
    assert sending.send_notices(WORKER, progress=lambda _done: None) == 0
    assert row_of(notice).state == NoticeState.APPROVED
    assert mails() == []
    hand_in(other, notice)
    row = row_of(notice)
    assert row.state == NoticeState.SENT
    assert given(incident) == [(GDPR, None)]
    answered = asked(one, incident)
    assert (answered.given_at, answered.is_late) == (row.sent_at, False)
    assert [said for _kind, said, _why in timeline(incident)] == [
        "A form to an authority was approved. It is to be handed in.",
        "GDPR: Art. 33(1)",
    ]
    with transaction(SYSTEM) as tx:
        kinds = tx.scalars(select(NoticeStep.kind).where(NoticeStep.notice_id == row.id)).all()
        verbs = tx.scalars(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(2)).all()
    assert kinds == [StepKind.PROPOSED, StepKind.APPROVED, StepKind.HANDED_IN]
    assert verbs == ["notices.hand-in", "incidents.give-notice"]
    told = [said for _to, said in mails("notifications.notice-step")]
    for said, words in zip(told, ("waits for you", "was approved", "was handed in"), strict=True):
        assert words in said
    # Once.
    with pytest.raises(Rejected, match="not as it was"):
        hand_in(one, notice)


def test_what_was_proposed_stays_whatever_becomes_known(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = write(founders[0], incident)
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).where(_of(incident)).values(students=900))
    with transaction(founders[1]) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == notice)).one()
        assert facts.known_of(tx, row)["there"]["students"] == 2
    notices.take_back_notice(principal=founders[1], notice=notice)
    with transaction(founders[1]) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == notice)).one()
        assert facts.known_of(tx, row)["there"]["students"] == 900
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    row = row_of(notice)
    assert row.facts is not None
    assert row.facts["there"]["students"] == 900


@pytest.mark.parametrize("name", ["nature", "records", "consequences", "measures", "contact", "later"])
def test_each_thing_that_the_law_asks_is_said(world: World, founders: Founders, name: str) -> None:
    notice = write(founders[0], at_home(world, founders[0]), **{name: " "})
    with pytest.raises(Rejected) as rejected:
        notices.propose_notice(principal=founders[0], notice=notice, version=0)
    assert set(rejected.value.fields) == {f"en_{name}"}


@pytest.mark.parametrize("name", ["nature", "when", "measures", "told", "offered", "contact"])
def test_and_what_states_ask(world: World, founders: Founders, name: str) -> None:
    incident = at_home(world, founders[0], place="US-CA")
    with transaction(SYSTEM) as tx:
        tx.execute(update(ConcernedSchool).where(_of(incident)).values(students=900))
    notice = write(founders[0], incident, CALIFORNIA, **{name: ""})
    assert row_of(notice).template == "authority-state"
    with pytest.raises(Rejected) as rejected:
        notices.propose_notice(principal=founders[0], notice=notice, version=0)
    assert set(rejected.value.fields) == {f"en_{name}"}


@pytest.mark.parametrize("hours", [71.2, 80])
def test_what_comes_late_says_why_before_anybody_approves(
    world: World, founders: Founders, hours: float
) -> None:
    incident = at_home(world, founders[0], ago=hours)
    notice = write(founders[0], incident)
    with pytest.raises(Rejected, match="why it comes late"):
        notices.propose_notice(principal=founders[0], notice=notice, version=0)
    notices.edit_notice(
        principal=founders[0], notice=notice, said={"en": {**SAID, "delay": DELAY}}, version=0
    )
    notices.propose_notice(principal=founders[0], notice=notice, version=1)
    notices.approve_notice(principal=founders[1], notice=notice, version=1)
    hand_in(founders[0], notice)
    # What the form says itself is the reason of the clock.
    assert given(incident) == [(GDPR, DELAY)]


def test_what_became_late_while_it_waited_is_taken_back(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = write(founders[0], incident)
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    long_ago = clock.now() - timedelta(hours=80)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Incident).where(Incident.public_id == incident).values(noticed_at=long_ago))
    with pytest.raises(Rejected, match="why it comes late"):
        notices.approve_notice(principal=founders[1], notice=notice, version=0)
    waited(notice)
    with pytest.raises(Rejected, match="why it comes late"):
        notices.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    assert row_of(notice).state == NoticeState.PROPOSED


def test_what_is_handed_in_late_asks_why(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = approve(founders, incident)
    long_ago = clock.now() - timedelta(hours=80)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Incident).where(Incident.public_id == incident).values(noticed_at=long_ago))
    with pytest.raises(Rejected) as rejected:
        hand_in(founders[0], notice)
    assert "late_reason" in rejected.value.fields
    assert row_of(notice).state == NoticeState.APPROVED
    hand_in(founders[0], notice, late_reason=DELAY)
    assert given(incident) == [(GDPR, DELAY)]


def test_when_it_was_handed_in(world: World, founders: Founders) -> None:
    notice = approve(founders, at_home(world, founders[0]))
    for at in (clock.now() - timedelta(minutes=5), clock.now() + timedelta(minutes=5)):
        with pytest.raises(Rejected) as rejected:
            hand_in(founders[0], notice, at)
        assert set(rejected.value.fields) == {"at"}
    # A form has whole minutes: the minute of the approval is meant to be after it.
    hand_in(founders[0], notice, clock.now().replace(second=0, microsecond=0))
    row = row_of(notice)
    assert row.sent_at == row.approved_at


def test_more_is_handed_in_later(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    first = approve(founders, incident)
    hand_in(founders[0], first)
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        said = begun(tx, row, wordings.newest(Audience.AUTHORITY, clocks.law().by_id(GDPR)))
    # Nobody types again what the authority was told before.
    assert said["en"]["measures"] == SAID["measures"]
    assert "later" not in said["en"]
    second = approve(founders, incident, later="All is known now.")
    row_second = row_of(second)
    assert row_second.facts is not None
    assert row_second.facts["given_at"] is not None
    hand_in(founders[0], second)
    assert given(incident) == [(GDPR, None)]
    assert timeline(incident)[-1][1] == "Further information was handed in: GDPR"


def test_what_no_law_asks_for_any_more_was_given_all_the_same(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = approve(founders, incident)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Incident).where(Incident.public_id == incident).values(risk=Risk.UNLIKELY))
    assert asked(founders[0], incident) is None
    hand_in(founders[0], notice)
    assert given(incident) == [(GDPR, None)]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Incident).where(Incident.public_id == incident).values(risk=Risk.RISK))
    assert asked(founders[0], incident).given_at is not None


def test_while_a_form_is_decided_about_nobody_writes_down_that_it_went_out(
    world: World, founders: Founders
) -> None:
    incident = at_home(world, founders[0])
    notice = write(founders[0], incident)
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    told: dict[str, Any] = {"incident": incident, "rule": GDPR, "school": None, "late_reason": ""}
    for _ in range(2):
        with pytest.raises(Rejected, match="hand it in or give it up"):
            schools.give_notice(principal=founders[0], at=clock.now(), **told)
        if row_of(notice).state == NoticeState.PROPOSED:
            notices.approve_notice(principal=founders[1], notice=notice, version=0)
    authorities.give_up(principal=founders[0], notice=notice, reason=REASON)
    schools.give_notice(principal=founders[0], at=clock.now(), **told)
    assert given(incident) == [(GDPR, None)]


def test_of_a_form_that_one_founder_approved_schools_are_told_nothing(
    world: World, founders: Founders
) -> None:
    notice = write(founders[0], at_home(world, founders[0]))
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    waited(notice)
    notices.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    assert sending.tell_schools(WORKER) == 0
    assert mails("notifications.notice-alone") == []
    (_told, said) = mails("notifications.notice-step")[-1]
    assert "A form to an authority was approved by one founder alone" in said


def test_nobody_approves_the_own_form(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = write(founders[0], incident)
    notices.propose_notice(principal=founders[0], notice=notice, version=0)
    with pytest.raises(Rejected, match="Another founder has to approve it"):
        notices.approve_notice(principal=founders[0], notice=notice, version=0)
    with pytest.raises(Rejected, match="not as it was"):
        hand_in(founders[0], notice)
    # Nor by going around the service.
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == notice)).one()
        assert not queries.hand_in(tx, row, handed=clock.now(), at=clock.now())
    with pytest.raises(Overtaken):
        notices.approve_notice(principal=founders[1], notice=notice, version=3)
    waited(notice)
    notices.approve_alone(principal=founders[0], notice=notice, version=0, reason=REASON)
    assert row_of(notice).review_due_at is not None
    hand_in(founders[0], notice)
    notices.review_notice(principal=founders[1], notice=notice)


def test_what_is_not_handed_in_is_given_up(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = approve(founders, incident)
    for do in (notices.pause_notice, notices.stop_notice, notices.take_down):
        with pytest.raises(Rejected):
            do(principal=founders[0], notice=notice, reason=REASON)
    with pytest.raises(Rejected, match="Say why it is not handed in"):
        authorities.give_up(principal=founders[0], notice=notice, reason="no")
    authorities.give_up(principal=founders[0], notice=notice, reason="The authority takes its own form alone")
    row = row_of(notice)
    assert (row.state, row.paused_at) == (NoticeState.ENDED, None)
    assert "It is not handed in." in mails("notifications.notice-step")[-1][1]
    assert given(incident) == []
    with pytest.raises(Rejected):
        hand_in(founders[0], notice)


def test_a_mailed_notice_is_neither_handed_in_nor_given_up(founders: Founders, incident: str) -> None:
    notice = let_out(founders, incident, Audience.STAFF)
    with pytest.raises(NotFound):
        hand_in(founders[0], notice)
    with pytest.raises(NotFound):
        authorities.give_up(principal=founders[0], notice=notice, reason=REASON)
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Notice).where(Notice.public_id == notice)).one()
        assert not queries.hand_in(tx, row, handed=clock.now(), at=clock.now())
        assert not queries.end(tx, row, at=clock.now(), reason=REASON)


def test_an_incident_is_not_closed_over_a_form(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    notice = write(founders[0], incident)
    notices.propose_notice(principal=founders[0], notice=notice, version=0)

    def close() -> None:
        services.close_incident(
            principal=founders[0], incident=incident, reason="All is well", although_open=True
        )

    with pytest.raises(Rejected, match="form to an authority waits"):
        close()
    notices.approve_notice(principal=founders[1], notice=notice, version=0)
    with pytest.raises(Rejected, match="form to an authority waits"):
        close()
    # Schools can come to it all the same: the form keeps what was known.
    schools.concern(principal=founders[0], incident=incident, place=world.outside.public_id)
    hand_in(founders[0], notice)
    close()


def test_only_a_rule_that_asks_is_answered(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    for rule in (CALIFORNIA, "eu-gdpr-34", "no-such-rule"):
        with pytest.raises(NotFound):
            write(founders[0], incident, rule)
    # Where schools own the data, it is they who tell.
    theirs = at_home(world, founders[0], role=Role.PROCESSOR)
    with pytest.raises(NotFound):
        write(founders[0], theirs)


def test_nobody_but_founders_who_proved_to_be_one(world: World, founders: Founders) -> None:
    notice = approve(founders, at_home(world, founders[0]))
    for role in ("leader", "teacher", "parent"):
        with pytest.raises((Denied, NotFound)):
            hand_in(world.sign_in(role), notice)
    with transaction(SYSTEM) as tx:
        tx.execute(update(AccountSession).values(proven_at=clock.now() - LASTS))
    with pytest.raises(ProofNeeded):
        hand_in(founders[0], notice)
    with pytest.raises(DBAPIError), transaction(founders[0]) as tx:
        tx.execute(update(Notice).values(rule=CALIFORNIA))


def test_a_drill_hands_in_too(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0], is_drill=True)
    notice = approve(founders, incident)
    hand_in(founders[0], notice)
    assert given(incident) == [(GDPR, None)]
    assert mails("notifications.notice-step") == []


def test_evidence_has_the_form(world: World, founders: Founders) -> None:
    incident = at_home(world, founders[0])
    hand_in(founders[0], approve(founders, incident))
    with transaction(founders[0]) as tx:
        row = tx.scalars(select(Incident).where(Incident.public_id == incident)).one()
        (told,) = content_of(tx, row, now=clock.now())["notices"]
    assert (told["audience"], told["rule"]) == ("authority", GDPR)
    assert told["facts"]["there"]["students"] == 2
    assert told["wording"]["en"]["contact"] == "[address left out]"
