"""Two founders hold and two release; one alone does neither, and nobody else anything."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.transaction import transaction
from backoffice.accounts.services.proof import LASTS, ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.outbox.models import MailContent
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import queries, services
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.problems import Rejected
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from tests.factories.world import SYSTEM, World
from tests.privacy.holds.conftest import (
    REASON,
    WHO,
    Founders,
    Hold,
    in_days,
    propose,
    proven,
    release,
    row_of,
)


def told() -> dict[str, str]:
    with transaction(SYSTEM) as tx:
        return {
            to: said.decode() for to, said in tx.execute(select(MailContent.recipient, MailContent.message))
        }


def test_from_the_proposal_to_the_release(world: World, founders: Founders) -> None:
    hold = propose(founders[0], Subject.STUDENT, world.own_class.children[0].public_id)
    row = row_of(hold)
    assert (row.state, row.subject_id, row.reason) == (
        HoldState.PROPOSED,
        world.own_class.children[0].id,
        REASON,
    )
    said = told()
    assert set(said) == {"outsider@people.example"}
    assert "Subject: A legal hold waits for you" in said["outsider@people.example"]
    assert REASON not in said["outsider@people.example"]
    services.confirm_hold(principal=founders[1], hold=hold)
    services.ask_for_release(principal=founders[0], hold=hold)
    services.release_hold(principal=founders[1], hold=hold)
    row = row_of(hold)
    assert row.state == HoldState.RELEASED
    assert (row.proposed_by, row.confirmed_by, row.release_by, row.ended_by) == (
        founders[0].account_id,
        founders[1].account_id,
        founders[0].account_id,
        founders[1].account_id,
    )
    with transaction(SYSTEM) as tx:
        entries = tx.execute(select(AuditEntry.verb, AuditEntry.school_id).order_by(AuditEntry.id)).all()
    noted = [tuple(each) for each in entries if each.verb.startswith("holds.")]
    # In no school's trail: its leaders do not learn that there is one.
    assert noted == [(f"holds.{step}", None) for step in ("propose", "confirm", "ask-for-release", "release")]


def test_one_founder_alone_neither_holds_nor_releases(world: World, founders: Founders, held: Hold) -> None:
    one, _other = founders
    hold = propose(one, Subject.CLASSROOM, world.own_class.public_id)
    with pytest.raises(Rejected, match="second founder"):
        services.confirm_hold(principal=one, hold=hold)
    with transaction(one) as tx:
        assert not functions.confirm_hold(tx, number=row_of(hold).id, at=clock.now())
    assert row_of(hold).state == HoldState.PROPOSED
    firm = held(Subject.CLASSROOM, world.colleague_class.public_id)
    with pytest.raises(Rejected):
        services.release_hold(principal=one, hold=firm)
    services.ask_for_release(principal=one, hold=firm)
    with pytest.raises(Rejected, match="second founder"):
        services.release_hold(principal=one, hold=firm)
    with transaction(one) as tx:
        assert not functions.release_hold(tx, number=row_of(firm).id, at=clock.now())
    assert row_of(firm).state == HoldState.IN_FORCE


@pytest.mark.parametrize("state", ["in force", "released"])
def test_the_database_takes_a_proposal_and_nothing_else(world: World, founders: Founders, state: str) -> None:
    values = {
        "public_id": new_public_id(),
        "subject": "classroom",
        "subject_id": world.own_class.id,
        "state": state,
        "review_on": in_days(3),
        "proposed_by": founders[0].account_id,
        "proposed_at": clock.now(),
        "confirmed_at": clock.now(),
        "ended_at": clock.now() if state == "released" else None,
    }
    with pytest.raises(DBAPIError, match="row-level security"), transaction(founders[0]) as tx:
        tx.execute(insert(LegalHold).values(id=tx.take_id(LegalHold), **values))
    with pytest.raises(DBAPIError, match="permission denied"), transaction(founders[0]) as tx:
        tx.execute(update(LegalHold).values(state="released"))


@pytest.mark.parametrize("role", ["leader", "teacher", "officer", "parent"])
def test_nobody_else_sees_or_does_anything(world: World, held: Hold, role: str) -> None:
    hold, who = held(Subject.STUDENT, world.own_class.children[0].public_id), proven(world, role)
    with pytest.raises(Denied):
        propose(who, Subject.STUDENT, world.own_class.children[1].public_id)
    for step in (
        services.confirm_hold,
        services.withdraw_hold,
        services.ask_for_release,
        services.release_hold,
    ):
        with pytest.raises(Denied):
            step(principal=who, hold=hold)
    with transaction(who) as tx:
        assert tx.scalars(select(LegalHold)).all() == []
        number = row_of(hold).id
        assert not functions.withdraw_hold(tx, number=number, at=clock.now())
        assert not functions.ask_for_release(tx, number=number, at=clock.now())
        assert not functions.release_hold(tx, number=number, at=clock.now())
        assert not functions.review_hold(tx, number=number, review_on=in_days(1))
        assert (
            functions.subject_to_hold(tx, subject="account", public_id=world.people[role].public_id) is None
        )
        assert queries.number_in_force(tx) == 1
    assert row_of(hold).state == HoldState.IN_FORCE


def test_without_a_fresh_proof_nothing_is_done(
    world: World, founders: Founders, held: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = held(Subject.STUDENT, world.own_class.children[0].public_id)
    later = clock.now() + LASTS + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with pytest.raises(ProofNeeded):
        propose(founders[0], Subject.STUDENT, world.own_class.children[1].public_id)
    with pytest.raises(ProofNeeded):
        services.ask_for_release(principal=founders[0], hold=hold)


def test_what_is_wrong_is_said(world: World, founders: Founders) -> None:
    child = world.own_class.children[0].public_id
    usual = {"principal": founders[0], "subject": Subject.STUDENT, "public_id": child, "reason": REASON}
    for day in (in_days(0), in_days(-1), in_days(368)):
        with pytest.raises(Rejected, match="within twelve months"):
            services.propose_hold(**usual, review_on=day)  # type: ignore[arg-type]
    with pytest.raises(Rejected, match="Say why"):
        services.propose_hold(**{**usual, "reason": " short "}, review_on=in_days(3))  # type: ignore[arg-type]
    for wrong in ("", "x" * 16, world.own_class.public_id):
        with pytest.raises(Rejected, match="nothing of this kind"):
            services.propose_hold(**{**usual, "public_id": wrong}, review_on=in_days(3))  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        services.confirm_hold(principal=founders[0], hold="x" * 16)


def test_a_proposal_lapses_after_72_hours_and_says_so(
    world: World, founders: Founders, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = propose(founders[0], Subject.STUDENT, world.own_class.children[0].public_id)
    began = row_of(hold).proposed_at
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(hours=72) - timedelta(seconds=1))
    assert services.let_lapse(WHO) == 0
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(hours=72))
    assert services.let_lapse(WHO) == 1
    assert row_of(hold).state == HoldState.LAPSED
    assert set(told()) >= {"founder@people.example", "outsider@people.example"}


def test_a_hold_never_lapses_and_founders_are_reminded_once_a_week(
    world: World, founders: Founders, held: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = held(Subject.STUDENT, world.own_class.children[0].public_id)
    began, said = clock.now(), []
    for day in range(110):
        monkeypatch.setattr(clock, "now", lambda day=day: began + timedelta(days=day))
        services.let_lapse(WHO)
        said += [day] * services.remind(WHO)
    assert said == [91, 98, 105]
    assert row_of(hold).state == HoldState.IN_FORCE
    assert "overdue" in told()["founder@people.example"]
    monkeypatch.undo()
    services.ask_for_release(principal=founders[0], hold=hold)
    services.review_hold(principal=founders[1], hold=hold, review_on=in_days(300))
    row = row_of(hold)
    assert (row.review_on, row.release_by, row.reminded_at) == (in_days(300), None, None)


def test_of_what_was_erased_the_hold_names_nobody(world: World, founders: Founders, held: Hold) -> None:
    hold = held(Subject.ACCOUNT, world.people["colleague"].public_id)
    release(founders, hold)
    assert row_of(hold).reason == REASON
    with transaction(SYSTEM) as tx:
        tx.execute(text("update app.legal_hold set subject_id = null, outside = null, reason = null"))
    with transaction(founders[0]) as tx:
        assert [each.public_id for each in queries.standing(tx)] == []
        assert hold in [each.public_id for each in queries.ended(tx)]
