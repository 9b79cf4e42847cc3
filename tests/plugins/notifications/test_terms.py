"""Contracts beside incidents: said before anything happens, by founders, for a district or a school."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.audit.models import AuditEntry
from backoffice.problems import Rejected
from plugins.notifications.contracts import NO_CLAUSE, Terms, terms_said
from plugins.notifications.models import Counted
from plugins.notifications.terms import services
from plugins.notifications.terms.models import ContractTerms
from tests.contract.pages import form_token
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.conftest import Opens
from tests.plugins.notifications.notices.conftest import proven
from tests.plugins.notifications.notices.test_pages import signed_in
from tests.plugins.notifications.test_contracts import concern, rows, state

HERE = "/console/contracts/"
DISTRICTS, OWN = Terms("contract-hours", 72, Counted.NOTICED), Terms("contract-hours", 24, Counted.CONFIRMED)


def say(world: World, terms: Terms | None, *, whole_district: bool = False, school: str = "") -> None:
    services.state_terms(
        principal=proven(world, "founder"),
        school=school or world.home.public_id,
        terms=terms,
        whole_district=whole_district,
    )


def known() -> dict[tuple[int | None, int | None], Terms]:
    with transaction(SYSTEM) as tx:
        return {
            (row.district_id, row.school_id): terms_said(row) for row in tx.scalars(select(ContractTerms))
        }


def at_next(world: World, made: str) -> dict[int | None, int | None]:
    concern(world, made, world.district)
    concern(world, made, world.outside.public_id)
    return {each.school_id: each.contract_hours for each in rows(made)}


def test_the_next_incident_knows_what_was_said_before_it(world: World, opens: Opens) -> None:
    say(world, DISTRICTS, whole_district=True)
    assert at_next(world, opens()) == {world.home.id: 72, world.elsewhere.id: 72, world.outside.id: None}
    say(world, OWN)
    assert at_next(world, opens()) == {world.home.id: 24, world.elsewhere.id: 72, world.outside.id: None}
    say(world, None)
    assert at_next(world, opens())[world.home.id] == 72
    say(world, Terms(NO_CLAUSE, 5, Counted.NOTICED))
    assert known()[None, world.home.id] == Terms(NO_CLAUSE)
    assert at_next(world, opens())[world.home.id] is None


def test_an_open_incident_keeps_what_was_said_at_it(world: World, opens: Opens) -> None:
    made = opens()
    concern(world, made)
    say(world, DISTRICTS, whole_district=True)
    assert rows(made)[0].contract_rule is None


def test_what_is_said_at_an_incident_is_in_the_list(world: World, opens: Opens) -> None:
    made = opens()
    here = concern(world, made, world.district)
    say(world, OWN, school=world.elsewhere.public_id)
    state(world, here[world.home.id], OWN)
    assert known()[None, world.home.id] == OWN
    state(world, here[world.home.id], DISTRICTS, whole_district=True)
    assert known() == {(world.district_id, None): DISTRICTS}


def test_a_drill_is_remembered_by_none(world: World, opens: Opens) -> None:
    made = opens(is_drill=True)
    state(world, concern(world, made)[world.home.id], OWN)
    assert known() == {}


def test_saying_it_takes_a_proof_and_is_noted_once(world: World) -> None:
    asked = select(AuditEntry.id).where(AuditEntry.verb == "contracts.state-terms")
    who = world.sign_in("founder")
    with transaction(SYSTEM) as tx:
        before = len(tx.scalars(asked).all())
        long_ago = update(AccountSession).where(AccountSession.id == who.session_id)
        tx.execute(long_ago.values(proven_at=clock.now() - timedelta(days=1)))
    with pytest.raises(proof.ProofNeeded):
        services.state_terms(principal=who, school=world.home.public_id, terms=OWN, whole_district=False)
    assert known() == {}
    for _ in range(2):
        say(world, OWN)
    with transaction(SYSTEM) as tx:
        assert len(tx.scalars(asked).all()) == before + 1
        (row,) = tx.scalars(select(ContractTerms))
        assert (row.said_by, row.said_at <= clock.now()) == (world.people["founder"].id, True)


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "parent"])
def test_nobody_else_says_or_reads_it(app: Flask, world: World, role: str) -> None:
    say(world, OWN)
    for whole in (False, True):
        with pytest.raises(NotFound):
            services.state_terms(
                principal=proven(world, role), school=world.home.public_id, terms=None, whole_district=whole
            )
    browser = signed_in(app, world, role)
    for page in (HERE, f"{HERE}{world.home.public_id}", f"{HERE}{world.home.public_id}/district"):
        assert browser.get(page).status_code == 404
    with transaction(world.sign_in(role)) as tx:
        assert tx.scalars(select(ContractTerms)).all() == []
        tx.execute(select(func.plugin_notifications.forget_contract_terms(world.home.id, None)))
    with pytest.raises(DBAPIError), transaction(world.sign_in(role)) as tx:
        tx.execute(delete(ContractTerms))
    with pytest.raises(DBAPIError), transaction(world.sign_in(role)) as tx:
        values = {"school_id": world.elsewhere.id, "rule": "none", "said_at": clock.now()}
        tx.execute(ContractTerms.__table__.insert().values(**values, said_by=tx.principal.account_id))
    assert len(known()) == 1


def test_a_founder_says_it_in_nobody_elses_name(world: World) -> None:
    values = {"school_id": world.elsewhere.id, "rule": "none", "said_at": clock.now()}
    with pytest.raises(DBAPIError), transaction(world.sign_in("founder")) as tx:
        tx.execute(ContractTerms.__table__.insert().values(**values, said_by=world.people["leader"].id))
    with pytest.raises(DBAPIError), transaction(SYSTEM) as tx:
        both = {"school_id": world.home.id, "district_id": world.district_id}
        tx.execute(ContractTerms.__table__.insert().values(**{**values, **both}))


def test_hours_have_to_be_said(world: World) -> None:
    with pytest.raises(Rejected) as refused:
        say(world, Terms("contract-hours"))
    assert list(refused.value.fields) == ["hours"]


def test_districts_stand_first_and_schools_that_differ_below(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    page = browser.get(HERE).text
    assert page.index("Quillfeather District") < page.index(world.outside.name)
    assert world.home.name not in page
    assert "Nobody has said yet" in page
    address = f"{HERE}{world.home.public_id}/district"
    form = browser.get(address)
    assert "Quillfeather District" in form.text
    sent = {"csrf_token": form_token(form.text), "terms": "contract-hours", "start": "noticed"}
    assert browser.post(address, data=sent).status_code == 422
    assert browser.post(address, data={**sent, "hours": "72"}).status_code == 303
    own = f"{HERE}{world.elsewhere.public_id}"
    assert "As its district" in browser.get(own).text
    assert browser.post(own, data={**sent, "hours": "24"}).status_code == 303
    page = browser.get(HERE).text
    assert "From when we noticed it: 72 hours" in page
    assert world.elsewhere.name in page
    assert world.home.name not in page
    of_district = browser.get(f"{HERE}?district={world.district}").text
    assert "Its district&#39;s" in of_district
    assert world.home.name in of_district
    assert world.outside.name not in of_district
    unsaid = browser.get(f"{HERE}?said=nobody").text
    assert world.outside.name in unsaid
    assert world.home.name not in unsaid
    file = browser.get(f"{HERE}export.csv").get_data(as_text=True)
    assert world.elsewhere.name in file
    assert "24 hours" in file


def test_a_school_of_no_district_has_none_to_be_said_of(app: Flask, world: World) -> None:
    browser = signed_in(app, world, "founder")
    assert browser.get(f"{HERE}{world.outside.public_id}").status_code == 200
    assert browser.get(f"{HERE}{world.outside.public_id}/district").status_code == 404
