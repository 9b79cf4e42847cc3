"""What reaches far is done only by who has just proved to be it, and who has to prove it is led back."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from backoffice import clock
from backoffice.access.permissions import STUDENTS_EXPORT
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import AccountSession
from backoffice.accounts.services import proof
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.audit.services import record_export
from backoffice.host.services import set_plugin, switch_plugin
from backoffice.plugin import Plugin
from backoffice.runtime import Runtime
from backoffice.schools.models import Student
from backoffice.staff.models import InvitedAs
from backoffice.staff.services import invitations, places
from plugins.rosters.importing.places import Target
from plugins.rosters.services import queue_upload
from tests.contract.pages import links
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import NO_LIMIT, PASSWORD, SYSTEM, World

Act = Callable[[World, Principal, tuple[Plugin, ...]], object]


def a_while_ago(which: int | None = None) -> None:
    """As if all, or one, had signed in more than ten minutes ago."""
    before = clock.now() - proof.LASTS - timedelta(seconds=1)
    change = update(AccountSession).values(proven_at=before)
    with transaction(SYSTEM) as tx:
        tx.execute(change if which is None else change.where(AccountSession.id == which))


def entries() -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AuditEntry)) or 0


ACTS: Mapping[str, tuple[str, Act]] = {
    "export": (
        "teacher",
        lambda _world, who, _installed: record_export(
            principal=who, rows=visible(who, select(Student), STUDENTS_EXPORT), schools=None
        ),
    ),
    "invite": (
        "leader",
        lambda world, who, _installed: invitations.invite(
            principal=who,
            school=world.home.public_id,
            email="far@people.example",
            name="Fay Far",
            role=InvitedAs.LEADER,
            classroom=None,
            throttles=NO_LIMIT,
        ),
    ),
    "invite known": (
        "leader",
        lambda world, who, _installed: invitations.invite_known(
            principal=who, accounts=[world.people["colleague"].public_id]
        ),
    ),
    "end a place": (
        "leader",
        lambda world, who, _installed: places.end_membership(
            principal=who,
            account=world.people["colleague"].public_id,
            school=world.home.public_id,
            heir=None,
        ),
    ),
    "bring in a roster": (
        "leader",
        lambda world, who, _installed: queue_upload(
            principal=who, target=Target(school=world.home.public_id), content=[b"PK"]
        ),
    ),
    "switch a plugin": (
        "founder",
        lambda _world, who, installed: switch_plugin(
            principal=who, installed=installed, name="rosters", enabled=False
        ),
    ),
    "set a plugin": (
        "founder",
        lambda _world, who, installed: set_plugin(
            principal=who, installed=installed, name="rosters", values={}
        ),
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_a_session_that_has_not_proved_it_lately_is_refused(
    world: World, runtime: Runtime, name: str
) -> None:
    role, act = ACTS[name]
    who = world.sign_in(role)
    a_while_ago(who.session_id)
    before = entries()
    with pytest.raises(ProofNeeded):
        act(world, who, runtime.plugins)
    assert entries() == before


@pytest.mark.parametrize("name", [each for each in ACTS if each != "invite known"])
def test_with_a_fresh_proof_it_is_done(world: World, runtime: Runtime, name: str) -> None:
    role, act = ACTS[name]
    before = entries()
    act(world, world.sign_in(role), runtime.plugins)
    assert entries() > before
    if name == "switch a plugin":
        # By the system, which is asked for no password: nobody's browser was left open there.
        switch_plugin(principal=SYSTEM, installed=runtime.plugins, name="rosters", enabled=True)


def test_an_export_leads_back_to_its_list_under_its_filter(app: Flask, world: World) -> None:
    client = signed_in(app, world, "teacher")
    a_while_ago()
    listed = f"/console/students/?classroom={world.own_class.public_id}"
    file = f"/console/students/export.csv?classroom={world.own_class.public_id}"
    assert file.rpartition("/")[2] in links(client.get(listed).text)
    assert client.get(file).location == "/account/prove"
    back = send(client, "/account/prove", {"password": PASSWORD})
    assert back.location == listed
    assert "Now do once more what you were about to do." in client.get(listed).text
    assert "once more" not in client.get(listed).text
    assert world.own_class.children[0].given in client.get(file).text


def test_a_form_leads_back_to_its_own_page(app: Flask, world: World) -> None:
    """With the school that was chosen, and to be sent once more."""
    client = signed_in(app, world, "leader")
    someone = world.people["helper"].public_id
    page = f"/console/teachers/{someone}/leave?school={world.home.public_id}"
    token = form_token(client.get(page).text)
    a_while_ago()
    sent = client.post(page, data={"csrf_token": token, "confirm": "yes"})
    assert sent.location == "/account/prove"
    assert send(client, "/account/prove", {"password": PASSWORD}).location == page
    again = client.get(page)
    assert (again.status_code, "do once more" in again.text) == (200, True)
    assert send(client, page, {"confirm": "yes"}).location == "/console/teachers/"


def test_looking_at_a_page_asks_for_nothing_once_more(app: Flask, world: World) -> None:
    client = signed_in(app, world, "leader")
    a_while_ago()
    assert client.get("/console/invitations/new").location == "/account/prove"
    assert send(client, "/account/prove", {"password": PASSWORD}).location == "/console/invitations/new"
    assert "do once more" not in client.get("/console/invitations/new").text
